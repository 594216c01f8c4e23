// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), as far as a file must know it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace mp4 {

struct AacConfig {
  uint32_t rate = 0;         // Hz, of the core coder
  uint16_t channels = 0;     // 0: not known, a program config element in the samples says it
  uint32_t frame_ticks = 0;  // 1024 or 960
};

// Nothing: too short, or a rate, object type or channel configuration that does not exist.
std::optional<AacConfig> parse_audio_specific_config(std::span<const uint8_t> config);

}  // namespace mp4
