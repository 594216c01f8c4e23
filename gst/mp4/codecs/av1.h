// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AV1 as low-overhead OBU streams, one temporal unit a sample (AV1 bitstream specification, 5.3 to
// 5.9; AV1 Codec ISO Media File Format Binding, 2.3 and 2.4).
#pragma once

#include <cstdint>
#include <span>

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_av1(const ByteSource& sample, TrackConfig& config);

// Whether these bytes can be an AV1CodecConfigurationRecord.
bool is_av1_configuration(std::span<const uint8_t> record);

}  // namespace mp4
