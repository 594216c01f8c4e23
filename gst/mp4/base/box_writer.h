// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Turns fields into big-endian bytes and boxes into scopes: a Box opened on a BoxWriter has its
// size patched when the scope ends, so nobody types a size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mp4/base/big_endian.h"
#include "mp4/base/boxes.h"
#include "mp4/base/fourcc.h"

namespace mp4 {

class BoxWriter {
 public:
  void u8(uint8_t value) { bytes_.push_back(value); }
  void u16(uint16_t value) { big_endian<2>(value); }
  void u24(uint32_t value) { big_endian<3>(value); }
  void u32(uint32_t value) { big_endian<4>(value); }
  void u64(uint64_t value) { big_endian<8>(value); }
  void i16(int16_t value) { big_endian<2>(static_cast<uint16_t>(value)); }
  void i32(int32_t value) { big_endian<4>(static_cast<uint32_t>(value)); }
  void fourcc(FourCC code) { u32(code.value); }
  void zeros(std::size_t count) { bytes_.resize(bytes_.size() + count); }
  void raw(std::span<const uint8_t> data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void c_string(std::string_view text);  // NUL-terminated, cut at a NUL inside

  // So many bytes, to be filled before anything else is written.
  uint8_t* extend(std::size_t bytes);

  // A time or duration of a full box whose version says whether it has 32 or 64 bits.
  void time(uint8_t version, uint64_t value);

  // A table of so many bytes, which are made when the boxes are written.
  void later(uint64_t bytes, Boxes::WriteTable write);

  // Where the next byte stands, to be patched.
  std::size_t position() const { return bytes_.size(); }
  void patch_u32(std::size_t position, uint32_t value);
  // Of all that was written, tables included.
  uint64_t size() const { return bytes_.size() + table_bytes_; }
  // Without tables.
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> take() { return std::move(bytes_); }
  Boxes take_boxes();

 private:
  template <std::size_t kBytes>
  void big_endian(uint64_t value) {
    store_big_endian<kBytes>(extend(kBytes), value);
  }

  std::vector<uint8_t> bytes_;
  std::vector<Boxes::Table> tables_;
  uint64_t table_bytes_ = 0;
};

// ISO/IEC 14496-12, 4.2: size and type; the size is known when the scope ends.
class Box {
 public:
  Box(BoxWriter& writer, FourCC type);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

 private:
  BoxWriter& writer_;
  std::size_t position_;
  uint64_t start_;
};

// A box with version and flags.
class FullBox : public Box {
 public:
  FullBox(BoxWriter& writer, FourCC type, uint8_t version, uint32_t flags);
};

}  // namespace mp4
