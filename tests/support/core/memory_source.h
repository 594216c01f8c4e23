// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Samples for tests of the look into access units: bytes in memory, and NAL units with lengths.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mp4/base/byte_source.h"

namespace mp4_test {

class MemorySource final : public mp4::ByteSource {
 public:
  explicit MemorySource(const std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override {
    if (offset >= bytes_.size()) return 0;
    const auto begin = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(destination.size(), bytes_.size() - begin);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(begin), count, destination.begin());
    bytes_read += count;
    return count;
  }

  mutable uint64_t bytes_read = 0;

 private:
  const std::vector<uint8_t>& bytes_;
};

/// A sample of these NAL units, each after its length.
inline std::vector<uint8_t> join_nals(const std::vector<std::vector<uint8_t>>& nals,
                                      unsigned length_size = 4) {
  std::vector<uint8_t> sample;
  for (const auto& nal : nals) {
    for (unsigned i = length_size; i-- > 0;)
      sample.push_back(static_cast<uint8_t>(uint64_t{nal.size()} >> 8 * i));
    sample.insert(sample.end(), nal.begin(), nal.end());
  }
  return sample;
}

}  // namespace mp4_test
