// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Between the functions that stand before the C library's and the FaultySyscalls that decides what
// becomes of a call. Not for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "faulty_syscalls.h"

namespace faults {

/// While not, calls cost one load.
void set_interposing(bool on);

/// One call that was made: counted, traced and held up if it must be when this is constructed.
class Passage {
 public:
  Passage(Call call, int fd, const char* name = nullptr, uint64_t offset = 0, uint64_t bytes = 0);

  bool fails() const { return error_ != 0; }
  size_t most_bytes() const { return most_bytes_; }
  bool full() const { return full_; }
  /// What the caller gets; sets errno.
  int64_t done(int64_t result);

 private:
  std::shared_ptr<FaultySyscalls::State> state_;  // none: not of the watched folder
  size_t index_ = 0;
  int error_ = 0;
  size_t most_bytes_ = SIZE_MAX;
  bool full_ = false;
};

}  // namespace faults
