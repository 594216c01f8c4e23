// SPDX-License-Identifier: LGPL-2.1-or-later
//
// WallClock: the time of day that everything in this process is told, below the real element. An
// executable that links this library with export_dynamic has its own clock_gettime, which comes
// before the C library's for everything that is loaded. All other clocks go on as they are.
#pragma once

#include <cstdint>

namespace faults {

/// While one lives, CLOCK_REALTIME stands still at the second that was set last; one at a time.
class WallClock {
 public:
  explicit WallClock(int64_t seconds_since_1970);
  ~WallClock();
  WallClock(const WallClock&) = delete;
  WallClock& operator=(const WallClock&) = delete;

  void set(int64_t seconds_since_1970);
};

}  // namespace faults
