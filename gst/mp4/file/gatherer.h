// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Gatherer: samples, mapped piece by piece, and other bytes become few large writes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mp4/base/payload.h"
#include "mp4/file/output_file.h"

namespace mp4 {

class Gatherer {
 public:
  // Writes go one behind the other from the offset on.
  Gatherer(OutputFile& file, uint64_t offset);
  ~Gatherer() { unmap(0); }
  Gatherer(const Gatherer&) = delete;
  Gatherer& operator=(const Gatherer&) = delete;

  // What is added is borrowed until it is written. False: the bytes cannot be had; nothing of the
  // sample was taken.
  [[nodiscard]] bool add(const Payload& payload);
  void add(std::span<const uint8_t> bytes);
  void add_zeros(uint64_t size);

  // Writes if there is enough for one write. The payloads can go after it.
  Status write_some();
  Status write_all();
  uint64_t written() const { return end_ - begin_; }

 private:
  struct Mapped {
    explicit Mapped(const Payload* payload) : payload(payload) {}
    const Payload* payload;
    MappedPiece piece;
  };

  void unmap(std::size_t first);

  OutputFile& file_;
  const uint64_t begin_;
  uint64_t end_;
  std::vector<Mapped> mapped_;
  std::vector<iovec> pieces_;
};

}  // namespace mp4
