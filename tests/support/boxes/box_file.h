// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file under test, read only, by position. Owns the descriptor.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace boxes {

class BoxFile {
 public:
  explicit BoxFile(const std::string& path);
  ~BoxFile();
  BoxFile(const BoxFile&) = delete;
  BoxFile& operator=(const BoxFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  uint64_t size() const { return size_; }

  /// Fills `out` from `offset`; false when the file ends before or cannot be read.
  [[nodiscard]] bool read(uint64_t offset, std::span<uint8_t> out) const;

 private:
  int fd_ = -1;
  uint64_t size_ = 0;
};

}  // namespace boxes
