// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/hevc.h"

#include <algorithm>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// Table 7-1
constexpr uint8_t kLastNonIrapSlice = 9;  // RASL_R
constexpr uint8_t kFirstLeading = 6;      // RADL_N
constexpr uint8_t kFirstIrap = 16;        // BLA_W_LP
constexpr uint8_t kCra = 21;
constexpr uint8_t kLastIrap = 21;  // CRA_NUT; 22 and 23 are reserved, decoders pass them over
constexpr uint8_t kDelimiter = 35;
constexpr uint8_t kPrefixSei = 39;

constexpr std::size_t kNalHeader = 2;
constexpr uint32_t kMaxPictureSide = 65'535;  // what a sample entry can say

void skip_bits(BitReader& reader, unsigned count) {
  for (; count > 0 && !reader.exhausted(); --count) reader.bit();
}

// 7.3.3, after the general part
void skip_sub_layers(BitReader& reader, uint32_t max_sub_layers_minus1) {
  std::array<bool, 8> has_profile{}, has_level{};
  for (uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    has_profile[i] = reader.bit() != 0;
    has_level[i] = reader.bit() != 0;
  }
  if (max_sub_layers_minus1 > 0) reader.bits(2 * (8 - max_sub_layers_minus1));
  for (uint32_t i = 0; i < max_sub_layers_minus1; ++i)
    skip_bits(reader, (has_profile[i] ? 88u : 0u) + (has_level[i] ? 8u : 0u));
}

void skip_scaling_lists(BitReader& reader) {  // 7.3.4
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      if (!reader.bit()) {  // scaling_list_pred_mode_flag
        reader.ue();        // scaling_list_pred_matrix_id_delta
        continue;
      }
      if (size > 1) reader.se();  // scaling_list_dc_coef_minus8
      const unsigned coefficients = std::min(64u, 1u << (4 + (size << 1)));
      for (unsigned i = 0; i < coefficients && !reader.exhausted(); ++i) reader.se();
    }
  }
}

// 7.3.7 within an SPS; the set before has that many pictures. Returns how many this one has.
uint32_t skip_short_term_set(BitReader& reader, bool first, uint32_t pictures_before) {
  constexpr uint32_t kMost = 16;
  if (!first && reader.bit()) {  // inter_ref_pic_set_prediction_flag
    reader.bit();                // delta_rps_sign
    reader.ue();                 // abs_delta_rps_minus1
    uint32_t pictures = 0;
    for (uint32_t i = 0; i <= pictures_before; ++i) {
      const bool used = reader.bit() != 0;   // used_by_curr_pic_flag
      if (used || reader.bit()) ++pictures;  // use_delta_flag
    }
    return std::min(pictures, kMost);
  }
  const uint32_t before = reader.ue_up_to(kMost);
  const uint32_t after = reader.ue_up_to(kMost - before);
  for (uint32_t i = 0; i < before + after && !reader.exhausted(); ++i) {
    reader.ue();   // delta_poc_minus1
    reader.bit();  // used_by_curr_pic_flag
  }
  return before + after;
}

void skip_reference_sets(BitReader& reader, uint32_t log2_max_order_count) {
  const uint32_t sets = reader.ue_up_to(64);  // num_short_term_ref_pic_sets
  uint32_t pictures = 0;
  for (uint32_t i = 0; i < sets && !reader.exhausted(); ++i)
    pictures = skip_short_term_set(reader, i == 0, pictures);
  if (!reader.bit()) return;  // long_term_ref_pics_present_flag
  const uint32_t long_term = reader.ue_up_to(32);
  for (uint32_t i = 0; i < long_term; ++i) skip_bits(reader, log2_max_order_count + 1);
}

