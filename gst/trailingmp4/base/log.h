// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The log: three debug categories of GStreamer, and what makes the core write into one of them.
//
//   trailingmp4sink       the element, its pads, states and events; all that is posted on the bus
//   trailingmp4sink-file  fragments, syncs with their durations, the ending step by step, errno
//   trailingmp4sink-time  what becomes of timestamps: each correction, the times of each sample
#pragma once

#include <gst/gst.h>

#include <string>

#include "mp4/base/log.h"

GST_DEBUG_CATEGORY_EXTERN(trailing_mp4_sink_debug);
GST_DEBUG_CATEGORY_EXTERN(trailing_mp4_sink_file_debug);
GST_DEBUG_CATEGORY_EXTERN(trailing_mp4_sink_time_debug);
#define GST_CAT_DEFAULT trailing_mp4_sink_debug

namespace trailingmp4 {

// Makes the categories; called once, before anything is written.
void init_log();

// Where it costs something to find out what to write: whether any category is at that level. One
// comparison, as in GStreamer's own macros, which then look at their category.
inline bool may_log(GstDebugLevel level) { return G_UNLIKELY(level <= _gst_debug_min); }

// For a core that works for the element of that name: into trailingmp4sink-file.
mp4::Log core_log(std::string element_name);

}  // namespace trailingmp4
