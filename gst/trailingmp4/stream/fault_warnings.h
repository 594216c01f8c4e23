// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FaultWarnings: tells the bus of what a pad's stream did wrong and what was done about it, each
// kind at most once a minute.
#pragma once

#include <gst/gst.h>

#include <vector>

#include "recording/timing/timeline.h"
#include "trailingmp4/stream/statistics.h"

namespace trailingmp4 {

class FaultWarnings {
 public:
  FaultWarnings(const InputCounters& input, const Timeline::Counters& times);

  // Of what was counted since the last time. Cheap if nothing was.
  void post(GstElement* element, GstPad* pad);

 private:
  struct Kind {
    const Counter& counter;
    const char* sentence;
    uint64_t warned = 0;  // of what the counter says
    gint64 next = 0;      // not before that monotonic time, in microseconds
  };

  std::vector<Kind> kinds_;
  uint64_t sum_ = 0;
};

}  // namespace trailingmp4
