// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JPEG pictures (ITU-T T.81, B.2): each can be decoded alone, and says its size.
#pragma once

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_jpeg(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
