// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/box_view.h"

namespace finalize {
namespace {

constexpr std::size_t kBoxHeaderSize = 8;

}  // namespace

std::span<const uint8_t> Fields::bytes(std::size_t count) {
  if (count > rest_.size()) {
    exhausted_ = true;
    rest_ = {};
    return {};
  }
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

uint64_t Fields::number(std::size_t count) {
  uint64_t value = 0;
  for (uint8_t byte : bytes(count)) value = value << 8 | byte;
  return value;
}

FullBoxHeader read_full_box_header(Fields& fields) {
  const uint32_t word = fields.u32();
  return {static_cast<uint8_t>(word >> 24), word & 0xffffff};
}

std::optional<BoxView> next_box(std::span<const uint8_t>& boxes) {
  Fields fields(boxes);
  const uint32_t size = fields.u32();
  const mp4::FourCC type = fields.fourcc();
  if (fields.exhausted() || size < kBoxHeaderSize || size > boxes.size()) return std::nullopt;
  const BoxView box{type, boxes.subspan(kBoxHeaderSize, size - kBoxHeaderSize)};
  boxes = boxes.subspan(size);
  return box;
}

BoxView find_box(std::span<const uint8_t> boxes, mp4::FourCC type) {
  while (const auto box = next_box(boxes))
    if (box->type == type) return *box;
  return {type, {}};
}

}  // namespace finalize
