// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the element asks and tells upstream: queries folded over, and events sent to, every linked
// pad. Nothing here waits for the disk.
#pragma once

#include <gst/gst.h>

#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// LATENCY: live if any pad is, the largest minimum, the smallest maximum.
bool answer_latency(GstElement* element, GstQuery* query);
// POSITION: in TIME the stream time of the latest sample, in BYTES what was written.
bool answer_position(GstElement* element, GstQuery* query, guint64 bytes_written);
// DURATION in TIME: the longest of the pads' upstreams.
bool answer_duration(GstElement* element, GstQuery* query);
// SEEKING: not by the sink; the source may still seek.
bool answer_seeking(GstQuery* query);

// Whether data may still come: the chain of links before the pad begins at a source. A branch that
// waits for a pad which the camera never offers ends in the air.
bool has_source(GstPad* pad);

// Whether what comes on the pad is live, as its upstream says.
bool is_live(GstPad* pad);

// To every linked pad; true if any upstream handled it.
bool send_upstream(GstElement* element, GstRef<GstEvent> event);

}  // namespace trailingmp4
