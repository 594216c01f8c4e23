// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The functions themselves. Each is defined under the C library's name by its symbol, since the
// headers may have given that name to the 64-bit variant; both are needed, for what was compiled
// with large files and for what was not. Where processors have 64 bits they are the same; the
// 32-bit ones have a third with times of 64 bits.
#include "interposed_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include <atomic>
#include <cstdarg>
#include <vector>

static_assert(sizeof(off_t) == 8, "one definition serves both variants");

#define AS_SYMBOL(name) __asm__(name) __attribute__((visibility("default")))

namespace faults {
namespace {

std::atomic<bool> interposing{false};

// The function that the caller would have got without us.
template <typename Function>
Function* next(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
}

template <typename Function>
int64_t pass(Call call, int fd, Function function) {
  if (!interposing.load()) return function();
  Passage passage(call, fd);
  return passage.done(passage.fails() ? -1 : function());
}

std::vector<iovec> shortened(const iovec* pieces, int count, size_t most) {
  std::vector<iovec> kept;
  for (int i = 0; i < count && most > 0; ++i) {
    kept.push_back({pieces[i].iov_base, std::min(pieces[i].iov_len, most)});
    most -= kept.back().iov_len;
  }
  return kept;
}

using OpenAt = int(int, const char*, int, ...);
using Write = ssize_t(int, const iovec*, int, off_t);
using Reserve = int(int, int, off_t, off_t);
using Truncate = int(int, off_t);
using Rename = int(int, const char*, int, const char*);
using OnDescriptor = int(int);
using Lock = int(int, int);
using Stat = int(int, struct stat*);
using Space = int(int, struct statvfs*);

int open_at(OpenAt* real, int folder, const char* name, int flags, unsigned mode) {
  if (!interposing.load()) return real(folder, name, flags, mode);
  Passage passage(Call::kOpen, folder, name);
  return static_cast<int>(passage.done(passage.fails() ? -1 : real(folder, name, flags, mode)));
}

ssize_t write_at(Write* real, int fd, const iovec* pieces, int count, off_t offset) {
  if (!interposing.load()) return real(fd, pieces, count, offset);
  uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += pieces[i].iov_len;
  Passage passage(Call::kWrite, fd, nullptr, static_cast<uint64_t>(offset), bytes);
  if (passage.fails()) return passage.done(-1);
  if (bytes <= passage.most_bytes()) return passage.done(real(fd, pieces, count, offset));
  const auto kept = shortened(pieces, count, passage.most_bytes());
  return passage.done(real(fd, kept.data(), static_cast<int>(kept.size()), offset));
}

int reserve(Reserve* real, int fd, int mode, off_t offset, off_t bytes) {
  if (!interposing.load()) return real(fd, mode, offset, bytes);
  Passage passage(Call::kReserve, fd, nullptr, static_cast<uint64_t>(offset),
                  static_cast<uint64_t>(bytes));
  return static_cast<int>(passage.done(passage.fails() ? -1 : real(fd, mode, offset, bytes)));
}

int truncate_to(Truncate* real, int fd, off_t size) {
  if (!interposing.load()) return real(fd, size);
  Passage passage(Call::kTruncate, fd, nullptr, 0, static_cast<uint64_t>(size));
  return static_cast<int>(passage.done(passage.fails() ? -1 : real(fd, size)));
}

int space_of(Space* real, int fd, struct statvfs* space) {
  if (!interposing.load()) return real(fd, space);
  Passage passage(Call::kSpace, fd);
  const int result = passage.fails() ? -1 : real(fd, space);
  if (passage.full()) space->f_bavail = 0;
  return static_cast<int>(passage.done(result));
}

}  // namespace

void set_interposing(bool on) { interposing = on; }

extern "C" {

int openat_32(int folder, const char* name, int flags, ...) AS_SYMBOL("openat");
int openat_64(int folder, const char* name, int flags, ...) AS_SYMBOL("openat64");
ssize_t pwritev_32(int, const iovec*, int, off_t) AS_SYMBOL("pwritev");
ssize_t pwritev_64(int, const iovec*, int, off_t) AS_SYMBOL("pwritev64");
int fstat_32(int, struct stat*) AS_SYMBOL("fstat");
int fstat_64(int, struct stat*) AS_SYMBOL("fstat64");
int fstat_time64(int, struct stat*) AS_SYMBOL("__fstat64_time64");
int fstatvfs_32(int, struct statvfs*) AS_SYMBOL("fstatvfs");
int fstatvfs_64(int, struct statvfs*) AS_SYMBOL("fstatvfs64");
int fallocate_32(int, int, off_t, off_t) AS_SYMBOL("fallocate");
int fallocate_64(int, int, off_t, off_t) AS_SYMBOL("fallocate64");
int ftruncate_32(int, off_t) AS_SYMBOL("ftruncate");
int ftruncate_64(int, off_t) AS_SYMBOL("ftruncate64");
int renameat_any(int, const char*, int, const char*) AS_SYMBOL("renameat");
int fdatasync_any(int) AS_SYMBOL("fdatasync");
int fsync_any(int) AS_SYMBOL("fsync");
int flock_any(int, int) AS_SYMBOL("flock");
int close_any(int) AS_SYMBOL("close");

#define OPEN_WITH(symbol)                                                           \
  static OpenAt* const real = next<OpenAt>(symbol);                                 \
  va_list rest;                                                                     \
  va_start(rest, flags);                                                            \
  const unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, unsigned) : 0; \
  va_end(rest);                                                                     \
  return open_at(real, folder, name, flags, mode)

int openat_32(int folder, const char* name, int flags, ...) { OPEN_WITH("openat"); }

int openat_64(int folder, const char* name, int flags, ...) { OPEN_WITH("openat64"); }

ssize_t pwritev_32(int fd, const iovec* pieces, int count, off_t offset) {
  static Write* const real = next<Write>("pwritev");
  return write_at(real, fd, pieces, count, offset);
}

ssize_t pwritev_64(int fd, const iovec* pieces, int count, off_t offset) {
  static Write* const real = next<Write>("pwritev64");
  return write_at(real, fd, pieces, count, offset);
}

int fallocate_32(int fd, int mode, off_t offset, off_t bytes) {
  static Reserve* const real = next<Reserve>("fallocate");
  return reserve(real, fd, mode, offset, bytes);
}

int fallocate_64(int fd, int mode, off_t offset, off_t bytes) {
  static Reserve* const real = next<Reserve>("fallocate64");
  return reserve(real, fd, mode, offset, bytes);
}

int ftruncate_32(int fd, off_t size) {
  static Truncate* const real = next<Truncate>("ftruncate");
  return truncate_to(real, fd, size);
}

int ftruncate_64(int fd, off_t size) {
  static Truncate* const real = next<Truncate>("ftruncate64");
  return truncate_to(real, fd, size);
}

int renameat_any(int from, const char* old_name, int to, const char* name) {
  static Rename* const real = next<Rename>("renameat");
  if (!interposing.load()) return real(from, old_name, to, name);
  Passage passage(Call::kRename, from, old_name);
  return static_cast<int>(passage.done(passage.fails() ? -1 : real(from, old_name, to, name)));
}

int fstat_32(int fd, struct stat* found) {
  static Stat* const real = next<Stat>("fstat");
  return static_cast<int>(pass(Call::kStat, fd, [&] { return real(fd, found); }));
}

int fstat_64(int fd, struct stat* found) {
  static Stat* const real = next<Stat>("fstat64");
  return static_cast<int>(pass(Call::kStat, fd, [&] { return real(fd, found); }));
}

int fstat_time64(int fd, struct stat* found) {
  static Stat* const real = next<Stat>("__fstat64_time64");
  return static_cast<int>(pass(Call::kStat, fd, [&] { return real(fd, found); }));
}

int fstatvfs_32(int fd, struct statvfs* space) {
  static Space* const real = next<Space>("fstatvfs");
  return space_of(real, fd, space);
}

int fstatvfs_64(int fd, struct statvfs* space) {
  static Space* const real = next<Space>("fstatvfs64");
  return space_of(real, fd, space);
}

int fdatasync_any(int fd) {
  static OnDescriptor* const real = next<OnDescriptor>("fdatasync");
  return static_cast<int>(pass(Call::kDataSync, fd, [&] { return real(fd); }));
}

int fsync_any(int fd) {
  static OnDescriptor* const real = next<OnDescriptor>("fsync");
  return static_cast<int>(pass(Call::kSync, fd, [&] { return real(fd); }));
}

int flock_any(int fd, int operation) {
  static Lock* const real = next<Lock>("flock");
  return static_cast<int>(pass(Call::kLock, fd, [&] { return real(fd, operation); }));
}

int close_any(int fd) {
  static OnDescriptor* const real = next<OnDescriptor>("close");
  if (!interposing.load()) return real(fd);
  Passage passage(Call::kClose, fd);  // a close that fails has closed
  return static_cast<int>(passage.done(real(fd)));
}

}  // extern "C"

}  // namespace faults
