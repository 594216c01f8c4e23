// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Movie fragments: appends the samples of each track run to its track.
#include <algorithm>

#include "movie_reading.h"

namespace boxes {
namespace {

enum TrackFragmentFlags : uint32_t {
  kBaseDataOffset = 0x1,
  kDescriptionIndex = 0x2,
  kDefaultDuration = 0x8,
  kDefaultSize = 0x10,
  kDefaultFlags = 0x20,
  kDurationIsEmpty = 0x10000,
  kBaseIsMoof = 0x20000,
};

enum TrackRunFlags : uint32_t {
  kDataOffset = 0x1,
  kFirstSampleFlags = 0x4,
  kSampleDuration = 0x100,
  kSampleSize = 0x200,
  kSampleFlags = 0x400,
  kCompositionOffset = 0x800,
  kPerSample = 0xf00,
};

constexpr uint32_t kNonSync = 0x10000;  // sample_is_non_sync_sample, 8.8.3.1
constexpr uint64_t kLatestTime = uint64_t{1} << 61;

unsigned long long ull(uint64_t value) { return value; }

// State of one moof while its trafs are read.
struct Fragment {
  const Box& moof;
  uint64_t data_end;  // of the run before: where a traf without any base begins
};

struct Run {
  uint32_t count = 0;
  uint32_t flags = 0;
  int version = 0;
  uint32_t first_flags = 0;
};

// 8.8.7 TrackFragmentHeaderBox. Answers the base of the data offsets.
uint64_t read_tfhd(Reading& reading, const Box& box, FragmentDefaults& defaults,
                   const Fragment& fragment) {
  BoxCursor cursor(box, reading.problems);
  const uint32_t flags = cursor.full_header(0, 0x3003b).flags;
  defaults.track_id = cursor.u32();
  for (const FragmentDefaults& trex : reading.extends) {
    if (trex.track_id == defaults.track_id) defaults = trex;
  }
  uint64_t base = flags & kBaseIsMoof ? fragment.moof.offset : fragment.data_end;
  if (flags & kBaseDataOffset) base = cursor.u64();
  if (flags & kDescriptionIndex) defaults.description_index = cursor.u32();
  if (flags & kDefaultDuration) defaults.duration = cursor.u32();
  if (flags & kDefaultSize) defaults.size = cursor.u32();
  if (flags & kDefaultFlags) defaults.flags = cursor.u32();
  return base;
}

// 8.8.12 TrackFragmentBaseMediaDecodeTimeBox
// In the first fragment a track may begin anywhere. Later, where the samples before do not end at
// the next one, a number is left out: some readers look at the time only then.
void read_tfdt(Reading& reading, const Box& box, TrackFacts& facts) {
  BoxCursor cursor(box, reading.problems);
  const int version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  const uint64_t time = cursor.sized(version);
  const bool may_be_later = reading.is_first_fragment || reading.sequence_number_skipped;
  if (time < facts.next_dts || (time > facts.next_dts && !may_be_later)) {
    cursor.problem(
        text("%llu, but the samples before end at %llu", ull(time), ull(facts.next_dts)));
  }
  if (time <= kLatestTime) facts.next_dts = time;
}

// Whether that many samples can be: rows in the box or bytes in the file for each.
bool believe(Reading& reading, BoxCursor& cursor, Run& run, const FragmentDefaults& defaults) {
  size_t row = 0;
  for (uint32_t flag = kSampleDuration; flag <= kCompositionOffset; flag <<= 1) {
    if (run.flags & flag) row += 4;
  }
  if (row > 0) run.count = cursor.rows(run.count, row);
  bool fits = run.flags & kSampleSize;
  if (!fits && defaults.size > 0) fits = run.count <= reading.file.size() / defaults.size;
  if (fits && run.count <= reading.samples_left) {
    reading.samples_left -= run.count;
    return true;
  }
  cursor.problem(text("%u samples are more than the file can hold", run.count));
  cursor.abandon();
  return false;
}

void read_row(BoxCursor& cursor, const Run& run, const FragmentDefaults& defaults, bool first,
              Sample& sample) {
  sample.duration = run.flags & kSampleDuration ? cursor.u32() : defaults.duration;
  sample.size = run.flags & kSampleSize ? cursor.u32() : defaults.size;
  uint32_t flags = run.flags & kSampleFlags ? cursor.u32() : defaults.flags;
  if (first && (run.flags & kFirstSampleFlags)) flags = run.first_flags;
  sample.sync = (flags & kNonSync) == 0;
  if (run.flags & kCompositionOffset) {
    sample.pts += run.version > 0 ? int64_t{cursor.i32()} : int64_t{cursor.u32()};
  }
}

// 8.8.8 TrackRunBox. Moves `position` past the run's bytes.
void read_trun(Reading& reading, const Box& box, size_t index, const FragmentDefaults& defaults,
               uint64_t base, uint64_t& position) {
  Track& track = reading.movie.tracks[index];
  TrackFacts& facts = reading.facts[index];
  BoxCursor cursor(box, reading.problems);
  const FullHeader header = cursor.full_header(1, kPerSample | kDataOffset | kFirstSampleFlags);
  if (!cursor.is_known()) return;
  Run run{.flags = header.flags, .version = header.version};
  run.count = cursor.u32();
  if (run.flags & kDataOffset) position = base + static_cast<uint64_t>(int64_t{cursor.i32()});
  if (run.flags & kFirstSampleFlags) run.first_flags = cursor.u32();
  if ((run.flags & kFirstSampleFlags) && (run.flags & kSampleFlags)) {
    cursor.problem("first_sample_flags beside flags of each sample");
  }
  if (!believe(reading, cursor, run, defaults)) return;
  if (run.count == 0) return cursor.problem("has no samples");
  track.chunk_count++;
  uint32_t empty = 0;
  for (uint32_t i = 0; i < run.count; i++) {
    Sample sample;
    sample.dts = sample.pts = static_cast<int64_t>(facts.next_dts);
    read_row(cursor, run, defaults, i == 0, sample);
    sample.offset = position;
    sample.chunk = track.chunk_count;
    sample.description_index = defaults.description_index;
    if (sample.size == 0) empty++;
    position += sample.size;
    facts.next_dts += sample.duration;
    track.samples.push_back(sample);
  }
  if (empty > 0) cursor.problem(text("%u samples of no bytes", empty));
}

void read_traf(Reading& reading, const Box& traf, Fragment& fragment) {
  const Box* tfhd = traf.child("tfhd");
  if (!tfhd) return;
  FragmentDefaults defaults;
  const uint64_t base = read_tfhd(reading, *tfhd, defaults, fragment);
  const auto& tracks = reading.movie.tracks;
  const auto found = std::find_if(tracks.begin(), tracks.end(), [&](const Track& track) {
    return track.id == defaults.track_id;
  });
  if (found == tracks.end()) {
    return reading.problems.at(*tfhd, text("there is no track %u", defaults.track_id));
  }
  const auto index = static_cast<size_t>(found - tracks.begin());
  Track& track = reading.movie.tracks[index];
  if (defaults.description_index == 0 || defaults.description_index > track.entries.size()) {
    reading.problems.at(*tfhd,
                        text("description index %u out of range", defaults.description_index));
  }
  if (const Box* tfdt = traf.child("tfdt")) {
    read_tfdt(reading, *tfdt, reading.facts[index]);
  } else {
    reading.problems.at(traf, "has no tfdt");
  }
  const size_t before = track.samples.size();
  uint64_t position = base;
  for (const Box& box : traf.children) {
    if (box.type == "trun") read_trun(reading, box, index, defaults, base, position);
  }
  fragment.data_end = position;
  read_sample_groups(reading, traf, track, track.samples.size() - before);
}

// 8.8.10 TrackFragmentRandomAccessBox: every entry must name a moof of the file.
void read_tfra(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  const int version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  const uint32_t id = cursor.u32();
  const auto& tracks = reading.movie.tracks;
  if (std::none_of(tracks.begin(), tracks.end(), [&](const Track& t) { return t.id == id; })) {
    cursor.problem(text("there is no track %u", id));
  }
  const uint32_t lengths = cursor.u32();
  const size_t numbers = (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3) + 3;
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, (version > 0 ? 16 : 8) + numbers);
  uint32_t astray = 0;
  for (uint32_t i = 0; i < count; i++) {
    cursor.sized(version);  // time
    const uint64_t offset = cursor.sized(version);
    cursor.bytes(numbers);
    const auto& top = reading.movie.top;
    const auto at = std::lower_bound(top.begin(), top.end(), offset,
                                     [](const Box& a, uint64_t b) { return a.offset < b; });
    if (at == top.end() || at->offset != offset || at->type != "moof") astray++;
  }
  if (astray > 0) cursor.problem(text("%u entries point at no moof", astray));
}

}  // namespace

