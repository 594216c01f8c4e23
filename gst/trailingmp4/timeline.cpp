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
constexpr int64_t kLargestRaise = 5 * kSecond;
constexpr int64_t kSmallestRaise = 10 * kMillisecond;  // less is jitter
constexpr int64_t kLargestLead = 100 * kMillisecond;
constexpr int64_t kLongestGap = 6 * 3600 * kSecond;
constexpr int64_t kLargestOffset = 10 * kSecond;  // from decoding to presentation
constexpr int64_t kLargestMadeUpOffset = kSecond;

}  // namespace

int64_t Anchors::agree(const Step& step, uint64_t& seen) {
  const std::lock_guard lock(mutex_);
  if (const auto offset = join_step(step, seen)) return *offset;
  const int64_t end = std::max(step.own_end, latest_end_().value_or(step.own_end));
  offset_ = std::max(step.own_end - step.first, end + step.distance - step.at);
  at_ = step.at;
  seen = ++steps_;
  revision_.fetch_add(1, std::memory_order_release);
  return offset_;
}

std::optional<int64_t> Anchors::join(const Step& step, uint64_t& seen) {
  const std::lock_guard lock(mutex_);
  return join_step(step, seen);
}

std::optional<int64_t> Anchors::join_step(const Step& step, uint64_t& seen) {
  const int64_t missing = step.own_end - step.first - offset_;
  if (steps_ <= seen || std::abs(step.at - at_) >= kSameStep || missing > kLargestRaise)
    return std::nullopt;
  seen = steps_;
  if (missing > kSmallestRaise) {
    offset_ += missing;
    revision_.fetch_add(1, std::memory_order_release);
  }
  return offset_;
}

std::optional<int64_t> Anchors::offset_of(uint64_t seen) {
  const std::lock_guard lock(mutex_);
  if (seen == 0 || seen != steps_) return std::nullopt;
  return offset_;
}

std::optional<SampleTimes> Timeline::place(const Stamps& stamps) {
  const int64_t pts = time_of(stamps);
  follow_steps(pts);
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
  take_raised_offset();
  if (started_) step_back(ns);
  step_back_expected_ = false;
  expected_at_.reset();
  shorten_gap(ns);
}

// Another track had more to go than fitted the offset of the step that both took.
void Timeline::take_raised_offset() {
  if (anchors_.revision() == seen_revision_) return;
  seen_revision_ = anchors_.revision();
  if (has_own_offset_) return;
  if (const auto offset = anchors_.offset_of(seen_steps_)) offset_ = *offset;
}

void Timeline::step_back(int64_t ns) {
  const int64_t last = stream_.timescale.to_ns(last_.dts);
  const int64_t tolerance = step_back_expected_ ? kExpectedStep : kUnexpectedStep;
  if (ns + offset_ >= last - tolerance) return;
  offset_ = anchors_.agree({expected_at_.value_or(ns), ns, end_ns(), 0}, seen_steps_);
  has_own_offset_ = false;
  counters_.reanchored.add();
}

void Timeline::shorten_gap(int64_t ns) {
  const auto end = started_ ? end_ns() : anchors_.latest_end();
  if (!end || ns + offset_ <= *end + kLongestGap) return;
  const Anchors::Step step{ns, ns, *end, kLongestGap};
  auto offset = anchors_.join(step, seen_steps_);
  // What is a gap of this track alone is real: the others went on.
  const int64_t latest = std::max(*end, anchors_.latest_end().value_or(*end));
  if (!offset && ns + offset_ > latest + kLongestGap) offset = anchors_.agree(step, seen_steps_);
  if (offset) {
    offset_ = *offset;
    has_own_offset_ = false;
    counters_.gaps_shortened.add();
  }
  if (started_) hold_within_32_bits(ns);
}

// The duration of the sample before has 32 bits. A decode time may lie before ns.
void Timeline::hold_within_32_bits(int64_t ns) {
  const Ticks longest = int64_t{UINT32_MAX} - stream_.timescale.from_ns(kLargestOffset);
  const Ticks excess = ticks(ns) - last_.dts - longest;
  if (excess <= 0) return;
  offset_ -= stream_.timescale.to_ns(excess);
  has_own_offset_ = true;
  counters_.gaps_shortened.add();
}

Ticks Timeline::known_duration(const Stamps& stamps) const {
  if (!stamps.duration) return 0;
  return stream_.timescale.from_ns(std::clamp<int64_t>(*stamps.duration, 0, kLongestGap));
}

SampleTimes Timeline::place_video(const Stamps& stamps, int64_t pts_ns) {
  SampleTimes times{0, ticks(pts_ns), known_duration(stamps)};
  if (!started_) uses_dts_ = stamps.dts.has_value();
  times.dts = uses_dts_ ? decode_time(stamps, times.pts) : times.pts;
  if (started_) times.dts = std::max(times.dts, last_.dts + 1);
  if (times.pts < times.dts) {
    times.pts = times.dts;
    counters_.moved.add();
  }
  return times;
}

// The DTS while it can be one; else the decoding goes on at the pace it had.
Ticks Timeline::decode_time(const Stamps& stamps, Ticks pts) {
  if (stamps.dts) {
    const Ticks dts = ticks(std::clamp(*stamps.dts, -kFarthest, kFarthest));
    const Ticks earliest = pts - stream_.timescale.from_ns(kLargestOffset);
    if (dts >= earliest && dts <= pts && (!started_ || dts > last_.dts)) return dts;
  }
  counters_.unusable_dts.add();
  if (!started_) return pts;
  const Ticks earliest = pts - stream_.timescale.from_ns(kLargestMadeUpOffset);
  return std::clamp(last_.dts + last_step_, earliest, pts);
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
