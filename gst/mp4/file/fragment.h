// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Fragment: the samples of at most a second of media, of all tracks together, between the pads and
// the file. Each track's samples lie together: one chunk per track.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/payload.h"
#include "mp4/samples/track_tracker.h"

namespace mp4 {

using TrackIndex = uint32_t;

// What stands in the file before and behind a fragment's samples.
struct FragmentFrame {
  struct Revision {  // of the moov of a growing file
    uint64_t offset = 0;
    std::vector<uint8_t> bytes;      // the new moov, and what is left free behind it
    uint64_t old_offset = 0;         // of the moov so far
    std::vector<uint8_t> hides_old;  // 8 bytes that hide it
  };

  std::vector<uint8_t> file_begin;  // of the first fragment: what the file begins with
  std::optional<Revision> revision;
  std::vector<uint8_t> head;  // up to the samples; the first 8 bytes are its box's header
  uint64_t padding = 0;
  bool visible = false;  // to readers of the growing file
};

class Fragment {
 public:
  struct Sample {
    Ticks dts, pts;
    bool sync;
    bool random_access;  // decoding can start there, at a sync sample or another
    Ticks clip;          // at its beginning, not presented
    Payload payload;

    Ticks shown() const { return pts + clip; }
  };
  struct Run {
    TrackIndex track;
    int64_t first_ns;  // decode time of its first sample
    uint64_t bytes = 0;
    std::vector<Sample> samples;
    // Where the last one ends: at the next one's dts where there is one, else after so long.
    std::optional<Ticks> next_dts;
    Ticks last_duration = 0;
  };

  // Samples of metadata and text come when there is something to say: how far apart they are says
  // nothing of how long a fragment lasts.
  enum class Spacing { kSteady, kSparse };
  void add(TrackIndex track, int64_t dts_ns, Sample sample, Spacing spacing = Spacing::kSteady);
  // Room is made at once for about as many samples as there were in that one.
  void expect_as_in(const Fragment& before);
  uint32_t samples_of(TrackIndex track) const;
  // The decode times of the track's samples became others.
  void retime(TrackIndex track, std::span<const Ticks> decode_times, int64_t first_ns);
  // Closed: nothing is added any more; the tables at this moment, one mark a track.
  void close(std::vector<TrackTracker::Mark> marks, FragmentFrame frame, uint64_t moov_bound);

  bool empty() const { return runs_.empty(); }
  uint64_t bytes() const { return bytes_; }
  uint32_t samples() const { return samples_; }
  int64_t longest_ns() const { return longest_ns_; }      // of any track in it, to its last sample
  const std::vector<Run>& runs() const { return runs_; }  // in the order of the file
  std::vector<Run>& runs() { return runs_; }

  const std::vector<TrackTracker::Mark>& marks() const { return marks_; }
  const FragmentFrame& frame() const { return frame_; }
  uint64_t moov_bound() const { return moov_bound_; }  // of a moov that ends with it

 private:
  Run* find(TrackIndex track);
  Run& begin_run(TrackIndex track, int64_t dts_ns);

  std::vector<Run> runs_;
  std::vector<std::size_t> expected_;  // samples of each track
  std::vector<TrackTracker::Mark> marks_;
  FragmentFrame frame_;
  uint64_t moov_bound_ = 0;
  uint64_t bytes_ = 0;
  uint32_t samples_ = 0;
  int64_t longest_ns_ = 0;
};

}  // namespace mp4