void read_moof(Reading& reading, Box& moof) {
  if (const Box* mfhd = moof.child("mfhd")) {
    BoxCursor cursor(*mfhd, reading.problems);
    cursor.full_header(0);
    const uint32_t number = cursor.u32();
    if (number <= reading.last_sequence_number) {
      cursor.problem(text("sequence_number %u does not rise", number));
    }
    reading.is_first_fragment = reading.last_sequence_number == 0;
    reading.sequence_number_skipped = number > reading.last_sequence_number + 1;
    reading.last_sequence_number = number;
  }
  if (!reading.movie.fragmented) reading.problems.at(moof, "the movie has no mvex");
  Fragment fragment{moof, moof.offset};
  for (const Box& box : moof.children) {
    if (box.type == "traf") read_traf(reading, box, fragment);
  }
}

void read_mfra(Reading& reading, const Box& mfra) {
  for (const Box& box : mfra.children) {
    if (box.type == "tfra") read_tfra(reading, box);
    if (box.type != "mfro") continue;
    BoxCursor cursor(box, reading.problems);
    cursor.full_header(0);
    cursor.expect("size", cursor.u32(), mfra.size);
  }
}

void read_sidx(Reading& reading, const Box& sidx) {
  BoxCursor cursor(sidx, reading.problems);
  const int version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  cursor.u32();  // reference_ID
  cursor.u32();  // timescale
  cursor.sized(version);
  cursor.sized(version);
  cursor.zeros(2, "reserved");
  cursor.bytes(size_t{12} * cursor.u16());
}

}  // namespace boxes
