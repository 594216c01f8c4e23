// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/video_times.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace trailingmp4 {
namespace {

using mp4::SampleTimes;
using mp4::Ticks;

constexpr int64_t kSecond = mp4::kNanosecondsPerSecond;
constexpr unsigned kDeepest = 16;  // MaxDpbFrames of H.264 A.3.1 and MaxDpbSize of H.265 A.4.2
constexpr std::size_t kPlacedAnew = 256;          // more pictures than a first fragment has
constexpr int64_t kLargestOffset = 10 * kSecond;  // from decoding to presentation
constexpr int64_t kLargestLag =
    3600 * kSecond;  // from presentation to decoding; offsets have 32 bits
constexpr int64_t kLargestMore = kSecond / 5;  // than any offset before, or 16 pictures
constexpr Ticks kPicturesPerSecond = 30;       // where nothing is known

// The median of the distances between neighbours in presentation.
Ticks usual_distance(std::vector<Ticks> times, Ticks one_more) {
  times.push_back(one_more);
  std::sort(times.begin(), times.end());
  std::vector<Ticks> distances;
  for (std::size_t i = 1; i < times.size(); ++i) distances.push_back(times[i] - times[i - 1]);
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>((distances.size() - 1) / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return std::max<Ticks>(1, *middle);
}

}  // namespace

VideoTimes::VideoTimes(mp4::Timescale timescale, std::optional<int64_t> picture_ns,
                       Counters& counters, Retime retime)
    : timescale_(timescale),
      counters_(counters),
      retime_(std::move(retime)),
      pace_(picture_ns ? timescale.from_ns(*picture_ns)
                       : timescale.ticks_per_second / kPicturesPerSecond),
      pace_is_guess_(true) {
  pace_ = std::clamp<Ticks>(pace_, 1, Ticks{60} * timescale.ticks_per_second);
}

// It never shrinks: decode times would stand still meanwhile.
void VideoTimes::set_depth(std::optional<unsigned> depth) {
  depth_is_known_ = depth.has_value();
  if (depth) depth_ = std::max(depth_, std::min(*depth, kDeepest));
}

// Not after the presentation, and not much further before it than ever.
bool VideoTimes::is_usable(Ticks pts, Ticks dts) const {
  if (dts > pts) return false;
  const Ticks more = std::max(timescale_.from_ns(kLargestMore), Ticks{kDeepest} * pace_);
  const Ticks most = started_ ? largest_offset_ + more : timescale_.from_ns(kLargestOffset);
  return pts - dts <= most;
}

bool VideoTimes::goes_by_dts(const Picture& picture) const {
  if (!picture.dts || (started_ && !uses_dts_)) return false;
  return is_usable(timescale_.from_ns(picture.pts), timescale_.from_ns(*picture.dts));
}

std::optional<StreamClock::Next> VideoTimes::next(const Picture& picture) const {
  if (!started_) return std::nullopt;
  const bool by_dts = goes_by_dts(picture);
  const bool may_grow = !by_dts && !depth_is_known_ && (bidirectional_ || picture.bidirectional);
  const int64_t pace = timescale_.to_ns(pace_);
  const int64_t longest = timescale_.to_ns(int64_t{INT32_MAX}) - kLargestOffset - pace;
  return StreamClock::Next{timescale_.to_ns(last_.dts + pace_), pace, longest,
                           !by_dts && (depth_ > 0 || may_grow),
                           may_grow ? int64_t{kDeepest} * pace : 0};
}

SampleTimes VideoTimes::place(const Picture& picture) {
  const Ticks pts = free_pts(timescale_.from_ns(picture.pts));
  const Ticks given = timescale_.from_ns(picture.dts.value_or(picture.pts));
  if (!started_) uses_dts_ = picture.dts.has_value();
  const bool usable = picture.dts && is_usable(pts, given) && (!started_ || given > last_.dts);
  if (uses_dts_ && !usable) {
    uses_dts_ = false;
    counters_.unusable_dts.add();
  }
  bidirectional_ = bidirectional_ || picture.bidirectional;
  learn_depth(pts, picture.steady);
  const Ticks derived = derived_dts(pts);
  SampleTimes times{uses_dts_ ? given : derived, pts, 0};
  if (uses_dts_) largest_offset_ = std::max(largest_offset_, pts - given);
  times.dts = std::max(times.dts, pts - largest_lead());
  if (started_) times.dts = std::max(times.dts, last_.dts + 1);
  const Ticks earliest = depth_ == 0 ? times.dts : times.dts - timescale_.from_ns(kLargestLag);
  if (times.pts < earliest) {
    times.pts = earliest;
    counters_.moved.add();
  }
  if (picture.duration)
    times.duration = timescale_.from_ns(std::clamp<int64_t>(*picture.duration, 0, 3600 * kSecond));
  if (started_ && picture.steady) learn_pace(times.dts - last_.dts);
  ++pictures_;
  last_ = times;
  started_ = true;
  return times;
}

// No two pictures are presented at the same time.
Ticks VideoTimes::free_pts(Ticks pts) {
  if (depth_ == 0) return pts;
  const Ticks wanted = pts;
  while (std::find(recent_.begin(), recent_.end(), pts) != recent_.end()) ++pts;
  if (pts != wanted) counters_.moved.add();
  return pts;
}

// Where the parameter sets do not say how far pictures are reordered, the pictures do: one with B
// slices that is presented before some that came earlier.
void VideoTimes::learn_depth(Ticks pts, bool steady) {
  const auto later = static_cast<unsigned>(
      std::count_if(recent_.begin(), recent_.end(), [&](Ticks other) { return other > pts; }));
  if (steady && later > depth_ && !depth_is_known_ && bidirectional_) {
    if (!uses_dts_ && !place_anew(later, pts)) counters_.depth_grown.add();
    depth_ = later;
  }
  recent_.push_back(pts);
  if (recent_.size() > kDeepest) recent_.erase(recent_.begin());
  if (all_.size() <= kPlacedAnew) all_.push_back(pts);
}

// As if the depth had been known from the first picture on.
bool VideoTimes::place_anew(unsigned depth, Ticks pts) {
  if (all_.size() > kPlacedAnew || all_.empty()) return false;
  pace_ = usual_distance(all_, pts);
  std::vector<Ticks> waiting, decode_times;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    waiting.insert(std::upper_bound(waiting.begin(), waiting.end(), all_[i]), all_[i]);
    Ticks dts = all_[0] - static_cast<Ticks>(depth - std::min<std::size_t>(i, depth)) * pace_;
    if (i >= depth) {
      dts = waiting.front();
      waiting.erase(waiting.begin());
    }
    if (i > 0) dts = std::max(dts, decode_times.back() + 1);
    decode_times.push_back(dts);
  }
  if (!retime_ || !retime_(decode_times)) {
    all_.resize(kPlacedAnew + 1);
    return false;
  }
  waiting_ = std::move(waiting);
  last_.dts = decode_times.back();
  return true;
}

