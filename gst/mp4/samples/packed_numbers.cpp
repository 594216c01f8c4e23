// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A block is
//   varint    the smallest number, its sign in the lowest bit
//   u8        w, the bits of each distance that stand in the words
//   u8        how many distances have more
//   u64[w]    the lower w bits of all 64 distances
//   of each that has more: u8 its place, varint its upper bits
#include "mp4/samples/packed_numbers.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

namespace mp4 {
namespace {

using Distances = std::array<uint64_t, 64>;

constexpr std::size_t kMostOfVarint = 10;
constexpr std::size_t kMostOfBlock = kMostOfVarint + 2 + sizeof(Distances);
// Small recordings have small pages.
constexpr uint32_t kFirstPage = 1024, kLargestPage = 16 * 1024;
static_assert(kFirstPage >= kMostOfBlock);

unsigned bits_of(uint64_t number) { return static_cast<unsigned>(std::bit_width(number)); }

uint64_t sign_to_lowest(int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  return number < 0 ? ~bits << 1 | 1 : bits << 1;
}

int64_t sign_from_lowest(uint64_t bits) {
  return static_cast<int64_t>(bits & 1 ? ~(bits >> 1) : bits >> 1);
}

uint8_t* put_varint(uint8_t* to, uint64_t number) {
  for (; number >= 0x80; number >>= 7) *to++ = static_cast<uint8_t>(number | 0x80);
  *to++ = static_cast<uint8_t>(number);
  return to;
}

const uint8_t* get_varint(const uint8_t* from, uint64_t& number) {
  number = 0;
  for (unsigned shift = 0;; shift += 7) {
    number |= uint64_t{*from & 0x7fu} << shift;
    if ((*from++ & 0x80) == 0) return from;
  }
}

// Which width takes the fewest bytes, what does not fit included.
unsigned best_width(const Distances& distances) {
  std::array<uint8_t, 65> with_bits{};
  unsigned most = 0;
  for (uint64_t distance : distances) {
    const unsigned bits = bits_of(distance);
    ++with_bits[bits];
    most = std::max(most, bits);
  }
  unsigned best = most, more = 0, least = 8 * most;
  for (unsigned width = most; width-- > 0;) {
    more += with_bits[width + 1];
    const unsigned bytes = 8 * width + more * (1 + (most - width + 6) / 7);
    if (bytes >= least) continue;
    best = width;
    least = bytes;
  }
  return best;
}

uint8_t* put_words(uint8_t* to, const Distances& distances, unsigned width) {
  if (width == 0) return to;
  const uint64_t mask = ~uint64_t{0} >> (64 - width);
  uint64_t word = 0;
  unsigned filled = 0;
  for (uint64_t distance : distances) {
    const uint64_t low = distance & mask;
    word |= low << filled;
    filled += width;
    if (filled < 64) continue;
    std::memcpy(to, &word, sizeof word);
    to += sizeof word;
    filled -= 64;
    word = filled > 0 ? low >> (width - filled) : 0;
  }
  return to;
}

const uint8_t* get_words(const uint8_t* from, Distances& distances, unsigned width) {
  distances.fill(0);
  if (width == 0) return from;
  const uint64_t mask = ~uint64_t{0} >> (64 - width);
  uint64_t word = 0;
  unsigned left = 0;
  for (uint64_t& distance : distances) {
    uint64_t low = word;
    const unsigned from_last = left;
    if (left < width) {
      std::memcpy(&word, from, sizeof word);
      from += sizeof word;
      low |= word << from_last;
      word = width - from_last < 64 ? word >> (width - from_last) : 0;
      left += 64;
    } else {
      word >>= width;
    }
    left -= width;
    distance = low & mask;
  }
  return from;
}

}  // namespace

void PackedNumbers::pack() {
  const int64_t smallest = *std::min_element(last_.begin(), last_.end());
  Distances distances;
  for (uint32_t i = 0; i < kBlock; ++i)
    distances[i] = static_cast<uint64_t>(last_[i]) - static_cast<uint64_t>(smallest);
  const unsigned width = best_width(distances);
  uint8_t* const begin = room_for_block();
  uint8_t* to = put_varint(begin, sign_to_lowest(smallest));
  *to++ = static_cast<uint8_t>(width);
  uint8_t& more = *to++;
  more = 0;
  to = put_words(to, distances, width);
  for (uint32_t i = 0; i < kBlock; ++i) {
    if (bits_of(distances[i]) <= width) continue;
    *to++ = static_cast<uint8_t>(i);
    to = put_varint(to, distances[i] >> width);
    ++more;
  }
  pages_.back().used += static_cast<uint32_t>(to - begin);
  packed_ += kBlock;
  filled_ = 0;
}

uint8_t* PackedNumbers::room_for_block() {
  if (pages_.empty() || pages_.back().size - pages_.back().used < kMostOfBlock) {
    const uint32_t size =
        pages_.empty() ? kFirstPage : std::min(2 * pages_.back().size, kLargestPage);
    pages_.push_back({std::unique_ptr<uint8_t[]>(new uint8_t[size]), size});
  }
  return pages_.back().bytes.get() + pages_.back().used;
}

std::size_t PackedNumbers::bytes() const {
  std::size_t bytes = sizeof *this + pages_.capacity() * sizeof(Page);
  for (const Page& page : pages_) bytes += page.size;
  return bytes;
}

void PackedNumbers::Reader::load() {
  if (at_ >= numbers_.packed_) {
    block_ = numbers_.last_;
    return;
  }
  if (offset_ == numbers_.pages_[page_].used) {
    ++page_;
    offset_ = 0;
  }
  const uint8_t* const begin = numbers_.pages_[page_].bytes.get();
  uint64_t smallest;
  const uint8_t* from = get_varint(begin + offset_, smallest);
  const unsigned width = *from++;
  const unsigned more = *from++;
  Distances distances;
  from = get_words(from, distances, width);
  for (unsigned i = 0; i < more; ++i) {
    const uint8_t place = *from++;
    uint64_t upper;
    from = get_varint(from, upper);
    distances[place] |= upper << width;
  }
  offset_ = static_cast<std::size_t>(from - begin);
  const auto first = static_cast<uint64_t>(sign_from_lowest(smallest));
  for (uint32_t i = 0; i < kBlock; ++i) block_[i] = static_cast<int64_t>(first + distances[i]);
}

}  // namespace mp4
