// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an application starts and stops recordings while its camera runs: three files, one after the
// other, of one connection that is never interrupted. Each stream of the camera ends in a tee. A
// recording is a trailingmp4sink with a queue for each stream, linked to the tees when it starts
// and unlinked when it stops; docs/element.md says why so. record_many.py is the same in Python.
//
//   record_many rtsp://user:password@192.168.1.20/stream1 PREFIX [SECONDS-EACH]
//   record_many --test PREFIX [SECONDS-EACH]

#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int kFiles = 3;

// What a camera may send and this records.
struct Kind {
  const char* encoding;  // in the camera's description
  const char* parse;     // makes of its packets what trailingmp4sink takes
  bool is_video;
};
constexpr Kind kKinds[] = {
    {"H264", "rtph264depay ! h264parse", true},
    {"H265", "rtph265depay ! h265parse", true},
    {"MPEG4-GENERIC", "rtpmp4gdepay ! aacparse", false},
    {"PCMA", "rtppcmadepay", false},
    {"PCMU", "rtppcmudepay", false},
};

// A stream of the camera, parsed: a tee that drops what nobody takes.
struct Stream {
  GstElement* tee;
  bool is_video;
};

// The way of one stream into one recording.
struct Branch {
  GstElement* tee;
  GstPad* tee_pad;
  GstElement* queue;
};

struct Recording {
  GstElement* sink = nullptr;  // none: nothing is being recorded
  std::vector<Branch> branches;
  bool opened = false;
  bool stopping = false;
};

// All of it is for the main loop's thread, but what `camera_has_video` says is settled before the
// camera has a stream.
struct Program {
  GstElement* pipeline;
  GMainLoop* loop;
  std::string prefix;
  guint seconds_each;
  bool camera_has_video = false;
  std::vector<Stream> streams;
  Recording recording;
  int files_begun = 0;
  bool interrupted = false;
  bool failed = false;
};

void fail(Program* program, const char* why) {
  std::fprintf(stderr, "error: %s\n", why);
  program->failed = true;
  g_main_loop_quit(program->loop);
}

// Everything is linked and in the pipeline's state before the tee's pad is linked, which lets the
// camera's data in. The sink leaves out pictures until a key picture comes.
bool add_branch(Program* program, const Stream& stream) {
  GstElement* queue = gst_element_factory_make("queue", nullptr);
  if (queue == nullptr) return false;
  gst_bin_add(GST_BIN(program->pipeline), queue);
  GstPad* tee_pad = gst_element_request_pad_simple(stream.tee, "src_%u");
  program->recording.branches.push_back({stream.tee, tee_pad, queue});

  const char* pad_template = stream.is_video ? "video_%u" : "audio_%u";
  g_autoptr(GstPad) sink_pad =
      gst_element_request_pad_simple(program->recording.sink, pad_template);
  g_autoptr(GstPad) queue_src = gst_element_get_static_pad(queue, "src");
  g_autoptr(GstPad) queue_sink = gst_element_get_static_pad(queue, "sink");
  if (gst_pad_link(queue_src, sink_pad) != GST_PAD_LINK_OK) return false;
  gst_element_sync_state_with_parent(queue);
  return gst_pad_link(tee_pad, queue_sink) == GST_PAD_LINK_OK;
}

// The file is made with the first key picture, and sound joins then: it would be recorded alone
// until that picture comes.
bool joins_at_once(const Program& program, const Stream& stream) {
  return stream.is_video || program.recording.opened || !program.camera_has_video;
}

void start_recording(Program* program) {
  const std::string file = program->prefix + "-" + std::to_string(++program->files_begun) + ".mp4";
  GstElement* sink = gst_element_factory_make("trailingmp4sink", nullptr);
  if (sink == nullptr)
    return fail(program, "trailingmp4sink is not installed; see GST_PLUGIN_PATH");
  g_object_set(sink, "location", file.c_str(), nullptr);
  gst_bin_add(GST_BIN(program->pipeline), sink);
  program->recording.sink = sink;
  gst_element_sync_state_with_parent(sink);  // a failure comes as an ERROR
  for (const Stream& stream : program->streams) {
    if (joins_at_once(*program, stream) && !add_branch(program, stream))
      fail(program, "a stream cannot be linked");
  }
}

// A stream is there. The first one starts the first recording; later ones join what is being
// recorded, as a microphone that is heard only after a while does.
void on_stream(Program* program, const Stream& stream) {
  program->streams.push_back(stream);
  if (program->recording.stopping || !joins_at_once(*program, stream)) return;
  if (program->recording.sink == nullptr) {
    start_recording(program);
  } else if (!add_branch(program, stream)) {
    fail(program, "a stream cannot be linked");
  }
}

