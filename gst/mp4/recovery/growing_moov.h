// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads the movie box of a growing recording (mp4/initial_moov.h writes it): what its tracks are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/track_config.h"

namespace finalize {

struct GrowingTrack {
  uint32_t id = 0;
  mp4::TrackConfig config;
  mp4::TrackTags tags;
  uint16_t alternate_group = 0;
  mp4::Ticks media_time = 0;  // what its decode times begin before its presentation
};

struct GrowingMovie {
  uint64_t creation_time = 0;  // seconds since 1904-01-01 00:00 UTC
  std::vector<GrowingTrack> tracks;
};

// trak: the body of the box. What it says of the track but for its edits and its sample entries.
// False: it is damaged.
bool read_track_header(std::span<const uint8_t> trak, GrowingTrack& track);

// moov: the body of the box. Nothing: it is damaged, or another program wrote it.
std::optional<GrowingMovie> read_growing_moov(std::span<const uint8_t> moov);

}  // namespace finalize