// The smallest of the presentation times that have not been one; as many as the depth wait. Before
// there are as many, decode times are made up backwards from the first.
Ticks VideoTimes::derived_dts(Ticks pts) {
  waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), pts), pts);
  if (waiting_.size() > depth_) {
    const Ticks dts = waiting_.front();
    waiting_.erase(waiting_.begin());
    return dts;
  }
  if (!started_) return pts - static_cast<Ticks>(depth_) * pace_;
  return last_.dts + (all_.size() <= depth_ ? pace_ : 1);
}

// Behind a gap, decoding does not stay in the time before it.
Ticks VideoTimes::largest_lead() const {
  return std::max(timescale_.from_ns(kLargestOffset), Ticks{kDeepest + 1} * pace_);
}

// Fast at first and where the stream has another pace, else slowly: it is also gone on by alone.
void VideoTimes::learn_pace(Ticks step) {
  const bool usual = pictures_ > 16 && std::abs(step - pace_) < pace_ / 2;
  if (std::exchange(pace_is_guess_, false) && depth_ == 0 && !uses_dts_)
    pace_ = std::min<Ticks>(step, Ticks{60} * timescale_.ticks_per_second);
  else
    pace_ = std::max<Ticks>(1, pace_ + (std::min(step, 2 * pace_) - pace_) / (usual ? 32 : 8));
}

}  // namespace trailingmp4
