// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstTagList to what the file says: texts of the movie, language and orientation of a track.
#pragma once

#include <gst/gst.h>

#include <vector>

#include "mp4/track_config.h"

namespace trailingmp4 {

// Always names the encoder ('©too'); the rest as far as the tags (which may be NULL) have it.
std::vector<mp4::MovieTag> movie_tags(const GstTagList* tags);

// Changes what the list has to say, leaves the rest. Unknown languages leave "und".
void read_track_tags(const GstTagList* tags, mp4::TrackTags& result);

}  // namespace trailingmp4
