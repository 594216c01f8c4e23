// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The test camera itself under test: what a client gets from it is what its truth holds, over TCP
// and UDP, with and without audio and B-frames; who does not know the password gets nothing.

#include "test_camera.h"

#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "rtspsrc_criticals.h"

namespace {

using camera::AccessUnit;
using camera::Bytes;
using camera::Options;
using camera::TestCamera;
using camera::Truth;

constexpr GstClockTime kMessageLimit = 10 * GST_SECOND;

/// A viewer: rtspsrc and depayloaders into appsinks. What arrives is kept in the truth's own form.
/// rtspsrc adds its pads from several threads at once, so they are linked here by name: the delayed
/// links of gst_parse_launch() get in each other's way then, with a critical warning.
class Client {
 public:
  Client(const std::string& url, const char* protocols, const Options& options) {
    const std::string line =
        "rtspsrc name=src latency=100 protocols=" + std::string(protocols) + " location=" + url +
        " rtph264depay name=video_in ! video/x-h264,stream-format=avc,alignment=au"
        " ! appsink name=video" +
        (options.audio ? " rtpmp4gdepay name=audio_in ! appsink name=audio" : "");
    pipeline_ = gst_parse_launch(line.c_str(), nullptr);
    fail_unless(pipeline_ != nullptr);
    g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline_), "src");
    g_signal_connect(source, "pad-added", G_CALLBACK(on_pad_added), this);
    watch("video");
    if (options.audio) watch("audio");
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }

  ~Client() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Truth received() {
    std::lock_guard lock(mutex_);
    return received_;
  }

  /// Waits until so many pictures have come; false if there is an error or the time is up.
  bool wait_for_video(size_t pictures) {
    const gint64 limit = g_get_monotonic_time() + 15 * G_TIME_SPAN_SECOND;
    while (received().video.size() < pictures) {
      if (g_get_monotonic_time() > limit || message(0, GST_MESSAGE_ERROR) != 0) return false;
      g_usleep(20000);
    }
    return true;
  }

  /// The type of the first message of `types` on the bus, 0 if none comes in time.
  int message(GstClockTime timeout, int types) {
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline_);
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(bus, timeout, static_cast<GstMessageType>(types));
    return message == nullptr ? 0 : GST_MESSAGE_TYPE(message);
  }

 private:
  static void on_pad_added(GstElement*, GstPad* pad, Client* self) {
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    const char* media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
    const std::string name = std::string(media) + "_in";
    g_autoptr(GstElement) depayloader = gst_bin_get_by_name(GST_BIN(self->pipeline_), name.c_str());
    g_autoptr(GstPad) sink = gst_element_get_static_pad(depayloader, "sink");
    fail_unless_equals_int(gst_pad_link(pad, sink), GST_PAD_LINK_OK);
  }

  void watch(const char* name) {
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = [](GstAppSink* appsink, gpointer self) {
      static_cast<Client*>(self)->take(appsink);
      return GST_FLOW_OK;
    };
    g_object_set(sink, "sync", FALSE, nullptr);
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, this, nullptr);
  }

  void take(GstAppSink* appsink) {
    const bool is_video = g_str_has_prefix(GST_OBJECT_NAME(appsink), "video");
    g_autoptr(GstSample) sample = gst_app_sink_pull_sample(appsink);
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    AccessUnit unit{.pts_ns = GST_BUFFER_PTS(buffer)};
    GstMapInfo map;
    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
    const Bytes bytes(map.data, map.data + map.size);
    gst_buffer_unmap(buffer, &map);
    unit.units = is_video ? split_avc(bytes) : std::vector<Bytes>{bytes};
    std::lock_guard lock(mutex_);
    (is_video ? received_.video : received_.audio).push_back(std::move(unit));
  }

  static std::vector<Bytes> split_avc(const Bytes& bytes) {
    std::vector<Bytes> units;
    size_t at = 0;
    while (at + 4 <= bytes.size()) {
      const size_t size = static_cast<size_t>(bytes[at]) << 24 | bytes[at + 1] << 16 |
                          bytes[at + 2] << 8 | bytes[at + 3];
      at += 4;
      fail_unless(at + size <= bytes.size());
      units.emplace_back(&bytes[at], &bytes[at] + size);
      at += size;
    }
    return units;
  }

  GstElement* pipeline_ = nullptr;
  std::mutex mutex_;
  Truth received_;
};

