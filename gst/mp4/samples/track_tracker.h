// SPDX-License-Identifier: LGPL-2.1-or-later
//
// TrackTracker: the sample tables of one track while it is recorded. It appends, answers and
// counts; it knows no bytes and no boxes.
//
// A Mark is the state of the tables at one moment. Tables only grow, so a mark stays valid: the
// sizes of the boxes at a mark are known at once, and the tables can be read up to it in one pass
// each, while nothing is appended.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "mp4/base/narrow.h"
#include "mp4/base/timescale.h"
#include "mp4/samples/packed_numbers.h"

namespace mp4 {

struct SampleTimes {
  Ticks dts = 0;
  Ticks pts = 0;       // before dts only where a depth of reordering became known late
  Ticks duration = 0;  // as far as known, 0: not known; the next sample's dts overrules it
  Ticks clip = 0;      // so much at the beginning of the track's first sample is not presented
};

// How decoding can start at a sample.
struct RandomAccess {
  bool sync = false;          // all that follows in decoding order can be decoded
  bool open_gop = false;      // all that follows in presentation order can be
  int16_t roll_distance = 0;  // the picture is right after so many samples; 0: no such start
  bool operator==(const RandomAccess&) const = default;
  bool any() const { return sync || open_gop || roll_distance != 0; }
};

class TrackTracker {
 public:
  struct Mark {
    uint32_t samples = 0;
    uint64_t bytes = 0;
    PackedRuns::Mark durations;  // in ticks, without the last sample
    PackedRuns::Mark offsets;    // of pts to dts
    PackedRuns::Mark sizes;
    uint32_t sync_samples = 0;
    uint32_t open_gops = 0;
    uint32_t rolls = 0;
    uint32_t chunks = 0;
    uint32_t chunk_runs = 0;  // entries of 'stsc'
    uint64_t last_chunk_offset = 0;
    uint32_t largest_size = 0;
    uint32_t shortest = UINT32_MAX;  // duration, without the last sample
    bool has_offsets = false;        // some pts is not its dts
    Ticks smallest_offset = 0;       // of pts to dts, not above 0
    Ticks first_dts = 0, last_dts = 0;
    Ticks first_pts = 0;      // the smallest
    Ticks clip = 0;           // of the first sample, not presented
    Ticks last_pts = 0;       // of the last sample
    Ticks end_before = 0;     // of presentation of the samples before the last
    Ticks last_duration = 0;  // of the last sample

    Ticks media_duration() const { return samples ? last_dts + last_duration - first_dts : 0; }
    Ticks presentation_end() const { return std::max(end_before, last_pts + last_duration); }
    Ticks first_shown() const { return first_pts + clip; }
    Ticks presented_duration() const {
      return samples ? std::max<Ticks>(0, presentation_end() - first_shown()) : 0;
    }
    bool all_sync() const { return sync_samples == samples; }
    bool same_sizes() const { return sizes.runs <= 1; }
    // What is added to all offsets, so that none is negative.
    Ticks raise() const { return -smallest_offset; }
  };

  // Entries of each table; what they take in bytes is the box writer's knowledge.
  struct TableSizes {
    uint32_t stts = 0, ctts = 0, stss = 0, stsc = 0, stsz = 0, chunk_offsets = 0;
    bool wide_offsets = false;  // co64
  };

  // nominal: the length of a sample of which nothing better is known.
  TrackTracker(Timescale timescale, Ticks nominal);

  // dts must be above the previous one. The caller keeps the number of samples below 2^32 - 1.
  // count: of samples that share the bytes evenly and last a tick each, the first of which the
  // times are.
  void append(const SampleTimes& times, uint32_t size, const RandomAccess& access,
              uint32_t count = 1);
  // Samples from now on have the sample description of that index, from 0; until then the first.
  void describe(uint32_t description);
  uint32_t description() const { return description_; }
  // The samples appended since the last call lie together from this file offset on: one chunk, or
  // one for each description.
  void place_chunk(uint64_t offset);
  // Other decode times for all samples, rising and as many as there are. Only before the first
  // chunk.
  void retime(std::span<const Ticks> decode_times);

  Mark mark() const;
  static TableSizes sizes(const Mark& mark);
  uint32_t samples() const { return mark_.samples; }
  uint64_t peak_bits_per_second() const;  // the fullest second of decode time
  // Of the samples before the last, or of that one alone.
  static uint32_t shortest_duration(const Mark& mark) {
    return mark.samples > 1 ? mark.shortest : narrow<uint32_t>(mark.last_duration);
  }

  // Each calls f once per entry, in order, up to the mark.
  template <typename F>  // f(samples, duration in ticks)
  void each_duration_run(const Mark& mark, F f) const;
  template <typename F>  // f(samples, pts - dts in ticks, none negative: raised)
  void each_offset_run(const Mark& mark, F f) const;
  template <typename F>  // f(number of the sample, from 1)
  void each_sync_sample(const Mark& mark, F f) const;
  template <typename F>  // f(number of the sample, from 1)
  void each_open_gop(const Mark& mark, F f) const;
  template <typename F>  // f(number of the sample, from 1, roll_distance)
  void each_roll(const Mark& mark, F f) const;
  template <typename F>  // f(bytes)
  void each_size(const Mark& mark, F f) const;
  template <typename F>  // f(number of the first chunk, from 1, samples in each, description from
                         // 0)
  void each_chunk_run(const Mark& mark, F f) const;
  template <typename F>  // f(file offset)
  void each_chunk(const Mark& mark, F f) const;

