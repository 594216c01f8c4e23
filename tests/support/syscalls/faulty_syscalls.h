// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FaultySyscalls: a disk that fails on demand, below the real element in a real process. An
// executable that links this library with export_dynamic has its own openat, fallocate, pwritev,
// ftruncate, fdatasync, fsync, renameat, fstat, flock, close and statvfs, which come before those
// of the C library for everything that is loaded. Calls on what is not in the watched folder go
// straight through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace faults {

enum class Call {
  kOpen,
  kReserve,
  kWrite,
  kTruncate,
  kDataSync,
  kSync,
  kRename,
  kStat,
  kLock,
  kClose,
  kSpace
};
inline constexpr Call kAllCalls[] = {
    Call::kOpen,   Call::kReserve, Call::kWrite, Call::kTruncate, Call::kDataSync, Call::kSync,
    Call::kRename, Call::kStat,    Call::kLock,  Call::kClose,    Call::kSpace};
const char* name_of(Call call);

/// A call on something in the watched folder, as it was made and what it was told.
struct Traced {
  Call call;
  std::string name;     ///< within the folder; "" for the folder itself
  uint64_t offset = 0;  ///< of writes, and of room that is reserved
  uint64_t bytes = 0;   ///< of writes, as asked for, of room, or what a file is cut to
  int64_t result = 0;   ///< what the caller got
  int error = 0;        ///< errno, if that was -1
};

/// From construction to destruction; one at a time. All calls may come from any thread.
class FaultySyscalls {
 public:
  explicit FaultySyscalls(const std::string& folder);
  ~FaultySyscalls();  ///< lets blocked calls go
  FaultySyscalls(const FaultySyscalls&) = delete;
  FaultySyscalls& operator=(const FaultySyscalls&) = delete;

  /// The number-th call of the kind (from 1, counted from construction) fails and does nothing.
  /// A close that fails has closed, as Linux does. EINTR is a failure like any other.
  void fail_once(Call call, int number, int error);
  /// The same, and all calls of the kind after it.
  void fail_from(Call call, int number, int error);
  /// statvfs of the folder says so.
  void say_full();
  /// Writes take no more bytes than that.
  void shorten_writes(size_t bytes);
  /// The number-th call of the kind and all after it wait until released.
  void block(Call call, int number);
  void release();
  /// False: no call came to be blocked within half a minute.
  bool wait_until_blocked();

  int count(Call call);
  std::vector<Traced> trace();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace faults
