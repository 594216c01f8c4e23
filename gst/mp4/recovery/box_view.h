// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Looks at boxes in memory (ISO/IEC 14496-12, 4.2) and trusts nothing it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "mp4/base/fourcc.h"

namespace finalize {

// The fields of a box, one after the other. Past the end there are zeros, and it is remembered.
class Fields {
 public:
  explicit Fields(std::span<const uint8_t> bytes) : rest_(bytes) {}

  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  int32_t i32() { return static_cast<int32_t>(u32()); }
  mp4::FourCC fourcc() { return {u32()}; }
  // A time or duration of a full box whose version says whether it has 32 or 64 bits.
  uint64_t time(uint8_t version) { return version == 0 ? u32() : u64(); }
  std::span<const uint8_t> bytes(std::size_t count);
  void skip(std::size_t count) { bytes(count); }

  std::span<const uint8_t> rest() const { return rest_; }
  bool exhausted() const { return exhausted_; }

 private:
  uint64_t number(std::size_t bytes);

  std::span<const uint8_t> rest_;
  bool exhausted_ = false;
};

struct FullBoxHeader {
  uint8_t version;
  uint32_t flags;
};
FullBoxHeader read_full_box_header(Fields& fields);

struct BoxView {
  mp4::FourCC type;
  std::span<const uint8_t> body;
};

// Takes the next box off the front. Nothing: there is none that is whole.
std::optional<BoxView> next_box(std::span<const uint8_t>& boxes);
// The first of the type; one without a body where there is none.
BoxView find_box(std::span<const uint8_t> boxes, mp4::FourCC type);

}  // namespace finalize
