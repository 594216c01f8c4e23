// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sample groups (ISO/IEC 14496-12, 8.9): where decoding can start besides sync samples.
#pragma once

#include "mp4/base/box_writer.h"
#include "mp4/base/track_config.h"
#include "mp4/samples/track_tracker.h"

namespace mp4 {

// 'roll' (10.1) of sound and of pictures that are refreshed by and by, 'rap ' (10.4) of open GOPs;
// none for a track that needs none.
void write_sample_groups(BoxWriter& writer, const TrackConfig& config, const TrackTracker& tracker,
                         const TrackTracker::Mark& mark);

}  // namespace mp4
