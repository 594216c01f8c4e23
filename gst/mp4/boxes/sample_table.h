// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The sample table (ISO/IEC 14496-12, 8.5.1) of a finished track: one function per box.
#pragma once

#include "mp4/base/box_writer.h"
#include "mp4/boxes/moov.h"

namespace mp4 {

void write_stbl(BoxWriter& writer, const MoovTrack& track);

// An upper bound of what it writes, from the mark alone.
uint64_t stbl_size_bound(const MoovTrack& track);

}  // namespace mp4
