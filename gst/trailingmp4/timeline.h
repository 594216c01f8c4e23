// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Timeline: running time in, decode and presentation times of one track out, in its ticks. Pure
// logic: no GStreamer, no clock, no file. Nanoseconds stop here.
//
// Times are converted once, absolute, so that rounding never adds up. The rules, and what each
// counter counts, stand in docs/time.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "mp4/timescale.h"
#include "mp4/track_tracker.h"

namespace trailingmp4 {

// A number that one thread counts and others read.
class Counter {
 public:
  void add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What the tracks of a recording agree on when running time starts over: one offset for all, so
// that they stay in sync. Used from all streaming threads.
class Anchors {
 public:
  // latest_end: the end of what all tracks have so far, in corrected nanoseconds; none: nothing
  // yet.
  explicit Anchors(std::function<std::optional<int64_t>()> latest_end)
      : latest_end_(std::move(latest_end)) {}

  // The offset for a track that goes on at running time ns and whose media ends at own_end
  // (corrected). A track that comes second to the same step takes the offset of the first. distance
  // is added behind the end of what there is.
  int64_t agree(int64_t ns, int64_t own_end, int64_t distance, uint64_t& seen);
  std::optional<int64_t> latest_end() const { return latest_end_(); }

 private:
  std::function<std::optional<int64_t>()> latest_end_;
  std::mutex mutex_;
  uint64_t steps_ = 0;
  int64_t at_ = 0;  // running time at which the last step began
  int64_t offset_ = 0;
};

class Timeline {
 public:
  struct Stream {
    mp4::Timescale timescale;
    mp4::Ticks frame = 0;  // nominal length of an audio frame; 0: video
  };

  // Of one buffer, in nanoseconds of running time, negative allowed.
  struct Stamps {
    std::optional<int64_t> pts, dts, duration;
  };

  struct Counters {
    Counter missing_pts;       // taken from the predecessor
    Counter moved;             // not above the predecessor: moved to one tick after it
    Counter unusable_dts;      // not between the predecessor and the PTS: made up
    Counter reanchored;        // running time went back: continued where the track ended
    Counter gaps_shortened;    // over six hours: held at six hours
    Counter frames_left_out;   // audio more than 100 ms ahead of its times
    Counter frames_shortened;  // audio more than half a frame ahead of its times
    Counter frames_stretched;  // audio more than half a frame behind its times: a hole before it
  };

  Timeline(const Stream& stream, Anchors& anchors, Counters& counters)
      : stream_(stream), anchors_(anchors), counters_(counters) {}

  // A flush or a new segment: if the next time is before the last, it is a new start.
  void expect_step_back() { step_back_expected_ = true; }

  // Times of the next sample in decoding order; dts always above the previous one. Nothing: the
  // sample is to be left out.
  std::optional<mp4::SampleTimes> place(const Stamps& stamps);

 private:
  int64_t time_of(const Stamps& stamps);
  void follow_steps(int64_t ns);
  mp4::Ticks ticks(int64_t ns) const { return stream_.timescale.from_ns(ns + offset_); }
  mp4::SampleTimes place_video(const Stamps& stamps, int64_t pts);
  std::optional<mp4::SampleTimes> place_audio(int64_t pts);
  mp4::Ticks known_duration(const Stamps& stamps) const;
  int64_t end_ns() const;

  Stream stream_;
  Anchors& anchors_;
  Counters& counters_;
  bool started_ = false;
  bool step_back_expected_ = false;
  bool uses_dts_ = false;
  int64_t offset_ = 0;        // nanoseconds added to running time
  uint64_t seen_steps_ = 0;   // of anchors_
  mp4::SampleTimes last_;     // of the last sample that was placed
  mp4::Ticks last_step_ = 0;  // from its predecessor's dts to its own
};

}  // namespace trailingmp4
