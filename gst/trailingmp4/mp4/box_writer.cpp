// SPDX-License-Identifier: LGPL-2.1-or-later
#include "box_writer.h"

#include "narrow.h"

namespace mp4 {

void BoxWriter::big_endian(uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    bytes_.push_back(static_cast<uint8_t>(value >> shift & 0xff));
}

void BoxWriter::c_string(std::string_view text) {
  this->text(text.substr(0, text.find('\0')));
  u8(0);
}

void BoxWriter::time(uint8_t version, uint64_t value) {
  if (version == 1)
    u64(value);
  else
    u32(narrow<uint32_t>(value));
}

void BoxWriter::patch_u32(std::size_t position, uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes_[position + i] = static_cast<uint8_t>(value >> (24 - 8 * i) & 0xff);
}

Box::Box(BoxWriter& writer, FourCC type) : writer_(writer), start_(writer.size()) {
  writer_.u32(0);  // size, patched when the scope ends
  writer_.fourcc(type);
}

// The only box that grows without bound is moov; Recording ends before its tables reach 32 bits.
Box::~Box() { writer_.patch_u32(start_, narrow<uint32_t>(writer_.size() - start_)); }

FullBox::FullBox(BoxWriter& writer, FourCC type, uint8_t version, uint32_t flags)
    : Box(writer, type) {
  writer.u8(version);
  writer.u24(flags);
}

}  // namespace mp4
