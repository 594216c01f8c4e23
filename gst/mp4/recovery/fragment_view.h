// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads a movie fragment of a recording (mp4/boxes/moof.h writes it): where its samples are, and
// when.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/timescale.h"

namespace finalize {

struct FragmentView {
  struct Sample {
    uint64_t position;  // from the fragment's begin
    uint32_t size;
    uint32_t duration;  // ticks
    int32_t offset;     // from decoding to presentation, ticks
    bool sync;
  };
  struct Run {
    uint32_t track_id = 0;
    mp4::Ticks decode_time = 0;  // of its first sample, on the track's time line
    std::vector<Sample> samples;
  };

  uint32_t sequence_number = 0;
  std::vector<Run> runs;

  uint64_t samples() const;
  uint64_t end() const;  // of the last sample, from the fragment's begin
  // Leaves out what does not end by then, and all behind it of the same track.
  void cut(uint64_t end);
};

// The 'mdat' stands right behind the 'moof'. moof: its body; size: of both boxes with their
// headers. Nothing: it is damaged, or another program wrote it.
std::optional<FragmentView> read_fragment(std::span<const uint8_t> moof, uint64_t size);

}  // namespace finalize
