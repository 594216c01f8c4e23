// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a recorder must know of H.264: the decoder configuration record and its sequence parameter
// set (ITU-T H.264 7.3.2.1.1, ISO/IEC 14496-15, 5.3.3.1), and what an access unit in length-
// prefixed form holds. Trusts nothing it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "byte_source.h"
#include "track_config.h"

namespace mp4 {

// What the sequence parameter set says of the picture.
struct AvcSequence {
  uint32_t width = 0;  // after cropping
  uint32_t height = 0;
  std::optional<PixelAspectRatio> aspect;
  std::optional<Colour> colour;
};

struct AvcConfig {
  unsigned nal_length_size = 4;         // 1, 2 or 4
  std::optional<AvcSequence> sequence;  // of the first SPS, if there is one that parses
};

// Nothing: the record is too short or its parts do not fit.
std::optional<AvcConfig> parse_avc_config(std::span<const uint8_t> record);

struct AvcAccessUnit {
  bool has_slice = false;
  bool idr = false;
  bool recovery_point = false;  // an SEI before the first slice says so
};

// Looks at the NAL units up to the first slice.
AvcAccessUnit scan_avc_access_unit(const ByteSource& bytes, unsigned nal_length_size);

}  // namespace mp4
