// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The clocks that a recording asks, and the only place where it does: one that is never set, for
// deadlines, and the one on the wall, for the time at which a recording was made.
#pragma once

#include <chrono>
#include <cstdint>

namespace mp4 {

using SteadyTime = std::chrono::steady_clock::time_point;

inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

// Seconds since 1970, UTC; below zero where the clock is set before that.
inline int64_t utc_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace mp4
