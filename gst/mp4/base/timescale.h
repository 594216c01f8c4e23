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

constexpr uint64_t magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

// A number of 128 bits, which compilers for 32-bit processors do not have.
struct WideProduct {
  uint64_t high = 0, low = 0;

  constexpr WideProduct(uint64_t a, uint64_t b) {
    const uint64_t a_low = a & UINT32_MAX, b_low = b & UINT32_MAX;
    const uint64_t lowest = a_low * b_low;
    const uint64_t left = (a >> 32) * b_low + (lowest >> 32);
    const uint64_t right = a_low * (b >> 32) + (left & UINT32_MAX);
    high = (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32);
    low = right << 32 | (lowest & UINT32_MAX);
  }

  constexpr void add(uint64_t value) {
    low += value;
    high += low < value;
  }

  // Bit by bit; held at the end of uint64_t. The divisor is below 2^63.
  constexpr uint64_t divided_by(uint64_t divisor) const {
    if (high >= divisor) return std::numeric_limits<uint64_t>::max();
    uint64_t rest = high, quotient = 0;
    for (int bit = 63; bit >= 0; --bit) {
      rest = rest << 1 | ((low >> bit) & 1);
      quotient <<= 1;
      if (rest < divisor) continue;
      rest -= divisor;
      quotient |= 1;
    }
    return quotient;
  }
};

// a * b / c, rounded to the nearest, halves away from zero; held at the ends of int64_t. c is above
// zero.
constexpr int64_t multiply_divide_wide(int64_t a, int64_t b, int64_t c) {
  WideProduct product(magnitude(a), magnitude(b));
  const auto divisor = static_cast<uint64_t>(c);
  product.add(divisor / 2);
  const uint64_t result = product.divided_by(divisor);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const bool fits = result <= static_cast<uint64_t>(kMost);
  if ((a < 0) == (b < 0)) return fits ? static_cast<int64_t>(result) : kMost;
  return fits ? -static_cast<int64_t>(result) : std::numeric_limits<int64_t>::min();
}

// The same, of a factor b above zero. Each sample's times pass here several times, and a division
// of 128 bits is a loop: so whole multiples of c and the rest are taken apart, as far as 64 bits
// hold them.
constexpr int64_t multiply_divide(int64_t a, int64_t b, int64_t c) {
  const bool negative = a < 0;
  const uint64_t size = magnitude(a);
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
