// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/moof.h"

#include <algorithm>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/fragment_flags.h"

namespace mp4 {
namespace {

using Sample = TrackRun::Sample;

constexpr uint64_t kMdatHeaderSize = 8;

uint32_t flags_of(const Sample& sample) {
  return sample.sync ? kDependsOnNone : kDependsOnOthers | kIsNonSync;
}

template <typename F>
bool all_have(std::span<const Sample> samples, F field) {
  return std::all_of(samples.begin(), samples.end(),
                     [&](const Sample& sample) { return field(sample) == field(samples[0]); });
}

// What all samples of a run have alike is said once, in 'tfhd'.
struct Alike {
  explicit Alike(std::span<const Sample> samples)
      : duration(all_have(samples, [](const Sample& sample) { return sample.duration; })),
        size(all_have(samples, [](const Sample& sample) { return sample.size; })),
        flags(all_have(samples.subspan(1), flags_of)),
        first_flags(flags && samples.size() > 1 && flags_of(samples[0]) != flags_of(samples[1])),
        no_offset(all_have(samples, [](const Sample& sample) { return sample.offset; }) &&
                  samples[0].offset == 0) {}

  bool duration, size;
  bool flags;        // of all but the first
  bool first_flags;  // the first has others
  bool no_offset;
};

void write_mfhd(BoxWriter& w, uint32_t sequence_number) {  // 8.8.5
  FullBox box(w, "mfhd"_4cc, 0, 0);
  w.u32(sequence_number);  // sequence_number
}

void write_tfhd(BoxWriter& w, const TrackRun& run, const Alike& alike) {  // 8.8.7
  const Sample& last = run.samples.back();
  const uint32_t flags = kBaseIsMoof | (alike.duration ? kDefaultDuration : 0) |
                         (alike.size ? kDefaultSize : 0) | (alike.flags ? kDefaultFlags : 0);
  FullBox box(w, "tfhd"_4cc, 0, flags);
  w.u32(run.track_id);                       // track_ID
  if (alike.duration) w.u32(last.duration);  // default_sample_duration
  if (alike.size) w.u32(last.size);          // default_sample_size
  if (alike.flags) w.u32(flags_of(last));    // default_sample_flags
}

void write_tfdt(BoxWriter& w, uint64_t decode_time) {  // 8.8.12
  FullBox box(w, "tfdt"_4cc, 1, 0);
  w.u64(decode_time);  // baseMediaDecodeTime
}

// Returns where the data_offset stands.
std::size_t write_trun(BoxWriter& w, std::span<const Sample> samples,
                       const Alike& alike) {  // 8.8.8
  const bool negative =
      std::any_of(samples.begin(), samples.end(), [](const Sample& s) { return s.offset < 0; });
  const uint32_t flags = kDataOffset | (alike.first_flags ? kFirstFlags : 0) |
                         (alike.duration ? 0 : kDurations) | (alike.size ? 0 : kSizes) |
                         (alike.flags ? 0 : kFlags) | (alike.no_offset ? 0 : kOffsets);
  FullBox box(w, "trun"_4cc, negative ? 1 : 0, flags);
  w.u32(narrow<uint32_t>(samples.size()));  // sample_count
  const std::size_t data_offset = w.position();
  w.u32(0);                                                 // data_offset, patched
  if (alike.first_flags) w.u32(flags_of(samples.front()));  // first_sample_flags
  const std::size_t fields = !alike.duration + !alike.size + !alike.flags + !alike.no_offset;
  uint8_t* entry = w.extend(fields * sizeof(uint32_t) * samples.size());
  const auto u32 = [&](uint32_t value) {
    store_big_endian<sizeof value>(entry, value);
    entry += sizeof value;
  };
  for (const Sample& sample : samples) {
    if (!alike.duration) u32(sample.duration);  // sample_duration
    if (!alike.size) u32(sample.size);          // sample_size
    if (!alike.flags) u32(flags_of(sample));    // sample_flags
    if (!alike.no_offset)
      u32(static_cast<uint32_t>(sample.offset));  // sample_composition_time_offset
  }
  return data_offset;
}

std::size_t write_traf(BoxWriter& w, const TrackRun& run) {  // 8.8.6
  const Alike alike(run.samples);
  Box box(w, "traf"_4cc);
  write_tfhd(w, run, alike);
  write_tfdt(w, run.decode_time);
  return write_trun(w, run.samples, alike);
}

}  // namespace

std::vector<uint8_t> write_moof(uint32_t sequence_number, std::span<const TrackRun> runs) {
  BoxWriter writer;
  std::vector<std::size_t> data_offsets;
  {
    Box moof(writer, "moof"_4cc);
    write_mfhd(writer, sequence_number);
    for (const TrackRun& run : runs) data_offsets.push_back(write_traf(writer, run));
  }
  for (std::size_t i = 0; i < runs.size(); ++i)
    writer.patch_u32(data_offsets[i],
                     narrow<uint32_t>(writer.size() + kMdatHeaderSize + runs[i].position));
  return writer.take();
}

}  // namespace mp4