bool is_parameter_set(const Bytes& nal) {
  constexpr int kSps = 7;
  constexpr int kPps = 8;
  const int type = nal[0] & 0x1f;
  return type == kSps || type == kPps;
}

std::vector<Bytes> without_parameter_sets(std::vector<Bytes> nals) {
  std::erase_if(nals, is_parameter_set);
  return nals;
}

/// How many access units of the truth came before the first received one; fails unless all that
/// was received lies in the truth in one piece.
size_t position_in_truth(const std::vector<AccessUnit>& truth,
                         const std::vector<AccessUnit>& received) {
  fail_unless(!received.empty());
  const auto same = [](const AccessUnit& sent, const AccessUnit& got) {
    return without_parameter_sets(sent.units) == without_parameter_sets(got.units);
  };
  const auto found =
      std::search(truth.begin(), truth.end(), received.begin(), received.end(), same);
  fail_unless(found != truth.end(), "%zu received units are not in the truth of %zu",
              received.size(), truth.size());
  return static_cast<size_t>(found - truth.begin());
}

void check_client_gets_truth(const Options& options, const char* protocols) {
  constexpr size_t kPictures = 60;
  auto camera = TestCamera::start(options);
  fail_unless(camera != nullptr);
  Client client(camera->url(), protocols, options);
  fail_unless(client.wait_for_video(kPictures));
  const Truth received = client.received();
  const Truth truth = camera->truth();
  fail_unless_equals_uint64(position_in_truth(truth.video, received.video), 0);
  fail_unless(truth.video.front().keyframe);
  if (!options.audio) {
    fail_unless(truth.audio.empty());
    return;
  }
  fail_unless_equals_uint64(position_in_truth(truth.audio, received.audio), 0);
}

}  // namespace

GST_START_TEST(tcp_client_gets_the_truth_from_the_start) { check_client_gets_truth({}, "tcp"); }
GST_END_TEST

GST_START_TEST(udp_client_gets_the_truth_from_the_start) { check_client_gets_truth({}, "udp"); }
GST_END_TEST

GST_START_TEST(b_frames_and_odd_rate_without_audio) {
  check_client_gets_truth({.fps_n = 30000, .fps_d = 1001, .b_frames = 2, .audio = false}, "tcp");
}
GST_END_TEST

GST_START_TEST(slices_in_aggregation_packets_without_password) {
  check_client_gets_truth({.user = "", .gop = 10, .slices = 4, .aggregate = true}, "tcp");
}
GST_END_TEST

GST_START_TEST(keyframes_come_at_the_gop_length) {
  const Options options{.gop = 7, .audio = false};
  auto camera = TestCamera::start(options);
  Client client(camera->url(), "tcp", options);
  fail_unless(client.wait_for_video(30));
  const Truth truth = camera->truth();
  for (size_t i = 0; i < truth.video.size(); ++i) {
    fail_unless_equals_int(truth.video[i].keyframe, i % 7 == 0);
    fail_unless_equals_uint64(truth.video[i].pts_ns - truth.video[0].pts_ns, i * 40000000);
  }
}
GST_END_TEST

GST_START_TEST(late_client_gets_a_piece_of_the_truth) {
  const Options options;
  auto camera = TestCamera::start(options);
  Client first(camera->url(), "tcp", options);
  fail_unless(first.wait_for_video(20));
  Client second(camera->url(), "tcp", options);
  fail_unless(second.wait_for_video(40));
  const Truth received = second.received();
  const Truth truth = camera->truth();
  fail_unless(position_in_truth(truth.video, received.video) > 0);
  fail_unless(position_in_truth(truth.audio, received.audio) > 0);
  fail_unless_equals_int(truth.video.back().take, 0);
}
GST_END_TEST

GST_START_TEST(plays_are_counted) {
  const Options options;
  auto camera = TestCamera::start(options);
  fail_unless_equals_int(camera->plays(), 0);
  for (int played = 1; played <= 2; ++played) {
    Client client(camera->url(), "tcp", options);
    fail_unless(client.wait_for_video(10));
    fail_unless_equals_int(camera->plays(), played);
  }
}
GST_END_TEST

