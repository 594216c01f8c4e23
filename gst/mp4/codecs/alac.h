// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Packets of Apple Lossless Audio: how much sound is in each.
#pragma once

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_alac(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