// 7.3.2.2.1, from log2_max_pic_order_cnt_lsb_minus4 on
void read_after_size(BitReader& reader, uint32_t max_sub_layers_minus1, SequenceInfo& sequence) {
  const uint32_t log2_max_order_count = reader.ue_up_to(12) + 4;
  const bool all_layers = reader.bit() != 0;  // sps_sub_layer_ordering_info_present_flag
  uint32_t depth = 0;
  for (uint32_t i = all_layers ? 0 : max_sub_layers_minus1; i <= max_sub_layers_minus1; ++i) {
    reader.ue();                              // sps_max_dec_pic_buffering_minus1
    depth = reader.ue_up_to(kMostReordered);  // sps_max_num_reorder_pics
    reader.ue();                              // sps_max_latency_increase_plus1
  }
  if (!reader.exhausted()) sequence.reorder_depth = depth;
  for (unsigned i = 0; i < 6; ++i) reader.ue();  // sizes of coding and transform blocks
  if (reader.bit() && reader.bit()) skip_scaling_lists(reader);
  reader.bits(2);      // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (reader.bit()) {  // pcm_enabled_flag
    reader.bits(8);
    reader.ue();
    reader.ue();
    reader.bit();
  }
  skip_reference_sets(reader, log2_max_order_count);
  reader.bits(2);  // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
  if (!reader.bit() || reader.exhausted()) return;  // vui_parameters_present_flag
  read_vui_aspect(reader, sequence);
  read_vui_overscan(reader);
  read_vui_video_signal(reader, sequence);
}

}  // namespace

NalKind hevc_nal_kind(uint8_t first_byte) {
  const uint8_t type = hevc_nal_type(first_byte);
  if (type <= kLastNonIrapSlice || (type >= kFirstIrap && type <= kLastIrap))
    return NalKind::kSlice;
  if (type >= kHevcVps && type <= kHevcPps) return NalKind::kParameterSet;
  if (type == kDelimiter) return NalKind::kDelimiter;
  return type == kPrefixSei ? NalKind::kSei : NalKind::kOther;
}

void look_at_hevc_slice(uint8_t first_byte, AccessUnit& unit) {
  const uint8_t type = hevc_nal_type(first_byte);
  unit.leading = type >= kFirstLeading && type <= kLastNonIrapSlice;
  if (type >= kFirstIrap) unit.access = {.sync = true, .open_gop = type == kCra};
}

std::optional<HevcSps> parse_hevc_sps(std::span<const uint8_t> nal) {
  if (nal.size() < kNalHeader + 1 || hevc_nal_type(nal[0]) != kHevcSps || hevc_layer(nal) != 0)
    return std::nullopt;
  const std::vector<uint8_t> rbsp = without_emulation_prevention(nal.subspan(kNalHeader));
  BitReader reader(rbsp);
  HevcSps sps;
  SequenceInfo& sequence = sps.sequence;
  reader.bits(4);  // sps_video_parameter_set_id
  const uint32_t max_sub_layers_minus1 = reader.bits(3);
  if (max_sub_layers_minus1 > 6) return std::nullopt;
  reader.bit();  // sps_temporal_id_nesting_flag
  for (uint8_t& byte : sps.profile_tier_level) byte = static_cast<uint8_t>(reader.bits(8));
  skip_sub_layers(reader, max_sub_layers_minus1);
  sps.id = reader.ue_up_to(15);
  sequence.chroma_format = reader.ue_up_to(3);
  if (sequence.chroma_format == 3) reader.bit();  // separate_colour_plane_flag
  sequence.width = reader.ue();
  sequence.height = reader.ue();
  if (reader.exhausted() || sequence.width == 0 || sequence.height == 0 ||
      sequence.width > kMaxPictureSide || sequence.height > kMaxPictureSide)
    return std::nullopt;
  // Table 6-1: the conformance window is counted in chroma samples.
  const uint32_t unit_x = sequence.chroma_format == 1 || sequence.chroma_format == 2 ? 2 : 1;
  const uint32_t unit_y = sequence.chroma_format == 1 ? 2 : 1;
  if (reader.bit() && !crop(sequence, reader, unit_x, unit_y)) return std::nullopt;
  sequence.luma_depth = 8 + reader.ue_up_to(8);
  sequence.chroma_depth = 8 + reader.ue_up_to(8);
  if (reader.exhausted()) return std::nullopt;
  read_after_size(reader, max_sub_layers_minus1, sequence);
  return sps;
}

}  // namespace mp4
