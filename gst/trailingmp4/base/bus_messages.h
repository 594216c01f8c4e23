// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the bus hears: the one place where a Status becomes an error, and the element's messages.
// Never called with a lock held.
#pragma once

#include <gst/gst.h>

#include <string>

#include "mp4/base/status.h"
#include "recording/recording.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// GST_RESOURCE_ERROR_* or GST_STREAM_ERROR_* by the status's code: its sentence and the file's name
// for the user, errno for the developer.
void post_error(GstElement* element, const mp4::Status& status, const std::string& location);
void post_stream_error(GstElement* element, const std::string& sentence);
void post_stream_warning(GstElement* element, const std::string& sentence);
void post_resource_warning(GstElement* element, const std::string& sentence);
void post_settings_warning(GstElement* element, const std::string& sentence);

// trailingmp4sink-opened: location (string), running-time (guint64, ns, of the file's time 0 as far
// as it is known).
void post_opened(GstElement* element, const std::string& location,
                 const mp4::Recording::Summary& summary);
// trailingmp4sink-finished: location (string), running-time (guint64, ns, of the file's time 0),
// duration (guint64, ns), bytes (guint64), samples (array of guint64, one per track in the file's
// order).
void post_finished(GstElement* element, const std::string& location,
                   const mp4::Recording::Summary& summary);

}  // namespace trailingmp4
