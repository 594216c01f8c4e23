// SPDX-License-Identifier: LGPL-2.1-or-later
//
// VP8 (RFC 6386, 9.1) and VP9 (VP9 bitstream specification, 6.2) frames; VP Codec ISO Media File
// Format Binding.
#pragma once

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_vp8(const ByteSource& sample, TrackConfig& config);
AccessUnit look_at_vp9(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
