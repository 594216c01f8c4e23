// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/initial_moov.h"

#include <algorithm>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/sample_entry.h"
#include "mp4/boxes/track_boxes.h"

namespace mp4 {
namespace {

constexpr std::size_t kAlignment = 8;

void write_empty_table(BoxWriter& w, FourCC type) {
  FullBox box(w, type, 0, 0);
  if (type == "stsz"_4cc) w.u32(0);  // sample_size
  w.u32(0);                          // entry_count, sample_count
}

void write_empty_stbl(BoxWriter& w, const TrackConfig& config) {  // 8.5.1
  Box box(w, "stbl"_4cc);
  {
    FullBox stsd(w, "stsd"_4cc, 0, 0);
    w.u32(1);  // entry_count
    write_sample_entry(w, config, {});
  }
  for (FourCC type : {"stts"_4cc, "stsc"_4cc, "stsz"_4cc, "stco"_4cc}) write_empty_table(w, type);
}

void write_trak(BoxWriter& w, const InitialTrack& track, uint64_t creation_time,
                uint32_t describes) {  // 8.3.1
  const TrackHeader header{
      track.descriptions, track.tags, track.alternate_group, track.id, creation_time, 0, 0,
      describes};
  Box box(w, "trak"_4cc);
  write_tkhd(w, header);
  write_tref(w, header);
  // Without a delay: with 'tfdt' an empty edit would count twice in some readers.
  if (track.media_time != 0) write_edts(w, {.media_time = track.media_time});
  write_mdia(w, header, [&] { write_empty_stbl(w, header.config()); });
}

void write_trex(BoxWriter& w, uint32_t id) {  // 8.8.3
  FullBox box(w, "trex"_4cc, 0, 0);
  w.u32(id);    // track_ID
  w.u32(1);     // default_sample_description_index
  w.zeros(12);  // default_sample_duration, _size, _flags: the fragments say them
}

void write_padding(BoxWriter& w) {
  std::size_t padding = (kAlignment - w.size() % kAlignment) % kAlignment;
  if (padding == 0) return;
  Box free(w, "free"_4cc);  // 8.1.2
  w.zeros(padding);
}

}  // namespace

std::vector<uint8_t> write_initial_moov(uint64_t creation_time,
                                        std::span<const InitialTrack> tracks) {
  uint32_t last_id = 0;
  for (const InitialTrack& track : tracks) last_id = std::max(last_id, track.id);
  BoxWriter writer;
  {
    Box moov(writer, "moov"_4cc);
    write_mvhd(writer, {creation_time, 0, last_id + 1});
    for (const InitialTrack& track : tracks)
      write_trak(writer, track, creation_time, described_by(track.config(), tracks));
    {
      Box mvex(writer, "mvex"_4cc);  // 8.8.1; no 'mehd': readers believe a stale one
      for (const InitialTrack& track : tracks) write_trex(writer, track.id);
    }
    write_padding(writer);
  }
  return writer.take();
}

}  // namespace mp4
