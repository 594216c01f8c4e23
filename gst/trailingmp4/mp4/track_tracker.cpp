// SPDX-License-Identifier: LGPL-2.1-or-later
#include "track_tracker.h"

#include <algorithm>

#include "narrow.h"

namespace mp4 {

TrackTracker::TrackTracker(Timescale timescale, Ticks nominal)
    : timescale_(timescale), nominal_(nominal) {}

void TrackTracker::add_to_runs(std::vector<Run>& runs, uint32_t value) {
  if (runs.empty() || runs.back().value != value)
    runs.push_back({1, value});
  else
    ++runs.back().samples;
}

void TrackTracker::append(const SampleTimes& times, uint32_t size, bool sync) {
  if (mark_.samples == 0) {
    mark_.first_dts = times.dts;
    mark_.first_pts = mark_.last_pts = times.pts;
    mark_.first_size = size;
  } else {
    add_to_runs(duration_runs_, narrow<uint32_t>(times.dts - mark_.last_dts));
    mark_.first_pts = std::min(mark_.first_pts, times.pts);
    mark_.last_pts = std::max(mark_.last_pts, times.pts);
  }
  add_to_runs(offset_runs_, narrow<uint32_t>(times.pts - times.dts));
  ++mark_.samples;
  mark_.bytes += size;
  mark_.last_dts = times.dts;
  mark_.same_sizes = mark_.same_sizes && size == mark_.first_size;
  mark_.has_offsets = mark_.has_offsets || times.pts != times.dts;
  mark_.largest_size = std::max(mark_.largest_size, size);
  known_duration_ = times.duration;
  sizes_.push_back(size);
  if (sync) sync_samples_.push_back(mark_.samples);
  count_bits(times.dts, size);
}

void TrackTracker::place_chunk(uint64_t offset) {
  const uint32_t samples = mark_.samples - samples_in_chunks_;
  if (samples == 0) return;
  if (chunks_.empty() || chunks_.back().samples != samples) ++mark_.chunk_runs;
  chunks_.push_back({offset, samples});
  mark_.last_chunk_offset = offset;
  samples_in_chunks_ = mark_.samples;
}

Ticks TrackTracker::last_duration() const {
  if (known_duration_ > 0) return known_duration_;
  if (!duration_runs_.empty()) return duration_runs_.back().value;
  return nominal_;
}

TrackTracker::Mark TrackTracker::mark() const {
  Mark mark = mark_;
  mark.duration_runs = narrow<uint32_t>(duration_runs_.size());
  mark.last_duration_run = duration_runs_.empty() ? 0 : duration_runs_.back().samples;
  mark.open_run_duration = duration_runs_.empty() ? 0 : duration_runs_.back().value;
  mark.offset_runs = narrow<uint32_t>(offset_runs_.size());
  mark.last_offset_run = offset_runs_.empty() ? 0 : offset_runs_.back().samples;
  mark.sync_samples = narrow<uint32_t>(sync_samples_.size());
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
