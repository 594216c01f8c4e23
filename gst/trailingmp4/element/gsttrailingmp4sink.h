// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstTrailingMp4Sink: the GObject around a Recorder: properties, pad templates, and the element's
// virtual functions, which call the Recorder.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_TRAILING_MP4_SINK (gst_trailing_mp4_sink_get_type())
G_DECLARE_FINAL_TYPE(GstTrailingMp4Sink, gst_trailing_mp4_sink, GST, TRAILING_MP4_SINK, GstElement)

GST_ELEMENT_REGISTER_DECLARE(trailingmp4sink);

G_END_DECLS
