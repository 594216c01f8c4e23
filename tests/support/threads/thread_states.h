// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the threads of this process are doing, as proc(5) tells: which wait on a condition
// variable, and whether all that were started since some moment are at rest. A test that looks for
// what must not happen looks after that, instead of after a while.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>

namespace threads {

// Long enough for any machine: it is only waited for in full by a test that fails.
inline constexpr std::chrono::seconds kPatience{30};

enum class Wait { kNone, kWithTimeLimit, kUntilNotified };

// The wait of a condition variable that the thread is blocked in. A thread that was notified is in
// none any more, even before it runs: the kernel has made it runnable by the time notify returns.
// Neither is one that waits for a mutex, for another thread's end or for a disk.
Wait wait_on_condition(pid_t thread);
inline bool waits_on_condition(pid_t thread) { return wait_on_condition(thread) != Wait::kNone; }

std::set<pid_t> all();

// Threads that were started after this was made.
class Since {
 public:
  Since();
  // Each of them but the caller is gone or waits on a condition variable: what was started is
  // through, or waits for something that somebody else has to do. False: not within kPatience.
  bool wait_until_at_rest() const { return wait_until_all(Wait::kWithTimeLimit); }
  // And none of them with a time limit: the time that passes changes nothing any more.
  bool wait_until_nothing_is_due() const { return wait_until_all(Wait::kUntilNotified); }

 private:
  using Sleeps = std::map<pid_t, long>;          // how often each was put to sleep
  std::optional<Sleeps> look(Wait least) const;  // nothing: not all of them wait like that
  bool wait_until_all(Wait least) const;

  std::set<pid_t> before_;
};

}  // namespace threads
