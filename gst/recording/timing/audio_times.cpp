// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/audio_times.h"

#include <algorithm>
#include <cstdlib>

namespace trailingmp4 {
namespace {

using mp4::SampleTimes;
using mp4::Ticks;

constexpr int64_t kSecond = mp4::kNanosecondsPerSecond;
constexpr int64_t kLargestLead = kSecond / 10;
// 36 years, where rates of some Hz would leave room for more.
constexpr int64_t kLongest = int64_t{1} << 60;

}  // namespace

// Some readers take durations for signed numbers.
AudioTimes::AudioTimes(mp4::Timescale timescale, Ticks frame, Counters& counters)
    : timescale_(timescale),
      longest_(std::min(timescale.to_ns(int64_t{INT32_MAX}) - kSecond, kLongest)),
      frame_(frame),
      length_(frame),
      counters_(counters) {}

std::optional<SampleTimes> AudioTimes::place(int64_t pts_ns, Ticks length) {
  const Ticks pts = timescale_.from_ns(pts_ns);
  Ticks at = pts;
  if (started_) {
    const Ticks expected = last_ + length_;
    const Ticks lead = expected - pts;
    if (std::abs(lead) <= length_ / 2) {
      at = expected;
    } else if (lead < 0) {
      counters_.stretched.add();
    } else if (lead > timescale_.from_ns(kLargestLead)) {
      counters_.left_out.add();
      return std::nullopt;
    } else {
      at = std::max(last_ + (length_ + 1) / 2, pts);
      counters_.shortened.add();
    }
  }
  last_ = at;
  started_ = true;
  length_ = length > 0 ? length : frame_;
  return SampleTimes{at, at, length_};
}

// More than any lead within which frames are left out is a step back.
std::optional<StreamClock::Next> AudioTimes::next() const {
  if (!started_) return std::nullopt;
  const int64_t frame = timescale_.to_ns(length_);
  return StreamClock::Next{timescale_.to_ns(last_ + length_), frame, longest_, false,
                           kLargestLead + 2 * frame};
}

}  // namespace trailingmp4
