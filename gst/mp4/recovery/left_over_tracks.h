// SPDX-License-Identifier: LGPL-2.1-or-later
//
// LeftOverTracks: the tracks of a recording that was not finished, their sample tables and sample
// descriptions made anew from its fragments and samples.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "mp4/base/boxes.h"
#include "mp4/base/byte_source.h"
#include "mp4/codecs/codec.h"
#include "mp4/codecs/parameter_sets.h"
#include "mp4/recovery/fragment_view.h"
#include "mp4/recovery/growing_moov.h"
#include "mp4/samples/track_tracker.h"

namespace finalize {

class LeftOverTracks {
 public:
  // False: the tracks cannot be those of a recording.
  bool begin(GrowingMovie movie);

  // Whether the fragment can follow what was added: it is of known tracks, and later.
  bool can_add(const FragmentView& fragment) const;
  // The samples of a fragment that stands at that offset of the file.
  void add(const mp4::ByteSource& file, uint64_t offset, const FragmentView& fragment);

  uint64_t samples() const;
  std::size_t tracks() const;   // with samples
  int64_t duration_ns() const;  // of what is presented
  // The movie box of the finished file.
  mp4::Boxes moov() const;

 private:
  struct Track {
    explicit Track(GrowingTrack growing);

    bool can_hold(const FragmentView::Sample& sample) const;
    mp4::Ticks clip() const;
    // Of the finished file, in one of a fragment.
    uint32_t samples_in(const FragmentView::Sample& sample) const {
      return pcm_bytes ? sample.size / pcm_bytes : 1;
    }

    uint32_t id;
    mp4::TrackTags tags;
    uint16_t alternate_group;
    mp4::Ticks media_time;
    const mp4::Codec& codec;
    uint32_t pcm_bytes;  // of a frame; 0: it is none
    std::vector<mp4::TrackConfig> descriptions;
    mp4::TrackConfig current;  // of the sample at hand
    mp4::TrackTracker tracker;
    std::optional<mp4::ParameterSets> sets;  // in force
    std::size_t description_bytes = 0;
    uint32_t sequence_number = 0;
    mp4::Ticks end = 0;  // on its time line
  };

  const Track* find(uint32_t id) const;
  static mp4::RandomAccess look_into(const mp4::ByteSource& file, Track& track, uint64_t offset,
                                     const FragmentView::Sample& sample);
  static mp4::AccessUnit look_for_sets(const mp4::ByteSource& sample, Track& track);
  static void describe_anew(Track& track);

  uint64_t creation_time_ = 0;
  uint32_t sequence_number_ = 0;
  std::deque<Track> tracks_;
};

}  // namespace finalize
