// SPDX-License-Identifier: LGPL-2.1-or-later
//
// PackedNumbers: a list of numbers that only grows, in as few bits as they need. Days of samples
// are kept in it.
//
// Each 64 numbers are packed when they are there: how far each is above the smallest of them, in as
// many bits as most of these distances take; what does not fit stands behind, with its place. So
// one sync sample does not make all sizes around it as wide as its own. What is packed never moves:
// memory is taken a page at a time, and no table is copied to a larger one.
//
//   PackedRuns  the same for numbers that repeat: values, and how often each comes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace mp4 {

class PackedNumbers {
 public:
  PackedNumbers() = default;
  PackedNumbers(PackedNumbers&&) noexcept = default;
  PackedNumbers& operator=(PackedNumbers&&) noexcept = default;

  void push_back(int64_t number) {
    last_[filled_] = number;
    if (++filled_ == kBlock) pack();
  }
  uint32_t size() const { return packed_ + filled_; }
  void clear() { *this = PackedNumbers(); }
  std::size_t bytes() const;  // of memory

  // From the first on; at most as many as there are. Nothing is appended meanwhile.
  class Reader {
   public:
    explicit Reader(const PackedNumbers& numbers) : numbers_(numbers) {}
    int64_t next() {
      if (at_ % kBlock == 0) load();
      return block_[at_++ % kBlock];
    }

   private:
    void load();

    const PackedNumbers& numbers_;
    uint32_t at_ = 0;
    std::size_t page_ = 0, offset_ = 0;
    std::array<int64_t, 64> block_;
  };

 private:
  static constexpr uint32_t kBlock = 64;
  struct Page {
    std::unique_ptr<uint8_t[]> bytes;
    uint32_t size = 0, used = 0;
  };

  void pack();
  uint8_t* room_for_block();

  std::array<int64_t, kBlock> last_;  // not packed yet
  uint32_t filled_ = 0;
  uint32_t packed_ = 0;
  std::vector<Page> pages_;
};

class PackedRuns {
 public:
  // The runs at one moment, the open one included.
  struct Mark {
    uint32_t runs = 0;
    uint32_t last_count = 0;  // of the open one so far
    int64_t last_value = 0;
  };

  void add(int64_t value, uint32_t count = 1) {
    if (count == 0) return;
    if (open_count_ > 0 && value == open_value_) {
      open_count_ += count;
      return;
    }
    if (open_count_ > 0) {
      values_.push_back(open_value_);
      counts_.push_back(open_count_);
    }
    open_value_ = value;
    open_count_ = count;
  }
  bool empty() const { return open_count_ == 0; }
  int64_t last_value() const { return open_value_; }
  Mark mark() const { return {values_.size() + (empty() ? 0u : 1u), open_count_, open_value_}; }
  std::size_t bytes() const { return values_.bytes() + counts_.bytes(); }
  void clear() { *this = PackedRuns(); }

  template <typename F>  // f(count, value), once a run, in order, up to the mark
  void each(const Mark& mark, F f) const {
    PackedNumbers::Reader values(values_), counts(counts_);
    for (uint32_t i = 1; i < mark.runs; ++i) {
      const auto count = static_cast<uint32_t>(counts.next());
      f(count, values.next());
    }
    if (mark.runs > 0) f(mark.last_count, mark.last_value);
  }

 private:
  PackedNumbers values_, counts_;  // of the runs that are complete
  int64_t open_value_ = 0;
  uint32_t open_count_ = 0;
};

}  // namespace mp4
