// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/nal.h"

#include <algorithm>
#include <array>

#include "mp4/base/narrow.h"
#include "mp4/codecs/avc.h"
#include "mp4/codecs/hevc.h"

namespace mp4 {
namespace {

constexpr std::size_t kSeiBytesLookedAt = 256;
constexpr std::size_t kSliceBytesLookedAt = 16;
constexpr uint32_t kLargestSet = 65'535;  // what a decoder configuration record can hold
constexpr std::size_t kMostSets = 64;     // of one sample
constexpr uint32_t kRecoveryPoint = 6;    // H.264 D.1, H.265 D.2: payloadType

// One NAL unit of a sample.
struct Nal {
  const ByteSource& bytes;
  NalRange range;

  std::span<uint8_t> head(std::span<uint8_t> buffer) const {
    const auto head = buffer.first(std::min<std::size_t>(range.size, buffer.size()));
    return head.first(bytes.read(range.offset, head));
  }
};

// H.264 7.3.2.3.1, H.265 7.3.5: type and size are given by runs of 0xff and a last byte. Returns
// what is there of the payload of the recovery point message, or nothing.
std::span<const uint8_t> find_recovery_point(std::span<const uint8_t> rbsp) {
  std::size_t position = 0;
  auto number = [&] {
    uint32_t value = 0;
    while (position < rbsp.size() && rbsp[position] == 0xff) value += rbsp[position++];
    return position < rbsp.size() ? value + rbsp[position++] : value;
  };
  while (position + 2 < rbsp.size()) {
    const uint32_t type = number();
    const uint32_t size = number();
    if (type == kRecoveryPoint) return rbsp.subspan(position);
    position += size;
  }
  return {};
}

void look_at_sei(NalCodec codec, const Nal& nal, AccessUnit& unit) {
  std::array<uint8_t, kSeiBytesLookedAt> buffer;
  const std::span<uint8_t> head = nal.head(buffer);
  const std::size_t header = codec == NalCodec::kAvc ? 1 : 2;
  if (head.size() <= header) return;
  const auto payload = find_recovery_point(remove_emulation_prevention(head.subspan(header)));
  if (payload.empty()) return;
  BitReader reader(payload);
  // recovery_frame_cnt, or recovery_poc_cnt, which may be negative
  const int64_t count = codec == NalCodec::kAvc ? int64_t{reader.ue()} : int64_t{reader.se()};
  if (reader.exhausted() || count < 0) return;
  const auto distance = static_cast<int16_t>(std::min<int64_t>(count, INT16_MAX));
  unit.access = {.open_gop = distance == 0, .roll_distance = distance};
}

void look_at_slice(NalCodec codec, const Nal& nal, AccessUnit& unit) {
  unit.has_media = true;
  std::array<uint8_t, kSliceBytesLookedAt> buffer;
  const std::span<uint8_t> head = nal.head(buffer);
  if (head.empty()) return;
  if (codec == NalCodec::kAvc)
    look_at_avc_slice(head[0], remove_emulation_prevention(head.subspan(1)), unit);
  else
    look_at_hevc_slice(head[0], unit);
}

}  // namespace

AccessUnit scan_access_unit(NalCodec codec, const ByteSource& bytes, unsigned nal_length_size) {
  AccessUnit unit;
  const uint64_t size = bytes.size();
  uint64_t position = 0;
  std::array<uint8_t, 5> header{};
  const auto wanted = std::span(header).first(nal_length_size + 1);
  while (bytes.read(position, wanted) == wanted.size()) {
    uint64_t length = 0;
    for (unsigned i = 0; i < nal_length_size; ++i) length = length << 8 | header[i];
    const uint64_t start = position;
    position += nal_length_size;
    if (length == 0) continue;
    const Nal nal{bytes, {position, static_cast<uint32_t>(length)}};
    const bool whole = length <= size - position;
    const uint8_t first = header[nal_length_size];
    switch (codec == NalCodec::kAvc ? avc_nal_kind(first) : hevc_nal_kind(first)) {
      case NalKind::kSlice:
        look_at_slice(codec, nal, unit);
        return unit;
      case NalKind::kParameterSet:
        if (whole && length <= kLargestSet && unit.parameter_sets.size() < kMostSets)
          unit.parameter_sets.push_back(nal.range);
        break;
      case NalKind::kDelimiter:
        if (whole && start == 0) unit.sets_position = position + length;
        break;
      case NalKind::kSei:
        look_at_sei(codec, nal, unit);
        break;
      case NalKind::kOther:
        break;
    }
    position += length;
  }
  return unit;
}

std::vector<uint8_t> without_emulation_prevention(std::span<const uint8_t> nal) {
  std::vector<uint8_t> rbsp(nal.begin(), nal.end());
  rbsp.resize(remove_emulation_prevention(rbsp).size());
  return rbsp;
}

std::span<uint8_t> remove_emulation_prevention(std::span<uint8_t> nal) {
  unsigned zeros = 0;
  std::size_t kept = 0;
  for (const uint8_t byte : nal) {
    const bool prevents = zeros >= 2 && byte == 3;
    zeros = byte == 0 ? zeros + 1 : 0;
    if (!prevents) nal[kept++] = byte;
  }
  return nal.first(kept);
}

void read_vui_aspect(BitReader& reader, SequenceInfo& sequence) {  // table E-1 of both
  constexpr std::array<PixelAspectRatio, 17> kTable{{{0, 0},
                                                     {1, 1},
                                                     {12, 11},
                                                     {10, 11},
                                                     {16, 11},
                                                     {40, 33},
                                                     {24, 11},
                                                     {20, 11},
                                                     {32, 11},
                                                     {80, 33},
                                                     {18, 11},
                                                     {15, 11},
                                                     {64, 33},
                                                     {160, 99},
                                                     {4, 3},
                                                     {3, 2},
                                                     {2, 1}}};
  constexpr uint32_t kExtended = 255;
  if (!reader.bit()) return;  // aspect_ratio_info_present_flag
  const uint32_t index = reader.bits(8);
  PixelAspectRatio aspect{0, 0};
  if (index == kExtended) {
    aspect.horizontal = reader.bits(16);
    aspect.vertical = reader.bits(16);
  } else if (index < kTable.size()) {
    aspect = kTable[index];
  }
  if (!reader.exhausted() && aspect.horizontal && aspect.vertical) sequence.aspect = aspect;
}

void read_vui_overscan(BitReader& reader) {
  if (reader.bit()) reader.bit();  // overscan_info_present_flag, overscan_appropriate_flag
}

void read_vui_video_signal(BitReader& reader, SequenceInfo& sequence) {
  if (!reader.bit()) return;  // video_signal_type_present_flag
  reader.bits(3);             // video_format
  Colour colour;
  colour.full_range = reader.bit() != 0;
  if (reader.bit()) {  // colour_description_present_flag
    colour.primaries = narrow<uint16_t>(reader.bits(8));
    colour.transfer = narrow<uint16_t>(reader.bits(8));
    colour.matrix = narrow<uint16_t>(reader.bits(8));
  }
  if (!reader.exhausted()) sequence.colour = colour;
}

bool crop(SequenceInfo& sequence, BitReader& reader, uint32_t unit_x, uint32_t unit_y) {
  const uint64_t left = reader.ue(), right = reader.ue(), top = reader.ue(), bottom = reader.ue();
  const uint64_t x = (left + right) * unit_x, y = (top + bottom) * unit_y;
  if (x >= sequence.width || y >= sequence.height) return false;
  sequence.width -= narrow<uint32_t>(x);
  sequence.height -= narrow<uint32_t>(y);
  return true;
}

}  // namespace mp4
