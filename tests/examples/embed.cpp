// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an application records with trailingmp4sink: a pipeline made in code, from an RTSP camera or
// from test sources, the sink's pads requested one for each stream, its messages read from the bus,
// and a Ctrl-C that ends the file in good order.
//
//   embed rtsp://user:password@192.168.1.20/stream1 FILE [SECONDS]
//   embed --test FILE [SECONDS]

#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct Recorder {
  GstElement* pipeline;
  GstElement* sink;
  GMainLoop* loop;
  bool failed;
};

// Builds a branch from its description and links it to a pad of the sink. Nothing is said about
// video or audio: a sink_%u pad takes whatever caps come. Streams may be added at any time, also to
// a recording that is running; the sink never waits for one.
GstElement* add_branch(Recorder* recorder, const char* description) {
  g_autoptr(GError) error = nullptr;
  GstElement* branch = gst_parse_bin_from_description(description, TRUE, &error);
  if (branch == nullptr) {
    std::fprintf(stderr, "%s\n", error->message);
    return nullptr;
  }
  gst_bin_add(GST_BIN(recorder->pipeline), branch);
  g_autoptr(GstPad) output = gst_element_get_static_pad(branch, "src");
  g_autoptr(GstPad) input = gst_element_request_pad_simple(recorder->sink, "sink_%u");
  if (gst_pad_link(output, input) != GST_PAD_LINK_OK) return nullptr;
  gst_element_sync_state_with_parent(branch);
  return branch;
}

// A camera tells only when it is connected which streams it has.
void on_camera_pad(GstElement*, GstPad* pad, Recorder* recorder) {
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  const char* encoding = gst_structure_get_string(gst_caps_get_structure(caps, 0), "encoding-name");
  const char* description = nullptr;
  if (g_strcmp0(encoding, "H264") == 0) description = "rtph264depay ! h264parse";
  if (g_strcmp0(encoding, "MPEG4-GENERIC") == 0) description = "rtpmp4gdepay ! aacparse";
  if (description == nullptr) {
    std::printf("A stream of %s is not recorded.\n", encoding != nullptr ? encoding : "no name");
    return;
  }
  GstElement* branch = add_branch(recorder, description);
  if (branch == nullptr) return;
  g_autoptr(GstPad) input = gst_element_get_static_pad(branch, "sink");
  gst_pad_link(pad, input);
}

bool add_camera(Recorder* recorder, const char* url) {
  GstElement* camera = gst_element_factory_make("rtspsrc", nullptr);
  if (camera == nullptr) return false;
  g_object_set(camera, "location", url, nullptr);
  gst_util_set_object_arg(G_OBJECT(camera), "protocols", "tcp");
  g_signal_connect(camera, "pad-added", G_CALLBACK(on_camera_pad), recorder);
  return gst_bin_add(GST_BIN(recorder->pipeline), camera);
}

bool add_test_sources(Recorder* recorder) {
  constexpr char kVideo[] =
      "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1"
      " ! x264enc tune=zerolatency key-int-max=25 ! h264parse";
  constexpr char kAudio[] =
      "audiotestsrc is-live=true samplesperbuffer=1024 ! avenc_aac ! aacparse";
  return add_branch(recorder, kVideo) != nullptr && add_branch(recorder, kAudio) != nullptr;
}

// The sink says when the file is created and when it is complete and safe on the disk.
void print_element_message(GstMessage* message) {
  const GstStructure* fields = gst_message_get_structure(message);
  const char* location = gst_structure_get_string(fields, "location");
  if (gst_structure_has_name(fields, "trailingmp4sink-opened")) {
    std::printf("recording into %s\n", location);
  } else if (gst_structure_has_name(fields, "trailingmp4sink-finished")) {
    guint64 duration_ns = 0;
    guint64 bytes = 0;
    gst_structure_get_uint64(fields, "duration", &duration_ns);
    gst_structure_get_uint64(fields, "bytes", &bytes);
    std::printf("finished %s: %.3f s, %" G_GUINT64_FORMAT " bytes\n", location,
                static_cast<double>(duration_ns) / GST_SECOND, bytes);
  }
}

void print_error(GstMessage* message) {
  g_autoptr(GError) error = nullptr;
  g_autofree char* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  std::fprintf(stderr, "error: %s\n%s\n", error->message, debug != nullptr ? debug : "");
}

