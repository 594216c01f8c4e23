// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ticks of a timescale (ISO/IEC 14496-12, 8.4.2) and their conversion. Times are converted once,
// absolute, and rounded to the nearest tick; durations are differences of ticks. So an error of
// rounding never grows beyond half a tick, however long the recording.
#pragma once

#include <cstdint>
#include <limits>

namespace mp4 {

using Ticks = int64_t;

inline constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

// a * b / c, rounded to the nearest, halves away from zero; held at the ends of int64_t.
constexpr int64_t multiply_divide(int64_t a, int64_t b, int64_t c) {
  __extension__ using Wide = __int128;
  const Wide product = Wide{a} * b;
  const Wide half = c / 2;
  const Wide result = (product >= 0 ? product + half : product - half) / c;
  if (result > std::numeric_limits<int64_t>::max()) return std::numeric_limits<int64_t>::max();
  if (result < std::numeric_limits<int64_t>::min()) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(result);
}

struct Timescale {
  uint32_t ticks_per_second = 90'000;

  constexpr Ticks from_ns(int64_t ns) const {
    return multiply_divide(ns, ticks_per_second, kNanosecondsPerSecond);
  }
  constexpr int64_t to_ns(Ticks ticks) const {
    return multiply_divide(ticks, kNanosecondsPerSecond, ticks_per_second);
  }
  constexpr Ticks to(Timescale other, Ticks ticks) const {
    return multiply_divide(ticks, other.ticks_per_second, ticks_per_second);
  }
  constexpr bool operator==(const Timescale&) const = default;
};

inline constexpr Timescale kMovieTimescale{90'000};
inline constexpr Timescale kVideoTimescale{90'000};

}  // namespace mp4
