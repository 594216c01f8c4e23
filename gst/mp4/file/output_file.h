// SPDX-License-Identifier: LGPL-2.1-or-later
//
// OutputFile: what a recording asks of a file, in a few verbs. The real one is PosixOutputFile;
// tests put others in its place that fail on demand. Used by one thread at a time.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "mp4/base/status.h"

namespace mp4 {

class OutputFile {
 public:
  virtual ~OutputFile() = default;

  // Makes the file, empty. Fails if anything of its name exists, unless it is to take its place.
  virtual Status create() = 0;
  // Sees to it that the bytes from one offset up to another can be written later, whoever else
  // writes to the disk meanwhile; the file does not become longer. kNoSpace: there is no room.
  // Where the file system cannot hold room free, it is looked whether there is any.
  virtual Status reserve(uint64_t from, uint64_t to) = 0;
  // Writes all pieces one behind the other from the offset on, or fails.
  virtual Status write(uint64_t offset, std::span<const iovec> pieces) = 0;
  // The file ends there; room held free behind it is given back.
  virtual Status truncate(uint64_t size) = 0;
  // On return the data and the size are durable.
  virtual Status sync() = 0;
  // On return the name is durable too.
  virtual Status sync_with_name() = 0;
  // A file that takes another one's place has its name now, and on return that is durable. Does
  // nothing where the file has had its name from the beginning. kBeingFinished: the other one is
  // at work for now, and is not replaced; may be tried again.
  virtual Status take_name() = 0;
  // The size that the system knows.
  virtual Status size(uint64_t& bytes) = 0;
  // Closes; the object is not used after it. Harmless when nothing is open.
  virtual Status close() = 0;
};

}  // namespace mp4
