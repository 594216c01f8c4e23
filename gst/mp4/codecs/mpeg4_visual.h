// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MPEG-4 Visual (ISO/IEC 14496-2, 6.2): which pictures can be decoded alone, and the headers that
// 'esds' holds.
#pragma once

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_mpeg4_visual(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
