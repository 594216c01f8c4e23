// SPDX-License-Identifier: LGPL-2.1-or-later
//
// tests/examples/record-camera.sh as a user runs it. It builds in build/ of the repository, so
// there is nothing to test here where that build does not exist.
#include <gst/gst.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "box_reader.h"
#include "child_process.h"
#include "fake_tools.h"
#include "file_readers.h"
#include "scratch_folder.h"
#include "test_camera.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::ChildProcess;
using pipelines::ScratchFolder;
using std::chrono::seconds;

constexpr int kSkipped = 77;  // as meson understands it
const std::string kScript = "exec sh '" REPOSITORY "/tests/examples/record-camera.sh' ";

void assert_good_recording(const std::string& path, double at_least, const std::string& output) {
  auto lines = pipelines::box_problems(path);
  for (auto& line : pipelines::player_complaints(path)) lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s\n%s", pipelines::join(lines).c_str(), output.c_str());
  const auto movie = boxes::read_movie(path);
  fail_unless_equals_int(movie->tracks.size(), 2);
  const double duration = static_cast<double>(movie->duration) / movie->timescale;
  fail_unless(duration >= at_least, "only %f s: %s", duration, output.c_str());
  for (const char* text : {"  h264 320x240: ", " pictures, ", "  aac 48000 Hz, 2 channels: "})
    fail_unless(output.find(text) != std::string::npos, "no \"%s\" in: %s", text, output.c_str());
}

GST_START_TEST(without_a_url_it_records_its_own_camera_and_says_what_is_in_the_file) {
  const ScratchFolder folder;
  ChildProcess script(kScript + "'' own.mp4 3", folder.path());
  const auto status = script.wait(seconds(100));
  fail_unless(status == 0, "%s", script.output().c_str());
  assert_good_recording(folder.file("own.mp4"), 2.5, script.output());
}
GST_END_TEST

GST_START_TEST(ctrl_c_finishes_the_file) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess script(kScript + camera->url() + " door.mp4", folder.path());
  fail_unless(script.makes(folder.file("door.mp4"), seconds(100)), "%s", script.output().c_str());
  script.wait(seconds(3));
  script.signal_group(SIGINT);
  const auto status = script.wait(seconds(20));
  fail_unless(status == 0, "%s", script.output().c_str());
  assert_good_recording(folder.file("door.mp4"), 2.0, script.output());
}
GST_END_TEST

// What the camera sends is found out, and what no file can hold is left out with a sentence.
struct Sent {
  const char *video, *audio;
  std::initializer_list<const char*> said;
};
const Sent kSent[] = {
    {"h265", "pcma", {"  hevc 320x240: ", "  pcm_alaw 8000 Hz, 1 channels: "}},
    {"vp8", "latm", {"  vp8 320x240: ", "  aac 48000 Hz, 2 channels: "}},
    {"vp9", "speex", {"  vp9 320x240: ", "Stream 1 (audio, SPEEX) is left out: it is not among"}},
    {"h264", "g726", {"  h264 320x240: ", "Stream 1 (audio, G726-32) is left out: players do not"}},
};

GST_START_TEST(it_finds_out_what_the_camera_sends) {
  const Sent& sent = kSent[__i__];
  const ScratchFolder folder;
  const auto camera = TestCamera::start({.video_codec = sent.video, .audio_codec = sent.audio});
  fail_unless(camera != nullptr);
  ChildProcess script(kScript + camera->url() + " found.mp4 2", folder.path());
  const auto status = script.wait(seconds(100));
  fail_unless(status == 0 || pipelines::camera_hung_up(script.output()), "%s",
              script.output().c_str());
  for (const char* text : sent.said)
    fail_unless(script.output().find(text) != std::string::npos, "no \"%s\" in: %s", text,
                script.output().c_str());
  auto lines = pipelines::box_problems(folder.file("found.mp4"));
  for (auto& line : pipelines::player_complaints(folder.file("found.mp4")))
    lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
}
GST_END_TEST

// rtspsrc's own names for transports, and a scheme in capitals.
GST_START_TEST(every_scheme_of_a_camera_is_recorded) {
  const ScratchFolder folder;
  struct Recording {
    std::string scheme;
    std::unique_ptr<TestCamera> camera;
    std::unique_ptr<ChildProcess> script;
  };
  std::vector<Recording> recordings;
  for (const std::string scheme : {"RTSP", "rtspt", "rtspu", "rtsph"}) {
    auto camera = TestCamera::start({});
    fail_unless(camera != nullptr);
    const std::string url = scheme + camera->url().substr(std::strlen("rtsp"));
    auto script =
        std::make_unique<ChildProcess>(kScript + url + " " + scheme + ".mp4 2", folder.path());
    recordings.push_back({scheme, std::move(camera), std::move(script)});
  }
  for (const Recording& recording : recordings) {
    const auto status = recording.script->wait(seconds(100));
    const std::string output = recording.script->output();
    fail_unless(status == 0 || pipelines::camera_hung_up(output), "%s", output.c_str());
    assert_good_recording(folder.file(recording.scheme + ".mp4"), 1.5, output);
  }
}
GST_END_TEST

