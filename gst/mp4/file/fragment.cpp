// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/fragment.h"

#include <algorithm>
#include <utility>

#include "mp4/base/narrow.h"

namespace mp4 {

Fragment::Run* Fragment::find(TrackIndex track) {
  const auto run = std::find_if(runs_.begin(), runs_.end(),
                                [&](const Run& candidate) { return candidate.track == track; });
  return run == runs_.end() ? nullptr : &*run;
}

void Fragment::add(TrackIndex track, int64_t dts_ns, Sample sample, Spacing spacing) {
  Run* run = find(track);
  if (!run) run = &begin_run(track, dts_ns);
  run->bytes += sample.payload.size();
  bytes_ += sample.payload.size();
  ++samples_;
  if (spacing == Spacing::kSteady) longest_ns_ = std::max(longest_ns_, dts_ns - run->first_ns);
  run->samples.push_back(std::move(sample));
}

// A fragment has about as many samples as the one before.
Fragment::Run& Fragment::begin_run(TrackIndex track, int64_t dts_ns) {
  Run& run = runs_.emplace_back(Run{track, dts_ns});
  if (track < expected_.size()) run.samples.reserve(expected_[track]);
  return run;
}

void Fragment::expect_as_in(const Fragment& before) {
  expected_ = before.expected_;
  for (const Run& run : before.runs_) {
    if (run.track >= expected_.size()) expected_.resize(run.track + 1);
    expected_[run.track] = run.samples.size() + run.samples.size() / 8;
  }
}

uint32_t Fragment::samples_of(TrackIndex track) const {
  const Run* run = const_cast<Fragment*>(this)->find(track);
  return run ? narrow<uint32_t>(run->samples.size()) : 0;
}

void Fragment::retime(TrackIndex track, std::span<const Ticks> decode_times, int64_t first_ns) {
  Run* run = find(track);
  if (!run) return;
  run->first_ns = first_ns;
  for (std::size_t i = 0; i < run->samples.size(); ++i) run->samples[i].dts = decode_times[i];
}

void Fragment::close(std::vector<TrackTracker::Mark> marks, FragmentFrame frame,
                     uint64_t moov_bound) {
  marks_ = std::move(marks);
  frame_ = std::move(frame);
  moov_bound_ = moov_bound;
}

}  // namespace mp4
