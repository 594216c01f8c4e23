// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/base/bus_messages.h"

#include <algorithm>

#include "trailingmp4/base/log.h"

namespace trailingmp4 {
namespace {

using mp4::StatusCode;

GstResourceError resource_error(StatusCode code) {
  switch (code) {
    case StatusCode::kNotFound:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case StatusCode::kBusy:
    case StatusCode::kBeingFinished:
      return GST_RESOURCE_ERROR_BUSY;
    case StatusCode::kNoSpace:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    case StatusCode::kWrite:
    case StatusCode::kUnexpected:
      return GST_RESOURCE_ERROR_WRITE;
    case StatusCode::kSync:
      return GST_RESOURCE_ERROR_SYNC;
    case StatusCode::kClose:
      return GST_RESOURCE_ERROR_CLOSE;
    case StatusCode::kOutOfResources:
      return GST_RESOURCE_ERROR_FAILED;
    default:
      return GST_RESOURCE_ERROR_OPEN_WRITE;
  }
}

struct Problem {
  GstMessageType type;
  GQuark domain;
  gint code;
};

void post(GstElement* element, const Problem& problem, const std::string& text,
          const std::string& debug) {
  GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT,
                    problem.type == GST_MESSAGE_ERROR ? GST_LEVEL_ERROR : GST_LEVEL_WARNING,
                    element, "%s%s%s", text.c_str(), debug.empty() ? "" : " ", debug.c_str());
  gst_element_message_full(
      element, problem.type, problem.domain, problem.code, g_strdup(text.c_str()),
      debug.empty() ? nullptr : g_strdup(debug.c_str()), __FILE__, GST_FUNCTION, __LINE__);
}

// Sound may begin before running time 0; GStreamer's clock times cannot say so.
guint64 running_time_of_zero(const mp4::Recording::Summary& summary) {
  return static_cast<guint64>(std::max<int64_t>(0, summary.zero_ns.value_or(0)));
}

}  // namespace

void post_error(GstElement* element, const mp4::Status& status, const std::string& location) {
  const std::string text =
      location.empty() ? status.text() : status.text() + " File: \"" + location + "\".";
  std::string debug;
  if (status.error_number())
    debug = std::string("system error: ") + g_strerror(status.error_number());
  post(element, {GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, resource_error(status.code())}, text,
       debug);
}

void post_stream_error(GstElement* element, const std::string& sentence) {
  post(element, {GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT}, sentence, "");
}

void post_stream_warning(GstElement* element, const std::string& sentence) {
  post(element, {GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT}, sentence, "");
}

void post_resource_warning(GstElement* element, const std::string& sentence) {
  post(element, {GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE}, sentence, "");
}

void post_settings_warning(GstElement* element, const std::string& sentence) {
  post(element, {GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS}, sentence,
       "");
}

void post_opened(GstElement* element, const std::string& location,
                 const mp4::Recording::Summary& summary) {
  GST_INFO_OBJECT(element, "opened \"%s\"; its time 0 is running time %" GST_TIME_FORMAT,
                  location.c_str(), GST_TIME_ARGS(running_time_of_zero(summary)));
  GstStructure* details =
      gst_structure_new("trailingmp4sink-opened", "location", G_TYPE_STRING, location.c_str(),
                        "running-time", G_TYPE_UINT64, running_time_of_zero(summary), nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), details));
}

void post_finished(GstElement* element, const std::string& location,
                   const mp4::Recording::Summary& summary) {
  GST_INFO_OBJECT(element,
                  "finished \"%s\": %" GST_TIME_FORMAT ", %" G_GUINT64_FORMAT
                  " bytes; its time 0 is running time %" GST_TIME_FORMAT,
                  location.c_str(), GST_TIME_ARGS(static_cast<GstClockTime>(summary.duration_ns)),
                  static_cast<guint64>(summary.bytes_written),
                  GST_TIME_ARGS(running_time_of_zero(summary)));
  GstStructure* details =
      gst_structure_new("trailingmp4sink-finished", "location", G_TYPE_STRING, location.c_str(),
                        "running-time", G_TYPE_UINT64, running_time_of_zero(summary), "duration",
                        G_TYPE_UINT64, static_cast<guint64>(summary.duration_ns), "bytes",
                        G_TYPE_UINT64, static_cast<guint64>(summary.bytes_written), nullptr);
  GValue samples = G_VALUE_INIT;
  gst_value_array_init(&samples, static_cast<guint>(summary.tracks.size()));
  for (const auto& track : summary.tracks) {
    if (track.samples == 0) continue;  // not in the file
    GValue count = G_VALUE_INIT;
    g_value_init(&count, G_TYPE_UINT64);
    g_value_set_uint64(&count, track.samples);
    gst_value_array_append_and_take_value(&samples, &count);
  }
  gst_structure_take_value(details, "samples", &samples);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), details));
}

}  // namespace trailingmp4
