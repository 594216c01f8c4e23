// SPDX-License-Identifier: LGPL-2.1-or-later
//
// VideoTimes: decode and presentation times of one video track, in ticks, from corrected running
// times in decoding order. Pure logic; the rules stand in docs/time.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/timescale.h"
#include "mp4/samples/track_tracker.h"
#include "recording/timing/stream_clock.h"

namespace trailingmp4 {

class VideoTimes {
 public:
  struct Counters {
    Counter moved;         // presentation time not above another's: moved by a tick
    Counter unusable_dts;  // the source's decode times were given up
    Counter depth_grown;   // pictures were reordered further than was known
  };

  // Of one picture, in corrected nanoseconds.
  struct Picture {
    int64_t pts;
    std::optional<int64_t> dts, duration;
    bool bidirectional = false;  // has B slices
    bool steady = true;          // as far from the one before as the stream has it
  };

  // Gives the pictures so far other decode times. False: it is too late for that.
  using Retime = std::function<bool(std::span<const mp4::Ticks>)>;

  // picture_ns: the distance of two pictures, if the stream says one.
  VideoTimes(mp4::Timescale timescale, std::optional<int64_t> picture_ns, Counters& counters,
             Retime retime);

  // Pictures that are decoded before one and presented after it, as the sequence parameter set
  // says.
  void set_depth(std::optional<unsigned> depth);

  // The next picture in decoding order; its dts is above the previous one's.
  mp4::SampleTimes place(const Picture& picture);

  // Whether the DTS of that picture is the track's clock.
  bool goes_by_dts(const Picture& picture) const;
  // Nothing before the first picture.
  std::optional<StreamClock::Next> next(const Picture& picture) const;
  // Where the presentation of the last one ends, in corrected nanoseconds.
  int64_t last_end() const { return timescale_.to_ns(last_.pts + distance()); }

 private:
  mp4::Ticks distance() const { return last_.duration ? last_.duration : pace_; }
  bool is_usable(mp4::Ticks pts, mp4::Ticks dts) const;
  void learn_depth(mp4::Ticks pts, bool steady);
  bool place_anew(unsigned depth, mp4::Ticks pts);
  mp4::Ticks derived_dts(mp4::Ticks pts);
  mp4::Ticks free_pts(mp4::Ticks pts);
  mp4::Ticks largest_lead() const;
  void learn_pace(mp4::Ticks step);

  mp4::Timescale timescale_;
  Counters& counters_;
  Retime retime_;
  bool started_ = false;
  bool uses_dts_ = false;
  mp4::Ticks pace_;  // ticks from one picture to the next, smoothed
  bool pace_is_guess_;
  uint64_t pictures_ = 0;
  mp4::Ticks largest_offset_ = 0;  // pts - dts as given by the source
  mp4::SampleTimes last_;

  unsigned depth_ = 0;
  bool depth_is_known_ = false;      // by the sequence parameter set
  bool bidirectional_ = false;       // B slices were seen
  std::vector<mp4::Ticks> waiting_;  // presentation times that are no decode time yet, sorted
  std::vector<mp4::Ticks> recent_;   // presentation times of the last pictures
  std::vector<mp4::Ticks> all_;      // of all pictures, as long as they may be placed anew
};

}  // namespace trailingmp4
