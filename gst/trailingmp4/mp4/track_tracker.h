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

#include "timescale.h"

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
    uint32_t duration_runs = 0;      // closed runs and the open one, without the last sample
    uint32_t last_duration_run = 0;  // samples in the open one
    uint32_t open_run_duration = 0;  // ticks of each of them
    uint32_t offset_runs = 0;
    uint32_t last_offset_run = 0;
    uint32_t sync_samples = 0;
    uint32_t open_gops = 0;
    uint32_t rolls = 0;
    uint32_t chunks = 0;
    uint32_t chunk_runs = 0;  // entries of 'stsc'
    uint64_t last_chunk_offset = 0;
    uint32_t first_size = 0;
    uint32_t largest_size = 0;
    bool same_sizes = true;
    bool has_offsets = false;   // some pts is not its dts
    Ticks smallest_offset = 0;  // of pts to dts, not above 0
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
  uint32_t first_duration(const Mark& mark) const;

  // Each calls f once per entry, in order, up to the mark.
  template <typename F>  // f(samples, duration in ticks)
  void each_duration_run(const Mark& mark, F f) const;
  template <typename F>  // f(samples, pts - dts in ticks, none negative: raised)
  void each_offset_run(const Mark& mark, F f) const;
  template <typename F>  // f(number of the sample, from 1)
  void each_sync_sample(const Mark& mark, F f) const;
  template <typename F>  // f(number of the sample, from 1)
  void each_open_gop(const Mark& mark, F f) const {
    for (uint32_t i = 0; i < mark.open_gops; ++i) f(open_gops_[i]);
  }
  template <typename F>  // f(number of the sample, from 1, roll_distance)
  void each_roll(const Mark& mark, F f) const {
    for (uint32_t i = 0; i < mark.rolls; ++i) f(rolls_[i].sample, rolls_[i].distance);
  }
  template <typename F>  // f(bytes)
  void each_size(const Mark& mark, F f) const {
    for (uint32_t i = 0; i < mark.samples; ++i) f(mark.same_sizes ? mark.first_size : sizes_[i]);
  }
  template <typename F>  // f(number of the first chunk, from 1, samples in each, description from
                         // 0)
  void each_chunk_run(const Mark& mark, F f) const;
  template <typename F>  // f(file offset)
  void each_chunk(const Mark& mark, F f) const {
    for (uint32_t i = 0; i < mark.chunks; ++i) f(chunks_[i].offset);
  }

 private:
  struct Run {
    uint32_t samples;
    uint32_t value;
  };
  struct Chunk {
    uint64_t offset;
    uint32_t samples;
    uint32_t description;
    bool is_like(const Chunk& other) const {
      return samples == other.samples && description == other.description;
    }
  };
  struct Described {
    uint32_t samples;  // before it
    uint32_t description;
  };
  struct Roll {
    uint32_t sample;
    int16_t distance;
  };
  struct Arrival {
    Ticks dts;
    uint32_t size;
  };

  static void add_to_runs(std::vector<Run>& runs, uint32_t value, uint32_t count = 1);
  template <typename F>
  static void each_run(const std::vector<Run>& runs, uint32_t count, uint32_t last, F f);
  void add_times(const SampleTimes& times, uint32_t count = 1);
  void add_sizes(uint32_t size, uint32_t count);
  void add_sync(bool sync, uint32_t count);
  uint64_t bytes_between(uint32_t begin, uint32_t end) const;
  void add_chunk(uint64_t offset, uint32_t samples, uint32_t description);
  void count_bits(Ticks dts, uint32_t size);
  Ticks last_duration() const;

  Timescale timescale_;
  Ticks nominal_;
  Mark mark_;  // kept current but for what mark() fills in
  Ticks known_duration_ = 0;
  uint32_t samples_in_chunks_ = 0;
  std::vector<Run> duration_runs_;
  std::vector<Run> offset_runs_;        // the values are signed
  std::vector<uint32_t> sync_samples_;  // from the first sample on that is none
  std::vector<uint32_t> open_gops_;
  std::vector<Roll> rolls_;
  uint32_t description_ = 0;
  uint32_t chunk_description_ = 0;    // of the last sample in a chunk
  std::vector<Described> described_;  // changes that are in no chunk yet
  std::vector<uint32_t> sizes_;       // from the first one on that is not like the others
  std::vector<Chunk> chunks_;
  std::deque<Arrival> second_;  // the samples of the last second of decode time
  uint64_t second_bytes_ = 0;
  uint64_t peak_second_bytes_ = 0;
};

template <typename F>
void TrackTracker::each_run(const std::vector<Run>& runs, uint32_t count, uint32_t last, F f) {
  for (uint32_t i = 0; i < count; ++i) f(i + 1 < count ? runs[i].samples : last, runs[i].value);
}

template <typename F>
void TrackTracker::each_duration_run(const Mark& mark, F f) const {
  if (mark.samples == 0) return;
  uint32_t pending_samples = 0, pending_value = 0;
  auto add = [&](uint32_t samples, uint32_t value) {
    if (pending_samples && value != pending_value) {
      f(pending_samples, pending_value);
      pending_samples = 0;
    }
    pending_samples += samples;
    pending_value = value;
  };
  each_run(duration_runs_, mark.duration_runs, mark.last_duration_run, add);
  add(1, static_cast<uint32_t>(mark.last_duration));
  f(pending_samples, pending_value);
}

template <typename F>
void TrackTracker::each_offset_run(const Mark& mark, F f) const {
  each_run(offset_runs_, mark.offset_runs, mark.last_offset_run,
           [&](uint32_t samples, uint32_t offset) {
             f(samples, static_cast<uint32_t>(static_cast<int32_t>(offset) + mark.raise()));
           });
}

template <typename F>
void TrackTracker::each_sync_sample(const Mark& mark, F f) const {
  for (uint32_t i = 0; i < mark.sync_samples; ++i) f(mark.all_sync() ? i + 1 : sync_samples_[i]);
}

template <typename F>
void TrackTracker::each_chunk_run(const Mark& mark, F f) const {
  for (uint32_t i = 0; i < mark.chunks; ++i)
    if (i == 0 || !chunks_[i].is_like(chunks_[i - 1]))
      f(i + 1, chunks_[i].samples, chunks_[i].description);
}

}  // namespace mp4
