// SPDX-License-Identifier: LGPL-2.1-or-later
#include "thread_states.h"

#include <linux/futex.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

namespace threads {
namespace {

constexpr std::chrono::milliseconds kLook{1};

// The number of the call futex as proc(5) tells it. In an emulator it is that of the machine below,
// so it is learnt from a thread that certainly waits.
long number_in_proc(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  long call = -1;
  return file >> call ? call : -1;
}

bool sleeps_now(pid_t thread);

long learn_number_of_futex() {
  std::mutex mutex;
  std::condition_variable over;
  bool is_over = false;
  std::atomic<pid_t> id{0};
  std::thread waiting([&] {
    std::unique_lock lock(mutex);
    id = gettid();
    over.wait(lock, [&] { return is_over; });
  });
  long number = -1;
  while (number < 0) {
    std::this_thread::sleep_for(kLook);
    if (id == 0 || !mutex.try_lock()) continue;  // it has the lock until it waits
    mutex.unlock();
    if (sleeps_now(id)) number = number_in_proc(id);
  }
  {
    const std::lock_guard lock(mutex);
    is_over = true;
  }
  over.notify_all();
  waiting.join();
  return number;
}

bool is_futex(long call) {
  static const long number = learn_number_of_futex();
  return call == number;
}

// How often the thread was put to sleep, if it sleeps now. A thread that was woken does not, even
// if it is not on its processor yet.
std::optional<long> sleeps(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  bool is_asleep = false;
  for (std::string word; status >> word;) {
    if (word == "State:") is_asleep = (status >> word) && word == "S";
    long count = 0;
    if (word == "voluntary_ctxt_switches:" && status >> count && is_asleep) return count;
  }
  return std::nullopt;
}

bool sleeps_now(pid_t thread) { return sleeps(thread).has_value(); }

// glibc waits on a condition variable with FUTEX_WAIT_BITSET, within the process; for a mutex with
// FUTEX_WAIT, for a thread's end with one that is not private.
Wait kind_of_system_call(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  long call = -1;
  std::string futex, operation, value, limit;
  if (!(file >> call >> futex >> operation >> value >> limit) || !is_futex(call))
    return Wait::kNone;
  const unsigned long bits = std::strtoul(operation.c_str(), nullptr, 16);
  if (!(bits & FUTEX_PRIVATE_FLAG) || (bits & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
    return Wait::kNone;
  return limit == "0x0" ? Wait::kUntilNotified : Wait::kWithTimeLimit;
}

}  // namespace

// The system call alone does not tell: it is still that of the wait while the processor on which
// the thread will go on is being told so.
Wait wait_on_condition(pid_t thread) {
  const auto before = sleeps(thread);
  const Wait wait = before ? kind_of_system_call(thread) : Wait::kNone;
  return sleeps(thread) == before ? wait : Wait::kNone;
}

std::set<pid_t> all() {
  std::set<pid_t> found;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error))
    found.insert(std::atoi(task.path().filename().c_str()));
  return found;
}

// A sanitiser starts a thread of its own with the first of ours.
Since::Since() {
  std::thread([] {}).join();
  before_ = all();
}

std::optional<Since::Sleeps> Since::look(Wait least) const {
  Sleeps found;
  for (const pid_t thread : all()) {
    if (before_.count(thread) || thread == gettid()) continue;
    const auto times = sleeps(thread);
    if (!times || kind_of_system_call(thread) < least) return std::nullopt;
    found[thread] = *times;
  }
  return found;
}

// Whoever waits at both looks and was not put to sleep anew between them has slept all the time, so
// when the first look was over, all of them did at once.
bool Since::wait_until_all(Wait least) const {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    const auto first = look(least);
    if (first && first == look(least)) return true;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

}  // namespace threads
