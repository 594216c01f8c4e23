// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/track_boxes.h"

#include <algorithm>
#include <array>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr uint32_t kFixedOne = 0x00010000;   // 1.0 in 16.16
constexpr uint32_t kMatrixOne = 0x40000000;  // 1.0 in 2.30
constexpr uint32_t kTrackFlags = 0x1 | 0x2;  // 8.3.2.3: track_enabled, track_in_movie
constexpr uint32_t kVmhdFlags = 1;           // 12.1.2.2
constexpr uint32_t kSelfContained = 1;       // 8.7.2.2: media in this file
constexpr uint16_t kFullVolume = 0x0100;     // 1.0 in 8.8

// All ones in 32 bits would be a duration that is not known (8.2.2.3).
uint8_t version_for(uint64_t creation_time, uint64_t duration) {
  return fits<uint32_t>(creation_time) && duration < UINT32_MAX ? 0 : 1;
}

void write_unity_matrix(BoxWriter& w) {
  for (uint32_t value : {kFixedOne, 0u, 0u, 0u, kFixedOne, 0u, 0u, 0u, kMatrixOne}) w.u32(value);
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

void write_nmhd(BoxWriter& w) {  // 8.4.5.2
  FullBox box(w, "nmhd"_4cc, 0, 0);
}

void write_dinf(BoxWriter& w) {  // 8.7.1, 8.7.2
  Box dinf(w, "dinf"_4cc);
  FullBox dref(w, "dref"_4cc, 0, 0);
  w.u32(1);  // entry_count
  FullBox url(w, "url "_4cc, 0, kSelfContained);
}

void write_elst(BoxWriter& w, const Edits& edits) {  // 8.6.6
  const bool wide = !fits<uint32_t>(edits.delay) || !fits<uint32_t>(edits.duration) ||
                    !fits<int32_t>(edits.media_time);
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
  w.u32(edits.delay > 0 ? 2 : 1);               // entry_count
  if (edits.delay > 0) entry(edits.delay, -1);  // an empty edit
  entry(edits.duration, edits.media_time);
}

// Size of the picture as presented: samples are square there.
std::array<uint32_t, 2> presented_size(const VideoDescription& video) {
  const uint64_t width = uint64_t{video.width} * video.aspect.horizontal / video.aspect.vertical;
  return {std::min<uint32_t>(narrow<uint32_t>(width), 0xffff), video.height};
}

std::array<uint32_t, 2> largest_size(const std::vector<TrackConfig>& descriptions) {
  std::array<uint32_t, 2> largest{};
  for (const TrackConfig& description : descriptions) {
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

}  // namespace

void write_mvhd(BoxWriter& w, const MovieHeader& movie) {  // 8.2.2
  const uint8_t version = version_for(movie.creation_time, movie.duration);
  FullBox box(w, "mvhd"_4cc, version, 0);
  w.time(version, movie.creation_time);     // creation_time
  w.time(version, movie.creation_time);     // modification_time
  w.u32(kMovieTimescale.ticks_per_second);  // timescale
  w.time(version, movie.duration);          // duration
  w.u32(kFixedOne);                         // rate
  w.u16(kFullVolume);                       // volume
  w.zeros(10);                              // reserved
  write_unity_matrix(w);                    // matrix
  w.zeros(24);                              // pre_defined
  w.u32(movie.next_track_id);               // next_track_ID
}

void write_tkhd(BoxWriter& w, const TrackHeader& track) {  // 8.3.2
  const uint8_t version = version_for(track.creation_time, track.duration);
  const bool video = track.config().kind == TrackKind::kVideo;
  const bool audio = track.config().kind == TrackKind::kAudio;
  FullBox box(w, "tkhd"_4cc, version, kTrackFlags);
  w.time(version, track.creation_time);  // creation_time
  w.time(version, track.creation_time);  // modification_time
  w.u32(track.id);                       // track_ID
  w.zeros(4);                            // reserved
  w.time(version, track.duration);       // duration: the sum of the edits
  w.zeros(8);                            // reserved
  w.u16(0);                              // layer
  w.u16(track.alternate_group);          // alternate_group
  w.u16(audio ? kFullVolume : 0);        // volume
  w.zeros(2);                            // reserved
  if (video) {
    const auto [width, height] = largest_size(track.descriptions);
    write_orientation(w, track.tags.orientation, width, height);  // matrix
    w.u32(width << 16);                                           // width
    w.u32(height << 16);                                          // height
  } else {
    write_unity_matrix(w);
    w.zeros(8);
  }
}

Handler handler_of(TrackKind kind) {  // 12.1.1, 12.2.1, 12.3.1; 'sbtl' as QuickTime has it
  switch (kind) {
    case TrackKind::kVideo:
      return {"vide"_4cc, "VideoHandler"};
    case TrackKind::kAudio:
      return {"soun"_4cc, "SoundHandler"};
    case TrackKind::kMetadata:
      return {"meta"_4cc, "MetadataHandler"};
    case TrackKind::kText:
      return {"sbtl"_4cc, "SubtitleHandler"};
  }
  return {};
}

void write_mdia(BoxWriter& writer, const TrackHeader& track,
                const std::function<void()>& write_table) {
  Box mdia(writer, "mdia"_4cc);
  write_mdhd(writer, track);
  const Handler handler = handler_of(track.config().kind);
  write_hdlr(writer, handler.type, handler.name);
  Box minf(writer, "minf"_4cc);
  write_media_information_header(writer, track);
  write_table();
}

void write_edts(BoxWriter& w, const Edits& edits) {  // 8.6.5
  Box box(w, "edts"_4cc);
  write_elst(w, edits);
}

void write_mdhd(BoxWriter& w, const TrackHeader& track) {  // 8.4.2
  const uint8_t version = version_for(track.creation_time, track.media_duration);
  FullBox box(w, "mdhd"_4cc, version, 0);
  w.time(version, track.creation_time);              // creation_time
  w.time(version, track.creation_time);              // modification_time
  w.u32(track.config().timescale.ticks_per_second);  // timescale
  w.time(version, track.media_duration);             // duration
  uint16_t language = 0;                             // three letters of five bits
  for (char letter : track.tags.language)
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

void write_media_information_header(BoxWriter& w, const TrackHeader& track) {  // 8.4.5
  switch (track.config().kind) {
    case TrackKind::kVideo:
      write_vmhd(w);
      break;
    case TrackKind::kAudio:
      write_smhd(w);
      break;
    case TrackKind::kMetadata:
    case TrackKind::kText:
      write_nmhd(w);
      break;
  }
  write_dinf(w);
}

void write_tref(BoxWriter& w, const TrackHeader& track) {  // 8.3.3
  if (track.describes == 0) return;
  Box tref(w, "tref"_4cc);
  Box cdsc(w, "cdsc"_4cc);
  w.u32(track.describes);  // track_IDs
}

}  // namespace mp4
