// SPDX-License-Identifier: LGPL-2.1-or-later
#include "avc.h"

#include <algorithm>
#include <array>
#include <vector>

#include "bit_reader.h"
#include "narrow.h"

namespace mp4 {
namespace {

// ITU-T H.264, table 7-1
constexpr uint8_t kSlice = 1;
constexpr uint8_t kIdrSlice = 5;
constexpr uint8_t kSei = 6;
constexpr uint8_t kSps = 7;
constexpr uint32_t kRecoveryPoint = 6;  // D.1: payloadType

constexpr uint32_t kMaxPictureSide = 65'535;  // what a sample entry can say
constexpr std::size_t kSeiBytesLookedAt = 256;

// 7.3.1: the payload without emulation_prevention_three_byte.
std::vector<uint8_t> without_emulation_prevention(std::span<const uint8_t> nal) {
  std::vector<uint8_t> rbsp;
  rbsp.reserve(nal.size());
  unsigned zeros = 0;
  for (uint8_t byte : nal) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    rbsp.push_back(byte);
  }
  return rbsp;
}

bool has_chroma_format(uint32_t profile) {  // 7.3.2.1.1
  constexpr std::array<uint32_t, 13> kProfiles{100, 110, 122, 244, 44,  83, 86,
                                               118, 128, 138, 139, 134, 135};
  return std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

void skip_scaling_list(BitReader& reader, unsigned size) {  // 7.3.2.1.1.1
  int last = 8, next = 8;
  for (unsigned i = 0; i < size && !reader.exhausted(); ++i) {
    if (next != 0) next = (last + reader.se() % 256 + 256) % 256;
    last = next == 0 ? last : next;
  }
}

// Returns chroma_format_idc, 0 where the planes are coded apart.
uint32_t read_chroma_format(BitReader& reader) {
  uint32_t chroma = reader.ue();
  const bool separate = chroma == 3 && reader.bit();
  reader.ue();         // bit_depth_luma_minus8
  reader.ue();         // bit_depth_chroma_minus8
  reader.bit();        // qpprime_y_zero_transform_bypass_flag
  if (reader.bit()) {  // seq_scaling_matrix_present_flag
    for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); ++i)
      if (reader.bit()) skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  return separate ? 0 : chroma;
}

void skip_pic_order_count(BitReader& reader) {
  const uint32_t type = reader.ue();  // pic_order_cnt_type
  if (type == 0) {
    reader.ue();  // log2_max_pic_order_cnt_lsb_minus4
  } else if (type == 1) {
    reader.bit();  // delta_pic_order_always_zero_flag
    reader.se();   // offset_for_non_ref_pic
    reader.se();   // offset_for_top_to_bottom_field
    const uint32_t cycle = std::min<uint32_t>(reader.ue(), 255);
    for (uint32_t i = 0; i < cycle; ++i) reader.se();
  }
}

std::optional<PixelAspectRatio> read_aspect(BitReader& reader) {  // E.1.1, table E-1
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
  const uint32_t index = reader.bits(8);
  PixelAspectRatio aspect{0, 0};
  if (index == kExtended) {
    aspect.horizontal = reader.bits(16);
    aspect.vertical = reader.bits(16);
  } else if (index < kTable.size()) {
    aspect = kTable[index];
  }
  if (aspect.horizontal == 0 || aspect.vertical == 0) return std::nullopt;
  return aspect;
}

void read_vui(BitReader& reader, AvcSequence& sequence) {  // E.1.1
  if (reader.bit()) sequence.aspect = read_aspect(reader);
  if (reader.bit()) reader.bit();  // overscan
  if (!reader.bit()) return;       // video_signal_type_present_flag
  reader.bits(3);                  // video_format
  Colour colour;
  colour.full_range = reader.bit() != 0;
  if (reader.bit()) {  // colour_description_present_flag
    colour.primaries = narrow<uint16_t>(reader.bits(8));
    colour.transfer = narrow<uint16_t>(reader.bits(8));
    colour.matrix = narrow<uint16_t>(reader.bits(8));
  }
  sequence.colour = colour;
}

// 7.4.2.1.1: cropping is counted in chroma samples and, with fields, in pairs of lines.
void crop(AvcSequence& sequence, BitReader& reader, uint32_t chroma, bool frames_only) {
  const uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const uint64_t unit_y = (chroma == 1 ? 2 : 1) * (frames_only ? 1 : 2);
  const uint64_t left = reader.ue(), right = reader.ue(), top = reader.ue(), bottom = reader.ue();
  const uint64_t x = (left + right) * unit_x, y = (top + bottom) * unit_y;
  sequence.width = x < sequence.width ? narrow<uint32_t>(sequence.width - x) : 0;
  sequence.height = y < sequence.height ? narrow<uint32_t>(sequence.height - y) : 0;
}

std::optional<AvcSequence> parse_sps(std::span<const uint8_t> nal) {
  if (nal.size() < 4 || (nal[0] & 0x1f) != kSps) return std::nullopt;
  const std::vector<uint8_t> rbsp = without_emulation_prevention(nal.subspan(1));
  BitReader reader(rbsp);
  const uint32_t profile = reader.bits(8);
  reader.bits(16);  // constraint flags, level_idc
  reader.ue();      // seq_parameter_set_id
  const uint32_t chroma = has_chroma_format(profile) ? read_chroma_format(reader) : 1;
  reader.ue();  // log2_max_frame_num_minus4
  skip_pic_order_count(reader);
  reader.ue();   // max_num_ref_frames
  reader.bit();  // gaps_in_frame_num_value_allowed_flag
  const uint64_t width = (uint64_t{reader.ue()} + 1) * 16;
  const uint64_t map_height = (uint64_t{reader.ue()} + 1) * 16;
  const bool frames_only = reader.bit() != 0;
  if (!frames_only) reader.bit();  // mb_adaptive_frame_field_flag
  const uint64_t height = map_height * (frames_only ? 1 : 2);
  reader.bit();  // direct_8x8_inference_flag
  if (reader.exhausted() || width > kMaxPictureSide || height > kMaxPictureSide)
    return std::nullopt;
  AvcSequence sequence{narrow<uint32_t>(width), narrow<uint32_t>(height), {}, {}};
  if (reader.bit()) crop(sequence, reader, chroma, frames_only);
  if (reader.bit()) read_vui(reader, sequence);
  if (reader.exhausted() || sequence.width == 0 || sequence.height == 0) return std::nullopt;
  return sequence;
}

// Walks one list of 16-bit lengths and parameter sets; false where they do not fit.
template <typename F>
bool each_parameter_set(std::span<const uint8_t>& rest, unsigned count, F f) {
  for (unsigned i = 0; i < count; ++i) {
    if (rest.size() < 2) return false;
    const std::size_t length = std::size_t{rest[0]} << 8 | rest[1];
    if (length == 0 || rest.size() - 2 < length) return false;
    f(rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  return true;
}

// 7.3.2.3.1: type and size are given by runs of 0xff and a last byte.
bool sei_has_recovery_point(std::span<const uint8_t> nal) {
  const std::vector<uint8_t> rbsp = without_emulation_prevention(nal.subspan(1));
  std::size_t position = 0;
  auto number = [&] {
    uint32_t value = 0;
    while (position < rbsp.size() && rbsp[position] == 0xff) value += rbsp[position++];
    return position < rbsp.size() ? value + rbsp[position++] : value;
  };
  while (position + 2 < rbsp.size()) {
    const uint32_t type = number();
    const uint32_t size = number();
    if (type == kRecoveryPoint) return true;
    position += size;
  }
  return false;
}

}  // namespace

std::optional<AvcConfig> parse_avc_config(std::span<const uint8_t> record) {
  constexpr std::size_t kFixedPart = 7;
  if (record.size() < kFixedPart || record[0] != 1) return std::nullopt;
  AvcConfig config;
  config.nal_length_size = (record[4] & 3u) + 1;
  if (config.nal_length_size == 3) return std::nullopt;
  auto rest = record.subspan(6);
  const bool sps_fit = each_parameter_set(rest, record[5] & 0x1f, [&](auto nal) {
    if (!config.sequence) config.sequence = parse_sps(nal);
  });
  if (!sps_fit || rest.empty()) return std::nullopt;
  const unsigned pps = rest[0];
  rest = rest.subspan(1);
  if (!each_parameter_set(rest, pps, [](auto) {})) return std::nullopt;
  return config;
}

AvcAccessUnit scan_avc_access_unit(const ByteSource& bytes, unsigned nal_length_size) {
  AvcAccessUnit unit;
  uint64_t position = 0;
  std::array<uint8_t, 5> header{};
  while (bytes.read(position, std::span(header).first(nal_length_size + 1)) ==
         nal_length_size + 1) {
    uint64_t length = 0;
    for (unsigned i = 0; i < nal_length_size; ++i) length = length << 8 | header[i];
    position += nal_length_size;
    if (length == 0) continue;
    const uint8_t type = header[nal_length_size] & 0x1f;
    if (type >= kSlice && type <= kIdrSlice) {
      unit.has_slice = true;
      unit.idr = type == kIdrSlice;
      return unit;
    }
    if (type == kSei) {
      std::array<uint8_t, kSeiBytesLookedAt> sei;
      const auto wanted = std::min<uint64_t>(length, sei.size());
      const std::size_t got = bytes.read(position, std::span(sei).first(wanted));
      if (got > 1 && sei_has_recovery_point(std::span(sei).first(got))) unit.recovery_point = true;
    }
    position += length;
  }
  return unit;
}

}  // namespace mp4
