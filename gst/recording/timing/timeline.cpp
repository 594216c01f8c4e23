// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/timeline.h"

#include <algorithm>
#include <utility>

namespace trailingmp4 {
namespace {

// No clock is there, and sums and differences of two such times still fit.
int64_t held(int64_t time) {
  constexpr int64_t kEarliest = -(int64_t{1} << 60), kLatest = (int64_t{1} << 62) - kEarliest;
  return std::clamp(time, kEarliest, kLatest);
}

}  // namespace

void Timeline::announce_start(std::optional<int64_t> at) {
  clock_.announce_start(at ? std::optional(held(*at)) : at);
}

void Timeline::announce_gap(int64_t until) { clock_.announce_gap(held(until)); }

void Timeline::leave_track() {
  if (!last_track_) return;
  if (!std::holds_alternative<SparseTimes>(*last_track_)) next_ = own_next(*last_track_, {});
  left_track_ = std::exchange(last_track_, nullptr);
}

Timeline::Placed Timeline::place(TrackTimes& track, const Stamps& stamps) {
  if (last_track_ != &track) leave_track();
  auto* sparse = std::get_if<SparseTimes>(&track);
  const Placed placed = sparse ? place_sparse(*sparse, stamps) : place_steady(track, stamps);
  last_track_ = &track;
  has_last_ = true;
  last_end_ = std::visit([](const auto& times) { return times.last_end(); }, track);
  return placed;
}

Timeline::Placed Timeline::place_steady(TrackTimes& track, const Stamps& stamps) {
  const int64_t pts = time_of(stamps);
  auto* video = std::get_if<VideoTimes>(&track);
  VideoTimes::Picture picture{pts, {}, stamps.duration, stamps.bidirectional};
  if (stamps.dts) picture.dts = held(*stamps.dts);
  const bool by_dts = video && video->goes_by_dts(picture);
  const auto offset =
      clock_.follow(by_dts ? *picture.dts : pts, stamps.arrival, next_of(track, picture));
  if (!offset) return {Verdict::kForbiddenGap, {}};
  picture.pts += *offset;
  picture.steady = clock_.is_steady();
  // Of another clock than the one that the offset is of, where it is not in use.
  if (picture.dts && __builtin_add_overflow(*picture.dts, *offset, &*picture.dts))
    picture.dts.reset();
  Placed placed{Verdict::kPlaced, {}};
  std::optional<mp4::SampleTimes> times;
  if (video) {
    times = video->place(picture);
  } else if (auto* audio = std::get_if<AudioTimes>(&track)) {
    times = audio->place(picture.pts, stamps.length);
  } else if (const auto place = std::get<PcmTimes>(track).place(picture.pts, stamps.length)) {
    times = mp4::SampleTimes{place->at, place->at, stamps.length - place->cut};
    placed.cut = place->cut;
  }
  if (!times) return {Verdict::kLeftOut, {}};
  placed.times = *times;
  return placed;
}

// What is said now and then has no clock of its own to be judged by: it goes with the tracks that
// it belongs to.
Timeline::Placed Timeline::place_sparse(SparseTimes& track, const Stamps& stamps) {
  const int64_t raw = time_of(stamps);
  const int64_t pts = held(raw + shared_.first_offset(&clock_, raw));
  const auto pause = track.pause_before(pts);
  Placed placed{Verdict::kPlaced, track.place(pts, held(stamps.duration.value_or(0)))};
  placed.pause = pause;
  return placed;
}

// The presentation time; where there is none, what follows from the predecessor.
int64_t Timeline::time_of(const Stamps& stamps) {
  if (stamps.pts) return held(*stamps.pts);
  counters_.missing_pts.add();
  if (stamps.dts) return held(*stamps.dts);
  if (has_last_) return last_end_ - clock_.offset();
  return shared_.latest_end().value_or(0);
}

std::optional<StreamClock::Next> Timeline::own_next(const TrackTimes& track,
                                                    const VideoTimes::Picture& picture) {
  if (const auto* video = std::get_if<VideoTimes>(&track)) return video->next(picture);
  if (const auto* audio = std::get_if<AudioTimes>(&track)) return audio->next();
  if (const auto* pcm = std::get_if<PcmTimes>(&track)) return pcm->next();
  return std::nullopt;
}

// A pad's clock goes on where its parameters, and so its track, become others; the sample that
// gets longer meanwhile is the track's own last one. A track that was left may be the one that the
// stream goes on with, unless it is a new one in the place where that was.
std::optional<StreamClock::Next> Timeline::next_of(const TrackTimes& track,
                                                   const VideoTimes::Picture& picture) const {
  const auto own = own_next(track, picture);
  const bool is_left = last_track_ == nullptr && left_track_ == &track && own;
  if (last_track_ == &track || is_left || !next_) return own;
  auto next = next_;
  if (own) next->longest = std::max<int64_t>(0, own->time + own->longest - next->time);
  return next;
}

}  // namespace trailingmp4
