// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who is at a recording's file holds a lock on it: a recorder as long as it records, and
// trailingmp4-finalize as long as it looks at it or finishes it. The latter marks the file too,
// since a recorder waits for the one and gives way to the other. Not every file system has locks:
// there nobody holds any.
#pragma once

namespace mp4 {

enum class LockHolder {
  kSelf,
  kRecorder,  // or somebody unknown
  kFinisher,  // will be through soon
};

// For the descriptor alone, until it is closed. Who holds the lock for a moment only, to see
// whether it is held, is waited for.
LockHolder lock_to_record(int fd);

enum class Finisher { kLooks, kWrites };
// False: a recorder holds it, or another finisher.
bool lock_to_finish(int fd, Finisher finisher);
void unlock(int fd);

}  // namespace mp4
