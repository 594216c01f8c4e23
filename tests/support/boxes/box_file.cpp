// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file under test: open, size, positioned reads.
#include "box_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace boxes {

BoxFile::BoxFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (fd_ >= 0 && fstat(fd_, &status) == 0 && status.st_size > 0) {
    size_ = static_cast<uint64_t>(status.st_size);
  }
}

BoxFile::~BoxFile() {
  if (fd_ >= 0) close(fd_);
}

bool BoxFile::read(uint64_t offset, std::span<uint8_t> out) const {
  if (offset > size_ || out.size() > size_ - offset) return false;
  while (!out.empty()) {
    const ssize_t got = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace boxes
