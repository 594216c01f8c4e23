// SPDX-License-Identifier: LGPL-2.1-or-later
//
// PcmTimes: where the frames of a track of PCM or G.711 lie, in ticks, from corrected running
// times. Each frame lasts one tick and follows the one before, so that the tables stay constant and
// readers find the track's sound by counting: a hole is filled with silence, and where buffers are
// ahead of their times a tenth of each is left out until they are not. Pure logic; the rules stand
// in docs/time.md.
#pragma once

#include <cstdint>
#include <optional>

#include "mp4/base/timescale.h"
#include "recording/timing/audio_times.h"
#include "recording/timing/stream_clock.h"

namespace trailingmp4 {

class PcmTimes {
 public:
  struct Place {
    mp4::Ticks at;       // of the first frame that is not cut off
    mp4::Ticks cut = 0;  // frames of the buffer that are left out, at its beginning
  };

  PcmTimes(mp4::Timescale timescale, AudioTimes::Counters& counters)
      : timescale_(timescale), counters_(counters) {}

  // The next buffer and the frames in it; what is missing before it is a hole. Nothing: all of it
  // is to be left out.
  std::optional<Place> place(int64_t pts, mp4::Ticks frames);

  std::optional<StreamClock::Next> next() const;  // nothing before the first buffer
  // Where the last one ends, in corrected nanoseconds.
  int64_t last_end() const { return timescale_.to_ns(end_); }

 private:
  mp4::Ticks tolerance() const;

  mp4::Timescale timescale_;
  AudioTimes::Counters& counters_;
  bool started_ = false;
  mp4::Ticks end_ = 0;
  mp4::Ticks frames_ = 0;  // in the last buffer
};

}  // namespace trailingmp4
