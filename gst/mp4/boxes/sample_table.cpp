// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/sample_table.h"

#include <algorithm>

#include "mp4/base/narrow.h"
#include "mp4/boxes/sample_entry.h"
#include "mp4/boxes/sample_groups.h"

namespace mp4 {
namespace {

// What is there besides the tables; far above what the boxes here can take.
constexpr uint64_t kFixedPart = 1024;
constexpr uint64_t kFixedPartOfDescription = 512;

constexpr uint64_t kRunSize = 8;  // of an entry of 'stts' and 'ctts'
constexpr uint64_t kChunkRunSize = 12;

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

// To ffmpeg the last description says how high all pictures are, and a JPEG that begins the track
// and is a quarter lower is a field of one, which the next belongs to: half of them are lost.
bool has_first_description_again(const MoovTrack& track) {
  return track.config().object_type == kObjectTypeJpeg && track.descriptions.size() > 1;
}

void write_stsd(BoxWriter& w, const MoovTrack& track) {  // 8.5.2
  const bool again = has_first_description_again(track);
  FullBox box(w, "stsd"_4cc, 0, 0);
  w.u32(narrow<uint32_t>(track.descriptions.size()) + (again ? 1 : 0));  // entry_count
  for (const TrackConfig& description : track.descriptions)
    write_sample_entry(w, description, bit_rates(track));
  if (again) write_sample_entry(w, track.config(), bit_rates(track));
}

void write_stts(BoxWriter& w, const MoovTrack& track) {  // 8.6.1.2
  const uint32_t count = TrackTracker::sizes(track.mark).stts;
  FullBox box(w, "stts"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(kRunSize * count, [track](TableWriter& table) {
    track.tracker.each_duration_run(track.mark, [&](uint32_t samples, uint32_t duration) {
      table.u32(samples);   // sample_count
      table.u32(duration);  // sample_delta
    });
  });
}

void write_ctts(BoxWriter& w, const MoovTrack& track) {  // 8.6.1.3
  const uint32_t count = TrackTracker::sizes(track.mark).ctts;
  FullBox box(w, "ctts"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(kRunSize * count, [track](TableWriter& table) {
    track.tracker.each_offset_run(track.mark, [&](uint32_t samples, uint32_t offset) {
      table.u32(samples);  // sample_count
      table.u32(offset);   // sample_offset
    });
  });
}

void write_stss(BoxWriter& w, const MoovTrack& track) {  // 8.6.2
  const uint32_t count = TrackTracker::sizes(track.mark).stss;
  FullBox box(w, "stss"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(sizeof(uint32_t) * count, [track](TableWriter& table) {
    track.tracker.each_sync_sample(track.mark, [&](uint32_t number) { table.u32(number); });
  });
}

void write_stsc(BoxWriter& w, const MoovTrack& track) {  // 8.7.4
  const uint32_t count = TrackTracker::sizes(track.mark).stsc;
  FullBox box(w, "stsc"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(kChunkRunSize * count, [track](TableWriter& table) {
    track.tracker.each_chunk_run(track.mark, [&](uint32_t chunk, uint32_t samples, uint32_t index) {
      table.u32(chunk);      // first_chunk
      table.u32(samples);    // samples_per_chunk
      table.u32(index + 1);  // sample_description_index
    });
  });
}

void write_stsz(BoxWriter& w, const MoovTrack& track) {  // 8.7.3.2
  const uint32_t count = TrackTracker::sizes(track.mark).stsz;
  FullBox box(w, "stsz"_4cc, 0, 0);
  w.u32(count > 0 ? 0 : narrow<uint32_t>(track.mark.sizes.last_value));  // sample_size
  w.u32(track.mark.samples);                                             // sample_count
  if (count == 0) return;
  w.later(sizeof(uint32_t) * count, [track](TableWriter& table) {
    track.tracker.each_size(track.mark, [&](uint32_t size) { table.u32(size); });
  });
}

void write_stco(BoxWriter& w, const MoovTrack& track) {  // 8.7.5
  const uint32_t count = TrackTracker::sizes(track.mark).chunk_offsets;
  FullBox box(w, "stco"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(sizeof(uint32_t) * count, [track](TableWriter& table) {
    track.tracker.each_chunk(track.mark,
                             [&](uint64_t offset) { table.u32(narrow<uint32_t>(offset)); });
  });
}

void write_co64(BoxWriter& w, const MoovTrack& track) {  // 8.7.5
  const uint32_t count = TrackTracker::sizes(track.mark).chunk_offsets;
  FullBox box(w, "co64"_4cc, 0, 0);
  w.u32(count);  // entry_count
  w.later(sizeof(uint64_t) * count, [track](TableWriter& table) {
    track.tracker.each_chunk(track.mark, [&](uint64_t offset) { table.u64(offset); });
  });
}

}  // namespace

void write_stbl(BoxWriter& w, const MoovTrack& track) {  // 8.5.1
  Box box(w, "stbl"_4cc);
  write_stsd(w, track);
  write_stts(w, track);
  if (track.mark.has_offsets) write_ctts(w, track);
  if (!track.mark.all_sync()) write_stss(w, track);
  write_stsc(w, track);
  write_stsz(w, track);
  if (TrackTracker::sizes(track.mark).wide_offsets)
    write_co64(w, track);
  else
    write_stco(w, track);
  write_sample_groups(w, track.config(), track.tracker, track.mark);
}

uint64_t stbl_size_bound(const MoovTrack& track) {
  const auto sizes = TrackTracker::sizes(track.mark);
  uint64_t bytes = kFixedPart;
  for (const TrackConfig& description : track.descriptions)
    bytes += kFixedPartOfDescription + description.codec_config.size();
  if (has_first_description_again(track))
    bytes += kFixedPartOfDescription + track.config().codec_config.size();
  bytes += uint64_t{18} * track.mark.rolls + uint64_t{16} * track.mark.open_gops;
  bytes += kRunSize * sizes.stts + kRunSize * sizes.ctts + uint64_t{4} * sizes.stss;
  bytes += kChunkRunSize * sizes.stsc + uint64_t{4} * sizes.stsz;
  bytes += uint64_t{sizes.wide_offsets ? 8u : 4u} * sizes.chunk_offsets;
  return bytes;
}

}  // namespace mp4
