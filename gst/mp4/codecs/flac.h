// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FLAC frames and STREAMINFO (RFC 9639, 8.2 and 9.1; Encapsulation of FLAC in ISO Base Media File
// Format, 3.3.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

using FlacStreaminfo = std::array<uint8_t, 34>;

struct FlacInfo {
  FlacStreaminfo streaminfo{};
  uint32_t rate = 0;  // Hz
  uint16_t channels = 0;
  uint16_t bits = 0;
  uint16_t block_size = 0;  // of all frames; 0: they vary
};

// From the stream's first header, native or as Ogg wraps it. Nothing: it is none, or says nothing
// that can be.
std::optional<FlacInfo> parse_streaminfo(std::span<const uint8_t> header);
std::vector<uint8_t> flac_specific_box(const FlacStreaminfo& streaminfo);  // payload of 'dfLa'

AccessUnit look_at_flac(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
