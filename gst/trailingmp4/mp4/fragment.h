// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Fragment: the samples of at most a second of media, of all tracks together, between the pads and
// the file. Each track's samples lie together: one chunk per track.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "payload.h"
#include "track_tracker.h"

namespace mp4 {

using TrackIndex = uint32_t;
using SteadyTime = std::chrono::steady_clock::time_point;

class Fragment {
 public:
  struct Run {
    TrackIndex track;
    int64_t first_ns;  // decode time of its first sample
    uint64_t bytes;
    std::vector<Payload> samples;
  };

  void add(TrackIndex track, int64_t dts_ns, Payload payload);
  uint32_t samples_of(TrackIndex track) const;
  // The decode time of the track's first sample became another.
  void set_first_ns(TrackIndex track, int64_t first_ns);
  // Closed: nothing is added any more; the tables at this moment, one mark a track.
  void close(std::vector<TrackTracker::Mark> marks) { marks_ = std::move(marks); }

  bool empty() const { return runs_.empty(); }
  uint64_t bytes() const { return bytes_; }
  uint32_t samples() const { return samples_; }
  int64_t longest_ns() const { return longest_ns_; }  // of any track in it, to its last sample
  SteadyTime opened() const { return opened_; }
  const std::vector<TrackTracker::Mark>& marks() const { return marks_; }
  const std::vector<Run>& runs() const { return runs_; }  // in the order of the file

 private:
  std::vector<Run> runs_;
  std::vector<TrackTracker::Mark> marks_;
  uint64_t bytes_ = 0;
  uint32_t samples_ = 0;
  int64_t longest_ns_ = 0;
  SteadyTime opened_;
};

}  // namespace mp4
