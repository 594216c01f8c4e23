// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ac3.h"

#include <array>
#include <optional>
#include <utility>

#include "bit_reader.h"
#include "narrow.h"

namespace mp4 {
namespace {

constexpr uint32_t kSyncWord = 0x0b77;
constexpr Ticks kBlock = 256;
constexpr Ticks kBlocks = 6;
constexpr std::array<uint32_t, 3> kRates{48'000, 44'100, 32'000};  // table 4.1, fscod
constexpr unsigned kMostSubstreams = 8;
constexpr unsigned kMostFrames = 16;  // of one sample

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

bool replace(std::vector<uint8_t>& known, std::vector<uint8_t> configuration) {
  if (known == configuration) return false;
  known = std::move(configuration);
  return true;
}

// 4.4.2: how the channels lie, for both.
struct Layout {
  uint32_t bsid = 0, bsmod = 0, acmod = 0, lfeon = 0;
};

struct EacFrame {
  uint32_t type = 0;  // strmtyp: 0 independent, 1 dependent
  uint32_t size = 0;  // bytes
  uint32_t rate_code = 0, rate = 0;
  Ticks blocks = kBlocks;
  Layout layout;
};

std::optional<EacFrame> parse_eac3(std::span<const uint8_t> head) {  // E.1.2.1, E.1.2.2
  constexpr std::array<Ticks, 4> kBlockCounts{1, 2, 3, 6};
  constexpr uint32_t kReduced = 3;
  BitReader reader(head);
  EacFrame frame;
  if (reader.bits(16) != kSyncWord) return std::nullopt;
  frame.type = reader.bits(2);
  reader.bits(3);                          // substreamid
  frame.size = (reader.bits(11) + 1) * 2;  // frmsiz
  frame.rate_code = reader.bits(2);        // fscod
  if (frame.rate_code == kReduced) {
    const uint32_t half = reader.bits(2);  // fscod2
    frame.rate = half < kRates.size() ? kRates[half] / 2 : 0;
  } else {
    frame.rate = kRates[frame.rate_code];
    frame.blocks = kBlockCounts[reader.bits(2)];  // numblkscod
  }
  frame.layout.acmod = reader.bits(3);
  frame.layout.lfeon = reader.bit();
  frame.layout.bsid = reader.bits(5);
  if (reader.exhausted() || frame.rate == 0 || frame.layout.bsid <= 10) return std::nullopt;
  return frame;
}

struct Substream {
  EacFrame frame;
  uint32_t dependents = 0;
};

std::vector<uint8_t> dec3(std::span<const Substream> substreams, uint32_t bytes, Ticks blocks) {
  const EacFrame& first = substreams[0].frame;
  const int64_t bits_per_second =
      multiply_divide(int64_t{bytes} * 8, first.rate, std::max<Ticks>(1, blocks * kBlock));
  BitPacker box;
  box.add(narrow<uint32_t>(std::min<int64_t>(bits_per_second / 1000, 0x1fff)), 13);  // data_rate
  box.add(narrow<uint32_t>(substreams.size() - 1), 3);                               // num_ind_sub
  for (const Substream& substream : substreams) {
    const Layout& layout = substream.frame.layout;
    box.add(substream.frame.rate_code, 2);  // fscod
    box.add(layout.bsid, 5);                // bsid
    box.add(0, 1);                          // reserved
    box.add(0, 1);                          // asvc
    box.add(layout.bsmod, 3);               // bsmod
    box.add(layout.acmod, 3);               // acmod
    box.add(layout.lfeon, 1);               // lfeon
    box.add(0, 3);                          // reserved
    box.add(substream.dependents, 4);       // num_dep_sub
    if (substream.dependents)
      box.add(0, 9);  // chan_loc
    else
      box.add(0, 1);  // reserved
  }
  return box.take();
}

}  // namespace

AccessUnit look_at_ac3(const ByteSource& sample, TrackConfig& config) {
  std::array<uint8_t, 8> buffer{};
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  AccessUnit unit{.has_media = !head.empty(), .access = {.sync = true}};
  BitReader reader(head);
  if (reader.bits(16) != kSyncWord) return unit;
  reader.bits(16);  // crc1
  const uint32_t fscod = reader.bits(2), frmsizecod = reader.bits(6);
  Layout layout;
  layout.bsid = reader.bits(5);
  layout.bsmod = reader.bits(3);
  layout.acmod = reader.bits(3);
  if (layout.acmod & 1 && layout.acmod != 1) reader.bits(2);  // cmixlev
  if (layout.acmod & 4) reader.bits(2);                       // surmixlev
  if (layout.acmod == 2) reader.bits(2);                      // dsurmod
  layout.lfeon = reader.bit();
  if (reader.exhausted() || fscod >= kRates.size() || layout.bsid > 10) return unit;
  BitPacker box;                // F.4
  box.add(fscod, 2);            // fscod
  box.add(layout.bsid, 5);      // bsid
  box.add(layout.bsmod, 3);     // bsmod
  box.add(layout.acmod, 3);     // acmod
  box.add(layout.lfeon, 1);     // lfeon
  box.add(frmsizecod >> 1, 5);  // bit_rate_code
  box.add(0, 5);                // reserved
  unit.described_anew = replace(config.codec_config, box.take());
  return unit;
}

AccessUnit look_at_eac3(const ByteSource& sample, TrackConfig& config) {
  AccessUnit unit{.has_media = sample.size() > 0, .access = {.sync = true}};
  std::array<Substream, kMostSubstreams> substreams;
  std::size_t count = 0;
  Ticks blocks = 0;
  uint64_t position = 0;
  for (unsigned i = 0; i < kMostFrames && position < sample.size(); ++i) {
    std::array<uint8_t, 8> buffer{};
    const auto head = std::span<const uint8_t>(buffer).first(sample.read(position, buffer));
    const auto frame = parse_eac3(head);
    if (!frame) break;
    if (frame->type == 1 && count > 0)
      ++substreams[count - 1].dependents;
    else if (count < kMostSubstreams)
      substreams[count++] = {*frame};
    if (count == 1 && frame->type != 1) blocks += frame->blocks;
    position += frame->size;
  }
  if (count == 0) return unit;
  unit.duration = blocks * kBlock;
  unit.described_anew = replace(config.codec_config, dec3(std::span(substreams).first(count),
                                                          narrow<uint32_t>(position), blocks));
  return unit;
}

}  // namespace mp4
