// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H.265 (ITU-T H.265, ISO/IEC 23008-2): NAL unit types, sequence parameter set.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "mp4/codecs/nal.h"

namespace mp4 {

// nal_unit_type values (table 7-1) that others must know.
inline constexpr uint8_t kHevcVps = 32;
inline constexpr uint8_t kHevcSps = 33;
inline constexpr uint8_t kHevcPps = 34;
inline uint8_t hevc_nal_type(uint8_t first_byte) { return first_byte >> 1 & 0x3f; }
// Other than 0: of an enhancement layer (annex F).
inline unsigned hevc_layer(std::span<const uint8_t> nal) {
  return nal.size() < 2 ? 0 : (nal[0] & 1u) << 5 | nal[1] >> 3;
}

NalKind hevc_nal_kind(uint8_t first_byte);

// A slice segment, by its NAL unit header's first byte.
void look_at_hevc_slice(uint8_t first_byte, AccessUnit& unit);

struct HevcSps {
  uint32_t id = 0;
  std::array<uint8_t, 12> profile_tier_level{};  // general_profile_space to general_level_idc
  SequenceInfo sequence;
};

// Nothing: no SPS of the base layer, or its picture has no size. What follows the size may be
// damaged; then what stands before the damage counts.
std::optional<HevcSps> parse_hevc_sps(std::span<const uint8_t> nal);

}  // namespace mp4
