// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AudioTimes: times of one audio track, in ticks, from corrected running times. Its frames have a
// nominal length, each its own, and keep it as long as that is true. Pure logic; the rules stand in
// docs/time.md.
#pragma once

#include <cstdint>
#include <optional>

#include "mp4/base/timescale.h"
#include "mp4/samples/track_tracker.h"
#include "recording/timing/stream_clock.h"

namespace trailingmp4 {

class AudioTimes {
 public:
  struct Counters {
    Counter left_out;   // frames more than 100 ms ahead of their times
    Counter shortened;  // frames shortened because the next is early
    Counter stretched;  // frames stretched because the next is late: a hole before it
  };

  // frame: nominal length of the frames that do not say theirs, in ticks.
  AudioTimes(mp4::Timescale timescale, mp4::Ticks frame, Counters& counters);

  // The next frame and its length in ticks, 0: the nominal one. Nothing: it is to be left out.
  std::optional<mp4::SampleTimes> place(int64_t pts, mp4::Ticks length = 0);

  std::optional<StreamClock::Next> next() const;  // nothing before the first frame
  // Where the last one ends, in corrected nanoseconds.
  int64_t last_end() const { return timescale_.to_ns(last_ + length_); }

 private:
  mp4::Timescale timescale_;
  int64_t longest_;  // a frame can last no longer, in nanoseconds
  mp4::Ticks frame_;
  mp4::Ticks length_;  // of the last one
  Counters& counters_;
  bool started_ = false;
  mp4::Ticks last_ = 0;
};

}  // namespace trailingmp4
