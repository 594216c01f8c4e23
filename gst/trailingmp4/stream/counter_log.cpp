// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/counter_log.h"

#include <utility>

#include "trailingmp4/base/log.h"

namespace trailingmp4 {

CounterLog::CounterLog(const InputCounters& input, const Timeline::Counters& times) {
  for (const NamedCounter& counter : input_counters(input)) rows_.push_back({counter, false});
  for (const NamedCounter& counter : time_counters(times)) rows_.push_back({counter, true});
}

void CounterLog::write(GstPad* pad, int64_t offset_ns) {
  for (Row& row : rows_) {
    const uint64_t count = row.counter.counter.value();
    const bool in_a_row = std::exchange(row.counted_before, count != row.written);
    if (count == row.written) continue;
    if (row.of_times)
      GST_CAT_DEBUG_OBJECT(trailing_mp4_sink_time_debug, pad,
                           "%s: %" G_GUINT64_FORMAT " (+%" G_GUINT64_FORMAT
                           "); running time is moved by %" GST_STIME_FORMAT,
                           row.counter.name, count, count - row.written, GST_STIME_ARGS(offset_ns));
    else
      GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT, in_a_row ? GST_LEVEL_LOG : GST_LEVEL_DEBUG, pad,
                        "%s: %" G_GUINT64_FORMAT " (+%" G_GUINT64_FORMAT ")", row.counter.name,
                        count, count - row.written);
    row.written = count;
  }
}

}  // namespace trailingmp4
