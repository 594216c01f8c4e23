// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace mp4 {
namespace {

// The mark is a lock of another kind, of a byte that no file has. It is the descriptor's too.
constexpr off_t kMark = off_t{1} << 62;

constexpr unsigned kAttempts = 8;
constexpr auto kBetweenAttempts = std::chrono::milliseconds(2);

struct flock mark(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = kMark;
  range.l_len = 1;
  return range;
}

// On network file systems both kinds are one: there a lock of all the file is no mark.
bool is_marked(int fd) {
  struct flock found = mark(F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK && found.l_start == kMark;
}

bool is_held(int fd, int operation) {
  return ::flock(fd, operation | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

LockHolder lock_to_record(int fd) {
  for (unsigned attempt = 1; is_held(fd, LOCK_EX); ++attempt) {
    if (is_marked(fd)) return LockHolder::kFinisher;
    if (attempt == kAttempts) return LockHolder::kRecorder;
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  return LockHolder::kSelf;
}

// The mark comes first: who finds the file locked finds it marked.
bool lock_to_finish(int fd, Finisher finisher) {
  const bool writes = finisher == Finisher::kWrites;
  struct flock range = mark(writes ? F_WRLCK : F_RDLCK);
  const bool is_marked_by_others =
      ::fcntl(fd, F_OFD_SETLK, &range) != 0 && (errno == EAGAIN || errno == EACCES);
  return !is_marked_by_others && !is_held(fd, writes ? LOCK_EX : LOCK_SH);
}

void unlock(int fd) {
  struct flock range = mark(F_UNLCK);
  ::flock(fd, LOCK_UN);
  ::fcntl(fd, F_OFD_SETLK, &range);
}

}  // namespace mp4
