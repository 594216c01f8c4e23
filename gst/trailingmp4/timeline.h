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
  // A track that takes a step.
  struct Step {
    int64_t at;            // running time at which the new stretch begins
    int64_t first;         // running time of the track's next sample
    int64_t own_end;       // where its media ends, corrected
    int64_t distance = 0;  // to lay between what there is and the new stretch
  };

  // latest_end: the end of what all tracks have so far, in corrected nanoseconds; none: nothing
  // yet.
  explicit Anchors(std::function<std::optional<int64_t>()> latest_end)
      : latest_end_(std::move(latest_end)) {}

  // The offset for the track. One that comes second to the same step takes the offset of the first;
  // if it has more to go than fits, the offset is raised for all who took it. seen is the track's
  // count of steps.
  int64_t agree(const Step& step, uint64_t& seen);
  // The same, only if another track took this step already.
  std::optional<int64_t> join(const Step& step, uint64_t& seen);
  // Changes whenever an offset does.
  uint64_t revision() const { return revision_.load(std::memory_order_acquire); }
  // Of the step that the track took last, unless others took one since.
  std::optional<int64_t> offset_of(uint64_t seen);
  std::optional<int64_t> latest_end() const { return latest_end_(); }

 private:
  std::optional<int64_t> join_step(const Step& step, uint64_t& seen);  // mutex_ held

  std::function<std::optional<int64_t>()> latest_end_;
  std::mutex mutex_;
  std::atomic<uint64_t> revision_{0};
  uint64_t steps_ = 0;
  int64_t at_ = 0;  // of the last step
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

  // A new segment: if the next time is before the last, it is a new start; at is the running time
  // of the segment's start, if known.
  void expect_step_back(std::optional<int64_t> at = {}) {
    step_back_expected_ = true;
    expected_at_ = at;
  }

  // Times of the next sample in decoding order; dts always above the previous one. Nothing: the
  // sample is to be left out.
  std::optional<mp4::SampleTimes> place(const Stamps& stamps);

 private:
  int64_t time_of(const Stamps& stamps);
  void follow_steps(int64_t ns);
  void take_raised_offset();
  void step_back(int64_t ns);
  void shorten_gap(int64_t ns);
  void hold_within_32_bits(int64_t ns);
  mp4::Ticks ticks(int64_t ns) const { return stream_.timescale.from_ns(ns + offset_); }
  mp4::SampleTimes place_video(const Stamps& stamps, int64_t pts);
  mp4::Ticks decode_time(const Stamps& stamps, mp4::Ticks pts);
  std::optional<mp4::SampleTimes> place_audio(int64_t pts);
  mp4::Ticks known_duration(const Stamps& stamps) const;
  int64_t end_ns() const;

  Stream stream_;
  Anchors& anchors_;
  Counters& counters_;
  bool started_ = false;
  bool step_back_expected_ = false;
  bool uses_dts_ = false;
  int64_t offset_ = 0;  // nanoseconds added to running time
  std::optional<int64_t> expected_at_;
  uint64_t seen_steps_ = 0;      // of anchors_
  uint64_t seen_revision_ = 0;   // of anchors_
  bool has_own_offset_ = false;  // not that of anchors_
  mp4::SampleTimes last_;        // of the last sample that was placed
  mp4::Ticks last_step_ = 0;     // from its predecessor's dts to its own
};

}  // namespace trailingmp4
