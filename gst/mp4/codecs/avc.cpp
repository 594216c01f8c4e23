// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/avc.h"

#include <algorithm>
#include <array>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// Table 7-1
constexpr uint8_t kSlice = 1;
constexpr uint8_t kIdrSlice = 5;
constexpr uint8_t kSei = 6;
constexpr uint8_t kSps = 7;
constexpr uint8_t kPps = 8;
constexpr uint8_t kDelimiter = 9;

constexpr uint32_t kBaseline = 66;  // profile_idc, A.2
constexpr uint32_t kMain = 77;
constexpr uint32_t kExtended = 88;
constexpr uint32_t kCavlcIntra = 44;
constexpr uint32_t kConstraintSet3 = 1 << 4;  // among the constraint flags
constexpr uint32_t kMaxPictureSide = 65'535;  // what a sample entry can say

bool has_chroma_format(uint32_t profile) {  // 7.3.2.1.1
  constexpr std::array<uint32_t, 13> kProfiles{100, 110, 122, 244, 44,  83, 86,
                                               118, 128, 138, 139, 134, 135};
  return std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

// A.2.8 to A.2.11: pictures depend on no other, and none is reordered.
bool is_intra_profile(uint32_t profile, uint32_t constraints) {
  if (profile == kCavlcIntra) return true;
  constexpr std::array<uint32_t, 4> kProfiles{100, 110, 122, 244};
  return (constraints & kConstraintSet3) &&
         std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

void skip_scaling_list(BitReader& reader, unsigned size) {  // 7.3.2.1.1.1
  int last = 8, next = 8;
  for (unsigned i = 0; i < size && !reader.exhausted(); ++i) {
    if (next != 0) next = (last + reader.se() % 256 + 256) % 256;
    last = next == 0 ? last : next;
  }
}

// Returns ChromaArrayType: 0 where the planes are coded apart.
uint32_t read_chroma_format(BitReader& reader, SequenceInfo& sequence) {
  sequence.chroma_format = reader.ue_up_to(3);
  const bool separate = sequence.chroma_format == 3 && reader.bit();
  sequence.luma_depth = 8 + reader.ue_up_to(6);
  sequence.chroma_depth = 8 + reader.ue_up_to(6);
  reader.bit();        // qpprime_y_zero_transform_bypass_flag
  if (reader.bit()) {  // seq_scaling_matrix_present_flag
    for (unsigned i = 0; i < (sequence.chroma_format == 3 ? 12u : 8u); ++i)
      if (reader.bit()) skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  return separate ? 0 : sequence.chroma_format;
}

// Returns pic_order_cnt_type.
uint32_t skip_pic_order_count(BitReader& reader) {
  const uint32_t type = reader.ue_up_to(2);
  if (type == 0) {
    reader.ue();  // log2_max_pic_order_cnt_lsb_minus4
  } else if (type == 1) {
    reader.bit();  // delta_pic_order_always_zero_flag
    reader.se();   // offset_for_non_ref_pic
    reader.se();   // offset_for_top_to_bottom_field
    const uint32_t cycle = reader.ue_up_to(255);
    for (uint32_t i = 0; i < cycle; ++i) reader.se();
  }
  return type;
}

void skip_hrd(BitReader& reader) {  // E.1.2
  const uint32_t count = reader.ue_up_to(31) + 1;
  reader.bits(8);  // bit_rate_scale, cpb_size_scale
  for (uint32_t i = 0; i < count; ++i) {
    reader.ue();   // bit_rate_value_minus1
    reader.ue();   // cpb_size_value_minus1
    reader.bit();  // cbr_flag
  }
  reader.bits(20);  // four lengths of five bits
}

void skip_timing_and_hrd(BitReader& reader) {  // E.1.1
  if (reader.bit()) {                          // timing_info_present_flag
    reader.bits(32);                           // num_units_in_tick
    reader.bits(32);                           // time_scale
    reader.bit();                              // fixed_frame_rate_flag
  }
  const bool nal_hrd = reader.bit() != 0;
  if (nal_hrd) skip_hrd(reader);
  const bool vcl_hrd = reader.bit() != 0;
  if (vcl_hrd) skip_hrd(reader);
  if (nal_hrd || vcl_hrd) reader.bit();  // low_delay_hrd_flag
  reader.bit();                          // pic_struct_present_flag
}

// Returns max_num_reorder_frames.
std::optional<unsigned> read_bitstream_restriction(BitReader& reader) {
  if (!reader.bit()) return std::nullopt;        // bitstream_restriction_flag
  reader.bit();                                  // motion_vectors_over_pic_boundaries_flag
  for (unsigned i = 0; i < 4; ++i) reader.ue();  // sizes and lengths
  const uint32_t depth = reader.ue_up_to(kMostReordered);
  if (reader.exhausted()) return std::nullopt;
  return depth;
}

void read_vui(BitReader& reader, SequenceInfo& sequence) {  // E.1.1
  read_vui_aspect(reader, sequence);
  read_vui_overscan(reader);
  read_vui_video_signal(reader, sequence);
  if (reader.bit()) {  // chroma_loc_info_present_flag
    reader.ue();
    reader.ue();
  }
  skip_timing_and_hrd(reader);
  if (const auto depth = read_bitstream_restriction(reader)) sequence.reorder_depth = depth;
}

}  // namespace

NalKind avc_nal_kind(uint8_t first_byte) {
  const uint8_t type = first_byte & 0x1f;
  if (type >= kSlice && type <= kIdrSlice) return NalKind::kSlice;
  if (type == kSps || type == kPps) return NalKind::kParameterSet;
  if (type == kDelimiter) return NalKind::kDelimiter;
  return type == kSei ? NalKind::kSei : NalKind::kOther;
}

void look_at_avc_slice(uint8_t nal_header, std::span<const uint8_t> rbsp, AccessUnit& unit) {
  if ((nal_header & 0x1f) == kIdrSlice) unit.access = {.sync = true};
  BitReader reader(rbsp);
  reader.ue();  // first_mb_in_slice
  const uint32_t slice_type =
      reader.ue();  // 7.4.3: 5 to 9 are 0 to 4 for all slices of the picture
  unit.bidirectional = !reader.exhausted() && slice_type % 5 == 1;
}

std::optional<SequenceInfo> parse_avc_sps(std::span<const uint8_t> nal) {
  if (nal.size() < 4 || (nal[0] & 0x1f) != kSps) return std::nullopt;
  const std::vector<uint8_t> rbsp = without_emulation_prevention(nal.subspan(1));
  BitReader reader(rbsp);
  SequenceInfo sequence;
  const uint32_t profile = reader.bits(8);
  const uint32_t constraints = reader.bits(8);
  reader.bits(8);  // level_idc
  reader.ue();     // seq_parameter_set_id
  const uint32_t chroma = has_chroma_format(profile) ? read_chroma_format(reader, sequence) : 1;
  reader.ue();  // log2_max_frame_num_minus4
  const uint32_t order_count_type = skip_pic_order_count(reader);
  const uint32_t references = reader.ue();  // max_num_ref_frames
  reader.bit();                             // gaps_in_frame_num_value_allowed_flag
  const uint64_t width = (uint64_t{reader.ue()} + 1) * 16;
  const uint64_t map_height = (uint64_t{reader.ue()} + 1) * 16;
  const bool frames_only = reader.bit() != 0;
  if (!frames_only) reader.bit();  // mb_adaptive_frame_field_flag
  const uint64_t height = map_height * (frames_only ? 1 : 2);
  reader.bit();  // direct_8x8_inference_flag
  if (reader.exhausted() || width > kMaxPictureSide || height > kMaxPictureSide)
    return std::nullopt;
  sequence.width = narrow<uint32_t>(width);
  sequence.height = narrow<uint32_t>(height);
  if (order_count_type == 2 || profile == kBaseline || references == 0 ||
      is_intra_profile(profile, constraints))
    sequence.reorder_depth = 0;
  // 7.4.2.1.1: cropping is counted in chroma samples and, with fields, in pairs of lines.
  const uint32_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const uint32_t unit_y = (chroma == 1 ? 2 : 1) * (frames_only ? 1 : 2);
  if (reader.bit() && !crop(sequence, reader, unit_x, unit_y)) return std::nullopt;
  if (reader.exhausted()) return std::nullopt;
  if (reader.bit()) read_vui(reader, sequence);
  return sequence;
}

bool avc_record_has_chroma_format(uint8_t profile) {
  return profile != kBaseline && profile != kMain && profile != kExtended;
}

}  // namespace mp4
