// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/growing_moov.h"

#include <algorithm>

#include "mp4/boxes/track_boxes.h"
#include "mp4/recovery/box_view.h"
#include "mp4/recovery/sample_entry_view.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using Bytes = std::span<const uint8_t>;

constexpr mp4::Ticks kLatest = mp4::Ticks{1} << 48;  // no recording lasts as long

uint64_t read_mvhd(Bytes body) {  // 8.2.2
  Fields fields(body);
  return fields.time(read_full_box_header(fields).version);  // creation_time
}

// 6.2.2: signs of a, b, c, d; the inverse of what write_tkhd() does.
mp4::Orientation read_matrix(Fields& fields) {
  const auto sign = [&] {
    const int32_t value = fields.i32();
    return (value > 0) - (value < 0);
  };
  const int a = sign(), b = sign();
  fields.skip(4);
  const int c = sign(), d = sign();
  mp4::Orientation orientation;
  orientation.mirrored = a * d - b * c < 0;
  const int turn = d < 0 ? 2 : c < 0 ? 1 : c > 0 ? 3 : 0;
  orientation.degrees = 90 * turn;
  return orientation;
}

bool read_tkhd(Bytes body, GrowingTrack& track) {  // 8.3.2
  Fields fields(body);
  const uint8_t version = read_full_box_header(fields).version;
  fields.time(version);     // creation_time
  fields.time(version);     // modification_time
  track.id = fields.u32();  // track_ID
  fields.skip(4);           // reserved
  fields.time(version);     // duration
  fields.skip(10);          // reserved, layer
  track.alternate_group = fields.u16();
  fields.skip(4);  // volume, reserved
  track.tags.orientation = read_matrix(fields);
  return !fields.exhausted() && track.id != 0;
}

bool read_elst(Bytes body, GrowingTrack& track) {  // 8.6.6
  if (body.empty()) return true;
  Fields fields(body);
  const uint8_t version = read_full_box_header(fields).version;
  const uint32_t entries = fields.u32();
  fields.time(version);  // segment_duration
  track.media_time = version == 0 ? fields.i32() : static_cast<int64_t>(fields.u64());
  return !fields.exhausted() && entries == 1 && track.media_time >= 0 && track.media_time < kLatest;
}

bool read_mdhd(Bytes body, GrowingTrack& track) {  // 8.4.2
  Fields fields(body);
  const uint8_t version = read_full_box_header(fields).version;
  fields.time(version);  // creation_time
  fields.time(version);  // modification_time
  track.config.timescale.ticks_per_second = fields.u32();
  fields.time(version);  // duration
  uint16_t language = fields.u16();
  for (auto letter = track.tags.language.rbegin(); letter != track.tags.language.rend(); ++letter) {
    *letter = static_cast<char>((language & 0x1f) + 0x60);
    language = static_cast<uint16_t>(language >> 5);
  }
  return !fields.exhausted() && track.config.timescale.ticks_per_second > 0;
}

bool read_hdlr(Bytes body, GrowingTrack& track) {  // 8.4.3
  Fields fields(body);
  fields.skip(8);  // version, flags, pre_defined
  const mp4::FourCC handler = fields.fourcc();
  for (const auto kind : {mp4::TrackKind::kVideo, mp4::TrackKind::kAudio, mp4::TrackKind::kMetadata,
                          mp4::TrackKind::kText}) {
    if (mp4::handler_of(kind).type != handler) continue;
    track.config.kind = kind;
    return true;
  }
  return false;
}

bool read_stsd(Bytes body, GrowingTrack& track) {  // 8.5.2
  Fields fields(body);
  fields.skip(4);  // version, flags
  const uint32_t entries = fields.u32();
  Bytes boxes = fields.rest();
  const auto entry = next_box(boxes);
  return entries == 1 && entry && read_sample_entry(*entry, track.config);
}

bool read_trak(Bytes trak, GrowingTrack& track) {  // 8.3.1
  const Bytes edts = find_box(trak, "edts"_4cc).body, mdia = find_box(trak, "mdia"_4cc).body;
  const Bytes minf = find_box(mdia, "minf"_4cc).body, stbl = find_box(minf, "stbl"_4cc).body;
  return read_track_header(trak, track) && read_elst(find_box(edts, "elst"_4cc).body, track) &&
         read_stsd(find_box(stbl, "stsd"_4cc).body, track);
}

}  // namespace

bool read_track_header(Bytes trak, GrowingTrack& track) {
  const Bytes mdia = find_box(trak, "mdia"_4cc).body;
  return read_tkhd(find_box(trak, "tkhd"_4cc).body, track) &&
         read_mdhd(find_box(mdia, "mdhd"_4cc).body, track) &&
         read_hdlr(find_box(mdia, "hdlr"_4cc).body, track);
}

std::optional<GrowingMovie> read_growing_moov(Bytes moov) {
  if (find_box(moov, "mvex"_4cc).body.empty()) return std::nullopt;  // 8.8.1
  GrowingMovie movie;
  while (const auto box = next_box(moov)) {
    if (box->type == "mvhd"_4cc) movie.creation_time = read_mvhd(box->body);
    if (box->type != "trak"_4cc) continue;
    GrowingTrack track;
    if (!read_trak(box->body, track)) return std::nullopt;
    const auto has_its_id = [&](const GrowingTrack& other) { return other.id == track.id; };
    if (std::any_of(movie.tracks.begin(), movie.tracks.end(), has_its_id)) return std::nullopt;
    movie.tracks.push_back(std::move(track));
  }
  if (!moov.empty() || movie.tracks.empty()) return std::nullopt;
  return movie;
}

}  // namespace finalize
