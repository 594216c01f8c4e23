// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Wide: integers of 128 bits, so that products of two times are exact. Compilers for processors of
// 32 bits have none; there it is a class with what the box reader needs of them.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

namespace boxes {

#ifdef __SIZEOF_INT128__
__extension__ using Wide = __int128;
#else

/// Two's complement; wraps like any integer. Division is towards zero, as the language has it.
class Wide {
 public:
  constexpr Wide() = default;
  template <std::integral T>
  constexpr Wide(T value)
      : high_(value < T{} ? UINT64_MAX : 0), low_(static_cast<uint64_t>(value)) {}

  constexpr explicit operator int64_t() const { return static_cast<int64_t>(low_); }

  constexpr bool operator==(const Wide&) const = default;
  friend constexpr std::strong_ordering operator<=>(const Wide& a, const Wide& b) {
    const auto high = static_cast<int64_t>(a.high_) <=> static_cast<int64_t>(b.high_);
    return high != 0 ? high : a.low_ <=> b.low_;
  }

  friend constexpr Wide operator+(const Wide& a, const Wide& b) {
    const uint64_t low = a.low_ + b.low_;
    return {a.high_ + b.high_ + (low < a.low_), low};
  }
  friend constexpr Wide operator-(const Wide& a) { return Wide{~a.high_, ~a.low_} + Wide{1}; }
  friend constexpr Wide operator-(const Wide& a, const Wide& b) { return a + -b; }
  friend constexpr Wide operator*(const Wide& a, const Wide& b) {
    const Wide low = product(a.low_, b.low_);
    return {low.high_ + a.high_ * b.low_ + a.low_ * b.high_, low.low_};
  }
  friend constexpr Wide operator/(const Wide& a, const Wide& b) {
    const Wide quotient = divide(a < 0 ? -a : a, b < 0 ? -b : b);
    return (a < 0) != (b < 0) ? -quotient : quotient;
  }
  friend constexpr Wide operator%(const Wide& a, const Wide& b) { return a - a / b * b; }
  constexpr Wide& operator+=(const Wide& other) { return *this = *this + other; }
  constexpr Wide& operator-=(const Wide& other) { return *this = *this - other; }

 private:
  constexpr Wide(uint64_t high, uint64_t low) : high_(high), low_(low) {}

  static constexpr Wide product(uint64_t a, uint64_t b) {
    const uint64_t a_low = a & UINT32_MAX, b_low = b & UINT32_MAX;
    const uint64_t lowest = a_low * b_low;
    const uint64_t left = (a >> 32) * b_low + (lowest >> 32);
    const uint64_t right = a_low * (b >> 32) + (left & UINT32_MAX);
    return {(a >> 32) * (b >> 32) + (left >> 32) + (right >> 32),
            right << 32 | (lowest & UINT32_MAX)};
  }

  /// Bit by bit; neither is negative.
  static constexpr Wide divide(const Wide& a, const Wide& b) {
    Wide quotient, rest;
    for (int bit = 127; bit >= 0; --bit) {
      const uint64_t next = (bit >= 64 ? a.high_ >> (bit - 64) : a.low_ >> bit) & 1;
      rest = rest + rest + Wide{next};
      quotient = quotient + quotient;
      if (rest < b) continue;
      rest -= b;
      quotient += 1;
    }
    return quotient;
  }

  uint64_t high_ = 0, low_ = 0;
};

#endif

}  // namespace boxes
