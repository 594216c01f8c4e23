// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Read access to bytes that need not lie together, so that the core can look at the headers of a
// sample without anyone copying it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mp4 {

class ByteSource {
 public:
  virtual uint64_t size() const = 0;
  // Copies from the offset on and returns how many bytes there were.
  virtual std::size_t read(uint64_t offset, std::span<uint8_t> destination) const = 0;

 protected:
  ~ByteSource() = default;
};

}  // namespace mp4
