// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timeline.h"

#include <algorithm>
#include <cstdlib>

namespace trailingmp4 {
namespace {

using mp4::SampleTimes;
using mp4::Ticks;

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = mp4::kNanosecondsPerSecond;
constexpr int64_t kFarthest = int64_t{1} << 61;        // far beyond any clock, safe to add to
constexpr int64_t kExpectedStep = 200 * kMillisecond;  // more than pictures are reordered
constexpr int64_t kUnexpectedStep = 10 * kSecond;      // more than any jitter
constexpr int64_t kSameStep = 5 * kSecond;
constexpr int64_t kLargestLead = 100 * kMillisecond;
constexpr int64_t kLongestGap = 6 * 3600 * kSecond;  // fits 32 bits of ticks at 192 kHz
constexpr int64_t kLargestReorder = 10 * kSecond;

}  // namespace

int64_t Anchors::agree(int64_t ns, int64_t own_end, int64_t distance, uint64_t& seen) {
  const std::lock_guard lock(mutex_);
  const bool same_step = steps_ > seen && std::abs(ns - at_) < kSameStep;
  if (!same_step || ns + offset_ < own_end - kLargestLead) {
    offset_ = std::max(own_end, latest_end_().value_or(own_end)) + distance - ns;
    at_ = ns;
    ++steps_;
  }
  seen = steps_;
  return offset_;
}

std::optional<SampleTimes> Timeline::place(const Stamps& stamps) {
  const int64_t pts = time_of(stamps);
  follow_steps(stamps.dts && stamps.pts ? std::min(*stamps.dts, pts) : pts);
  std::optional<SampleTimes> times = stream_.frame ? place_audio(pts) : place_video(stamps, pts);
  if (!times) return times;
  if (started_) last_step_ = times->dts - last_.dts;
  last_ = *times;
  started_ = true;
  return times;
}

// The presentation time; where there is none, what follows from the predecessor.
int64_t Timeline::time_of(const Stamps& stamps) {
  if (stamps.pts) return std::clamp(*stamps.pts, -kFarthest, kFarthest);
  counters_.missing_pts.add();
  if (stamps.dts) return std::clamp(*stamps.dts, -kFarthest, kFarthest);
  if (started_) return end_ns() - offset_;
  return anchors_.latest_end().value_or(0) - offset_;
}

int64_t Timeline::end_ns() const {
  const Ticks step = last_.duration ? last_.duration
                     : last_step_   ? last_step_
                                    : stream_.timescale.ticks_per_second / 30;
  return stream_.timescale.to_ns((stream_.frame ? last_.dts : last_.pts) + step);
}

void Timeline::follow_steps(int64_t ns) {
  const int64_t at = ns + offset_;
  if (started_) {
    const int64_t last = stream_.timescale.to_ns(last_.dts);
    const int64_t tolerance = step_back_expected_ ? kExpectedStep : kUnexpectedStep;
    if (at < last - tolerance) {
      offset_ = anchors_.agree(ns, end_ns(), 0, seen_steps_);
      counters_.reanchored.add();
    }
  }
  step_back_expected_ = false;
  const auto end = started_ ? end_ns() : anchors_.latest_end();
  if (end && ns + offset_ > *end + kLongestGap) {
    offset_ = anchors_.agree(ns, *end, kLongestGap, seen_steps_);
    counters_.gaps_shortened.add();
  }
}

Ticks Timeline::known_duration(const Stamps& stamps) const {
  if (!stamps.duration) return 0;
  return stream_.timescale.from_ns(std::clamp<int64_t>(*stamps.duration, 0, kLongestGap));
}

SampleTimes Timeline::place_video(const Stamps& stamps, int64_t pts_ns) {
  SampleTimes times{0, ticks(pts_ns), known_duration(stamps)};
  times.dts = times.pts;
  if (!started_) uses_dts_ = stamps.dts.has_value();
  if (uses_dts_) {
    const Ticks latest = times.pts;
    const Ticks earliest = latest - stream_.timescale.from_ns(kLargestReorder);
    const Ticks dts = stamps.dts ? ticks(std::clamp(*stamps.dts, -kFarthest, kFarthest)) : 0;
    const bool usable =
        stamps.dts && dts >= earliest && dts <= latest && (!started_ || dts > last_.dts);
    if (!usable) counters_.unusable_dts.add();
    times.dts = usable ? dts : started_ ? last_.dts + 1 : latest;
  }
  if (started_ && times.dts <= last_.dts) times.dts = last_.dts + 1;
  if (times.pts < times.dts) {
    times.pts = times.dts;
    counters_.moved.add();
  }
  return times;
}

std::optional<SampleTimes> Timeline::place_audio(int64_t pts_ns) {
  const Ticks pts = ticks(pts_ns);
  Ticks at = pts;
  if (started_) {
    const Ticks expected = last_.dts + stream_.frame;
    const Ticks lead = expected - pts;
    if (std::abs(lead) <= stream_.frame / 2) {
      at = expected;
    } else if (lead < 0) {
      counters_.frames_stretched.add();
    } else if (lead > stream_.timescale.from_ns(kLargestLead)) {
      counters_.frames_left_out.add();
      return std::nullopt;
    } else {
      at = std::max(last_.dts + stream_.frame / 2, pts);
      counters_.frames_shortened.add();
    }
  }
  return SampleTimes{at, at, stream_.frame};
}

}  // namespace trailingmp4
