// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Big-endian fields out of a box, never past its end.
#include "box_cursor.h"

#include <algorithm>

namespace boxes {

BoxCursor::BoxCursor(const Box& box, Problems& problems, size_t length)
    : box_(box), problems_(problems), data_(box.payload()) {
  if (length == kWholePayload) return;
  if (length > data_.size()) missing_ = length - data_.size();
  data_ = data_.first(std::min(length, data_.size()));
}

BoxCursor::BoxCursor(const Box& box, Problems& problems, std::span<const uint8_t> data, size_t base)
    : box_(box), problems_(problems), data_(data), base_(base) {}

BoxCursor::~BoxCursor() {
  if (!known_) return;
  if (missing_ > 0) {
    problem(text("%zu bytes are missing at its end", missing_));
  } else if (left() > 0) {
    const uint64_t where = box_.offset + box_.header_size + base_ + position_;
    problem(text("%zu bytes are left over at offset %llu", left(),
                 static_cast<unsigned long long>(where)));
  }
}

FullHeader BoxCursor::full_header(int max_version, uint32_t allowed_flags) {
  FullHeader header;
  header.version = u8();
  header.flags = u24();
  if (header.version > max_version) {
    problem(text("unknown version %d", header.version));
    known_ = false;
  }
  if (header.flags & ~allowed_flags) problem(text("unexpected flags 0x%06x", header.flags));
  return header;
}

uint64_t BoxCursor::uint(size_t count) {
  if (left() < count) {
    missing_ += count - left();
    position_ = data_.size();
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value = value << 8 | data_[position_++];
  return value;
}

std::string BoxCursor::fourcc() {
  const uint32_t value = u32();
  std::string type;
  for (int shift = 24; shift >= 0; shift -= 8) type += static_cast<char>(value >> shift & 0xff);
  return type;
}

std::vector<uint8_t> BoxCursor::bytes(size_t count) {
  if (count > left()) missing_ += count - left();
  const auto part = data_.subspan(position_, std::min(count, left()));
  position_ += part.size();
  return {part.begin(), part.end()};
}

void BoxCursor::zeros(size_t count, const char* field) {
  const std::vector<uint8_t> part = bytes(count);
  if (std::any_of(part.begin(), part.end(), [](uint8_t byte) { return byte != 0; })) {
    problem(text("%s is not zero", field));
  }
}

void BoxCursor::expect(const char* field, uint64_t value, uint64_t wanted) {
  if (value == wanted || missing_ > 0) return;
  problem(text("%s is 0x%llx, not 0x%llx", field, static_cast<unsigned long long>(value),
               static_cast<unsigned long long>(wanted)));
}

uint32_t BoxCursor::rows(uint32_t count, size_t row_size) {
  const size_t there = row_size > 0 ? left() / row_size : 0;
  if (count <= there) return count;
  problem(text("%u entries of %zu bytes, but %zu bytes are there", count, row_size, left()));
  known_ = false;
  return static_cast<uint32_t>(there);
}

BoxCursor BoxCursor::nested(size_t length) {
  const size_t base = base_ + position_;
  if (length > left()) missing_ += length - left();
  const auto part = data_.subspan(position_, std::min(length, left()));
  position_ += part.size();
  return BoxCursor(box_, problems_, part, base);
}

}  // namespace boxes
