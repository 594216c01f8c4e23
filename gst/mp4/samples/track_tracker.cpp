// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/samples/track_tracker.h"

#include <algorithm>

#include "mp4/base/narrow.h"

namespace mp4 {

TrackTracker::TrackTracker(Timescale timescale, Ticks nominal)
    : timescale_(timescale), nominal_(nominal) {}

void TrackTracker::append(const SampleTimes& times, uint32_t size, const RandomAccess& access,
                          uint32_t count) {
  add_times(times, count);
  add_sync(access.sync, count);
  sizes_.add(size / count, count);
  mark_.largest_size = std::max(mark_.largest_size, size / count);
  mark_.samples += count;
  mark_.bytes += size;
  if (access.open_gop) open_gops_.push_back(mark_.samples);
  if (access.roll_distance != 0) {
    roll_samples_.push_back(mark_.samples);
    roll_distances_.push_back(access.roll_distance);
  }
  count_bits(times.dts, size);
}

// The following two before the samples are counted.

void TrackTracker::add_times(const SampleTimes& times, uint32_t count) {
  if (mark_.samples == 0) {
    mark_.first_dts = times.dts;
    mark_.first_pts = mark_.end_before = times.pts;
    mark_.clip = times.clip;
  } else {
    const auto duration = narrow<uint32_t>(times.dts - mark_.last_dts);
    mark_.shortest = std::min(mark_.shortest, duration);
    durations_.add(duration);
    mark_.first_pts = std::min(mark_.first_pts, times.pts);
    mark_.end_before = std::max(mark_.end_before, mark_.last_pts + (times.dts - mark_.last_dts));
  }
  const Ticks offset = times.pts - times.dts;
  const Ticks more = Ticks{count} - 1;
  if (count > 1) mark_.shortest = 1;
  durations_.add(1, count - 1);
  offsets_.add(narrow<int32_t>(offset), count);
  mark_.last_dts = times.dts + more;
  mark_.last_pts = times.pts + more;
  mark_.end_before = std::max(mark_.end_before, mark_.last_pts);
  mark_.has_offsets = mark_.has_offsets || offset != 0;
  mark_.smallest_offset = std::min(mark_.smallest_offset, offset);
  known_duration_ = count > 1 ? 1 : times.duration;
}

void TrackTracker::add_sync(bool sync, uint32_t count) {
  if (!sync) return;
  const bool leads = mark_.all_sync();
  mark_.sync_samples += count;
  if (leads) leading_sync_samples_ = mark_.sync_samples;
  for (uint32_t i = 1; !leads && i <= count; ++i) sync_samples_.push_back(mark_.samples + i);
}

void TrackTracker::retime(std::span<const Ticks> decode_times) {
  const Mark before = mark();
  std::vector<Ticks> times{mark_.first_dts};
  durations_.each(before.durations, [&](uint32_t samples, int64_t duration) {
    for (uint32_t i = 0; i < samples; ++i) times.push_back(times.back() + duration);
  });
  auto time = times.begin();  // of decoding, to be that of presentation
  offsets_.each(before.offsets, [&](uint32_t samples, int64_t offset) {
    for (uint32_t i = 0; i < samples; ++i) *time++ += offset;
  });
  const Ticks last_duration = known_duration_;
  durations_.clear();
  offsets_.clear();
  mark_.has_offsets = false;
  mark_.smallest_offset = 0;
  for (mark_.samples = 0; mark_.samples < before.samples; ++mark_.samples)
    add_times({decode_times[mark_.samples], times[mark_.samples], last_duration});
}

void TrackTracker::describe(uint32_t description) {
  if (description == description_) return;
  described_.push_back({mark_.samples, mark_.bytes, description});
  description_ = description;
}

void TrackTracker::place_chunk(uint64_t offset) {
  uint32_t description = chunk_description_;
  const auto add_up_to = [&](uint32_t samples, uint64_t bytes) {
    if (samples == samples_in_chunks_) return;
    add_chunk(offset, {samples - samples_in_chunks_, description});
    offset += bytes - bytes_in_chunks_;
    samples_in_chunks_ = samples;
    bytes_in_chunks_ = bytes;
  };
  for (const Described& change : described_) {
    add_up_to(change.samples, change.bytes);
    description = change.description;
  }
  add_up_to(mark_.samples, mark_.bytes);
  chunk_description_ = description;
  described_.clear();
}

void TrackTracker::add_chunk(uint64_t offset, const Chunk& chunk) {
  if (chunk != last_chunk_) ++mark_.chunk_runs;
  last_chunk_ = chunk;
  chunk_offsets_.push_back(static_cast<int64_t>(offset));
  chunk_samples_.push_back(chunk.samples);
  chunk_descriptions_.push_back(chunk.description);
  mark_.last_chunk_offset = offset;
}

Ticks TrackTracker::last_duration() const {
  if (known_duration_ > 0) return known_duration_;
  if (!durations_.empty()) return durations_.last_value();
  return nominal_;
}

TrackTracker::Mark TrackTracker::mark() const {
  Mark mark = mark_;
  mark.durations = durations_.mark();
  mark.offsets = offsets_.mark();
  mark.sizes = sizes_.mark();
  mark.open_gops = open_gops_.size();
  mark.rolls = roll_samples_.size();
  mark.chunks = chunk_offsets_.size();
  mark.last_duration = last_duration();
  return mark;
}

TrackTracker::TableSizes TrackTracker::sizes(const Mark& mark) {
  TableSizes sizes;
  if (mark.samples == 0) return sizes;
  // The last sample, whose duration is a guess until now, may be as long as the run before it.
  const bool joins = mark.durations.runs > 0 && mark.durations.last_value == mark.last_duration;
  sizes.stts = mark.durations.runs + (joins ? 0 : 1);
  sizes.ctts = mark.has_offsets ? mark.offsets.runs : 0;
  sizes.stss = mark.all_sync() ? 0 : mark.sync_samples;
  sizes.stsc = mark.chunk_runs;
  // A common size of 0 would say that there is a table.
  sizes.stsz = mark.same_sizes() && mark.sizes.last_value ? 0 : mark.samples;
  sizes.chunk_offsets = mark.chunks;
  sizes.wide_offsets = mark.last_chunk_offset > UINT32_MAX;
  return sizes;
}

void TrackTracker::count_bits(Ticks dts, uint32_t size) {
  // What has more in a second is no recording; it must not cost memory either.
  constexpr std::size_t kMost = 1 << 16;
  while (!second_.empty() &&
         (dts - second_.front().dts >= timescale_.ticks_per_second || second_.size() >= kMost)) {
    second_bytes_ -= second_.front().size;
    second_.pop_front();
  }
  second_.push_back({dts, size});
  second_bytes_ += size;
  peak_second_bytes_ = std::max(peak_second_bytes_, second_bytes_);
}

uint64_t TrackTracker::peak_bits_per_second() const { return peak_second_bytes_ * 8; }

}  // namespace mp4
