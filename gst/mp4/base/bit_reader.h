// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads bits, and the Exp-Golomb codes of ITU-T H.264 9.1, from bytes. Past the end it yields zeros
// and remembers that it did; a code out of its range counts as an end too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mp4 {

class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool exhausted() const { return exhausted_; }

  uint32_t bit() {
    if (position_ / 8 >= bytes_.size()) {
      exhausted_ = true;
      return 0;
    }
    const uint32_t bit = bytes_[position_ / 8] >> (7 - position_ % 8) & 1;
    ++position_;
    return bit;
  }
  uint32_t bits(unsigned count) {  // at most 32
    uint32_t value = 0;
    while (count-- > 0) value = value << 1 | bit();
    return value;
  }
  uint32_t ue() {  // ue(v)
    unsigned zeros = 0;
    while (!exhausted_ && zeros < 32 && bit() == 0) ++zeros;
    if (zeros >= 32) {
      exhausted_ = true;
      return 0;
    }
    return (uint32_t{1} << zeros) - 1 + bits(zeros);
  }
  uint32_t ue_up_to(uint32_t most) {
    const uint32_t value = ue();
    if (value <= most) return value;
    exhausted_ = true;
    return 0;
  }
  int32_t se() {  // se(v)
    const uint32_t code = ue();
    const auto half = static_cast<int32_t>(code / 2);
    return code % 2 ? half + 1 : -half;
  }

 private:
  std::span<const uint8_t> bytes_;
  std::size_t position_ = 0;
  bool exhausted_ = false;
};

}  // namespace mp4
