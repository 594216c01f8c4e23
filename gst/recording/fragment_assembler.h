// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FragmentAssembler: the tracks of a recording, and their samples on the way into fragments. The
// last sample of each track is held back until its successor, or the end of the track, says how
// long it lasts; PCM says it itself. One that is held for longer than a fragment lasts goes all the
// same; it is said to last half as long as it is thought to, so that its successor cannot be too
// early.
//
// No lock: its owner has one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/track_config.h"
#include "mp4/boxes/moov.h"
#include "mp4/file/fragment.h"
#include "mp4/file/fragmented_movie.h"
#include "mp4/samples/track_tracker.h"
#include "recording/clocks.h"

namespace mp4 {

class FragmentAssembler {
 public:
  struct Settings {
    int64_t fragment_ns = kNanosecondsPerSecond;  // a fragment is closed when it spans as much
    bool fragmented = true;                       // readers find them in the growing file
    uint64_t moov_reserve = 16 * 1024;            // for later tracks, in the growing file
  };

  struct Sample {
    SampleTimes times;
    RandomAccess access;
    uint32_t description = 0;  // as add_description() said; 0: that of add_track()
    Payload payload;
  };

  struct Track {
    Track(const TrackConfig& config, uint16_t group);

    const Timescale& timescale() const { return descriptions[0].timescale; }
    uint32_t samples() const { return tracker.samples() + (held ? 1 : 0); }
    Fragment::Spacing spacing() const {
      return descriptions[0].is_sparse() ? Fragment::Spacing::kSparse : Fragment::Spacing::kSteady;
    }
    // Of the file, in a payload: one, or the frames of PCM.
    uint32_t samples_in(const Payload& payload) const {
      return pcm_bytes ? payload.size() / pcm_bytes : 1;
    }
    // Of all its samples, the held one included.
    Ticks first_shown() const;
    Ticks last_end() const;
    uint64_t bytes() const { return tracker.mark().bytes + (held ? held->payload.size() : 0); }

    std::vector<TrackConfig> descriptions;
    uint32_t id = 0;     // in the file, from 1; 0: it has no sample
    uint32_t pcm_bytes;  // of a frame of PCM; 0: it is none
    uint16_t alternate_group;
    TrackTags tags;
    TrackTracker tracker;
    std::optional<Sample> held;
    SteadyTime held_since{};
    bool was_cut_short = false;  // the last sample of the open fragment
  };

  explicit FragmentAssembler(const Settings& settings)
      : settings_(settings), movie_(settings.moov_reserve) {}

  // alternative_to: a track that this one stands in for at other times (8.3.2, alternate_group).
  TrackIndex add_track(const TrackConfig& config, std::optional<TrackIndex> alternative_to);
  std::optional<uint32_t> add_description(TrackIndex track, const TrackConfig& config);
  void set_tags(TrackIndex track, const TrackTags& tags);
  void set_movie_tags(std::vector<MovieTag> tags) { info_.tags = std::move(tags); }
  void set_creation_time(uint64_t seconds_since_1904) { info_.creation_time = seconds_since_1904; }

  // PCM: of whole frames, and right behind the sample before.
  void append(TrackIndex track, Sample sample);
  // The track's last sample lasts as long as is known; others may come after it.
  void end_track(TrackIndex track);
  bool retime(TrackIndex track, std::span<const Ticks> decode_times);

  bool is_due() const;
  // When the open fragment is to be closed, whatever comes; nothing: it is empty.
  std::optional<SteadyTime> deadline() const;
  // Lets go of a sample that was held for too long. False: there is none.
  bool release_overdue(SteadyTime now);
  // The open fragment; nothing: it is empty. Another one is open then.
  std::optional<Fragment> close();
  // All samples that are in no closed fragment, for their owner to let go of: they are not
  // recorded.
  Fragment discard();
  // Tracks that readers of the growing file do not see; said once.
  std::vector<TrackIndex> take_left_out() { return movie_.take_left_out(); }

  const std::vector<std::unique_ptr<Track>>& tracks() const { return tracks_; }
  const MoovInfo& info() const { return info_; }
  // Without marks.
  std::vector<MoovTrack> moov_tracks() const;
  uint64_t open_bytes() const { return open_.bytes(); }

 private:
  void release(TrackIndex index, bool cut_short);
  void complete_runs();
  Ticks duration_to_say(const Track& track) const;
  static TrackTracker::Mark mark_of(const Track& track);
  uint64_t place_chunks(const FragmentFrame& frame);

  const Settings settings_;
  std::vector<std::unique_ptr<Track>> tracks_;
  uint32_t ids_ = 0;
  uint16_t alternate_groups_ = 0;
  MoovInfo info_;
  FragmentedMovie movie_;
  Fragment open_;
  SteadyTime open_since_{};   // if it is not empty
  uint64_t next_offset_ = 0;  // where the open fragment will stand; 0: it is the first
};

}  // namespace mp4
