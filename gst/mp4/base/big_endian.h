// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Numbers as files have them, the highest byte first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mp4 {

template <std::size_t kBytes>
constexpr void store_big_endian(uint8_t* to, uint64_t value) {
  for (std::size_t i = 0; i < kBytes; ++i)
    to[i] = static_cast<uint8_t>(value >> (8 * (kBytes - 1 - i)));
}

}  // namespace mp4
