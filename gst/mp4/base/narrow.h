// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The one place where a wide integer becomes a narrow one. Limits that matter (samples, table
// sizes, durations) are checked where they arise; here a value that does not fit is held at the
// end of the range, so that nothing wraps silently.
#pragma once

#include <concepts>
#include <limits>
#include <utility>

namespace mp4 {

template <std::integral To, std::integral From>
constexpr To narrow(From value) {
  if (std::cmp_less(value, std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (std::cmp_greater(value, std::numeric_limits<To>::max()))
    return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

template <std::integral To, std::integral From>
constexpr bool fits(From value) {
  return std::in_range<To>(value);
}

}  // namespace mp4
