// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SparseTimes: times of one track of metadata or text, in ticks, from corrected running times. Its
// samples come when there is something to say, so that no time is too far from the last one.
// Pure logic.
#pragma once

#include <cstdint>
#include <optional>

#include "mp4/base/timescale.h"
#include "mp4/samples/track_tracker.h"

namespace trailingmp4 {

class SparseTimes {
 public:
  explicit SparseTimes(mp4::Timescale timescale) : timescale_(timescale) {}

  // The next sample and how long it is meant to last, 0: until the one after it. Times that do not
  // rise become the next tick.
  mp4::SampleTimes place(int64_t pts, int64_t duration);
  // Where the last one ends that ends before such a time: nothing is said from there on. Nothing:
  // it lasts.
  std::optional<mp4::Ticks> pause_before(int64_t pts) const;

  int64_t last_end() const { return timescale_.to_ns(last_ + length_); }

 private:
  mp4::Timescale timescale_;
  bool started_ = false;
  mp4::Ticks last_ = 0;
  mp4::Ticks length_ = 0;  // 0: not known
};

}  // namespace trailingmp4
