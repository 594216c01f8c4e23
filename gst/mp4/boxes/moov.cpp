// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/moov.h"

#include <algorithm>
#include <limits>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/boxes/sample_table.h"
#include "mp4/boxes/track_boxes.h"

namespace mp4 {
namespace {

constexpr uint32_t kIlstUtf8 = 1;  // QuickTime metadata: data type UTF-8
// What is in a moov besides its tables; far above what the boxes and tags here can take.
constexpr uint64_t kFixedPartOfTrack = 1024;
constexpr uint64_t kFixedPartOfMovie = 1024;

// One track of the movie with what depends on the other tracks.
struct Placed {
  const MoovTrack& track;
  uint64_t start;     // in the movie's timescale, after the earliest track's start
  uint64_t duration;  // of what is presented, in the movie's timescale
  uint32_t id;
  uint64_t end() const { return start + duration; }
  const TrackConfig& config() const { return track.config(); }
};

int64_t first_shown_ns(const MoovTrack& track) {
  return track.config().timescale.to_ns(track.mark.first_shown());
}

int64_t origin_ns(std::span<const MoovTrack> tracks) {
  int64_t origin = std::numeric_limits<int64_t>::max();
  for (const MoovTrack& track : tracks)
    if (track.mark.samples) origin = std::min(origin, first_shown_ns(track));
  return origin;
}

std::vector<Placed> place(std::span<const MoovTrack> tracks) {
  std::vector<Placed> placed;
  // Ticks of the common clock: the times of two tracks differ by no more than each is rounded.
  const Ticks origin = kMovieTimescale.from_ns(origin_ns(tracks));
  for (const MoovTrack& track : tracks) {
    if (track.mark.samples == 0) continue;
    const Ticks start = kMovieTimescale.from_ns(first_shown_ns(track)) - origin;
    const Ticks duration =
        track.config().timescale.to(kMovieTimescale, track.mark.presented_duration());
    placed.push_back({track, narrow<uint64_t>(start), narrow<uint64_t>(duration), track.id});
  }
  return placed;
}

uint64_t longest(std::span<const Placed> tracks) {
  uint64_t end = 0;
  for (const Placed& track : tracks) end = std::max(end, track.end());
  return end;
}

uint32_t largest_id(std::span<const Placed> tracks) {
  uint32_t id = 0;
  for (const Placed& placed : tracks) id = std::max(id, placed.track.id);
  return id;
}

void write_trak(BoxWriter& w, const Placed& placed, uint64_t creation_time,
                uint32_t describes) {  // 8.3.1
  const MoovTrack& track = placed.track;
  const auto& mark = track.mark;
  const TrackHeader header{track.descriptions,
                           track.tags,
                           track.alternate_group,
                           track.id,
                           creation_time,
                           placed.end(),
                           narrow<uint64_t>(mark.media_duration()),
                           describes};
  Box box(w, "trak"_4cc);
  write_tkhd(w, header);
  write_tref(w, header);
  write_edts(w,
             {placed.start, placed.duration, mark.first_shown() - mark.first_dts + mark.raise()});
  write_mdia(w, header, [&] { write_stbl(w, track); });
}

// 8.10.1, 8.11.1; 'ilst' as QuickTime and everything since writes it.
void write_udta(BoxWriter& w, const std::vector<MovieTag>& tags) {
  Box udta(w, "udta"_4cc);
  FullBox meta(w, "meta"_4cc, 0, 0);
  write_hdlr(w, "mdir"_4cc, "");
  Box ilst(w, "ilst"_4cc);
  for (const MovieTag& tag : tags) {
    Box item(w, tag.key);
    FullBox data(w, "data"_4cc, 0, kIlstUtf8);
    w.u32(0);  // locale
    w.text(tag.text);
  }
}

}  // namespace

Boxes write_moov(const MoovInfo& info, std::span<const MoovTrack> tracks) {
  const std::vector<Placed> placed = place(tracks);
  BoxWriter writer;
  {
    Box moov(writer, "moov"_4cc);
    write_mvhd(writer, {info.creation_time, longest(placed), largest_id(placed) + 1});
    for (const Placed& track : placed)
      write_trak(writer, track, info.creation_time, described_by(track.track.config(), placed));
    if (!info.tags.empty()) write_udta(writer, info.tags);
  }
  return writer.take_boxes();
}

FourCC codec_brand(std::span<const MoovTrack> tracks) {
  const bool has_av1 = std::ranges::any_of(
      tracks, [](const MoovTrack& track) { return track.config().format == "av01"_4cc; });
  return has_av1 ? kAv1Brand : kNoCodecBrand;
}

uint64_t moov_size_bound(const MoovInfo& info, std::span<const MoovTrack> tracks) {
  uint64_t bytes = kFixedPartOfMovie;
  for (const MovieTag& tag : info.tags) bytes += tag.text.size() + 24;
  for (const MoovTrack& track : tracks) bytes += kFixedPartOfTrack + stbl_size_bound(track);
  return bytes;
}

}  // namespace mp4
