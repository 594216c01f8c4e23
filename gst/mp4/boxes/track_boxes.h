// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Boxes (ISO/IEC 14496-12) that the movie of a growing file and that of a finished one have alike.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "mp4/base/box_writer.h"
#include "mp4/base/track_config.h"

namespace mp4 {

struct MovieHeader {
  uint64_t creation_time;  // seconds since 1904-01-01 00:00 UTC
  uint64_t duration;       // in the movie's timescale, 0: not known yet
  uint32_t next_track_id;
};

struct TrackHeader {
  const std::vector<TrackConfig>& descriptions;  // at least one, of one kind and timescale
  const TrackTags& tags;
  uint16_t alternate_group;  // 0: in none
  uint32_t id;
  uint64_t creation_time;
  uint64_t duration;        // the sum of the edits, in the movie's timescale, 0: not known yet
  uint64_t media_duration;  // in the track's, 0: not known yet
  uint32_t describes;       // id of the track that this one is metadata of, 0: of none

  const TrackConfig& config() const { return descriptions.front(); }
};

// Of the media of one kind: 'handler_type' and a name for people.
struct Handler {
  FourCC type;
  std::string_view name;
};
Handler handler_of(TrackKind kind);

// The first video track is what metadata is about. tracks: with config() and id.
template <typename Tracks>
uint32_t described_by(const TrackConfig& config, const Tracks& tracks) {
  if (config.kind != TrackKind::kMetadata) return 0;
  for (const auto& track : tracks)
    if (track.config().kind == TrackKind::kVideo) return track.id;
  return 0;
}

void write_mvhd(BoxWriter& writer, const MovieHeader& movie);
void write_tkhd(BoxWriter& writer, const TrackHeader& track);
void write_tref(BoxWriter& writer, const TrackHeader& track);
void write_mdhd(BoxWriter& writer, const TrackHeader& track);
void write_hdlr(BoxWriter& writer, FourCC handler, std::string_view name);
void write_media_information_header(BoxWriter& writer, const TrackHeader& track);

// 8.4.1, 8.4.4; write_table writes the 'stbl'.
void write_mdia(BoxWriter& writer, const TrackHeader& track,
                const std::function<void()>& write_table);

// 8.6.6: one edit, after an empty one where delay is not 0. duration 0: to the end, wherever that
// is.
struct Edits {
  uint64_t delay = 0;     // in the movie's timescale
  uint64_t duration = 0;  // in the movie's timescale
  int64_t media_time = 0;
};
void write_edts(BoxWriter& writer, const Edits& edits);

}  // namespace mp4
