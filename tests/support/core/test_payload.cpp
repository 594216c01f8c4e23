// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test_payload.h"

#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <new>
#include <random>

namespace mp4_test {
namespace {

std::atomic<int> live{0};
std::atomic<int> mapped{0};

// Of a large payload's piece: the whole of it, where addresses have room for that.
constexpr std::size_t kZeros = SIZE_MAX > UINT32_MAX ? UINT32_MAX : 16 << 20;

struct Owner {
  Bytes bytes;
  std::size_t pieces = 1;
  std::size_t bad = SIZE_MAX;
  void* zeros = nullptr;  // kZeros bytes, which every piece has
  std::size_t size = 0;

  std::size_t cut(std::size_t piece) const {
    return static_cast<std::size_t>(uint64_t{size} * piece / pieces);
  }
  const uint8_t* data(std::size_t piece) const {
    return zeros ? static_cast<const uint8_t*>(zeros) : bytes.data() + cut(piece);
  }
};

// What a mapping keeps in the storage it is given: it must be the same when it is undone.
struct Ticket {
  std::atomic<int>* counter;
  const uint8_t* data;
};

std::size_t count_pieces(void* owner) { return static_cast<Owner*>(owner)->pieces; }

bool map_piece(void* pointer, std::size_t piece, mp4::MappedPiece& result) {
  const Owner& owner = *static_cast<Owner*>(pointer);
  if (piece == owner.bad) return false;
  result.data = owner.data(piece);
  result.size = owner.cut(piece + 1) - owner.cut(piece);
  const Ticket ticket{&mapped, result.data};
  std::memcpy(result.storage, &ticket, sizeof ticket);
  ++mapped;
  return true;
}

void unmap_piece(mp4::MappedPiece& piece) {
  Ticket ticket;
  std::memcpy(&ticket, piece.storage, sizeof ticket);
  if (ticket.data == piece.data) --*ticket.counter;
}

void release_owner(void* pointer) {
  Owner* owner = static_cast<Owner*>(pointer);
  if (owner->zeros) munmap(owner->zeros, kZeros);
  delete owner;
  --live;
}

constexpr mp4::Payload::Functions kFunctions{count_pieces, map_piece, unmap_piece, release_owner};

mp4::Payload wrap(Owner owner, uint32_t size) {
  ++live;
  return mp4::Payload(kFunctions, new Owner(std::move(owner)), size);
}

mp4::Payload wrap(Owner owner) {
  owner.size = owner.bytes.size();
  const auto size = static_cast<uint32_t>(owner.size);
  return wrap(std::move(owner), size);
}

}  // namespace

Bytes some_bytes(std::size_t size, uint32_t seed) {
  std::minstd_rand random(seed + 1);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() >> 8);
  return bytes;
}

mp4::Payload make_payload(Bytes bytes) { return wrap({.bytes = std::move(bytes)}); }

mp4::Payload make_payload_in_pieces(Bytes bytes, std::size_t pieces) {
  return wrap({.bytes = std::move(bytes), .pieces = pieces});
}

mp4::Payload make_unreadable_payload(uint32_t size, std::size_t pieces, std::size_t bad) {
  return wrap({.bytes = some_bytes(size, size), .pieces = pieces, .bad = bad});
}

mp4::Payload make_short_payload(uint32_t size, uint32_t missing) {
  return wrap({.bytes = some_bytes(size - missing, size), .size = size - missing}, size);
}

mp4::Payload make_large_payload(uint32_t size) {
  void* zeros =
      mmap(nullptr, kZeros, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) return {};
  return wrap({.pieces = (size - 1) / kZeros + 1, .zeros = zeros, .size = size}, size);
}

int live_payloads() { return live; }
int mapped_pieces() { return mapped; }

}  // namespace mp4_test
