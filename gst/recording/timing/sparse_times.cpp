// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/sparse_times.h"

#include <algorithm>

namespace trailingmp4 {

using mp4::Ticks;

namespace {

// As all gaps are held: some readers take durations for signed numbers of 32 bits.
constexpr int64_t kLongestGap = int64_t{6} * 3600 * mp4::kNanosecondsPerSecond;

}  // namespace

mp4::SampleTimes SparseTimes::place(int64_t pts, int64_t duration) {
  Ticks at = timescale_.from_ns(pts);
  if (started_) at = std::clamp(at, last_ + 1, last_ + timescale_.from_ns(kLongestGap));
  started_ = true;
  last_ = at;
  length_ = timescale_.from_ns(std::clamp<int64_t>(duration, 0, kLongestGap));
  return {at, at, length_};
}

std::optional<Ticks> SparseTimes::pause_before(int64_t pts) const {
  if (!started_ || length_ == 0 || timescale_.from_ns(pts) <= last_ + length_) return std::nullopt;
  return last_ + length_;
}

}  // namespace trailingmp4
