// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Opus packets (RFC 6716, 3) and their description (RFC 7845, 5.1; Encapsulation of Opus in ISO
// Base Media File Format, 4.3.2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

struct OpusSpecific {
  uint8_t channels = 2;
  uint16_t pre_skip = 0;    // samples at 48 kHz that decoders need to settle
  uint32_t input_rate = 0;  // Hz, of what was encoded
  int16_t gain = 0;         // in 1/256 dB
  uint8_t mapping_family = 0;
  uint8_t streams = 1, coupled = 0;  // mapping families other than 0
  std::vector<uint8_t> mapping;      // the same: one for each channel
};

// Whether a decoder can be made of it (RFC 7845, 5.1.1).
bool is_valid(const OpusSpecific& opus);
// Nothing: it is no identification header, or a damaged one.
std::optional<OpusSpecific> parse_opus_head(std::span<const uint8_t> packet);
std::vector<uint8_t> opus_specific_box(const OpusSpecific& opus);  // payload of 'dOps'

// What 'dOps' says of it. Nothing: it is damaged.
std::optional<uint16_t> opus_pre_skip(std::span<const uint8_t> box);

AccessUnit look_at_opus(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
