// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-launch-1.0 as people use it with a camera: Ctrl-C with and without -e, an ending of its own,
// and SIGTERM, which it does not catch.
#include <gst/gst.h>
#include <signal.h>

#include <chrono>
#include <string>

#include "box_reader.h"
#include "child_process.h"
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

constexpr char kFile[] = "recorded.mp4";

std::string line_for(const TestCamera& camera, const std::string& options) {
  return "exec gst-launch-1.0 " + options + " trailingmp4sink name=rec location=" + kFile +
         " rtspsrc protocols=tcp latency=200 location=" + camera.url() + " name=cam" +
         " cam. ! rtph264depay ! h264parse ! rec.video_0" +
         " cam. ! rtpmp4gdepay ! aacparse ! rec.audio_0";
}

// Waits for the file and lets the recording go on for three seconds.
void let_it_record(const ScratchFolder& folder, ChildProcess& recorder) {
  fail_unless(recorder.makes(folder.file(kFile), seconds(30)), "no file: %s",
              recorder.output().c_str());
  recorder.wait(seconds(3));
}

void assert_good_file(const std::string& path, size_t tracks, const std::string& output) {
  auto lines = pipelines::box_problems(path);
  for (auto& line : pipelines::player_complaints(path)) lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s\n%s", pipelines::join(lines).c_str(), output.c_str());
  const auto movie = boxes::read_movie(path);
  fail_unless_equals_int(movie->tracks.size(), tracks);
  for (const auto& track : movie->tracks) fail_unless(track.samples.size() > 30);
}

void interrupt_recording(const camera::Options& options, const std::string& launch_options) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start(options);
  fail_unless(camera != nullptr);
  ChildProcess recorder(line_for(*camera, launch_options), folder.path());
  let_it_record(folder, recorder);
  recorder.signal_group(SIGINT);
  const auto status = recorder.wait(seconds(10));
  fail_unless(status.has_value(), "it goes on: %s", recorder.output().c_str());
  assert_good_file(folder.file(kFile), options.audio ? 2 : 1, recorder.output());
}

GST_START_TEST(ctrl_c_with_e_leaves_a_good_file) { interrupt_recording({}, "-e"); }
GST_END_TEST

GST_START_TEST(ctrl_c_without_e_leaves_a_good_file) { interrupt_recording({}, ""); }
GST_END_TEST

// The branch for sound is in the line, but nothing ever comes through it.
GST_START_TEST(ctrl_c_with_e_ends_a_recording_of_a_camera_without_microphone) {
  interrupt_recording({.audio = false}, "-e");
}
GST_END_TEST

GST_START_TEST(a_line_that_ends_by_itself_leaves_a_good_file) {
  const ScratchFolder folder;
  const pipelines::Outcome outcome = pipelines::run(
      "exec gst-launch-1.0 videotestsrc num-buffers=75 ! video/x-raw,width=160,height=120"
      " ! x264enc speed-preset=ultrafast ! h264parse ! trailingmp4sink name=rec "
      "location=recorded.mp4 audiotestsrc num-buffers=110 ! avenc_aac ! aacparse ! rec.",
      folder.path());
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  assert_good_file(folder.file(kFile), 2, outcome.output);
}
GST_END_TEST

// gst-launch-1.0 does not catch SIGTERM, and nobody catches SIGKILL.
GST_START_TEST(a_killed_recorder_leaves_a_file_that_plays) {
  const int signal = __i__ ? SIGKILL : SIGTERM;
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess recorder(line_for(*camera, "-e"), folder.path());
  let_it_record(folder, recorder);
  recorder.signal(signal);
  fail_unless(recorder.wait(seconds(10)) == -signal, "%s", recorder.output().c_str());
  assert_good_file(folder.file(kFile), 2, recorder.output());
  fail_unless(boxes::read_movie(folder.file(kFile))->fragmented);
}
GST_END_TEST

GST_START_TEST(gst_inspect_shows_the_element) {
  const pipelines::Outcome outcome = pipelines::run("gst-inspect-1.0 trailingmp4sink");
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  for (const char* text : {"Codec/Muxer/Sink/File", "sink_%u", "video_%u", "audio_%u", "location"})
    fail_unless(outcome.output.find(text) != std::string::npos, "%s", text);
  fail_unless(outcome.output.find("CRITICAL") == std::string::npos);
}
GST_END_TEST

Suite* launch_suite() {
  Suite* suite = suite_create("launch");
  TCase* tcase = tcase_create("launch");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, ctrl_c_with_e_leaves_a_good_file);
  tcase_add_test(tcase, ctrl_c_without_e_leaves_a_good_file);
  tcase_add_test(tcase, ctrl_c_with_e_ends_a_recording_of_a_camera_without_microphone);
  tcase_add_test(tcase, a_line_that_ends_by_itself_leaves_a_good_file);
  tcase_add_loop_test(tcase, a_killed_recorder_leaves_a_file_that_plays, 0, 2);
  tcase_add_test(tcase, gst_inspect_shows_the_element);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(launch)
