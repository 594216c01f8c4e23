// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FileReader: the bytes of an open file. What is read lies close together, and mostly in order.
#pragma once

#include <cstdint>
#include <vector>

#include "mp4/base/byte_source.h"
#include "mp4/base/status.h"

namespace finalize {

class FileReader final : public mp4::ByteSource {
 public:
  // The descriptor stays its owner's.
  FileReader(int fd, uint64_t size) : fd_(fd), size_(size) {}

  uint64_t size() const override { return size_; }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override;
  // The first error; after one, what was read is not all that is there.
  const mp4::Status& status() const { return status_; }

 private:
  std::size_t read_from_disk(uint64_t offset, std::span<uint8_t> destination) const;

  const int fd_;
  const uint64_t size_;
  mutable mp4::Status status_;
  mutable std::vector<uint8_t> block_;  // what was read last
  mutable uint64_t block_offset_ = 0;
};

}  // namespace finalize
