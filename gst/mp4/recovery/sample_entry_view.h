// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads a sample entry (mp4/boxes/sample_entry.h writes it) back into what a track is.
#pragma once

#include "mp4/base/track_config.h"
#include "mp4/recovery/box_view.h"

namespace finalize {

// config has its kind. False: it is damaged, or of a kind that the recorder does not write.
[[nodiscard]] bool read_sample_entry(const BoxView& entry, mp4::TrackConfig& config);

}  // namespace finalize
