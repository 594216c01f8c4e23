// SPDX-License-Identifier: LGPL-2.1-or-later
#include "faulty_syscalls.h"

#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

#include "interposed_calls.h"

namespace faults {

namespace {

constexpr std::chrono::seconds kPatience{30};

std::mutex current_mutex;
std::shared_ptr<FaultySyscalls::State> current;

std::string path_of(int fd) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : std::string();
}

}  // namespace

const char* name_of(Call call) {
  switch (call) {
    case Call::kOpen:
      return "openat";
    case Call::kReserve:
      return "fallocate";
    case Call::kWrite:
      return "pwritev";
    case Call::kTruncate:
      return "ftruncate";
    case Call::kRename:
      return "renameat";
    case Call::kDataSync:
      return "fdatasync";
    case Call::kSync:
      return "fsync";
    case Call::kStat:
      return "fstat";
    case Call::kLock:
      return "flock";
    case Call::kClose:
      return "close";
    case Call::kSpace:
      return "statvfs";
  }
  return "?";
}

struct FaultySyscalls::State {
  struct Failure {
    int number;
    int error;
    bool for_good;
  };

  // The name below the folder; nothing: it is elsewhere.
  std::optional<std::string> name_in_folder(const std::string& path) const {
    if (path.compare(0, folder.size(), folder) != 0) return std::nullopt;
    if (path.size() == folder.size()) return "";
    if (path[folder.size()] != '/') return std::nullopt;
    return path.substr(folder.size() + 1);
  }

  int failure_of(Call call, int number) const {
    const auto [begin, end] = failures.equal_range(call);
    for (auto found = begin; found != end; ++found) {
      const Failure& failure = found->second;
      if (failure.number == number || (failure.for_good && failure.number < number))
        return failure.error;
    }
    return 0;
  }

  bool is_blocked(Call call, int number) const {
    return !released && blocked_call == call && number >= blocked_number;
  }

  std::string folder;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<Call, int> counts;
  std::multimap<Call, Failure> failures;
  std::vector<Traced> trace;
  size_t most_bytes = SIZE_MAX;
  bool full = false;
  std::optional<Call> blocked_call;
  int blocked_number = 0, blocked_now = 0;
  bool released = false;
};

FaultySyscalls::FaultySyscalls(const std::string& folder) : state_(std::make_shared<State>()) {
  char real[PATH_MAX];
  state_->folder = realpath(folder.c_str(), real) ? real : folder;
  const std::lock_guard lock(current_mutex);
  current = state_;
  set_interposing(true);
}

FaultySyscalls::~FaultySyscalls() {
  release();
  const std::lock_guard lock(current_mutex);
  current.reset();
  set_interposing(false);
}

void FaultySyscalls::fail_once(Call call, int number, int error) {
  const std::lock_guard lock(state_->mutex);
  state_->failures.insert({call, {number, error, false}});
}

void FaultySyscalls::fail_from(Call call, int number, int error) {
  const std::lock_guard lock(state_->mutex);
  state_->failures.insert({call, {number, error, true}});
}

void FaultySyscalls::say_full() {
  const std::lock_guard lock(state_->mutex);
  state_->full = true;
}

void FaultySyscalls::shorten_writes(size_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->most_bytes = bytes;
}

void FaultySyscalls::block(Call call, int number) {
  const std::lock_guard lock(state_->mutex);
  state_->blocked_call = call;
  state_->blocked_number = number;
  state_->released = false;
}

void FaultySyscalls::release() {
  const std::lock_guard lock(state_->mutex);
  state_->released = true;
  state_->changed.notify_all();
}

bool FaultySyscalls::wait_until_blocked() {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, kPatience, [&] { return state_->blocked_now > 0; });
}

int FaultySyscalls::count(Call call) {
  const std::lock_guard lock(state_->mutex);
  return state_->counts[call];
}

std::vector<Traced> FaultySyscalls::trace() {
  const std::lock_guard lock(state_->mutex);
  return state_->trace;
}

// ---- a call on its way ----

Passage::Passage(Call call, int fd, const char* name, uint64_t offset, uint64_t bytes) {
  {
    const std::lock_guard lock(current_mutex);
    state_ = current;
  }
  if (!state_) return;
  const int error_before = errno;
  std::string path = path_of(fd);
  if (name) path += std::string("/") + name;
  const auto below = state_->name_in_folder(path);
  errno = error_before;
  if (!below) {
    state_.reset();
    return;
  }
  std::unique_lock lock(state_->mutex);
  const int number = ++state_->counts[call];
  index_ = state_->trace.size();
  state_->trace.push_back({call, *below, offset, bytes});
  if (state_->is_blocked(call, number)) {
    ++state_->blocked_now;
    state_->changed.notify_all();
    state_->changed.wait(lock, [&] { return !state_->is_blocked(call, number); });
    --state_->blocked_now;
  }
  error_ = state_->failure_of(call, number);
  most_bytes_ = state_->most_bytes;
  full_ = state_->full;
}

int64_t Passage::done(int64_t result) {
  if (error_) {
    errno = error_;
    result = -1;
  }
  if (!state_) return result;
  const int error = errno;
  {
    const std::lock_guard lock(state_->mutex);
    Traced& traced = state_->trace[index_];
    traced.result = result;
    traced.error = result < 0 ? error : 0;
  }
  errno = error;
  return result;
}

}  // namespace faults
