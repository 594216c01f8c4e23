// SPDX-License-Identifier: LGPL-2.1-or-later
//
// counted-launch COUNTS LINE: gst-launch-1.0 that says in the file COUNTS what it pushes into the
// element named "rec", sample by sample, for a parent that kills it. At SIGTERM it stops without
// EOS. Exit status 0 after that and after EOS, 1 after an error.
#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>

#include "pushed_counts.h"

namespace {

int64_t running_time(GstPad* pad, GstClockTime time) {
  g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment* segment = nullptr;
  if (event == nullptr) return 0;
  gst_event_parse_segment(event, &segment);
  guint64 value = 0;
  const int sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, time, &value);
  return sign * static_cast<int64_t>(value);
}

// One pad, one thread: only whoever looks after the end sees the values from elsewhere.
GstPadProbeReturn count(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* track = static_cast<PushedTrack*>(data);
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (!GST_BUFFER_PTS_IS_VALID(buffer)) return GST_PAD_PROBE_OK;
  const int64_t begin = running_time(pad, GST_BUFFER_PTS(buffer));
  int64_t end = begin;
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) end += static_cast<int64_t>(buffer->duration);
  if (track->buffers == 0 || begin < track->begin) track->begin = begin;
  if (track->buffers == 0 || end > track->end) track->end = end;
  ++track->buffers;
  return GST_PAD_PROBE_OK;
}

gboolean watch(GstElement*, GstPad* pad, gpointer data) {
  auto* counts = static_cast<PushedCounts*>(data);
  const bool is_video = g_str_has_prefix(GST_OBJECT_NAME(pad), "video");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count,
                    is_video ? &counts->video : &counts->audio, nullptr);
  return TRUE;
}

gboolean on_terminate(gpointer bus) {
  gst_bus_post(static_cast<GstBus*>(bus), gst_message_new_application(nullptr, nullptr));
  return G_SOURCE_REMOVE;
}

// Whether it ended otherwise than by an error.
bool run(GstElement* pipeline) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_unix_signal_add(SIGTERM, on_terminate, bus);
  constexpr auto kEnds =
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstMessage) message = nullptr;
  while (message == nullptr) {
    g_main_context_iteration(nullptr, FALSE);
    message = gst_bus_timed_pop_filtered(bus, 20 * GST_MSECOND, kEnds);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR) return true;
  g_autoptr(GError) error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  std::fprintf(stderr, "error: %s\n", error->message);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s COUNTS LINE\n", argv[0]);
    return EXIT_FAILURE;
  }
  PushedCounts* counts = map_pushed_counts(argv[1]);
  g_autoptr(GError) error = nullptr;
  g_autoptr(GstElement) pipeline = gst_parse_launch(argv[2], &error);
  if (counts == nullptr || pipeline == nullptr || error != nullptr) {
    std::fprintf(stderr, "%s\n", error != nullptr ? error->message : argv[1]);
    return EXIT_FAILURE;
  }
  g_autoptr(GstElement) recorder = gst_bin_get_by_name(GST_BIN(pipeline), "rec");
  if (recorder == nullptr) {
    std::fprintf(stderr, "nothing in the line is named rec\n");
    return EXIT_FAILURE;
  }
  gst_element_foreach_sink_pad(recorder, watch, counts);
  return run(pipeline) ? EXIT_SUCCESS : EXIT_FAILURE;
}
