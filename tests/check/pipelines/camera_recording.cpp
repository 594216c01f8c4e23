// SPDX-License-Identifier: LGPL-2.1-or-later
#include "camera_recording.h"

#include <algorithm>

namespace pipelines {
namespace {

constexpr char kCamera[] = "camera";

// By name and not by gst_parse_launch's delayed links: rtspsrc adds its pads from several threads
// at once, which those do not stand.
void link_stream(GstElement* source, GstPad* pad, gpointer) {
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  const char* media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
  const Owned<GstObject> pipeline(gst_element_get_parent(source));
  const Owned<GstElement> branch(gst_bin_get_by_name(GST_BIN(pipeline.get()), media));
  if (branch == nullptr) return;
  const Owned<GstPad> input(gst_element_get_static_pad(branch.get(), "sink"));
  gst_pad_link(pad, input.get());
}

bool is_slice(const Bytes& nal) {
  const int type = nal.empty() ? 0 : nal[0] & 0x1f;
  return type == 1 || type == 5;
}

std::vector<Bytes> slices(std::vector<Bytes> nals) {
  std::erase_if(nals, [](const Bytes& nal) { return !is_slice(nal); });
  return nals;
}

std::vector<Bytes> split(const Bytes& sample) {
  std::vector<Bytes> nals;
  for (size_t at = 0; at + 4 <= sample.size();) {
    size_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | sample[at++];
    size = std::min(size, sample.size() - at);
    nals.emplace_back(sample.data() + at, sample.data() + at + size);
    at += size;
  }
  return nals;
}

bool same(const camera::AccessUnit& sent, const MediaSample& recorded, bool video) {
  if (!video) return sent.units.at(0) == recorded.bytes;
  const std::vector<Bytes> there = slices(split(recorded.bytes));
  return !there.empty() && there == slices(sent.units);
}

struct UntilItEnds {
  GMainLoop* loop;
  GstElement* pipeline;
  Ending ending;
};

Ending ending_by(GstMessage* message) {
  Ending ending{.type = GST_MESSAGE_TYPE(message), .source = GST_MESSAGE_SRC_NAME(message)};
  if (ending.type != GST_MESSAGE_ERROR) return ending;
  g_autoptr(GError) error = nullptr;
  g_autofree char* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  ending.domain = error->domain;
  ending.text = std::string(error->message) + " " + (debug ? debug : "");
  return ending;
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* until = static_cast<UntilItEnds*>(data);
  constexpr auto kEndings = GST_MESSAGE_EOS | GST_MESSAGE_ERROR;
  if (!(GST_MESSAGE_TYPE(message) & kEndings) || until->ending.type != GST_MESSAGE_UNKNOWN)
    return G_SOURCE_CONTINUE;
  until->ending = ending_by(message);
  gst_element_set_state(until->pipeline, GST_STATE_NULL);
  g_main_loop_quit(until->loop);
  return G_SOURCE_CONTINUE;
}

gboolean on_time_up(gpointer loop) {
  g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_REMOVE;
}

}  // namespace

bool is_of_the_camera(const Ending& ending) {
  if (ending.type == GST_MESSAGE_EOS) return true;
  return ending.type == GST_MESSAGE_ERROR && ending.source == kCamera &&
         ending.domain == GST_RESOURCE_ERROR;
}

std::string to_text(const Ending& ending) {
  return std::string(gst_message_type_get_name(ending.type)) + " of " + ending.source + " " +
         ending.text;
}

CameraRecording::CameraRecording(const std::string& source, const std::string& url,
                                 const std::string& branches, const std::string& location)
    : RecordingPipeline("rtspsrc name=" + std::string(kCamera) + " latency=200 " + source +
                            " location=" + url + " trailingmp4sink name=rec " + branches,
                        location) {
  g_signal_connect(element(kCamera).get(), "pad-added", G_CALLBACK(link_stream), nullptr);
}

bool CameraRecording::record(size_t pictures) {
  set_state(GST_STATE_PLAYING);
  const bool came = wait_for_samples(true, pictures, 30 * GST_SECOND);
  send_eos();
  const bool ended = wait(GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 20 * GST_SECOND) == GST_MESSAGE_EOS;
  set_state(GST_STATE_NULL);
  return came && ended;
}

Ending CameraRecording::record_until_it_ends(GstClockTime limit) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(nullptr, FALSE);
  g_autoptr(GstBus) bus = gst_element_get_bus(get());
  UntilItEnds until{loop, get(), {}};
  gst_bus_add_watch(bus, on_message, &until);
  const guint timeout =
      g_timeout_add(static_cast<guint>(GST_TIME_AS_MSECONDS(limit)), on_time_up, loop);
  set_state(GST_STATE_PLAYING);
  g_main_loop_run(loop);
  gst_bus_remove_watch(bus);
  if (until.ending.type != GST_MESSAGE_UNKNOWN) g_source_remove(timeout);
  return until.ending;
}

Match match(const std::vector<camera::AccessUnit>& truth, const MediaTrack& recorded) {
  Match result;
  const auto first = std::find_if(truth.begin(), truth.end(), [&](const auto& unit) {
    return !recorded.samples.empty() && same(unit, recorded.samples.front(), recorded.video);
  });
  if (first == truth.end()) {
    result.faults.push_back("the first sample is none that the camera sent");
    return result;
  }
  result.first = static_cast<size_t>(first - truth.begin());
  for (size_t i = 0; i < recorded.samples.size(); ++i) {
    const size_t at = result.first + i;
    if (at >= truth.size() || !same(truth[at], recorded.samples[i], recorded.video)) {
      result.faults.push_back("sample " + std::to_string(i) + " is not the camera's " +
                              std::to_string(at));
      break;
    }
    const auto sent = static_cast<int64_t>(truth[at].pts_ns);
    result.camera_ns.push_back(sent);
    result.shift_ns.push_back(*recorded.samples[i].pts_ns - sent);
  }
  return result;
}

}  // namespace pipelines
