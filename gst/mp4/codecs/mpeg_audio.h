// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MPEG-1 and MPEG-2 audio, layers I to III (ISO/IEC 11172-3, 2.4.2.1; 13818-3, 2.4.2.1).
#pragma once

#include <cstdint>

#include "mp4/base/track_config.h"

namespace mp4 {

// Samples of sound in a frame. version: 1, or 2 for the low sampling rates; layer: 1 to 3.
constexpr uint32_t mpeg_audio_frame_ticks(unsigned version, unsigned layer) {
  if (layer == 1) return 384;
  return layer == 3 && version > 1 ? 576 : 1152;
}

// Of the 'esds'.
constexpr uint8_t mpeg_audio_object_type(unsigned version) {
  return version > 1 ? kObjectTypeMpeg2Audio : kObjectTypeMpeg1Audio;
}

}  // namespace mp4
