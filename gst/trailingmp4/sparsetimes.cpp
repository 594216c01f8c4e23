// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sparsetimes.h"

#include <algorithm>

namespace trailingmp4 {

using mp4::Ticks;

mp4::SampleTimes SparseTimes::place(int64_t pts, int64_t duration) {
  Ticks at = timescale_.from_ns(pts);
  if (started_) at = std::max(at, last_ + 1);
  started_ = true;
  last_ = at;
  length_ = timescale_.from_ns(duration);
  return {at, at, length_};
}

std::optional<Ticks> SparseTimes::pause_before(int64_t pts) const {
  if (!started_ || length_ == 0 || timescale_.from_ns(pts) <= last_ + length_) return std::nullopt;
  return last_ + length_;
}

}  // namespace trailingmp4
