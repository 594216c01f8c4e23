// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Payload: the bytes of one sample, owned but not looked at. Whoever makes it says by a table of
// functions how its pieces become memory; the core maps them one by one when it writes them and
// lets go of the owner when they are written. Moving it costs nothing and nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace mp4 {

// A piece of a payload while it is mapped. The storage belongs to whoever maps.
struct MappedPiece {
  const uint8_t* data = nullptr;
  std::size_t size = 0;
  alignas(std::max_align_t) std::byte storage[128];
};

class Payload {
 public:
  struct Functions {
    std::size_t (*pieces)(void* owner);
    bool (*map)(void* owner, std::size_t piece, MappedPiece& mapped);
    void (*unmap)(MappedPiece& mapped);
    void (*release)(void* owner);
  };

  Payload() = default;
  // Takes the owner over; size is the sum of all pieces.
  Payload(const Functions& functions, void* owner, uint32_t size)
      : functions_(&functions), owner_(owner), size_(size) {}
  Payload(Payload&& other) noexcept { *this = std::move(other); }
  Payload& operator=(Payload&& other) noexcept {
    std::swap(functions_, other.functions_);
    std::swap(owner_, other.owner_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Payload() {
    if (owner_) functions_->release(owner_);
  }

  uint32_t size() const { return size_; }
  std::size_t pieces() const { return owner_ ? functions_->pieces(owner_) : 0; }
  // False: the bytes cannot be had. Every true is followed by one unmap.
  [[nodiscard]] bool map(std::size_t piece, MappedPiece& mapped) const {
    return functions_->map(owner_, piece, mapped);
  }
  void unmap(MappedPiece& mapped) const { functions_->unmap(mapped); }

 private:
  const Functions* functions_ = nullptr;
  void* owner_ = nullptr;
  uint32_t size_ = 0;
};

}  // namespace mp4
