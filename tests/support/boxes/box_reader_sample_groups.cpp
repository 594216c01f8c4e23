// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sample groups: the descriptions (sgpd) and which samples they are of (sbgp).
#include <algorithm>
#include <set>

#include "movie_reading.h"

namespace boxes {
namespace {

constexpr uint32_t kFragmentLocal = 0x10000;  // 8.9.4: indexes above are of the traf's own sgpd

unsigned long long ull(uint64_t value) { return value; }

SampleGroup& group_of(Track& track, const std::string& grouping_type) {
  for (SampleGroup& group : track.groups) {
    if (group.grouping_type == grouping_type) return group;
  }
  track.groups.emplace_back();
  track.groups.back().grouping_type = grouping_type;
  return track.groups.back();
}

// 8.9.3 SampleGroupDescriptionBox.
void read_sgpd(Reading& reading, const Box& box, Track& track) {
  BoxCursor cursor(box, reading.problems);
  const int version = cursor.full_header(3).version;
  if (!cursor.is_known()) return;
  SampleGroup& group = group_of(track, cursor.fourcc());
  group.version = version;
  if (version == 0) {
    cursor.problem("version 0 is deprecated");
    return cursor.abandon();
  }
  const uint32_t default_length = cursor.u32();
  if (version >= 2) cursor.u32();  // default_group_description_index
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, std::max<size_t>(default_length, 1));
  for (uint32_t i = 0; i < count && cursor.left() > 0; i++) {
    const uint32_t length = default_length > 0 ? default_length : cursor.u32();
    if (length == 0) cursor.problem(text("description %u is empty", i + 1));
    group.entries.push_back(cursor.bytes(length));
    const bool roll = group.grouping_type == "roll" || group.grouping_type == "prol";
    if (roll && length != 2) cursor.problem(text("roll description of %u bytes", length));
    if (group.grouping_type == "rap " && length != 1) {
      cursor.problem(text("rap description of %u bytes", length));
    }
  }
}

// 8.9.2 SampleToGroupBox
void read_sbgp(Reading& reading, const Box& box, Track& track, uint64_t sample_count) {
  BoxCursor cursor(box, reading.problems);
  const int version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  SampleGroup& group = group_of(track, cursor.fourcc());
  if (version == 1) cursor.u32();  // grouping_type_parameter
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, 8);
  uint64_t samples = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t run = cursor.u32();
    const uint32_t index = cursor.u32();
    const uint32_t plain = index > kFragmentLocal ? index - kFragmentLocal : index;
    if (run == 0) cursor.problem(text("entry %u is of no samples", i + 1));
    if (plain > group.entries.size()) {
      cursor.problem(text("entry %u: description index %u out of range", i + 1, index));
    }
    samples += run;
    group.runs.emplace_back(run, index);
  }
  if (samples > sample_count) {
    cursor.problem(text("is of %llu samples, there are %llu", ull(samples), ull(sample_count)));
  }
}

// Two boxes of one type in one container must be of different grouping types.
void check_repeated(Reading& reading, const Box& parent, std::string_view type) {
  std::set<std::string> seen;
  for (const Box& box : parent.children) {
    if (box.type != type) continue;
    BoxCursor cursor(box, reading.problems, 8);
    cursor.abandon();
    cursor.bytes(4);
    const std::string grouping_type = cursor.fourcc();
    if (!seen.insert(grouping_type).second) {
      cursor.problem("there is more than one of " + printable(grouping_type));
    }
  }
}

}  // namespace

void read_sample_groups(Reading& reading, const Box& parent, Track& track, uint64_t sample_count) {
  check_repeated(reading, parent, "sgpd");
  check_repeated(reading, parent, "sbgp");
  for (const Box& box : parent.children) {
    if (box.type == "sgpd") read_sgpd(reading, box, track);
  }
  for (const Box& box : parent.children) {
    if (box.type == "sbgp") read_sbgp(reading, box, track, sample_count);
  }
}

}  // namespace boxes
