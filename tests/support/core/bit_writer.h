// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes bits and the Exp-Golomb codes of ITU-T H.264 9.1, so that tests can make parameter sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mp4_test {

class BitWriter {
 public:
  BitWriter& bits(uint64_t value, unsigned count) {
    while (count-- > 0) {
      if (used_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> count & 1) << (7 - used_ % 8));
      ++used_;
    }
    return *this;
  }
  BitWriter& ue(uint32_t value) {
    const uint64_t code = uint64_t{value} + 1;
    unsigned length = 1;
    while (code >> length) ++length;
    return bits(0, length - 1).bits(code, length);
  }
  BitWriter& se(int32_t value) {
    const int64_t twice = int64_t{value} * 2;
    return ue(static_cast<uint32_t>(value > 0 ? twice - 1 : -twice));
  }
  std::size_t used() const { return used_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
  std::size_t used_ = 0;
};

/// Puts emulation_prevention_three_byte where 7.4.1.1 wants it.
inline std::vector<uint8_t> with_emulation_prevention(const std::vector<uint8_t>& rbsp) {
  std::vector<uint8_t> nal;
  unsigned zeros = 0;
  for (uint8_t byte : rbsp) {
    if (zeros >= 2 && byte <= 3) {
      nal.push_back(3);
      zeros = 0;
    }
    nal.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return nal;
}

}  // namespace mp4_test