// A warning means that something is missing from the file or was put right; the recording goes on.
void print_warning(GstMessage* message) {
  g_autoptr(GError) error = nullptr;
  gst_message_parse_warning(message, &error, nullptr);
  std::fprintf(stderr, "warning: %s\n", error->message);
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* recorder = static_cast<Recorder*>(data);
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ELEMENT:
      print_element_message(message);
      break;
    case GST_MESSAGE_WARNING:
      print_warning(message);
      break;
    case GST_MESSAGE_ERROR:
      print_error(message);
      recorder->failed = true;
      g_main_loop_quit(recorder->loop);
      break;
    case GST_MESSAGE_EOS:  // the file is finished
      g_main_loop_quit(recorder->loop);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

// EOS goes through the whole pipeline, so what is still on its way is recorded too. Going to NULL
// without it would finish the file as well, but leave that out.
gboolean on_interrupt(gpointer data) {
  gst_element_send_event(static_cast<Recorder*>(data)->pipeline, gst_event_new_eos());
  return G_SOURCE_CONTINUE;
}

gboolean on_time_up(gpointer data) {
  on_interrupt(data);
  return G_SOURCE_REMOVE;
}

// `stats` is a structure with one more structure for each track; here is what is not zero in it.
void print_track_stats(const GstStructure* track) {
  for (int i = 0; i < gst_structure_n_fields(track); ++i) {
    const char* name = gst_structure_nth_field_name(track, static_cast<guint>(i));
    guint64 count = 0;
    if (gst_structure_get_uint64(track, name, &count) && count == 0) continue;
    g_autofree char* value = gst_value_serialize(gst_structure_get_value(track, name));
    std::printf(" %s=%s", name, value);
  }
  std::printf("\n");
}

void print_stats(GstElement* sink) {
  g_autoptr(GstStructure) stats = nullptr;
  g_object_get(sink, "stats", &stats, nullptr);
  const GValue* tracks = gst_structure_get_value(stats, "tracks");
  for (guint i = 0; i < gst_value_array_get_size(tracks); ++i) {
    print_track_stats(gst_value_get_structure(gst_value_array_get_value(tracks, i)));
  }
}

// After an error READY finishes the file; its last messages are read before NULL drops them.
void run(Recorder* recorder) {
  g_autoptr(GstBus) bus = gst_element_get_bus(recorder->pipeline);
  const guint watch = gst_bus_add_watch(bus, on_message, recorder);
  const guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, recorder);
  gst_element_set_state(recorder->pipeline, GST_STATE_PLAYING);  // a failure comes as an ERROR
  g_main_loop_run(recorder->loop);
  print_stats(recorder->sink);
  if (GST_STATE(recorder->pipeline) > GST_STATE_READY) {
    gst_element_set_state(recorder->pipeline, GST_STATE_READY);
  }
  while (g_main_context_iteration(nullptr, FALSE)) continue;
  gst_element_set_state(recorder->pipeline, GST_STATE_NULL);
  g_source_remove(interrupt);
  g_source_remove(watch);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s URL|--test FILE [SECONDS]\n", argv[0]);
    return EXIT_FAILURE;
  }
  g_autoptr(GstElement) pipeline = GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr)));
  g_autoptr(GMainLoop) loop = g_main_loop_new(nullptr, FALSE);
  GstElement* sink = gst_element_factory_make("trailingmp4sink", nullptr);
  if (sink == nullptr) {
    std::fprintf(stderr, "trailingmp4sink is not installed; see GST_PLUGIN_PATH\n");
    return EXIT_FAILURE;
  }
  g_object_set(sink, "location", argv[2], nullptr);
  gst_bin_add(GST_BIN(pipeline), sink);

  Recorder recorder{pipeline, sink, loop, false};
  const bool is_test = g_str_equal(argv[1], "--test");
  if (!(is_test ? add_test_sources(&recorder) : add_camera(&recorder, argv[1]))) {
    std::fprintf(stderr, "a plugin is missing\n");
    return EXIT_FAILURE;
  }
  if (argc > 3) g_timeout_add_seconds(std::atoi(argv[3]), on_time_up, &recorder);
  run(&recorder);
  return recorder.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
