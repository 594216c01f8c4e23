// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/gatherer.h"

#include <algorithm>
#include <array>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr std::size_t kPiecesAtOnce = 512;

iovec piece_of(const void* data, std::size_t size) { return {const_cast<void*>(data), size}; }

}  // namespace

Gatherer::Gatherer(OutputFile& file, uint64_t offset) : file_(file), begin_(offset), end_(offset) {
  mapped_.reserve(64);
}

bool Gatherer::add(const Payload& payload) {
  const std::size_t first = mapped_.size();
  uint64_t bytes = 0;
  for (std::size_t i = 0; i < payload.pieces(); ++i) {
    Mapped& mapped = mapped_.emplace_back(&payload);
    if (!payload.map(i, mapped.piece)) {
      mapped_.pop_back();
      break;
    }
    bytes += mapped.piece.size;
  }
  if (bytes != payload.size()) {
    unmap(first);
    return false;
  }
  for (std::size_t i = first; i < mapped_.size(); ++i)
    pieces_.push_back(piece_of(mapped_[i].piece.data, mapped_[i].piece.size));
  return true;
}

void Gatherer::add(std::span<const uint8_t> bytes) {
  if (!bytes.empty()) pieces_.push_back(piece_of(bytes.data(), bytes.size()));
}

void Gatherer::add_zeros(uint64_t size) {
  static constexpr std::array<uint8_t, 4096> kZeros{};
  while (size > 0) {
    const std::size_t count = std::min(narrow<std::size_t>(size), kZeros.size());
    pieces_.push_back(piece_of(kZeros.data(), count));
    size -= count;
  }
}

Status Gatherer::write_some() { return pieces_.size() < kPiecesAtOnce ? Status() : write_all(); }

Status Gatherer::write_all() {
  const Status status = pieces_.empty() ? Status() : file_.write(end_, pieces_);
  for (const iovec& piece : pieces_) end_ += piece.iov_len;
  pieces_.clear();
  unmap(0);
  return status;
}

void Gatherer::unmap(std::size_t first) {
  for (; mapped_.size() > first; mapped_.pop_back())
    mapped_.back().payload->unmap(mapped_.back().piece);
}

}  // namespace mp4