GST_START_TEST(stream_ends_after_its_pictures) {
  const Options options{.pictures = 30, .audio = false};
  auto camera = TestCamera::start(options);
  Client client(camera->url(), "tcp", options);
  fail_unless_equals_int(client.message(kMessageLimit, GST_MESSAGE_ERROR | GST_MESSAGE_EOS),
                         GST_MESSAGE_EOS);
  fail_unless_equals_uint64(camera->truth().video.size(), 30);
}
GST_END_TEST

GST_START_TEST(lost_stream_is_described_and_has_no_picture) {
  const Options options{.audio = false, .loss_percent = 100};
  auto camera = TestCamera::start(options);
  Client client(camera->url(), "tcp", options);
  const gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
  while (camera->truth().video.size() < 50 && g_get_monotonic_time() < limit) g_usleep(20000);
  fail_unless_equals_int(camera->plays(), 1);
  fail_unless(camera->truth().video.size() >= 50);
  fail_unless(client.received().video.empty());
}
GST_END_TEST

GST_START_TEST(wrong_or_no_password_is_refused) {
  const Options options;
  auto camera = TestCamera::start(options);
  std::string wrong = camera->url();
  wrong.replace(wrong.find("secret"), 6, "sesame");
  for (const std::string& url : {wrong, camera->url_without_credentials()}) {
    Client client(url, "tcp", options);
    fail_unless_equals_int(client.message(kMessageLimit, GST_MESSAGE_ERROR | GST_MESSAGE_EOS),
                           GST_MESSAGE_ERROR);
    fail_unless(client.received().video.empty());
  }
  fail_unless(camera->truth().video.empty());
}
GST_END_TEST

GST_START_TEST(broken_connections_end_the_client_and_not_the_camera) {
  const Options options;
  auto camera = TestCamera::start(options);
  for (auto end : {&TestCamera::hang_up, &TestCamera::kill_connections}) {
    Client client(camera->url(), "tcp", options);
    fail_unless(client.wait_for_video(10));
    ((*camera).*end)();
    fail_unless(client.message(kMessageLimit, GST_MESSAGE_ERROR | GST_MESSAGE_EOS) != 0);
  }
  fail_unless_equals_int(camera->truth().video.back().take, 1);
}
GST_END_TEST

GST_START_TEST(stop_frees_the_port_and_keeps_the_truth) {
  const Options options;
  auto camera = TestCamera::start(options);
  Client client(camera->url(), "tcp", options);
  fail_unless(client.wait_for_video(10));
  camera->stop();
  camera->stop();
  fail_unless(camera->truth().video.size() >= 10);
  auto next = TestCamera::start({.port = camera->port()});
  fail_unless(next != nullptr);
  fail_unless(TestCamera::start({.port = camera->port()}) == nullptr);
}
GST_END_TEST

static Suite* test_camera_suite() {
  ignore_rtspsrc_criticals();
  Suite* suite = suite_create("test_camera");
  TCase* test = tcase_create("client");
  suite_add_tcase(suite, test);
  tcase_set_timeout(test, 60);
  tcase_add_test(test, tcp_client_gets_the_truth_from_the_start);
  tcase_add_test(test, udp_client_gets_the_truth_from_the_start);
  tcase_add_test(test, b_frames_and_odd_rate_without_audio);
  tcase_add_test(test, slices_in_aggregation_packets_without_password);
  tcase_add_test(test, keyframes_come_at_the_gop_length);
  tcase_add_test(test, late_client_gets_a_piece_of_the_truth);
  tcase_add_test(test, plays_are_counted);
  tcase_add_test(test, stream_ends_after_its_pictures);
  tcase_add_test(test, lost_stream_is_described_and_has_no_picture);
  tcase_add_test(test, wrong_or_no_password_is_refused);
  tcase_add_test(test, broken_connections_end_the_client_and_not_the_camera);
  tcase_add_test(test, stop_frees_the_port_and_keeps_the_truth);
  return suite;
}

GST_CHECK_MAIN(test_camera)
