// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Packets of Apple Lossless Audio: how much sound is in each.
#pragma once

#include "access_unit.h"
#include "byte_source.h"
#include "track_config.h"

namespace mp4 {

AccessUnit look_at_alac(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