 private:
  struct Chunk {
    uint32_t samples = 0;
    uint32_t description = 0;
    bool operator==(const Chunk&) const = default;
  };
  struct Described {
    uint32_t samples;  // before it
    uint64_t bytes;    // of them
    uint32_t description;
  };
  struct Arrival {
    Ticks dts;
    uint32_t size;
  };

  void add_times(const SampleTimes& times, uint32_t count = 1);
  void add_sync(bool sync, uint32_t count);
  void add_chunk(uint64_t offset, const Chunk& chunk);
  void count_bits(Ticks dts, uint32_t size);
  Ticks last_duration() const;

  Timescale timescale_;
  Ticks nominal_;
  Mark mark_;  // kept current but for what mark() fills in
  Ticks known_duration_ = 0;
  uint32_t samples_in_chunks_ = 0;
  uint64_t bytes_in_chunks_ = 0;
  PackedRuns durations_;
  PackedRuns offsets_;
  PackedRuns sizes_;
  uint32_t leading_sync_samples_ = 0;  // with none before them that is not one
  PackedNumbers sync_samples_;         // the others
  PackedNumbers open_gops_;
  PackedNumbers roll_samples_, roll_distances_;
  uint32_t description_ = 0;
  uint32_t chunk_description_ = 0;    // of the last sample in a chunk
  std::vector<Described> described_;  // changes that are in no chunk yet
  PackedNumbers chunk_offsets_, chunk_samples_, chunk_descriptions_;
  Chunk last_chunk_;
  std::deque<Arrival> second_;  // the samples of the last second of decode time
  uint64_t second_bytes_ = 0;
  uint64_t peak_second_bytes_ = 0;
};

template <typename F>
void TrackTracker::each_duration_run(const Mark& mark, F f) const {
  if (mark.samples == 0) return;
  uint32_t pending_samples = 0;
  int64_t pending_duration = 0;
  const auto add = [&](uint32_t samples, int64_t duration) {
    if (pending_samples && duration != pending_duration) {
      f(pending_samples, static_cast<uint32_t>(pending_duration));
      pending_samples = 0;
    }
    pending_samples += samples;
    pending_duration = duration;
  };
  durations_.each(mark.durations, add);
  add(1, static_cast<uint32_t>(mark.last_duration));
  f(pending_samples, static_cast<uint32_t>(pending_duration));
}

template <typename F>
void TrackTracker::each_offset_run(const Mark& mark, F f) const {
  offsets_.each(mark.offsets, [&](uint32_t samples, int64_t offset) {
    f(samples, static_cast<uint32_t>(offset + mark.raise()));
  });
}

template <typename F>
void TrackTracker::each_sync_sample(const Mark& mark, F f) const {
  PackedNumbers::Reader later(sync_samples_);
  for (uint32_t i = 0; i < mark.sync_samples; ++i)
    f(i < leading_sync_samples_ ? i + 1 : static_cast<uint32_t>(later.next()));
}

template <typename F>
void TrackTracker::each_open_gop(const Mark& mark, F f) const {
  PackedNumbers::Reader numbers(open_gops_);
  for (uint32_t i = 0; i < mark.open_gops; ++i) f(static_cast<uint32_t>(numbers.next()));
}

template <typename F>
void TrackTracker::each_roll(const Mark& mark, F f) const {
  PackedNumbers::Reader samples(roll_samples_), distances(roll_distances_);
  for (uint32_t i = 0; i < mark.rolls; ++i) {
    const auto sample = static_cast<uint32_t>(samples.next());
    f(sample, static_cast<int16_t>(distances.next()));
  }
}

template <typename F>
void TrackTracker::each_size(const Mark& mark, F f) const {
  sizes_.each(mark.sizes, [&](uint32_t samples, int64_t size) {
    for (uint32_t i = 0; i < samples; ++i) f(static_cast<uint32_t>(size));
  });
}

template <typename F>
void TrackTracker::each_chunk_run(const Mark& mark, F f) const {
  PackedNumbers::Reader samples(chunk_samples_), descriptions(chunk_descriptions_);
  Chunk last;
  for (uint32_t i = 0; i < mark.chunks; ++i) {
    const Chunk chunk{static_cast<uint32_t>(samples.next()),
                      static_cast<uint32_t>(descriptions.next())};
    if (chunk != last) f(i + 1, chunk.samples, chunk.description);
    last = chunk;
  }
}

template <typename F>
void TrackTracker::each_chunk(const Mark& mark, F f) const {
  PackedNumbers::Reader offsets(chunk_offsets_);
  for (uint32_t i = 0; i < mark.chunks; ++i) f(static_cast<uint64_t>(offsets.next()));
}

}  // namespace mp4
