// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of Timeline share: tracks of one recording, fed with running times. What must hold
// for every sample is checked here, whatever the test. Include it last, as gstcheck.h itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <optional>
#include <vector>

#include "timeline.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace clocks {

using mp4::SampleTimes;
using mp4::Ticks;
using trailingmp4::Anchors;
using trailingmp4::Timeline;
using Stamps = Timeline::Stamps;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr Timeline::Stream kVideo{{90'000}, 0};
constexpr Timeline::Stream kAudio{{48'000}, 1024};

constexpr int64_t frame_ns(int64_t number) { return number * 1024 * kSecond / 48'000; }

inline Stamps at(int64_t pts) { return {pts, {}, {}}; }
inline Stamps at(int64_t pts, int64_t dts) { return {pts, dts, {}}; }

// One track and all that it has placed. What must hold for every sample is checked here.
struct Track {
  Track(const Timeline::Stream& the_stream, Anchors& anchors)
      : stream(the_stream), timeline(the_stream, anchors, counters) {}

  void push(const Stamps& stamps) {
    const auto times = timeline.place(stamps);
    if (!times) {
      ++left_out;
      return;
    }
    // gst-check reports each fail_unless() to its parent process: too slow for millions of them.
    if (times->pts < times->dts) fail("shown before it is decoded");
    if (times->pts - times->dts > int64_t{UINT32_MAX}) fail("its offset exceeds 32 bits");
    if (!placed.empty()) {
      const Ticks step = times->dts - placed.back().dts;
      if (step <= 0) fail("decode time does not rise");
      if (step > int64_t{UINT32_MAX}) fail("duration exceeds 32 bits");
    }
    placed.push_back(*times);
  }

  Ticks step(size_t index) const { return placed[index].dts - placed[index - 1].dts; }
  int64_t pts_ns(size_t index) const { return stream.timescale.to_ns(placed[index].pts); }
  int64_t last_pts_ns() const { return pts_ns(placed.size() - 1); }

  Timeline::Stream stream;
  Timeline::Counters counters;
  Timeline timeline;
  std::vector<SampleTimes> placed;
  uint64_t left_out = 0;
};

// The tracks of one recording.
struct Tracks {
  Track& add(const Timeline::Stream& stream) { return tracks.emplace_back(stream, anchors); }

  std::optional<int64_t> latest_end() const {
    std::optional<int64_t> latest;
    for (const Track& track : tracks) {
      for (size_t i = 0; i < track.placed.size(); ++i)
        latest = std::max(latest.value_or(INT64_MIN), track.pts_ns(i));
    }
    return latest;
  }

  std::deque<Track> tracks;
  Anchors anchors{[this] { return latest_end(); }};
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
