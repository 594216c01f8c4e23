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

// a * b / c, rounded to the nearest, halves away from zero; held at the ends of int64_t. b and c
// are above zero.
constexpr int64_t multiply_divide_wide(int64_t a, int64_t b, int64_t c) {
  __extension__ using Wide = __int128;
  const Wide product = Wide{a} * b;
  const Wide half = c / 2;
  const Wide result = (product >= 0 ? product + half : product - half) / c;
  if (result > std::numeric_limits<int64_t>::max()) return std::numeric_limits<int64_t>::max();
  if (result < std::numeric_limits<int64_t>::min()) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(result);
}

// The same. Each sample's times pass here several times, and a division of 128 bits is a loop: so
// whole multiples of c and the rest are taken apart, as far as 64 bits hold them.
constexpr int64_t multiply_divide(int64_t a, int64_t b, int64_t c) {
  const bool negative = a < 0;
  const uint64_t size = negative ? ~static_cast<uint64_t>(a) + 1 : static_cast<uint64_t>(a);
  const auto factor = static_cast<uint64_t>(b), divisor = static_cast<uint64_t>(c);
  uint64_t whole = 0, rest = 0;
  if (((factor | divisor) >> 32) != 0 || __builtin_mul_overflow(size / divisor, factor, &whole) ||
      (whole >> 62) != 0)
    return multiply_divide_wide(a, b, c);
  rest = (size % divisor * factor + divisor / 2) / divisor;
  const auto result = static_cast<int64_t>(whole + rest);
  return negative ? -result : result;
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
