// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The movie fragment box (ISO/IEC 14496-12, 8.8.4): one function per box, in the file's order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mp4 {

// Samples of one track that lie together in the fragment's 'mdat'.
struct TrackRun {
  struct Sample {
    uint32_t duration;  // ticks
    uint32_t size;      // bytes
    int32_t offset;     // from decoding to presentation, ticks
    bool sync;
  };

  uint32_t track_id;
  uint64_t decode_time;  // of the first sample, on the track's time line
  uint64_t position;     // of its first byte among those of the 'mdat'
  std::vector<Sample> samples;
};

// The samples stand in an 'mdat' right behind it, with a header of 8 bytes.
std::vector<uint8_t> write_moof(uint32_t sequence_number, std::span<const TrackRun> runs);

}  // namespace mp4
