// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every launch line in README.md and docs/ works when pasted: it is taken from the text, run in an
// empty folder with the test camera in place of the one it names, and stopped by Ctrl-C.
#include <gst/gst.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <string>

#include "box_reader.h"
#include "child_process.h"
#include "file_readers.h"
#include "launch_lines.h"
#include "scratch_folder.h"
#include "test_camera.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::ChildProcess;
using pipelines::LaunchLine;
using pipelines::ScratchFolder;
using std::chrono::seconds;

constexpr std::string_view kDocumentedCamera = "rtsp://127.0.0.1:8554/stream";

std::vector<LaunchLine> lines;

std::string with_camera(std::string text, const std::string& url) {
  for (size_t at = 0; (at = text.find(kDocumentedCamera, at)) != std::string::npos;
       at += url.size())
    text.replace(at, kDocumentedCamera.size(), url);
  return text;
}

// The camera that a line is for.
camera::Options camera_for(const std::string& line) {
  camera::Options options;
  if (line.find("rtph265depay") != std::string::npos) options.video_codec = "h265";
  if (line.find("rtppcmadepay") != std::string::npos) options.audio_codec = "pcma";
  return options;
}

// The file that a line reads: two streams, with B-frames, by another muxer.
void make_input(const ScratchFolder& folder, const std::string& name) {
  const pipelines::Outcome outcome = pipelines::run(
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i "
      "sine=sample_rate=48000 -t 3 -c:v libx264 -preset ultrafast -bf 2 -c:a aac '" +
          name + "'",
      folder.path());
  fail_unless(outcome.status == 0, "%s: %s", name.c_str(), outcome.output.c_str());
}

// Ctrl-C after three seconds of recording, if it has not come to its end before.
std::optional<int> run_and_stop(ChildProcess& launch, const std::string& first_file) {
  if (!first_file.empty()) static_cast<void>(launch.makes(first_file, seconds(20)));
  if (const auto status = launch.wait(seconds(3))) return status;
  launch.signal_group(SIGINT);
  return launch.wait(seconds(10));
}

void assert_good_recording(const std::string& path, const std::string& where) {
  auto problems = pipelines::box_problems(path);
  for (auto& line : pipelines::player_complaints(path)) problems.push_back(std::move(line));
  fail_unless(problems.empty(), "%s%s", where.c_str(), pipelines::join(problems).c_str());
}

GST_START_TEST(a_documented_line_works_when_pasted) {
  const LaunchLine& line = lines[static_cast<size_t>(__i__)];
  const ScratchFolder folder;
  const auto camera = TestCamera::start(camera_for(line.text));
  fail_unless(camera != nullptr);
  for (const std::string& name : pipelines::read_files(line.text)) make_input(folder, name);
  const auto files = pipelines::recorded_files(line.text);
  const std::string command = with_camera(line.text, camera->url());
  ChildProcess launch("exec " + command, folder.path());
  const auto status = run_and_stop(launch, files.empty() ? "" : folder.file(files[0]));
  const std::string where = line.place + ": " + command + "\n" + launch.output();
  fail_unless(status.has_value(), "it does not end: %s", where.c_str());
  fail_unless(status == 0 || pipelines::camera_hung_up(where), "status %d: %s", *status,
              where.c_str());
  size_t tracks = 0;
  for (const std::string& file : files) {
    assert_good_recording(folder.file(file), where);
    tracks += boxes::read_movie(folder.file(file))->tracks.size();
  }
  fail_unless(tracks == pipelines::pads_of(line.text).size(), "%zu tracks: %s", tracks,
              where.c_str());
}
GST_END_TEST

GST_START_TEST(the_readme_shows_how_to_record) {
  size_t recordings = 0;
  for (const LaunchLine& line : lines)
    if (line.place.starts_with("README.md")) recordings += pipelines::pads_of(line.text).size();
  fail_unless(recordings >= 5, "only %zu pads in README.md", recordings);
}
GST_END_TEST

// So that a graph of the pipeline shows which stream is which.
GST_START_TEST(documented_lines_name_the_pads_of_the_recorder) {
  for (const LaunchLine& line : lines)
    for (const std::string& pad : pipelines::pads_of(line.text))
      fail_unless(pad.find('_') != std::string::npos, "%s: pad \"%s\" has no name of its own in %s",
                  line.place.c_str(), pad.c_str(), line.text.c_str());
}
GST_END_TEST

Suite* documented_lines_suite() {
  lines = pipelines::documented_launch_lines(REPOSITORY);
  Suite* suite = suite_create("documented_lines");
  TCase* tcase = tcase_create("lines");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, the_readme_shows_how_to_record);
  tcase_add_test(tcase, documented_lines_name_the_pads_of_the_recorder);
  tcase_add_loop_test(tcase, a_documented_line_works_when_pasted, 0,
                      static_cast<int>(lines.size()));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(documented_lines)
