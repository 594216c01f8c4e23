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

// Where processors have 32 bits and times 64, the plain name is that of 32-bit times.
#if __SIZEOF_POINTER__ == 4
#define SYMBOL "__clock_gettime64"
#else
#define SYMBOL "clock_gettime"
#endif

int clock_gettime_any(clockid_t clock, timespec* time) __asm__(SYMBOL)
    __attribute__((visibility("default")));

int clock_gettime_any(clockid_t clock, timespec* time) {
  static GetTime* const real = reinterpret_cast<GetTime*>(dlsym(RTLD_NEXT, SYMBOL));
  const int64_t seconds = now.load();
  if (clock != CLOCK_REALTIME || seconds == kReal) return real(clock, time);
  *time = {};
  time->tv_sec = static_cast<time_t>(seconds);
  return 0;
}

}  // extern "C"

}  // namespace faults
