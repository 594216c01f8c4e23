// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FragmentedMovie: the growing file as readers see it: which tracks its moov names, and where each
// of them is on its time line. It makes the bytes that stand around a fragment's samples, and knows
// where the moov is, but no file.
//
// The movie begins (t0) with the earliest presentation in the first fragment. A track's decode
// times begin c ticks before its presentation, which an edit takes back: decode time = DTS - t0 +
// c. The durations of its samples add up to the next fragment's first decode time; where they do
// not, because a sample had to be said to last shorter than it did, one sequence number is left
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mp4/boxes/initial_moov.h"
#include "mp4/boxes/moof.h"
#include "mp4/boxes/moov.h"
#include "mp4/file/fragment.h"

namespace mp4 {

class FragmentedMovie {
 public:
  // reserve: bytes behind the first moov in which others may take its place.
  explicit FragmentedMovie(uint64_t reserve) : reserve_(reserve) {}

  // What surrounds the samples of a fragment, the next one of the file. tracks: all of the
  // recording.
  FragmentFrame frame(const Fragment& fragment, uint64_t creation_time,
                      std::span<const MoovTrack> tracks);

  // Something that the moov says of a track became another.
  void tags_changed() { stale_ = true; }
  // Tracks that had to be left out of the moov since the last call: its reserve is used up.
  std::vector<TrackIndex> take_left_out() { return std::exchange(left_out_, {}); }

 private:
  struct Track {
    bool begun = false;
    bool named = false;       // by the moov
    bool left_out = false;    // there was no room
    std::size_t skipped = 0;  // samples of this fragment, before the movie begins
    Ticks media_time = 0;     // c
    Ticks shift = 0;          // from the recording's time to the track's time line: c - t0
    Ticks end = 0;            // where its samples end
  };

  void begin(Track& track, const Fragment::Run& run, Timescale timescale);
  static std::optional<std::size_t> find_begin(const Fragment::Run& run, Ticks origin);
  void begin_tracks(const Fragment& fragment, std::span<const MoovTrack> tracks);
  std::vector<uint8_t> moov(uint64_t creation_time, std::span<const MoovTrack> tracks) const;
  std::vector<uint8_t> begin_file(std::vector<uint8_t> header, const std::vector<uint8_t>& moov);
  std::optional<FragmentFrame::Revision> revise(std::vector<uint8_t> moov);
  void name_tracks();
  void leave_out_new_tracks();
  std::vector<TrackRun> place(const Fragment& fragment, std::span<const MoovTrack> tracks);
  std::vector<TrackRun::Sample> place(Track& track, const Fragment::Run& run);

  std::vector<Track> tracks_;
  std::optional<int64_t> origin_ns_;  // t0
  uint32_t sequence_number_ = 0;
  bool skips_number_ = false;
  bool stale_ = false;
  bool has_new_tracks_ = false;
  uint64_t moov_offset_ = 0;
  uint64_t moov_size_ = 0;
  uint64_t reserve_;                                  // behind the moov, with the header of its box
  const uint64_t reserve_for_tracks_ = reserve_ / 2;  // of that; for tags there is the rest
  std::vector<uint8_t> written_moov_;
  std::vector<TrackIndex> left_out_;
};

}  // namespace mp4