struct NewStream {
  Program* program;
  Stream stream;
};

gboolean on_new_stream(gpointer data) {
  const std::unique_ptr<NewStream> added(static_cast<NewStream*>(data));
  on_stream(added->program, added->stream);
  return G_SOURCE_REMOVE;
}

// Builds what makes a parsed stream of a description and puts a tee behind it. With
// allow-not-linked the tee answers OK while no recording is linked; NOT_LINKED would end the
// camera's stream. A camera adds its streams in threads of its own, so the main loop is told.
GstElement* add_stream(Program* program, const char* description, bool is_video) {
  g_autoptr(GError) error = nullptr;
  GstElement* source = gst_parse_bin_from_description(description, TRUE, &error);
  GstElement* tee = gst_element_factory_make("tee", nullptr);
  if (source == nullptr || tee == nullptr) {
    std::fprintf(stderr, "%s\n", error != nullptr ? error->message : "tee is not installed");
    return nullptr;
  }
  g_object_set(tee, "allow-not-linked", TRUE, nullptr);
  gst_bin_add_many(GST_BIN(program->pipeline), source, tee, nullptr);
  if (!gst_element_link(source, tee)) return nullptr;
  gst_element_sync_state_with_parent(tee);
  gst_element_sync_state_with_parent(source);
  g_idle_add(on_new_stream, new NewStream{program, {tee, is_video}});
  return source;
}

const Kind* kind_of(const GstCaps* caps) {
  const char* encoding = gst_structure_get_string(gst_caps_get_structure(caps, 0), "encoding-name");
  for (const Kind& kind : kKinds)
    if (g_strcmp0(encoding, kind.encoding) == 0) return &kind;
  std::printf("A stream of %s is not recorded.\n", encoding != nullptr ? encoding : "no name");
  return nullptr;
}

// For each stream that the camera describes, before any is there: whether it is to be sent.
gboolean on_select_stream(GstElement*, guint, GstCaps* caps, Program* program) {
  const Kind* kind = kind_of(caps);
  if (kind != nullptr && kind->is_video) program->camera_has_video = true;
  return kind != nullptr;
}

// A stream is there with its first packet.
void on_camera_pad(GstElement*, GstPad* pad, Program* program) {
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  const Kind* kind = kind_of(caps);
  if (kind == nullptr) return;
  GstElement* source = add_stream(program, kind->parse, kind->is_video);
  if (source == nullptr) return;
  g_autoptr(GstPad) input = gst_element_get_static_pad(source, "sink");
  gst_pad_link(pad, input);
}

// Runs while nothing is going through the tee's pad: at once, or between two buffers in the thread
// of the stream. The EOS goes into this branch alone, behind all that the queue holds.
GstPadProbeReturn cut_off_branch(GstPad* tee_pad, GstPadProbeInfo*, gpointer) {
  g_autoptr(GstPad) queue_sink = gst_pad_get_peer(tee_pad);
  gst_pad_unlink(tee_pad, queue_sink);
  gst_pad_send_event(queue_sink, gst_event_new_eos());
  return GST_PAD_PROBE_REMOVE;
}

// The file is finished when "trailingmp4sink-finished" comes.
gboolean stop_recording(gpointer data) {
  Recording& recording = static_cast<Program*>(data)->recording;
  if (recording.stopping) return G_SOURCE_REMOVE;
  recording.stopping = true;
  for (const Branch& branch : recording.branches) {
    gst_pad_add_probe(branch.tee_pad, GST_PAD_PROBE_TYPE_IDLE, cut_off_branch, nullptr, nullptr);
  }
  return G_SOURCE_REMOVE;
}

// In the main loop: an element that is set to NULL by one of its own threads waits for itself.
void remove_recording(Program* program) {
  GstBin* pipeline = GST_BIN(program->pipeline);
  for (const Branch& branch : program->recording.branches) {
    gst_element_set_state(branch.queue, GST_STATE_NULL);
    gst_bin_remove(pipeline, branch.queue);
    gst_element_release_request_pad(branch.tee, branch.tee_pad);
    gst_object_unref(branch.tee_pad);
  }
  gst_element_set_state(program->recording.sink, GST_STATE_NULL);
  gst_bin_remove(pipeline, program->recording.sink);
  program->recording = {};
}

void on_opened(Program* program, const char* location) {
  std::printf("recording into %s\n", location);
  program->recording.opened = true;
  for (const Stream& stream : program->streams) {
    if (!stream.is_video && program->camera_has_video && !add_branch(program, stream))
      fail(program, "a stream cannot be linked");
  }
  g_timeout_add(1000 * program->seconds_each, stop_recording, program);
}

