// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AccessUnit: what a recorder must know of one sample, whatever its codec. Each codec's own file
// says how it is found in the sample's bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "mp4/samples/track_tracker.h"

namespace mp4 {

// Of a NAL unit in a sample, without its length.
struct NalRange {
  uint64_t offset;
  uint32_t size;
};

struct AccessUnit {
  bool has_media = false;  // else it is nothing that can be recorded, and is left out
  RandomAccess access;
  bool leading = false;         // H.265 RADL, RASL: belongs to the IRAP picture before it
  bool bidirectional = false;   // the picture, or its first slice, is a B
  Ticks duration = 0;           // of a sound frame, as it says itself; 0: the track's nominal one
  uint64_t skip = 0;            // bytes at the front that do not belong into a file
  bool described_anew = false;  // its parameters are others: the track's configuration was changed
  bool brings_config = false;   // its parameters stand before it, as in the configuration

  // NAL units: where parameter sets may be put (behind the delimiter), and those that it brings.
  uint64_t sets_position = 0;
  std::vector<NalRange> parameter_sets;
};

}  // namespace mp4
