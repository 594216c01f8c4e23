// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AC-3 and E-AC-3 frames, each of which says all that its decoder needs, and their boxes (ETSI TS
// 102 366, 4.3, E.1.2 and F).
#pragma once

#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

AccessUnit look_at_ac3(const ByteSource& sample, TrackConfig& config);
AccessUnit look_at_eac3(const ByteSource& sample, TrackConfig& config);

}  // namespace mp4
