// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording_pipeline.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace pipelines {

bool fragments_are_on() { return g_getenv("TEST_WITHOUT_FRAGMENTS") == nullptr; }

RecordingPipeline::RecordingPipeline(const std::string& launch_line, const std::string& location) {
  g_autoptr(GError) error = nullptr;
  pipeline_.reset(gst_parse_launch(launch_line.c_str(), &error));
  if (pipeline_ == nullptr || error != nullptr) {
    std::fprintf(stderr, "%s\n%s\n", launch_line.c_str(), error->message);
    std::abort();
  }
  const auto recorder = element("rec");
  g_object_set(recorder.get(), "location", location.c_str(), nullptr);
  if (!fragments_are_on()) g_object_set(recorder.get(), "fragment-duration", guint64{0}, nullptr);
  log_.watch_sink_pads(recorder.get());
}

RecordingPipeline::~RecordingPipeline() { set_state(GST_STATE_NULL); }

Owned<GstElement> RecordingPipeline::element(const char* name) const {
  return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
}

void RecordingPipeline::set_state(GstState state) { gst_element_set_state(pipeline_.get(), state); }

void RecordingPipeline::send_eos() { gst_element_send_event(pipeline_.get(), gst_event_new_eos()); }

void RecordingPipeline::note(GstMessage* message) {
  g_autoptr(GError) error = nullptr;
  g_autofree char* debug = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    gst_message_parse_error(message, &error, &debug);
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning(message, &error, &debug);
  if (error != nullptr)
    complaints_.push_back(std::string(GST_MESSAGE_SRC_NAME(message)) + ": " + error->message);
}

GstMessageType RecordingPipeline::wait(int types, GstClockTime limit) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline_.get());
  const gint64 end = g_get_monotonic_time() + static_cast<gint64>(GST_TIME_AS_USECONDS(limit));
  for (;;) {
    const gint64 left = std::max<gint64>(0, end - g_get_monotonic_time());
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop(bus, static_cast<GstClockTime>(left) * GST_USECOND);
    if (message == nullptr) return GST_MESSAGE_UNKNOWN;
    note(message);
    if (GST_MESSAGE_TYPE(message) & types) return GST_MESSAGE_TYPE(message);
  }
}

bool RecordingPipeline::play_to_end(GstClockTime limit) {
  set_state(GST_STATE_PLAYING);
  const bool ended = wait(GST_MESSAGE_EOS | GST_MESSAGE_ERROR, limit) == GST_MESSAGE_EOS;
  set_state(GST_STATE_NULL);
  return ended;
}

bool RecordingPipeline::wait_for_samples(bool video, size_t count, GstClockTime limit) const {
  const gint64 end = g_get_monotonic_time() + static_cast<gint64>(GST_TIME_AS_USECONDS(limit));
  while (log_.count(video) < count) {
    if (g_get_monotonic_time() > end) return false;
    g_usleep(10'000);
  }
  return true;
}

guint64 RecordingPipeline::stat(const char* field) const {
  g_autoptr(GstStructure) stats = nullptr;
  g_object_get(element("rec").get(), "stats", &stats, nullptr);
  const GValue* tracks = gst_structure_get_value(stats, "tracks");
  guint64 sum = 0;
  for (guint i = 0; i < gst_value_array_get_size(tracks); ++i) {
    guint64 value = 0;
    gst_structure_get_uint64(gst_value_get_structure(gst_value_array_get_value(tracks, i)), field,
                             &value);
    sum += value;
  }
  return sum;
}

}  // namespace pipelines
