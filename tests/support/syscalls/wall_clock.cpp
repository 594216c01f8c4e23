// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wall_clock.h"

#include <dlfcn.h>
#include <time.h>

#include <atomic>
#include <limits>

namespace faults {
namespace {

constexpr int64_t kReal = std::numeric_limits<int64_t>::min();
std::atomic<int64_t> now{kReal};

using GetTime = int(clockid_t, timespec*);

}  // namespace

WallClock::WallClock(int64_t seconds_since_1970) { set(seconds_since_1970); }

WallClock::~WallClock() { now = kReal; }

void WallClock::set(int64_t seconds_since_1970) { now = seconds_since_1970; }

// Under the C library's name by its symbol, whatever the headers have made of it.
extern "C" {

int clock_gettime_any(clockid_t clock, timespec* time) __asm__("clock_gettime")
    __attribute__((visibility("default")));

int clock_gettime_any(clockid_t clock, timespec* time) {
  static GetTime* const real = reinterpret_cast<GetTime*>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int64_t seconds = now.load();
  if (clock != CLOCK_REALTIME || seconds == kReal) return real(clock, time);
  *time = {.tv_sec = static_cast<time_t>(seconds), .tv_nsec = 0};
  return 0;
}

}  // extern "C"

}  // namespace faults
