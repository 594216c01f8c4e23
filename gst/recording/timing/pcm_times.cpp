// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/pcm_times.h"

#include <algorithm>
#include <cstdlib>

namespace trailingmp4 {
namespace {

using mp4::Ticks;

constexpr int64_t kSecond = mp4::kNanosecondsPerSecond;
constexpr int64_t kJitter = kSecond / 100;
constexpr int64_t kLargestLead = kSecond / 10;
constexpr int64_t kLongestHole = int64_t{24} * 3600 * kSecond;

}  // namespace

// Half a buffer is what a receiver's clock makes of steady sound; with very short ones, more.
Ticks PcmTimes::tolerance() const { return std::max(frames_ / 2, timescale_.from_ns(kJitter)); }

std::optional<PcmTimes::Place> PcmTimes::place(int64_t pts_ns, Ticks frames) {
  Place place{timescale_.from_ns(pts_ns)};
  if (started_) {
    const Ticks lead = end_ - place.at;
    place.at = end_;
    if (lead > timescale_.from_ns(kLargestLead)) {
      counters_.left_out.add();
      return std::nullopt;
    }
    if (lead > tolerance()) {
      place.cut = std::min(lead, frames / 10);
      counters_.shortened.add();
    } else if (lead < -tolerance()) {
      place.at -= lead;
      counters_.stretched.add();
    }
  }
  started_ = true;
  frames_ = frames;
  end_ = place.at + frames - place.cut;
  return place;
}

// More than any lead within which sound is left out is a step back.
std::optional<StreamClock::Next> PcmTimes::next() const {
  if (!started_) return std::nullopt;
  const int64_t buffer = timescale_.to_ns(frames_);
  return StreamClock::Next{last_end(), buffer, kLongestHole, false, kLargestLead + 2 * buffer};
}

}  // namespace trailingmp4
