// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/ac3.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "mp4/base/bit_reader.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr uint32_t kSyncWord = 0x0b77;
constexpr Ticks kBlock = 256;
constexpr Ticks kBlocks = 6;
constexpr std::array<uint32_t, 3> kRates{48'000, 44'100, 32'000};  // table 4.1, fscod
constexpr uint32_t kLastAc3 = 10, kLastEac3 = 16;                  // bsid
constexpr unsigned kMostFrames = 64;                               // of one sample
constexpr std::size_t kHead = 16;  // bytes of a frame that are looked at

// Packs fields of some bits each.
class BitPacker {
 public:
  void add(uint32_t value, unsigned bits) {
    for (unsigned i = bits; i-- > 0; ++count_) {
      if (count_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> i & 1) << (7 - count_ % 8));
    }
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
  unsigned count_ = 0;
};

// 4.4.2, E.1.3.1: how the channels lie, for both.
struct Layout {
  uint32_t bsid = 0, bsmod = 0, acmod = 0, lfeon = 0;
};

struct Ac3Frame {
  uint32_t size = 0;  // bytes
  uint32_t rate_code = 0, bit_rate_code = 0;
  Layout layout;
};

// Table 4.13; 0: there is no such code.
uint32_t ac3_frame_size(uint32_t rate_code, uint32_t size_code) {
  constexpr std::array<uint32_t, 19> kBitRates{32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                                               192, 224, 256, 320, 384, 448, 512, 576, 640};
  if (rate_code >= kRates.size() || size_code / 2 >= kBitRates.size()) return 0;
  constexpr uint32_t kWords = 1000 * 1536 / 16;  // in a frame, for a bit rate as high as the rate
  constexpr uint32_t kAt44100 = 1;
  const uint32_t words = kBitRates[size_code / 2] * kWords / kRates[rate_code];
  return 2 * (words + (rate_code == kAt44100 ? size_code % 2 : 0));
}

std::optional<Ac3Frame> parse_ac3(std::span<const uint8_t> head) {  // 4.3.1, 4.3.2
  BitReader reader(head);
  Ac3Frame frame;
  if (reader.bits(16) != kSyncWord) return std::nullopt;
  reader.bits(16);                   // crc1
  frame.rate_code = reader.bits(2);  // fscod
  const uint32_t size_code = reader.bits(6);
  frame.size = ac3_frame_size(frame.rate_code, size_code);
  frame.bit_rate_code = size_code / 2;
  Layout& layout = frame.layout;
  layout.bsid = reader.bits(5);
  layout.bsmod = reader.bits(3);
  layout.acmod = reader.bits(3);
  if (layout.acmod & 1 && layout.acmod != 1) reader.bits(2);  // cmixlev
  if (layout.acmod & 4) reader.bits(2);                       // surmixlev
  if (layout.acmod == 2) reader.bits(2);                      // dsurmod
  layout.lfeon = reader.bit();
  if (reader.exhausted() || frame.size == 0 || layout.bsid > kLastAc3) return std::nullopt;
  return frame;
}

std::vector<uint8_t> dac3(const Ac3Frame& frame) {  // F.4
  BitPacker box;
  box.add(frame.rate_code, 2);      // fscod
  box.add(frame.layout.bsid, 5);    // bsid
  box.add(frame.layout.bsmod, 3);   // bsmod
  box.add(frame.layout.acmod, 3);   // acmod
  box.add(frame.layout.lfeon, 1);   // lfeon
  box.add(frame.bit_rate_code, 5);  // bit_rate_code
  box.add(0, 5);                    // reserved
  return box.take();
}

struct Eac3Frame {
  bool is_dependent = false;  // strmtyp
  uint32_t substream = 0;
  uint32_t size = 0;  // bytes
  uint32_t rate_code = 0, rate = 0;
  Ticks blocks = kBlocks;
  Layout layout;
  uint32_t locations = 0;  // of a dependent one: chan_loc
};

// E.1.3.1.8 to F.6.2.13: from the most significant bit, the left channels come first, and the
// locations begin with the sixth.
uint32_t locations_of(uint32_t channel_map) {
  constexpr unsigned kPairs = 5, kLowFrequency2 = 14;
  uint32_t locations = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (channel_map >> (15 - kPairs - i) & 1) locations |= 1u << i;
  if (channel_map >> (15 - kLowFrequency2) & 1) locations |= 1u << 8;
  return locations;
}

// E.1.2.2, from dialnorm to chanmap.
void read_channel_map(BitReader& reader, Eac3Frame& frame) {
  reader.bits(5);                      // dialnorm
  if (reader.bit()) reader.bits(8);    // compre, compr
  if (frame.layout.acmod == 0) {       // 1 + 1
    reader.bits(5);                    // dialnorm2
    if (reader.bit()) reader.bits(8);  // compr2e, compr2
  }
  if (reader.bit()) frame.locations = locations_of(reader.bits(16));  // chanmape, chanmap
}

std::optional<Eac3Frame> parse_eac3(std::span<const uint8_t> head) {  // E.1.2.1, E.1.2.2
  constexpr std::array<Ticks, 4> kBlockCounts{1, 2, 3, kBlocks};
  constexpr uint32_t kReducedRate = 3, kDependent = 1;
  BitReader reader(head);
  Eac3Frame frame;
  if (reader.bits(16) != kSyncWord) return std::nullopt;
  frame.is_dependent = reader.bits(2) == kDependent;
  frame.substream = reader.bits(3);        // substreamid
  frame.size = (reader.bits(11) + 1) * 2;  // frmsiz
  frame.rate_code = reader.bits(2);        // fscod
  if (frame.rate_code == kReducedRate) {
    const uint32_t half = reader.bits(2);  // fscod2
    frame.rate = half < kRates.size() ? kRates[half] / 2 : 0;
  } else {
    frame.rate = kRates[frame.rate_code];
    frame.blocks = kBlockCounts[reader.bits(2)];  // numblkscod
  }
  frame.layout.acmod = reader.bits(3);
  frame.layout.lfeon = reader.bit();
  frame.layout.bsid = reader.bits(5);
  if (frame.layout.bsid <= kLastAc3 || frame.layout.bsid > kLastEac3) return std::nullopt;
  if (reader.exhausted() || frame.rate == 0) return std::nullopt;
  if (frame.is_dependent) read_channel_map(reader, frame);
  return frame;
}

// The frames of a sample: of independent substreams, from 0 on and each with its dependent ones
// behind it, and again for the next blocks.
class Substreams {
 public:
  void add(const Eac3Frame& frame) {
    if (!frame.is_dependent && frame.substream > count_) return;  // one before it is missing
    bytes_ += frame.size;
    if (!frame.is_dependent) {
      current_ = frame.substream;
      count_ = std::max<std::size_t>(count_, current_ + 1);
      all_[current_].first = frame;
      if (current_ == 0) blocks_ += frame.blocks;
    } else {
      Substream& parent = all_[current_];
      parent.dependents = std::max(parent.dependents, frame.substream + 1);
      parent.locations |= frame.locations;
    }
  }
  Ticks duration() const { return blocks_ * kBlock; }
  std::vector<uint8_t> dec3() const;  // F.6

 private:
  struct Substream {
    Eac3Frame first;
    uint32_t dependents = 0, locations = 0;
  };

  std::array<Substream, 8> all_;
  std::size_t count_ = 0;
  uint32_t current_ = 0;
  uint32_t bytes_ = 0;
  Ticks blocks_ = 0;
};

std::vector<uint8_t> Substreams::dec3() const {
  const int64_t bits_per_second =
      multiply_divide(int64_t{bytes_} * 8, all_[0].first.rate, std::max<Ticks>(1, duration()));
  BitPacker box;
  box.add(narrow<uint32_t>(std::min<int64_t>(bits_per_second / 1000, 0x1fff)), 13);  // data_rate
  box.add(narrow<uint32_t>(count_ - 1), 3);                                          // num_ind_sub
  for (const Substream& substream : std::span(all_).first(count_)) {
    const Layout& layout = substream.first.layout;
    box.add(substream.first.rate_code, 2);  // fscod
    box.add(layout.bsid, 5);                // bsid
    box.add(0, 1);                          // reserved
    box.add(0, 1);                          // asvc
    box.add(layout.bsmod, 3);               // bsmod
    box.add(layout.acmod, 3);               // acmod
    box.add(layout.lfeon, 1);               // lfeon
    box.add(0, 3);                          // reserved
    box.add(substream.dependents, 4);       // num_dep_sub
    if (substream.dependents)
      box.add(substream.locations, 9);  // chan_loc
    else
      box.add(0, 1);  // reserved
  }
  return box.take();
}

// All but the data rate, which differs from one sample to the next where it varies.
bool is_same_layout(std::span<const uint8_t> one, std::span<const uint8_t> other) {
  constexpr std::size_t kDataRate = 2;  // 13 bits, then num_ind_sub
  if (one.size() != other.size() || one.size() <= kDataRate) return false;
  return (one[1] & 7) == (other[1] & 7) &&
         std::ranges::equal(one.subspan(kDataRate), other.subspan(kDataRate));
}

template <typename Parse>
auto frame_at(const ByteSource& sample, uint64_t position, Parse parse) {
  std::array<uint8_t, kHead> buffer{};
  return parse(std::span<const uint8_t>(buffer).first(sample.read(position, buffer)));
}

}  // namespace

