// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/sample_groups.h"

#include <algorithm>
#include <span>
#include <vector>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// One sample of a group, and which of the group's descriptions it has, from 1.
struct Grouped {
  uint32_t sample;
  uint32_t description;
};

void write_sbgp(BoxWriter& w, FourCC type, std::span<const Grouped> grouped) {  // 8.9.2
  FullBox box(w, "sbgp"_4cc, 0, 0);
  w.fourcc(type);  // grouping_type
  const std::size_t entry_count = w.position();
  w.u32(0);  // entry_count, below
  uint32_t entries = 0, next = 1;
  auto add = [&](uint32_t samples, uint32_t description) {
    w.u32(samples);      // sample_count
    w.u32(description);  // group_description_index, 0: in no group
    ++entries;
  };
  for (std::size_t i = 0; i < grouped.size();) {
    const Grouped& first = grouped[i];
    if (first.sample > next) add(first.sample - next, 0);
    uint32_t count = 0;
    for (; i < grouped.size() && grouped[i].sample == first.sample + count &&
           grouped[i].description == first.description;
         ++i)
      ++count;
    add(count, first.description);
    next = first.sample + count;
  }
  w.patch_u32(entry_count, entries);
}

void write_roll_descriptions(BoxWriter& w, std::span<const int16_t> distances) {  // 8.9.3, 10.1
  FullBox box(w, "sgpd"_4cc, 1, 0);
  w.fourcc("roll"_4cc);                                // grouping_type
  w.u32(sizeof(int16_t));                              // default_length
  w.u32(narrow<uint32_t>(distances.size()));           // entry_count
  for (int16_t distance : distances) w.i16(distance);  // roll_distance
}

// Samples to decode before one whose sound is wanted right. AAC: -1; Opus: 80 ms (Encapsulation of
// Opus in ISO Base Media File Format, 4.3.6.2). 0: none.
int16_t sound_roll_distance(const TrackConfig& config, const TrackTracker::Mark& mark) {
  constexpr uint32_t kOpusPreroll = 3840;
  if (config.format == "mp4a"_4cc && config.object_type == kObjectTypeMpeg4Audio) return -1;
  if (config.format != "Opus"_4cc || mark.samples == 0) return 0;
  // Packets of one stream need not be alike.
  const auto packet = std::max<uint32_t>(1, TrackTracker::shortest_duration(mark));
  return narrow<int16_t>(-static_cast<int64_t>((kOpusPreroll + packet - 1) / packet));
}

// Every sample of a sound track.
void write_sound_roll_group(BoxWriter& w, int16_t distance, uint32_t samples) {
  write_roll_descriptions(w, std::span(&distance, 1));
  FullBox box(w, "sbgp"_4cc, 0, 0);
  w.fourcc("roll"_4cc);  // grouping_type
  w.u32(1);              // entry_count
  w.u32(samples);        // sample_count
  w.u32(1);              // group_description_index
}

// Pictures after which a gradual refresh ends (10.1).
void write_picture_roll_group(BoxWriter& w, const TrackTracker& tracker,
                              const TrackTracker::Mark& mark) {
  std::vector<int16_t> distances;
  std::vector<Grouped> grouped;
  tracker.each_roll(mark, [&](uint32_t sample, int16_t distance) {
    auto found = std::find(distances.begin(), distances.end(), distance);
    if (found == distances.end()) found = distances.insert(distances.end(), distance);
    grouped.push_back({sample, narrow<uint32_t>(found - distances.begin()) + 1});
  });
  write_roll_descriptions(w, distances);
  write_sbgp(w, "roll"_4cc, grouped);
}

// Pictures from which on all can be decoded that are presented later (10.4).
void write_open_gop_group(BoxWriter& w, const TrackTracker& tracker,
                          const TrackTracker::Mark& mark) {
  {
    FullBox box(w, "sgpd"_4cc, 1, 0);
    w.fourcc("rap "_4cc);  // grouping_type
    w.u32(1);              // default_length
    w.u32(1);              // entry_count
    w.u8(0);               // num_leading_samples_known: no; num_leading_samples
  }
  std::vector<Grouped> grouped;
  tracker.each_open_gop(mark, [&](uint32_t sample) { grouped.push_back({sample, 1}); });
  write_sbgp(w, "rap "_4cc, grouped);
}

}  // namespace

void write_sample_groups(BoxWriter& writer, const TrackConfig& config, const TrackTracker& tracker,
                         const TrackTracker::Mark& mark) {
  if (const int16_t distance = sound_roll_distance(config, mark))
    write_sound_roll_group(writer, distance, mark.samples);
  if (mark.rolls) write_picture_roll_group(writer, tracker, mark);
  if (mark.open_gops) write_open_gop_group(writer, tracker, mark);
}

}  // namespace mp4
