// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H.266 samples (ITU-T H.266, 7.3.1.2 and 7.4.2.2; ISO/IEC 14496-15, 11).
#pragma once

#include <cstdint>
#include <span>

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

// Of a VvcDecoderConfigurationRecord (14496-15, 11.2.4.2.1): 1, 2 or 4; 0: it is damaged.
unsigned vvc_nal_length_size(std::span<const uint8_t> record);

AccessUnit look_at_vvc(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
