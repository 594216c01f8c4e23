// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is counted, and the "stats" property made of it. docs/element.md says what each field means.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "recording/recording.h"
#include "recording/timing/timeline.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// Of one pad, besides what its Timeline counts.
struct InputCounters {
  Counter empty;        // buffers without bytes
  Counter no_slice;     // access units without a picture
  Counter before_sync;  // pictures before the first one that can be decoded
  Counter queue_full;   // with queue-full=drop
  Counter after_end;    // of a track that was given up
  Counter after_loss;   // pictures between a loss and the next sync sample
  Counter losses;       // buffers with DISCONT where nothing begins, GAP events with MISSING_DATA
  Counter gaps;         // GAP events
  Counter copied;       // from pools or other than system memory
};

// A counter by the name of its field in "stats".
struct NamedCounter {
  const char* name;
  const Counter& counter;
};
std::vector<NamedCounter> input_counters(const InputCounters& counters);
std::vector<NamedCounter> time_counters(const Timeline::Counters& times);

StructureOwner track_stats(const char* pad_name, const mp4::Recording::TrackSummary& track,
                           const InputCounters& counters, const Timeline::Counters& times);

StructureOwner recording_stats(const std::string& location, const mp4::Recording::Summary& summary,
                               std::vector<StructureOwner> tracks);

}  // namespace trailingmp4