GST_START_TEST(an_existing_file_is_left_as_it_is) {
  const ScratchFolder folder;
  std::ofstream(folder.file("kept.mp4")) << "precious";
  const pipelines::Outcome outcome = pipelines::run(kScript + "'' kept.mp4 1", folder.path());
  fail_unless(outcome.status == 1, "%s", outcome.output.c_str());
  fail_unless(outcome.output.find("kept.mp4 exists") != std::string::npos, "%s",
              outcome.output.c_str());
  fail_unless_equals_int(std::filesystem::file_size(folder.file("kept.mp4")), 8);
}
GST_END_TEST

GST_START_TEST(a_wrong_password_is_said_and_leaves_no_file) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  std::string url = camera->url();
  url.replace(url.find("secret"), 6, "guessed");
  ChildProcess script(kScript + url + " none.mp4 3", folder.path());
  fail_unless(script.wait(seconds(60)) == 1, "%s", script.output().c_str());
  fail_unless(script.output().find("Nothing was recorded: ") != std::string::npos, "%s",
              script.output().c_str());
  fail_unless(script.output().find("guessed") == std::string::npos, "the password is shown");
  fail_if(std::filesystem::exists(folder.file("none.mp4")));
}
GST_END_TEST

void assert_ended_early(ChildProcess& script, const std::string& file, const char* why) {
  fail_unless(script.wait(seconds(60)) == 1, "%s", script.output().c_str());
  const std::string said = std::string("The recording ended early: ") + why;
  fail_unless(script.output().find(said) != std::string::npos, "%s", script.output().c_str());
  auto lines = pipelines::box_problems(file);
  for (auto& line : pipelines::player_complaints(file)) lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
}

const char* const kLengths[] = {"", " 60"};

GST_START_TEST(a_camera_that_ends_its_stream_ends_the_recording_early) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({.pictures = 50, .audio = false});
  fail_unless(camera != nullptr);
  ChildProcess script(kScript + camera->url() + " short.mp4" + kLengths[__i__], folder.path());
  assert_ended_early(script, folder.file("short.mp4"), "the camera ended the stream.");
  fail_unless_equals_int(boxes::read_movie(folder.file("short.mp4"))->tracks[0].samples.size(), 50);
}
GST_END_TEST

GST_START_TEST(a_lost_connection_ends_the_recording_early) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess script(kScript + camera->url() + " lost.mp4" + kLengths[__i__], folder.path());
  fail_unless(script.makes(folder.file("lost.mp4"), seconds(100)), "%s", script.output().c_str());
  script.wait(seconds(2));
  camera->kill_connections();
  assert_ended_early(script, folder.file("lost.mp4"), "");
}
GST_END_TEST

GST_START_TEST(a_camera_without_a_picture_is_given_up_after_15_s) {
  const ScratchFolder folder;
  const pipelines::SilentServer silent;
  const auto dark = TestCamera::start({.audio = false, .loss_percent = 100});
  fail_unless(dark != nullptr);
  ChildProcess unanswered(kScript + silent.url() + " silent.mp4", folder.path());
  ChildProcess unseen(kScript + dark->url() + " dark.mp4", folder.path());
  fail_if(unseen.wait(seconds(14)) || unanswered.wait(seconds(0)));
  fail_unless(unanswered.wait(seconds(10)) == 1, "%s", unanswered.output().c_str());
  fail_unless(unanswered.prints("the camera has not answered for 15 s.", seconds(0)), "%s",
              unanswered.output().c_str());
  fail_unless(unseen.wait(seconds(10)) == 1, "%s", unseen.output().c_str());
  fail_unless(unseen.prints("no picture came from the camera for 15 s.", seconds(0)), "%s",
              unseen.output().c_str());
  for (const std::string& url : {silent.url(), dark->url()})
    fail_unless(pipelines::processes_with(url).empty(), "a program is left");
  for (const char* name : {"silent.mp4", "dark.mp4"})
    fail_if(std::filesystem::exists(folder.file(name)));
}
GST_END_TEST

Suite* record_camera_suite() {
  if (!std::filesystem::exists(REPOSITORY "/build/build.ninja")) {
    std::puts("SKIP: there is no build in " REPOSITORY "/build");
    std::exit(kSkipped);
  }
  Suite* suite = suite_create("record_camera");
  TCase* tcase = tcase_create("script");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, without_a_url_it_records_its_own_camera_and_says_what_is_in_the_file);
  tcase_add_test(tcase, ctrl_c_finishes_the_file);
  tcase_add_loop_test(tcase, it_finds_out_what_the_camera_sends, 0,
                      static_cast<int>(std::size(kSent)));
  tcase_add_test(tcase, every_scheme_of_a_camera_is_recorded);
  tcase_add_test(tcase, an_existing_file_is_left_as_it_is);
  tcase_add_test(tcase, a_wrong_password_is_said_and_leaves_no_file);
  tcase_add_loop_test(tcase, a_camera_that_ends_its_stream_ends_the_recording_early, 0, 2);
  tcase_add_loop_test(tcase, a_lost_connection_ends_the_recording_early, 0, 2);
  tcase_add_test(tcase, a_camera_without_a_picture_is_given_up_after_15_s);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(record_camera)
