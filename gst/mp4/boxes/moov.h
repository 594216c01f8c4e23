// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The movie box (ISO/IEC 14496-12, 8.2.1) of a finished recording: one function per box, in the
// file's order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mp4/base/boxes.h"
#include "mp4/base/track_config.h"
#include "mp4/samples/track_tracker.h"

namespace mp4 {

struct MoovTrack {
  const std::vector<TrackConfig>& descriptions;  // at least one, of one kind and timescale
  const TrackTags& tags;
  const TrackTracker& tracker;
  uint32_t id;               // from 1
  uint16_t alternate_group;  // 0: in none
  TrackTracker::Mark mark;   // the tables are written up to it

  const TrackConfig& config() const { return descriptions.front(); }
};

struct MoovInfo {
  uint64_t creation_time = 0;  // seconds since 1904-01-01 00:00 UTC
  std::vector<MovieTag> tags;
};

// Only tracks with samples. Trackers must stay as they are until the boxes are written.
Boxes write_moov(const MoovInfo& info, std::span<const MoovTrack> tracks);

// Of the 'ftyp' of a file that begins with those tracks.
FourCC codec_brand(std::span<const MoovTrack> tracks);

// An upper bound of what write_moov makes, from the marks alone.
uint64_t moov_size_bound(const MoovInfo& info, std::span<const MoovTrack> tracks);

}  // namespace mp4
