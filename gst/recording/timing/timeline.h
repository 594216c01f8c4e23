// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Timeline: running time of one pad in, decode and presentation times of its tracks out, in their
// ticks. StreamClock makes the running time continuous, VideoTimes, AudioTimes, PcmTimes or
// SparseTimes makes samples' times of it. Pure logic: no GStreamer, no clock, no file. Nanoseconds
// stop here.
//
// Times are converted once, absolute, so that rounding never adds up. The rules, and what each
// counter counts, stand in docs/time.md.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "mp4/samples/track_tracker.h"
#include "recording/timing/audio_times.h"
#include "recording/timing/pcm_times.h"
#include "recording/timing/sparse_times.h"
#include "recording/timing/stream_clock.h"
#include "recording/timing/video_times.h"

namespace trailingmp4 {

using TrackTimes = std::variant<VideoTimes, AudioTimes, PcmTimes, SparseTimes>;

class Timeline {
 public:
  // Of one buffer, in nanoseconds of running time, negative allowed.
  struct Stamps {
    std::optional<int64_t> pts, dts, duration;
    std::optional<int64_t> arrival;  // on a live source: the clock when it came
    bool bidirectional = false;      // a picture with B slices
    mp4::Ticks length = 0;           // of sound, in ticks of its track; 0: nominal
  };

  struct Counters {
    Counter missing_pts;  // taken from the predecessor
    StreamClock::Counters clock;
    VideoTimes::Counters video;
    AudioTimes::Counters audio;
  };

  enum class Verdict { kPlaced, kLeftOut, kForbiddenGap };
  struct Placed {
    Verdict verdict;
    mp4::SampleTimes times;
    mp4::Ticks cut = 0;               // PCM: frames to be left out at its beginning
    std::optional<mp4::Ticks> pause;  // text: an empty sample belongs there, before it
  };

  Timeline(const ClockSettings& settings, SharedClock& shared, Counters& counters)
      : shared_(shared), counters_(counters), clock_(settings, shared, counters.clock) {}

  // As StreamClock says.
  void announce_start(std::optional<int64_t> at = {});
  void announce_gap(int64_t until);

  // The track that the last sample went into may be gone when the next one comes.
  void leave_track();
  // Times of the next sample of the pad in decoding order, which goes into that track.
  Placed place(TrackTimes& track, const Stamps& stamps);
  // Where what was placed ends, in nanoseconds of the recording's clock.
  int64_t end() const { return last_end_; }
  // What is added to running time, as of the last sample.
  int64_t offset() const { return clock_.offset(); }

 private:
  int64_t time_of(const Stamps& stamps);
  Placed place_steady(TrackTimes& track, const Stamps& stamps);
  Placed place_sparse(SparseTimes& track, const Stamps& stamps);
  static std::optional<StreamClock::Next> own_next(const TrackTimes& track,
                                                   const VideoTimes::Picture& picture);
  std::optional<StreamClock::Next> next_of(const TrackTimes& track,
                                           const VideoTimes::Picture& picture) const;

  SharedClock& shared_;
  Counters& counters_;
  StreamClock clock_;
  bool has_last_ = false;                   // something was placed
  const TrackTimes* last_track_ = nullptr;  // until it was left
  const TrackTimes* left_track_ = nullptr;  // the last one that was, perhaps gone: only an address
  std::optional<StreamClock::Next> next_;   // after the last sample of the track that was left
  int64_t last_end_ = 0;                    // corrected, of its presentation
};

}  // namespace trailingmp4
