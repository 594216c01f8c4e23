// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstTagList to what the file says: texts of the movie, language and orientation of a track.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <vector>

#include "mp4/base/track_config.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// The movie's tags: those of global scope that came on the pads, and the application's. They always
// name the encoder ('©too'). Any thread.
class MovieTags {
 public:
  void forget();
  void merge(const GstTagList* tags);
  std::vector<mp4::MovieTag> with(GstTagSetter* application);

 private:
  std::mutex mutex_;
  GstRef<GstTagList> from_pads_;
};

// Changes what the list has to say, leaves the rest. Unknown languages leave "und".
void read_track_tags(const GstTagList* tags, mp4::TrackTags& result);

}  // namespace trailingmp4
