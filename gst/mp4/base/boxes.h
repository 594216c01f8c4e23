// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Boxes: what a BoxWriter made. The large tables among it, which have an entry a sample, are of
// known size and not there yet: their bytes are made when they are written, a slice at a time. So
// the end of a recording of days takes no more memory than that of one of minutes.
//
//   TableWriter  entries of such a table become slices
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mp4/base/big_endian.h"
#include "mp4/base/status.h"

namespace mp4 {

class TableWriter {
 public:
  static constexpr std::size_t kSlice = 256 * 1024;
  using Sink = std::function<Status(std::span<const uint8_t>)>;

  // The sink is given slice after slice, until it fails.
  explicit TableWriter(const Sink& sink) : sink_(sink), slice_(kSlice) {}

  void u32(uint32_t value) { store_big_endian<4>(room_for(4), value); }
  void u64(uint64_t value) { store_big_endian<8>(room_for(8), value); }
  void raw(std::span<const uint8_t> bytes);
  // After the last one.
  Status finish();

 private:
  uint8_t* room_for(std::size_t bytes) {
    if (slice_.size() - used_ < bytes) pass_on();
    used_ += bytes;
    return slice_.data() + used_ - bytes;
  }
  void pass_on();

  const Sink& sink_;
  std::vector<uint8_t> slice_;
  std::size_t used_ = 0;
  Status status_;
};

class Boxes {
 public:
  using WriteTable = std::function<void(TableWriter&)>;

  Boxes() = default;
  explicit Boxes(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  uint64_t size() const { return bytes_.size() + table_bytes_; }
  // What the tables are made of must still be there, and as it was.
  Status write_to(const TableWriter::Sink& sink) const;
  // For what is small.
  std::vector<uint8_t> whole() const;

 private:
  friend class BoxWriter;
  struct Table {
    std::size_t position;  // in bytes_, before which it stands
    WriteTable write;
  };

  std::vector<uint8_t> bytes_;
  std::vector<Table> tables_;
  uint64_t table_bytes_ = 0;
};

}  // namespace mp4
