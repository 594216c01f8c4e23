// SPDX-License-Identifier: LGPL-2.1-or-later
#include "moov.h"

#include <algorithm>
#include <array>
#include <limits>

#include "box_writer.h"
#include "narrow.h"
#include "sample_entry.h"
#include "sample_groups.h"

namespace mp4 {
namespace {

constexpr uint32_t kFixedOne = 0x00010000;   // 1.0 in 16.16
constexpr uint32_t kMatrixOne = 0x40000000;  // 1.0 in 2.30
constexpr uint32_t kTrackFlags = 0x1 | 0x2;  // 8.3.2.3: track_enabled, track_in_movie
constexpr uint32_t kVmhdFlags = 1;           // 12.1.2.2
constexpr uint32_t kSelfContained = 1;       // 8.7.2.2: media in this file
constexpr uint16_t kFullVolume = 0x0100;     // 1.0 in 8.8
constexpr uint32_t kIlstUtf8 = 1;            // QuickTime metadata: data type UTF-8
// What is in a moov besides its tables; far above what the boxes and tags here can take.
constexpr uint64_t kFixedPartOfTrack = 2048;
constexpr uint64_t kFixedPartOfDescription = 512;
constexpr uint64_t kFixedPartOfMovie = 1024;

// One track of the movie with what depends on the other tracks.
struct Placed {
  const MoovTrack& track;
  uint32_t id;
  uint64_t creation_time;
  uint64_t start;     // in the movie's timescale, after the earliest track's start
  uint64_t duration;  // of what is presented, in the movie's timescale
  uint64_t end() const { return start + duration; }
};

// All ones in 32 bits would be a duration that is not known (8.2.2.3).
uint8_t version_for(uint64_t creation_time, uint64_t duration) {
  return fits<uint32_t>(creation_time) && duration < UINT32_MAX ? 0 : 1;
}

int64_t first_pts_ns(const MoovTrack& track) {
  return track.config().timescale.to_ns(track.mark.first_pts);
}

int64_t origin_ns(std::span<const MoovTrack> tracks) {
  int64_t origin = std::numeric_limits<int64_t>::max();
  for (const MoovTrack& track : tracks)
    if (track.mark.samples) origin = std::min(origin, first_pts_ns(track));
  return origin;
}

std::vector<Placed> place(const MoovInfo& info, std::span<const MoovTrack> tracks) {
  std::vector<Placed> placed;
  // Ticks of the common clock: the times of two tracks differ by no more than each is rounded.
  const Ticks origin = kMovieTimescale.from_ns(origin_ns(tracks));
  for (const MoovTrack& track : tracks) {
    if (track.mark.samples == 0) continue;
    const Ticks start = kMovieTimescale.from_ns(first_pts_ns(track)) - origin;
    const Ticks duration =
        track.config().timescale.to(kMovieTimescale, track.mark.presented_duration());
    placed.push_back({track, narrow<uint32_t>(placed.size() + 1), info.creation_time,
                      narrow<uint64_t>(start), narrow<uint64_t>(duration)});
  }
  return placed;
}

uint64_t longest(std::span<const Placed> tracks) {
  uint64_t end = 0;
  for (const Placed& track : tracks) end = std::max(end, track.end());
  return end;
}

BitRates bit_rates(const MoovTrack& track) {
  BitRates rates;
  const auto& mark = track.mark;
  rates.buffer_size = std::min<uint32_t>(mark.largest_size, 0xffffff);
  if (mark.media_duration() > 0)
    rates.avg_bitrate = narrow<uint32_t>(multiply_divide(narrow<int64_t>(mark.bytes * 8),
                                                         track.config().timescale.ticks_per_second,
                                                         mark.media_duration()));
  // Less than a second of media has no fullest second.
  rates.max_bitrate =
      std::max(rates.avg_bitrate, narrow<uint32_t>(track.tracker.peak_bits_per_second()));
  return rates;
}

void write_unity_matrix(BoxWriter& w) {
  for (uint32_t value : {kFixedOne, 0u, 0u, 0u, kFixedOne, 0u, 0u, 0u, kMatrixOne}) w.u32(value);
}

void write_mvhd(BoxWriter& w, const MoovInfo& info, std::span<const Placed> tracks) {  // 8.2.2
  const uint64_t duration = longest(tracks);
  const uint8_t version = version_for(info.creation_time, duration);
  FullBox box(w, "mvhd"_4cc, version, 0);
  w.time(version, info.creation_time);         // creation_time
  w.time(version, info.creation_time);         // modification_time
  w.u32(kMovieTimescale.ticks_per_second);     // timescale
  w.time(version, duration);                   // duration
  w.u32(kFixedOne);                            // rate
  w.u16(kFullVolume);                          // volume
  w.zeros(10);                                 // reserved
  write_unity_matrix(w);                       // matrix
  w.zeros(24);                                 // pre_defined
  w.u32(narrow<uint32_t>(tracks.size()) + 1);  // next_track_ID
}

// Size of the picture as presented: samples are square there.
std::array<uint32_t, 2> presented_size(const VideoDescription& video) {
  const uint64_t width = uint64_t{video.width} * video.aspect.horizontal / video.aspect.vertical;
  return {std::min<uint32_t>(narrow<uint32_t>(width), 0xffff), video.height};
}

std::array<uint32_t, 2> largest_size(const MoovTrack& track) {
  std::array<uint32_t, 2> largest{};
  for (const TrackConfig& description : track.descriptions) {
    const auto [width, height] = presented_size(description.video);
    largest = {std::max(largest[0], width), std::max(largest[1], height)};
  }
  return largest;
}

// 6.2.2: (x, y) becomes (a x + c y + tx, b x + d y + ty). The translation brings the turned
// picture back to where its upper left corner is at 0, 0.
void write_orientation(BoxWriter& w, const Orientation& orientation, uint32_t width,
                       uint32_t height) {
  static constexpr int kTurns[4][4] = {{1, 0, 0, 1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}};
  const auto& turn = kTurns[orientation.degrees / 90 % 4];
  const int mirror = orientation.mirrored ? -1 : 1;
  const int a = turn[0] * mirror, b = turn[1] * mirror, c = turn[2], d = turn[3];
  // The largest whole number in signed 16.16. The corner of a wider picture, turned, is off.
  constexpr uint32_t kFarthest = 0x7fff;
  const uint32_t left = std::min((a < 0 ? width : 0) + (c < 0 ? height : 0), kFarthest);
  const uint32_t top = std::min((b < 0 ? width : 0) + (d < 0 ? height : 0), kFarthest);
  const auto one = static_cast<int32_t>(kFixedOne);
  w.i32(a * one), w.i32(b * one), w.u32(0);
  w.i32(c * one), w.i32(d * one), w.u32(0);
  w.u32(left * kFixedOne), w.u32(top * kFixedOne), w.u32(kMatrixOne);
}

void write_tkhd(BoxWriter& w, const Placed& placed) {  // 8.3.2
  const uint8_t version = version_for(placed.creation_time, placed.end());
  const bool video = placed.track.config().kind == TrackKind::kVideo;
  FullBox box(w, "tkhd"_4cc, version, kTrackFlags);
  w.time(version, placed.creation_time);  // creation_time
  w.time(version, placed.creation_time);  // modification_time
  w.u32(placed.id);                       // track_ID
  w.zeros(4);                             // reserved
  w.time(version, placed.end());          // duration: the sum of the edits
  w.zeros(8);                             // reserved
  w.u16(0);                               // layer
  w.u16(placed.track.alternate_group);    // alternate_group
  w.u16(video ? 0 : kFullVolume);         // volume
  w.zeros(2);                             // reserved
  if (video) {
    const auto [width, height] = largest_size(placed.track);
    write_orientation(w, placed.track.tags.orientation, width, height);  // matrix
    w.u32(width << 16);                                                  // width
    w.u32(height << 16);                                                 // height
  } else {
    write_unity_matrix(w);
    w.zeros(8);
  }
}

void write_elst(BoxWriter& w, const Placed& placed) {  // 8.6.6
  const auto& mark = placed.track.mark;
  const Ticks media_time = mark.first_pts - mark.first_dts + mark.raise();
  const bool wide = !fits<uint32_t>(placed.start) || !fits<uint32_t>(placed.duration) ||
                    !fits<int32_t>(media_time);
  const uint8_t version = wide ? 1 : 0;
  auto entry = [&](uint64_t duration, int64_t time) {
    w.time(version, duration);  // segment_duration
    if (version == 1)
      w.u64(static_cast<uint64_t>(time));  // media_time
    else
      w.i32(narrow<int32_t>(time));
    w.u32(kFixedOne);  // media_rate
  };
  FullBox box(w, "elst"_4cc, version, 0);
  w.u32(placed.start > 0 ? 2 : 1);                // entry_count
  if (placed.start > 0) entry(placed.start, -1);  // an empty edit
  entry(placed.duration, media_time);
}

void write_edts(BoxWriter& w, const Placed& placed) {  // 8.6.5
  Box box(w, "edts"_4cc);
  write_elst(w, placed);
}

void write_mdhd(BoxWriter& w, const Placed& placed) {  // 8.4.2
  const auto duration = narrow<uint64_t>(placed.track.mark.media_duration());
  const uint8_t version = version_for(placed.creation_time, duration);
  FullBox box(w, "mdhd"_4cc, version, 0);
  w.time(version, placed.creation_time);                    // creation_time
  w.time(version, placed.creation_time);                    // modification_time
  w.u32(placed.track.config().timescale.ticks_per_second);  // timescale
  w.time(version, duration);                                // duration
  uint16_t language = 0;                                    // three letters of five bits
  for (char letter : placed.track.tags.language)
    language = static_cast<uint16_t>(language << 5 | (letter - 0x60));
  w.u16(language);
  w.u16(0);  // pre_defined
}

void write_hdlr(BoxWriter& w, FourCC handler, std::string_view name) {  // 8.4.3
  FullBox box(w, "hdlr"_4cc, 0, 0);
  w.u32(0);           // pre_defined
  w.fourcc(handler);  // handler_type
  w.zeros(12);        // reserved
  w.c_string(name);   // name
}

void write_vmhd(BoxWriter& w) {  // 12.1.2
  FullBox box(w, "vmhd"_4cc, 0, kVmhdFlags);
  w.u16(0);    // graphicsmode: copy
  w.zeros(6);  // opcolor
}

void write_smhd(BoxWriter& w) {  // 12.2.2
  FullBox box(w, "smhd"_4cc, 0, 0);
  w.u16(0);    // balance: centre
  w.zeros(2);  // reserved
}

void write_dinf(BoxWriter& w) {  // 8.7.1, 8.7.2
  Box dinf(w, "dinf"_4cc);
  FullBox dref(w, "dref"_4cc, 0, 0);
  w.u32(1);  // entry_count
  FullBox url(w, "url "_4cc, 0, kSelfContained);
}

void write_stsd(BoxWriter& w, const MoovTrack& track) {  // 8.5.2
  FullBox box(w, "stsd"_4cc, 0, 0);
  w.u32(narrow<uint32_t>(track.descriptions.size()));  // entry_count
  for (const TrackConfig& description : track.descriptions)
    write_sample_entry(w, description, bit_rates(track));
}

void write_stts(BoxWriter& w, const MoovTrack& track) {  // 8.6.1.2
  FullBox box(w, "stts"_4cc, 0, 0);
  w.u32(TrackTracker::sizes(track.mark).stts);  // entry_count
  track.tracker.each_duration_run(track.mark, [&](uint32_t samples, uint32_t duration) {
    w.u32(samples);   // sample_count
    w.u32(duration);  // sample_delta
  });
}

void write_ctts(BoxWriter& w, const MoovTrack& track) {  // 8.6.1.3
  FullBox box(w, "ctts"_4cc, 0, 0);
  w.u32(TrackTracker::sizes(track.mark).ctts);  // entry_count
  track.tracker.each_offset_run(track.mark, [&](uint32_t samples, uint32_t offset) {
    w.u32(samples);  // sample_count
    w.u32(offset);   // sample_offset
  });
}

void write_stss(BoxWriter& w, const MoovTrack& track) {  // 8.6.2
  FullBox box(w, "stss"_4cc, 0, 0);
  w.u32(TrackTracker::sizes(track.mark).stss);  // entry_count
  track.tracker.each_sync_sample(track.mark, [&](uint32_t number) { w.u32(number); });
}

void write_stsc(BoxWriter& w, const MoovTrack& track) {  // 8.7.4
  FullBox box(w, "stsc"_4cc, 0, 0);
  w.u32(TrackTracker::sizes(track.mark).stsc);  // entry_count
  track.tracker.each_chunk_run(track.mark, [&](uint32_t chunk, uint32_t samples, uint32_t index) {
    w.u32(chunk);      // first_chunk
    w.u32(samples);    // samples_per_chunk
    w.u32(index + 1);  // sample_description_index
  });
}

void write_stsz(BoxWriter& w, const MoovTrack& track) {  // 8.7.3.2
  FullBox box(w, "stsz"_4cc, 0, 0);
  const bool table = TrackTracker::sizes(track.mark).stsz > 0;
  w.u32(table ? 0 : track.mark.first_size);  // sample_size
  w.u32(track.mark.samples);                 // sample_count
  if (table) track.tracker.each_size(track.mark, [&](uint32_t size) { w.u32(size); });
}

void write_chunk_offsets(BoxWriter& w, const MoovTrack& track) {  // 8.7.5
  const auto sizes = TrackTracker::sizes(track.mark);
  FullBox box(w, sizes.wide_offsets ? "co64"_4cc : "stco"_4cc, 0, 0);
  w.u32(sizes.chunk_offsets);  // entry_count
  track.tracker.each_chunk(track.mark, [&](uint64_t offset) {
    if (sizes.wide_offsets)
      w.u64(offset);
    else
      w.u32(narrow<uint32_t>(offset));
  });
}

void write_stbl(BoxWriter& w, const MoovTrack& track) {  // 8.5.1
  Box box(w, "stbl"_4cc);
  write_stsd(w, track);
  write_stts(w, track);
  if (track.mark.has_offsets) write_ctts(w, track);
  if (!track.mark.all_sync()) write_stss(w, track);
  write_stsc(w, track);
  write_stsz(w, track);
  write_chunk_offsets(w, track);
  write_sample_groups(w, track.config(), track.tracker, track.mark);
}

void write_mdia(BoxWriter& w, const Placed& placed) {  // 8.4.1, 8.4.4
  const bool video = placed.track.config().kind == TrackKind::kVideo;
  Box mdia(w, "mdia"_4cc);
  write_mdhd(w, placed);
  write_hdlr(w, video ? "vide"_4cc : "soun"_4cc, video ? "VideoHandler" : "SoundHandler");
  Box minf(w, "minf"_4cc);
  if (video)
    write_vmhd(w);
  else
    write_smhd(w);
  write_dinf(w);
  write_stbl(w, placed.track);
}

void write_trak(BoxWriter& w, const Placed& placed) {  // 8.3.1
  Box box(w, "trak"_4cc);
  write_tkhd(w, placed);
  write_edts(w, placed);
  write_mdia(w, placed);
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

std::vector<uint8_t> write_moov(const MoovInfo& info, std::span<const MoovTrack> tracks) {
  const std::vector<Placed> placed = place(info, tracks);
  BoxWriter writer;
  {
    Box moov(writer, "moov"_4cc);
    write_mvhd(writer, info, placed);
    for (const Placed& track : placed) write_trak(writer, track);
    if (!info.tags.empty()) write_udta(writer, info.tags);
  }
  return writer.take();
}

uint64_t moov_size_bound(const MoovInfo& info, std::span<const MoovTrack> tracks) {
  uint64_t bytes = kFixedPartOfMovie;
  for (const MovieTag& tag : info.tags) bytes += tag.text.size() + 24;
  for (const MoovTrack& track : tracks) {
    const auto sizes = TrackTracker::sizes(track.mark);
    bytes += kFixedPartOfTrack;
    for (const TrackConfig& description : track.descriptions)
      bytes += kFixedPartOfDescription + description.codec_config.size();
    bytes += uint64_t{18} * track.mark.rolls + uint64_t{16} * track.mark.open_gops;
    bytes += uint64_t{8} * sizes.stts + uint64_t{8} * sizes.ctts + uint64_t{4} * sizes.stss;
    bytes += uint64_t{12} * sizes.stsc + uint64_t{4} * sizes.stsz;
    bytes += uint64_t{sizes.wide_offsets ? 8u : 4u} * sizes.chunk_offsets;
  }
  return bytes;
}

int64_t movie_duration_ns(std::span<const MoovTrack> tracks) {
  const int64_t origin = origin_ns(tracks);
  int64_t end = origin;
  for (const MoovTrack& track : tracks) {
    const auto& mark = track.mark;
    if (mark.samples == 0) continue;
    end = std::max(end, track.config().timescale.to_ns(mark.first_pts + mark.presented_duration()));
  }
  return end - origin;
}

}  // namespace mp4
