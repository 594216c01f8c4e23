// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/base/box_writer.h"

#include <utility>

#include "mp4/base/narrow.h"

namespace mp4 {

uint8_t* BoxWriter::extend(std::size_t bytes) {
  const std::size_t position = bytes_.size();
  bytes_.resize(position + bytes);
  return bytes_.data() + position;
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
  store_big_endian<4>(&bytes_[position], value);
}

void BoxWriter::later(uint64_t bytes, Boxes::WriteTable write) {
  tables_.push_back({bytes_.size(), std::move(write)});
  table_bytes_ += bytes;
}

Boxes BoxWriter::take_boxes() {
  Boxes boxes(std::move(bytes_));
  boxes.tables_ = std::move(tables_);
  boxes.table_bytes_ = table_bytes_;
  return boxes;
}

Box::Box(BoxWriter& writer, FourCC type)
    : writer_(writer), position_(writer.position()), start_(writer.size()) {
  writer_.u32(0);  // size, patched when the scope ends
  writer_.fourcc(type);
}

// The only box that grows without bound is moov; Recording ends before its tables reach 32 bits.
Box::~Box() { writer_.patch_u32(position_, narrow<uint32_t>(writer_.size() - start_)); }

FullBox::FullBox(BoxWriter& writer, FourCC type, uint8_t version, uint32_t flags)
    : Box(writer, type) {
  writer.u8(version);
  writer.u24(flags);
}

}  // namespace mp4
