// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of Timeline share: tracks of one recording, fed with running times. What must hold
// for every sample is checked here, whatever the test. Include it last, as gstcheck.h itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "recording/timing/timeline.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace clocks {

using mp4::SampleTimes;
using mp4::Ticks;
using trailingmp4::AudioTimes;
using trailingmp4::ClockSettings;
using trailingmp4::GapPolicy;
using trailingmp4::SharedClock;
using trailingmp4::Timeline;
using trailingmp4::TrackTimes;
using trailingmp4::VideoTimes;
using Stamps = Timeline::Stamps;
using Verdict = Timeline::Verdict;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;

struct Stream {
  mp4::Timescale timescale;
  Ticks frame = 0;                  // nominal length of an audio frame; 0: video
  std::optional<unsigned> depth{};  // as a sequence parameter set says it
  size_t placed_anew = 25;          // so many pictures may be given other decode times
};
constexpr Stream kVideo{{90'000}, 0, 0};
constexpr Stream kVideoOfUnknownDepth{{90'000}, 0, {}};
constexpr Stream kAudio{{48'000}, 1024};

constexpr int64_t frame_ns(int64_t number) { return number * 1024 * kSecond / 48'000; }

inline Stamps at(int64_t pts) { return {.pts = pts}; }
inline Stamps at(int64_t pts, int64_t dts) { return {.pts = pts, .dts = dts}; }

// One track and all that it has placed. What must hold for every sample is checked here.
struct Track {
  Track(const Stream& the_stream, const ClockSettings& settings, SharedClock& shared)
      : stream(the_stream), timeline(settings, shared, counters), times(times_of(the_stream)) {
    if (auto* video = std::get_if<VideoTimes>(&times)) video->set_depth(stream.depth);
  }
  Track(const Track&) = delete;

  Verdict push(const Stamps& stamps) {
    const auto result = timeline.place(times, stamps);
    if (result.verdict != Verdict::kPlaced) {
      if (result.verdict == Verdict::kLeftOut) ++left_out;
      return result.verdict;
    }
    // gst-check reports each fail_unless() to its parent process: too slow for millions of them.
    const Ticks offset = result.times.pts - result.times.dts;
    if (offset < (stream.depth == 0 ? 0 : -stream.timescale.from_ns(100 * kSecond)))
      fail("shown before it is decoded");
    if (offset > int64_t{INT32_MAX}) fail("its offset exceeds 32 bits");
    if (!placed.empty()) {
      const Ticks step = result.times.dts - placed.back().dts;
      if (step <= 0) fail("decode time does not rise");
      if (step > int64_t{INT32_MAX}) fail("duration exceeds 32 bits");
    }
    placed.push_back(result.times);
    return result.verdict;
  }

  Ticks step(size_t index) const { return placed[index].dts - placed[index - 1].dts; }
  int64_t pts_ns(size_t index) const { return stream.timescale.to_ns(placed[index].pts); }
  int64_t last_pts_ns() const { return pts_ns(placed.size() - 1); }

  Stream stream;
  Timeline::Counters counters;
  Timeline timeline;
  TrackTimes times;
  std::vector<SampleTimes> placed;
  uint64_t left_out = 0;

 private:
  TrackTimes times_of(const Stream& the_stream) {
    if (the_stream.frame) return AudioTimes(the_stream.timescale, the_stream.frame, counters.audio);
    return VideoTimes(the_stream.timescale, {}, counters.video,
                      [this](std::span<const Ticks> decode_times) { return retime(decode_times); });
  }

  bool retime(std::span<const Ticks> decode_times) {
    if (placed.size() != decode_times.size() || placed.size() > stream.placed_anew) return false;
    for (size_t i = 0; i < placed.size(); ++i) placed[i].dts = decode_times[i];
    return true;
  }
};

// The tracks of one recording.
struct Tracks {
  explicit Tracks(const ClockSettings& the_settings = {}) : settings(the_settings) {}

  Track& add(const Stream& stream) { return tracks.emplace_back(stream, settings, shared); }

  std::optional<int64_t> latest_end() const {
    std::optional<int64_t> latest;
    for (const Track& track : tracks) {
      for (size_t i = track.placed.size() - std::min<size_t>(track.placed.size(), 20);
           i < track.placed.size(); ++i)
        latest = std::max(latest.value_or(INT64_MIN), track.pts_ns(i));
    }
    return latest;
  }

  ClockSettings settings;
  // What other threads do when a track asks where all end; once.
  std::function<void()> when_asked;
  SharedClock shared{[this] {
    if (const auto others = std::exchange(when_asked, nullptr)) others();
    return latest_end();
  }};
  std::deque<Track> tracks;
};

// Video at 25 fps and audio, side by side, from one running time to another.
inline void push_both(Track& video, Track& audio, int64_t from, int64_t to) {
  int64_t frames = 0, pictures = 0;
  for (;;) {
    const int64_t sound = from + frame_ns(frames), picture = from + pictures * 40 * kMs;
    if (std::min(sound, picture) >= to) return;
    if (picture <= sound) {
      video.push(at(picture));
      ++pictures;
    } else {
      audio.push(at(sound));
      ++frames;
    }
  }
}

inline void expect_near(int64_t value, int64_t wanted, int64_t tolerance) {
  if (std::llabs(value - wanted) > tolerance)
    fail("%" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT, value, wanted);
}

}  // namespace clocks
