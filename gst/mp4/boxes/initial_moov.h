// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The movie box of a file that grows (ISO/IEC 14496-12, 8.2.1, 8.8.1): what the tracks are, without
// a sample; those are in movie fragments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mp4/base/track_config.h"
#include "mp4/boxes/moov.h"

namespace mp4 {

struct InitialTrack {
  const std::vector<TrackConfig>& descriptions;  // the first is said
  const TrackTags& tags;
  uint16_t alternate_group;
  uint32_t id;
  Ticks media_time;  // what the track's decode times begin before its presentation

  const TrackConfig& config() const { return descriptions.front(); }
};

// A multiple of 8 bytes.
std::vector<uint8_t> write_initial_moov(uint64_t creation_time,
                                        std::span<const InitialTrack> tracks);

}  // namespace mp4
