// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/file_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace finalize {
namespace {

constexpr std::size_t kBlock = 4'096;  // holds the headers of a sample or a box

}  // namespace

std::size_t FileReader::read(uint64_t offset, std::span<uint8_t> destination) const {
  if (destination.size() > kBlock) return read_from_disk(offset, destination);
  const bool is_there = offset >= block_offset_ && offset - block_offset_ <= block_.size() &&
                        destination.size() <= block_.size() - (offset - block_offset_);
  if (!is_there) {
    block_.resize(kBlock);
    block_offset_ = offset;
    block_.resize(read_from_disk(offset, block_));
  }
  const auto begin = block_.begin() + static_cast<std::ptrdiff_t>(offset - block_offset_);
  const auto count = std::min(destination.size(), static_cast<std::size_t>(block_.end() - begin));
  std::copy_n(begin, count, destination.begin());
  return count;
}

std::size_t FileReader::read_from_disk(uint64_t offset, std::span<uint8_t> destination) const {
  std::size_t done = 0;
  while (done < destination.size()) {
    const ssize_t count = ::pread(fd_, destination.data() + done, destination.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && status_.ok())
      status_ = {mp4::StatusCode::kUnexpected, "Reading it failed.", errno};
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace finalize