void on_finished(Program* program, const GstStructure* fields, const char* location) {
  guint64 duration_ns = 0;
  gst_structure_get_uint64(fields, "duration", &duration_ns);
  std::printf("finished %s: %.3f s\n", location, static_cast<double>(duration_ns) / GST_SECOND);
  if (!g_main_loop_is_running(program->loop)) return;  // everything is being stopped
  const bool ended_by_itself = !program->recording.stopping;
  remove_recording(program);
  if (ended_by_itself) {
    fail(program, "the camera ended its stream");
  } else if (program->interrupted || program->files_begun == kFiles) {
    g_main_loop_quit(program->loop);
  } else {
    start_recording(program);
  }
}

void on_element_message(Program* program, GstMessage* message) {
  const GstStructure* fields = gst_message_get_structure(message);
  const char* location = gst_structure_get_string(fields, "location");
  if (gst_structure_has_name(fields, "trailingmp4sink-opened")) on_opened(program, location);
  if (gst_structure_has_name(fields, "trailingmp4sink-finished"))
    on_finished(program, fields, location);
}

// EOS is no end here: the pipeline posts it after each recording, since all its sinks are at EOS
// then.
gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* program = static_cast<Program*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) on_element_message(program, message);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    g_autoptr(GError) error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    fail(program, error->message);
  }
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
    g_autoptr(GError) warning = nullptr;
    gst_message_parse_warning(message, &warning, nullptr);
    std::fprintf(stderr, "warning: %s\n", warning->message);
  }
  return G_SOURCE_CONTINUE;
}

// The first Ctrl-C stops the recording in good order, another one does not wait for that.
gboolean on_interrupt(gpointer data) {
  auto* program = static_cast<Program*>(data);
  if (program->interrupted || !program->recording.opened) {
    g_main_loop_quit(program->loop);
  } else {
    program->interrupted = true;
    stop_recording(program);
  }
  return G_SOURCE_CONTINUE;
}

bool add_camera(Program* program, const char* url) {
  GstElement* camera = gst_element_factory_make("rtspsrc", nullptr);
  if (camera == nullptr) return false;
  g_object_set(camera, "location", url, nullptr);
  gst_util_set_object_arg(G_OBJECT(camera), "protocols", "tcp");
  g_signal_connect(camera, "select-stream", G_CALLBACK(on_select_stream), program);
  g_signal_connect(camera, "pad-added", G_CALLBACK(on_camera_pad), program);
  return gst_bin_add(GST_BIN(program->pipeline), camera);
}

bool add_test_sources(Program* program) {
  constexpr char kVideo[] =
      "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1"
      " ! x264enc tune=zerolatency key-int-max=25 ! h264parse";
  constexpr char kAudio[] =
      "audiotestsrc is-live=true samplesperbuffer=1024 ! avenc_aac ! aacparse";
  program->camera_has_video = true;
  return add_stream(program, kVideo, true) != nullptr &&
         add_stream(program, kAudio, false) != nullptr;
}

// READY finishes a file that is still being recorded; its last messages are read before NULL.
void run(Program* program) {
  g_autoptr(GstBus) bus = gst_element_get_bus(program->pipeline);
  const guint watch = gst_bus_add_watch(bus, on_message, program);
  const guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, program);
  gst_element_set_state(program->pipeline, GST_STATE_PLAYING);  // a failure comes as an ERROR
  g_main_loop_run(program->loop);
  gst_element_set_state(program->pipeline, GST_STATE_READY);
  while (g_main_context_iteration(nullptr, FALSE)) continue;
  gst_element_set_state(program->pipeline, GST_STATE_NULL);
  if (program->recording.sink != nullptr) remove_recording(program);
  g_source_remove(interrupt);
  g_source_remove(watch);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line at once, into a log too
  gst_init(&argc, &argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s URL|--test PREFIX [SECONDS-EACH]\n", argv[0]);
    return EXIT_FAILURE;
  }
  g_autoptr(GstElement) pipeline = GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr)));
  g_autoptr(GMainLoop) loop = g_main_loop_new(nullptr, FALSE);
  Program program{.pipeline = pipeline, .loop = loop, .prefix = argv[2], .seconds_each = 5};
  if (argc > 3) program.seconds_each = static_cast<guint>(std::atoi(argv[3]));
  const bool is_test = g_str_equal(argv[1], "--test");
  if (!(is_test ? add_test_sources(&program) : add_camera(&program, argv[1]))) {
    std::fprintf(stderr, "a plugin is missing\n");
    return EXIT_FAILURE;
  }
  run(&program);
  return program.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
