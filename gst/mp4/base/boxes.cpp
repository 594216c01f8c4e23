// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/base/boxes.h"

#include <algorithm>

#include "mp4/base/narrow.h"

namespace mp4 {

void TableWriter::pass_on() {
  if (status_.ok() && used_ > 0) status_ = sink_(std::span(slice_).first(used_));
  used_ = 0;
}

void TableWriter::raw(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (used_ == slice_.size()) pass_on();
    const std::size_t count = std::min(bytes.size(), slice_.size() - used_);
    std::copy_n(bytes.begin(), count, room_for(count));
    bytes = bytes.subspan(count);
  }
}

Status TableWriter::finish() {
  pass_on();
  return status_;
}

Status Boxes::write_to(const TableWriter::Sink& sink) const {
  TableWriter writer(sink);
  std::size_t position = 0;
  const auto write_up_to = [&](std::size_t end) {
    writer.raw(std::span(bytes_).subspan(position, end - position));
    position = end;
  };
  for (const Table& table : tables_) {
    write_up_to(table.position);
    table.write(writer);
  }
  write_up_to(bytes_.size());
  return writer.finish();
}

std::vector<uint8_t> Boxes::whole() const {
  std::vector<uint8_t> bytes;
  bytes.reserve(narrow<std::size_t>(size()));
  [[maybe_unused]] const Status status = write_to([&](std::span<const uint8_t> slice) {
    bytes.insert(bytes.end(), slice.begin(), slice.end());
    return Status();
  });
  return bytes;
}

}  // namespace mp4
