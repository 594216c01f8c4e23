// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads the fields of one box in order and sees to it that they end where the box ends: when a
// cursor goes out of scope, a byte left over and a byte that was missing are both problems.
#pragma once

#include <string>
#include <vector>

#include "box_problems.h"
#include "box_reader.h"

namespace boxes {

struct FullHeader {
  int version = 0;
  uint32_t flags = 0;
};

class BoxCursor {
 public:
  static constexpr size_t kWholePayload = SIZE_MAX;

  /// Over the payload of `box`, or over its first `length` bytes when children follow them.
  BoxCursor(const Box& box, Problems& problems, size_t length = kWholePayload);
  ~BoxCursor();
  BoxCursor(const BoxCursor&) = delete;
  BoxCursor& operator=(const BoxCursor&) = delete;

  /// Version and flags (4.2). A version above `max_version` or a flag outside `allowed_flags` is a
  /// problem; the first also gives up on the rest of the box, see is_known().
  FullHeader full_header(int max_version, uint32_t allowed_flags = 0);
  /// False when the version is not known: the caller should not read on.
  bool is_known() const { return known_; }

  uint8_t u8() { return static_cast<uint8_t>(uint(1)); }
  uint16_t u16() { return static_cast<uint16_t>(uint(2)); }
  uint32_t u24() { return static_cast<uint32_t>(uint(3)); }
  uint32_t u32() { return static_cast<uint32_t>(uint(4)); }
  uint64_t u64() { return uint(8); }
  int16_t i16() { return static_cast<int16_t>(u16()); }
  int32_t i32() { return static_cast<int32_t>(u32()); }
  int64_t i64() { return static_cast<int64_t>(u64()); }
  /// 64 bits in a version above 0, otherwise 32.
  uint64_t sized(int version) { return version > 0 ? u64() : u32(); }

  std::string fourcc();
  /// At most what is left; less than asked counts as missing.
  std::vector<uint8_t> bytes(size_t count);
  std::vector<uint8_t> rest() { return bytes(left()); }
  /// Reserved fields; anything but zero is a problem.
  void zeros(size_t count, const char* field);
  /// A field that the standard gives one value.
  void expect(const char* field, uint64_t value, uint64_t wanted);
  /// How many of `count` rows of `row_size` bytes are really there; fewer is a problem.
  uint32_t rows(uint32_t count, size_t row_size);
  /// A cursor of its own over the next `length` bytes; this one goes past them.
  BoxCursor nested(size_t length);

  size_t left() const { return data_.size() - position_; }
  /// Stops judging how the box ends: its shape has been reported as wrong already.
  void abandon() { known_ = false; }
  void problem(const std::string& message) { problems_.at(box_, message); }

 private:
  BoxCursor(const Box& box, Problems& problems, std::span<const uint8_t> data, size_t base);
  uint64_t uint(size_t count);

  const Box& box_;
  Problems& problems_;
  std::span<const uint8_t> data_;
  size_t base_ = 0;  // of data_ in the payload
  size_t position_ = 0;
  size_t missing_ = 0;
  bool known_ = true;
};

}  // namespace boxes
