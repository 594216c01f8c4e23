// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the fixed things of our files stand, growing and finished; docs/crash-safety.md has the
// whole picture.
//
//   0    ftyp   32 bytes, never rewritten
//   32   H      16 bytes: 00000001 'mdat' 0000000000000010, an empty mdat with a 64-bit size
//   48   all else, each visible box at a multiple of 8
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mp4/base/fourcc.h"

namespace mp4 {

inline constexpr uint64_t kMdatOffset = 32;
inline constexpr uint64_t kMdatSizeOffset = 40;
inline constexpr uint64_t kHeaderSize = 48;
inline constexpr uint64_t kBoxHeaderSize = 8;
inline constexpr uint64_t kAlignment = 8;

constexpr uint64_t padding_after(uint64_t size) {
  return (kAlignment - size % kAlignment) % kAlignment;
}

// 'ftyp' and H. The third of its compatible brands is that of a codec whose binding asks for one.
inline constexpr FourCC kNoCodecBrand = "mp41"_4cc;
inline constexpr FourCC kAv1Brand = "av01"_4cc;  // AV1 Codec ISO Media File Format Binding, 2.1
std::vector<uint8_t> write_file_header(FourCC codec_brand = kNoCodecBrand);
// Whether the file begins with such an 'ftyp'.
bool has_our_brands(std::span<const uint8_t> begin);
// Whether a file that a recorder left over may hold something of use, by what it begins with:
// kTellingBytes, or all that is there.
inline constexpr std::size_t kTellingBytes = kHeaderSize + kBoxHeaderSize;
bool may_hold_recording(std::span<const uint8_t> begin);
// The header of a box that readers pass over (8.1.2).
std::vector<uint8_t> write_skip_header(uint64_t size);

}  // namespace mp4