AccessUnit look_at_ac3(const ByteSource& sample, TrackConfig& config) {
  AccessUnit unit{.has_media = sample.size() > 0, .access = {.sync = true}};
  const auto first = frame_at(sample, 0, parse_ac3);
  if (!first) return unit;
  uint64_t position = 0;
  auto frame = first;
  for (unsigned i = 0; i < kMostFrames && frame; ++i) {
    unit.duration += kBlocks * kBlock;
    position += frame->size;
    frame = frame_at(sample, position, parse_ac3);
  }
  auto configuration = dac3(*first);
  unit.described_anew = config.codec_config != configuration;
  if (unit.described_anew) config.codec_config = std::move(configuration);
  return unit;
}

AccessUnit look_at_eac3(const ByteSource& sample, TrackConfig& config) {
  AccessUnit unit{.has_media = sample.size() > 0, .access = {.sync = true}};
  Substreams substreams;
  uint64_t position = 0;
  for (unsigned i = 0; i < kMostFrames; ++i) {
    const auto frame = frame_at(sample, position, parse_eac3);
    if (!frame) break;
    if (position == 0 && (frame->is_dependent || frame->substream != 0)) {
      unit.has_media = false;  // of a sample that has gone before; none begins with it (F.1)
      return unit;
    }
    substreams.add(*frame);
    position += frame->size;
  }
  if (position == 0) return unit;
  unit.duration = substreams.duration();
  auto configuration = substreams.dec3();
  unit.described_anew = !is_same_layout(config.codec_config, configuration);
  if (unit.described_anew) config.codec_config = std::move(configuration);
  return unit;
}

}  // namespace mp4
