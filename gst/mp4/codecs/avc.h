// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H.264 (ITU-T H.264, ISO/IEC 14496-10): NAL unit types, slice header, sequence parameter set.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "mp4/codecs/nal.h"

namespace mp4 {

NalKind avc_nal_kind(uint8_t first_byte);

// A slice: its NAL unit header, and the head of its RBSP.
void look_at_avc_slice(uint8_t nal_header, std::span<const uint8_t> rbsp, AccessUnit& unit);

// Nothing: no SPS, or its picture has no size.
std::optional<SequenceInfo> parse_avc_sps(std::span<const uint8_t> nal);

// Profiles whose configuration record says the chroma format (ISO/IEC 14496-15, 5.3.3.1.2).
bool avc_record_has_chroma_format(uint8_t profile);

}  // namespace mp4
