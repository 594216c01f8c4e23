// SPDX-License-Identifier: LGPL-2.1-or-later
//
// CounterLog: writes into the log what a pad's counters counted since the last sample, so that each
// correction and each sample left out stands there beside the time at which it happened.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <vector>

#include "recording/timing/timeline.h"
#include "trailingmp4/stream/statistics.h"

namespace trailingmp4 {

class CounterLog {
 public:
  CounterLog(const InputCounters& input, const Timeline::Counters& times);

  // Call it after each sample, if the log is on. What is left out in a row of samples, as when a
  // track has ended, stands at level DEBUG once, the others at LOG.
  void write(GstPad* pad, int64_t offset_ns);

 private:
  struct Row {
    NamedCounter counter;
    bool of_times;  // belongs into the category of times
    uint64_t written = 0;
    bool counted_before = false;  // by the sample before this one
  };
  std::vector<Row> rows_;
};

}  // namespace trailingmp4
