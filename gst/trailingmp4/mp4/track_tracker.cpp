// SPDX-License-Identifier: LGPL-2.1-or-later
#include "track_tracker.h"

#include <algorithm>

#include "narrow.h"

namespace mp4 {

TrackTracker::TrackTracker(Timescale timescale, Ticks nominal)
    : timescale_(timescale), nominal_(nominal) {}

void TrackTracker::add_to_runs(std::vector<Run>& runs, uint32_t value, uint32_t count) {
  if (count == 0) return;
  if (runs.empty() || runs.back().value != value)
    runs.push_back({count, value});
  else
    runs.back().samples += count;
}

void TrackTracker::append(const SampleTimes& times, uint32_t size, const RandomAccess& access,
                          uint32_t count) {
  add_times(times, count);
  add_sizes(size / count, count);
  add_sync(access.sync, count);
  mark_.samples += count;
  mark_.bytes += size;
  if (access.open_gop) open_gops_.push_back(mark_.samples);
  if (access.roll_distance != 0) rolls_.push_back({mark_.samples, access.roll_distance});
  count_bits(times.dts, size);
}

// The following ones before the samples are counted. While all sizes are the same, and all samples
// sync samples, there is no table of them.

void TrackTracker::add_times(const SampleTimes& times, uint32_t count) {
  if (mark_.samples == 0) {
    mark_.first_dts = times.dts;
    mark_.first_pts = mark_.end_before = times.pts;
    mark_.clip = times.clip;
  } else {
    add_to_runs(duration_runs_, narrow<uint32_t>(times.dts - mark_.last_dts));
    mark_.first_pts = std::min(mark_.first_pts, times.pts);
    mark_.end_before = std::max(mark_.end_before, mark_.last_pts + (times.dts - mark_.last_dts));
  }
  const Ticks offset = times.pts - times.dts;
  const Ticks more = Ticks{count} - 1;
  add_to_runs(duration_runs_, 1, count - 1);
  add_to_runs(offset_runs_, static_cast<uint32_t>(narrow<int32_t>(offset)), count);
  mark_.last_dts = times.dts + more;
  mark_.last_pts = times.pts + more;
  mark_.end_before = std::max(mark_.end_before, mark_.last_pts);
  mark_.has_offsets = mark_.has_offsets || offset != 0;
  mark_.smallest_offset = std::min(mark_.smallest_offset, offset);
  known_duration_ = count > 1 ? 1 : times.duration;
}

void TrackTracker::add_sizes(uint32_t size, uint32_t count) {
  if (mark_.samples == 0) mark_.first_size = size;
  mark_.largest_size = std::max(mark_.largest_size, size);
  if (mark_.same_sizes && size != mark_.first_size) {
    mark_.same_sizes = false;
    sizes_.assign(mark_.samples, mark_.first_size);
  }
  if (!mark_.same_sizes) sizes_.insert(sizes_.end(), count, size);
}

void TrackTracker::add_sync(bool sync, uint32_t count) {
  const bool all_were = mark_.all_sync();
  if (!sync && all_were)
    for (uint32_t number = 1; number <= mark_.samples; ++number) sync_samples_.push_back(number);
  if (!sync) return;
  mark_.sync_samples += count;
  if (all_were) return;
  for (uint32_t i = 1; i <= count; ++i) sync_samples_.push_back(mark_.samples + i);
}

void TrackTracker::retime(std::span<const Ticks> decode_times) {
  std::vector<Ticks> offsets;
  for (const Run& run : offset_runs_)
    offsets.insert(offsets.end(), run.samples, static_cast<int32_t>(run.value));
  std::vector<Ticks> old{mark_.first_dts};
  for (const Run& run : duration_runs_)
    for (uint32_t i = 0; i < run.samples; ++i) old.push_back(old.back() + run.value);
  const uint32_t samples = mark_.samples;
  const Ticks last_duration = known_duration_;
  duration_runs_.clear();
  offset_runs_.clear();
  mark_.has_offsets = false;
  mark_.smallest_offset = 0;
  for (mark_.samples = 0; mark_.samples < samples; ++mark_.samples)
    add_times(
        {decode_times[mark_.samples], old[mark_.samples] + offsets[mark_.samples], last_duration});
}

void TrackTracker::describe(uint32_t description) {
  if (description == description_) return;
  described_.push_back({mark_.samples, description});
  description_ = description;
}

void TrackTracker::place_chunk(uint64_t offset) {
  uint32_t description = chunk_description_;
  auto add_up_to = [&](uint32_t end) {
    if (end == samples_in_chunks_) return;
    const uint64_t bytes = bytes_between(samples_in_chunks_, end);
    add_chunk(offset, end - samples_in_chunks_, description);
    offset += bytes;
    samples_in_chunks_ = end;
  };
  for (const Described& change : described_) {
    add_up_to(change.samples);
    description = change.description;
  }
  add_up_to(mark_.samples);
  chunk_description_ = description;
  described_.clear();
}

uint64_t TrackTracker::bytes_between(uint32_t begin, uint32_t end) const {
  if (mark_.same_sizes) return uint64_t{end - begin} * mark_.first_size;
  uint64_t bytes = 0;
  for (uint32_t i = begin; i < end; ++i) bytes += sizes_[i];
  return bytes;
}

void TrackTracker::add_chunk(uint64_t offset, uint32_t samples, uint32_t description) {
  const Chunk chunk{offset, samples, description};
  if (chunks_.empty() || !chunk.is_like(chunks_.back())) ++mark_.chunk_runs;
  chunks_.push_back(chunk);
  mark_.last_chunk_offset = offset;
}

Ticks TrackTracker::last_duration() const {
  if (known_duration_ > 0) return known_duration_;
  if (!duration_runs_.empty()) return duration_runs_.back().value;
  return nominal_;
}

uint32_t TrackTracker::first_duration(const Mark& mark) const {
  if (mark.duration_runs > 0) return duration_runs_.front().value;
  return narrow<uint32_t>(mark.last_duration);
}

TrackTracker::Mark TrackTracker::mark() const {
  Mark mark = mark_;
  mark.duration_runs = narrow<uint32_t>(duration_runs_.size());
  mark.last_duration_run = duration_runs_.empty() ? 0 : duration_runs_.back().samples;
  mark.open_run_duration = duration_runs_.empty() ? 0 : duration_runs_.back().value;
  mark.offset_runs = narrow<uint32_t>(offset_runs_.size());
  mark.last_offset_run = offset_runs_.empty() ? 0 : offset_runs_.back().samples;
  mark.open_gops = narrow<uint32_t>(open_gops_.size());
  mark.rolls = narrow<uint32_t>(rolls_.size());
  mark.chunks = narrow<uint32_t>(chunks_.size());
  mark.last_duration = last_duration();
  return mark;
}

TrackTracker::TableSizes TrackTracker::sizes(const Mark& mark) {
  TableSizes sizes;
  if (mark.samples == 0) return sizes;
  // The last sample, whose duration is a guess until now, may be as long as the run before it.
  const bool joins = mark.duration_runs > 0 && mark.open_run_duration == mark.last_duration;
  sizes.stts = mark.duration_runs + (joins ? 0 : 1);
  sizes.ctts = mark.has_offsets ? mark.offset_runs : 0;
  sizes.stss = mark.all_sync() ? 0 : mark.sync_samples;
  sizes.stsc = mark.chunk_runs;
  // A common size of 0 would say that there is a table.
  sizes.stsz = mark.same_sizes && mark.first_size ? 0 : mark.samples;
  sizes.chunk_offsets = mark.chunks;
  sizes.wide_offsets = mark.last_chunk_offset > UINT32_MAX;
  return sizes;
}

void TrackTracker::count_bits(Ticks dts, uint32_t size) {
  while (!second_.empty() && dts - second_.front().dts >= timescale_.ticks_per_second) {
    second_bytes_ -= second_.front().size;
    second_.pop_front();
  }
  second_.push_back({dts, size});
  second_bytes_ += size;
  peak_second_bytes_ = std::max(peak_second_bytes_, second_bytes_);
}

uint64_t TrackTracker::peak_bits_per_second() const { return peak_second_bytes_ * 8; }

}  // namespace mp4
