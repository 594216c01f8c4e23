// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the element's properties say.
#pragma once

#include <gst/gst.h>

#include <string>

#include "recording/timing/stream_clock.h"

namespace trailingmp4 {

enum class QueueFull { kWait, kDrop };
enum class LossPolicy { kKeep, kWait, kError };

struct Settings {
  std::string location;
  guint file_mode = 0640;
  bool overwrite = false;
  GstClockTime fragment_duration = GST_SECOND;  // 0: no fragments
  GstClockTime sync_interval = 0;               // 0: with each fragment
  guint64 max_queue_bytes = guint64{64} << 20;
  QueueFull queue_full = QueueFull::kWait;
  GstClockTime stop_timeout = 0;  // 0: for ever
  bool start_at_sync = true;
  ClockSettings clock;
  LossPolicy loss_policy = LossPolicy::kKeep;
};

}  // namespace trailingmp4
