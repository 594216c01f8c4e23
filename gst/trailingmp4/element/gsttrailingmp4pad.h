// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstTrailingMp4Pad: the GObject around an Input, one request pad of trailingmp4sink.
#pragma once

#include <gst/gst.h>

#include "trailingmp4/stream/input.h"

G_BEGIN_DECLS

#define GST_TYPE_TRAILING_MP4_PAD (gst_trailing_mp4_pad_get_type())
G_DECLARE_FINAL_TYPE(GstTrailingMp4Pad, gst_trailing_mp4_pad, GST, TRAILING_MP4_PAD, GstPad)

G_END_DECLS

// A new floating pad of the template.
GstPad* gst_trailing_mp4_pad_new(GstPadTemplate* templ, const char* name);

trailingmp4::Input& gst_trailing_mp4_pad_input(GstPad* pad);
