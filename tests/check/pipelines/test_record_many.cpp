// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The examples record_many.cpp and record_many.py: three files, one after the other, of a camera
// that is connected to once and never stops.
#include <gst/gst.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "box_reader.h"
#include "camera_recording.h"
#include "child_process.h"
#include "file_readers.h"
#include "media_track.h"
#include "scratch_folder.h"
#include "test_camera.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::ChildProcess;
using pipelines::Match;
using pipelines::MediaTracks;
using pipelines::ScratchFolder;
using std::chrono::seconds;

constexpr int kFiles = 3;
constexpr int kSecondsEach = 3;

// What the cases of a TCase run.
const char* const kProgram = "exec '" RECORD_MANY "' ";
const char* const kScript = "exec /usr/bin/python3 '" REPOSITORY "/tests/examples/record_many.py' ";
const char* command = kProgram;

void use_script() { command = kScript; }

std::string file_name(int number) { return "many-" + std::to_string(number) + ".mp4"; }

void assert_none(const std::string& name, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s: %s", name.c_str(), pipelines::join(lines).c_str());
}

void assert_good_file(const ScratchFolder& folder, const std::string& name, size_t tracks,
                      double at_least) {
  assert_none(name, pipelines::box_problems(folder.file(name)));
  assert_none(name, pipelines::player_complaints(folder.file(name)));
  const auto movie = boxes::read_movie(folder.file(name));
  fail_unless_equals_int(movie->tracks.size(), tracks);
  const double duration = static_cast<double>(movie->duration) / movie->timescale;
  fail_unless(duration >= at_least, "%s: only %f s", name.c_str(), duration);
}

void assert_says_files(const std::string& output, int files) {
  std::string said;
  size_t at = 0;
  for (int number = 1; number <= files; ++number) {
    for (const char* what : {"recording into ", "finished "}) {
      said = what + file_name(number);
      at = output.find(said, at);
      fail_unless(at != std::string::npos, "no \"%s\" in its place: %s", said.c_str(),
                  output.c_str());
    }
  }
  fail_unless(output.find("recording into " + file_name(files + 1)) == std::string::npos);
  for (const char* bad : {"CRITICAL", "error", "warning", "Traceback"})
    fail_unless(output.find(bad) == std::string::npos, "%s", output.c_str());
}

GST_START_TEST(test_sources_go_into_three_files) {
  const ScratchFolder folder;
  ChildProcess many(command + std::string("--test many 1"), folder.path());
  const auto status = many.wait(seconds(60));
  fail_unless(status == 0, "%s", many.output().c_str());
  assert_says_files(many.output(), kFiles);
  for (int number = 1; number <= kFiles; ++number)
    assert_good_file(folder, file_name(number), 2, 0.9);
}
GST_END_TEST

// The reports that tell how sound and picture belong together may be missing in the first second of
// a connection; on a busy machine rtspsrc's clocks of both are tens of milliseconds apart.
constexpr int64_t kHardlyNoticed = 120'000'000;

void assert_in_sync(const std::string& name, const Match& video, const Match& audio) {
  const int64_t apart = video.shift_ns.back() - audio.shift_ns.back();
  fail_unless(std::llabs(apart) <= kHardlyNoticed,
              "%s: the picture is %" G_GINT64_FORMAT " ns later than its sound", name.c_str(),
              apart);
}

// The file begins with a key picture, and what is in it lies in what the camera sent behind place
// `end`, in one piece. Where that piece ends goes into `end`.
void assert_is_next_piece(const camera::Truth& truth, const ScratchFolder& folder,
                          const std::string& name, size_t* end) {
  const MediaTracks tracks = pipelines::read_with_boxes(folder.file(name));
  const size_t picture = tracks.at(0).video ? 0 : 1;
  const Match video = pipelines::match(truth.video, tracks.at(picture));
  const Match audio = pipelines::match(truth.audio, tracks.at(1 - picture));
  assert_none(name, video.faults);
  assert_none(name, audio.faults);
  const pipelines::MediaSample& first_picture = tracks.at(picture).samples.front();
  const pipelines::MediaSample& first_sound = tracks.at(1 - picture).samples.front();
  fail_unless(first_picture.key, "%s begins without a key picture", name.c_str());
  fail_unless(*first_picture.pts_ns - *first_sound.pts_ns <= kHardlyNoticed,
              "%s begins with sound alone", name.c_str());
  fail_unless(video.first >= *end, "%s: picture %zu is in another file too", name.c_str(),
              video.first);
  *end = video.first + video.camera_ns.size();
  assert_in_sync(name, video, audio);
}

GST_START_TEST(a_camera_that_is_connected_once_goes_into_three_files) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess many(command + camera->url() + " many " + std::to_string(kSecondsEach),
                    folder.path());
  const auto status = many.wait(seconds(90));
  fail_unless(status == 0, "%s", many.output().c_str());
  camera->stop();
  assert_says_files(many.output(), kFiles);
  fail_unless_equals_int(camera->plays(), 1);
  size_t end = 0;
  for (int number = 1; number <= kFiles; ++number) {
    assert_good_file(folder, file_name(number), 2, kSecondsEach - 0.3);
    assert_is_next_piece(camera->truth(), folder, file_name(number), &end);
  }
}
GST_END_TEST

GST_START_TEST(a_camera_without_sound_goes_into_three_files) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({.audio = false});
  fail_unless(camera != nullptr);
  ChildProcess many(command + camera->url() + " many 1", folder.path());
  const auto status = many.wait(seconds(90));
  fail_unless(status == 0, "%s", many.output().c_str());
  assert_says_files(many.output(), kFiles);
  for (int number = 1; number <= kFiles; ++number)
    assert_good_file(folder, file_name(number), 1, 0.7);
}
GST_END_TEST

GST_START_TEST(ctrl_c_finishes_the_file_that_is_being_recorded) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess many(command + camera->url() + " many 2", folder.path());
  fail_unless(many.prints("recording into " + file_name(2), seconds(60)), "%s",
              many.output().c_str());
  many.wait(seconds(1));
  many.signal_group(SIGINT);
  const auto status = many.wait(seconds(20));
  fail_unless(status == 0, "%s", many.output().c_str());
  assert_says_files(many.output(), 2);
  assert_good_file(folder, file_name(1), 2, 1.7);
  assert_good_file(folder, file_name(2), 2, 0.7);
}
GST_END_TEST

// A recording that starts behind the first key picture waits a second for the next one.
GST_START_TEST(a_camera_that_ends_its_stream_ends_the_program_with_an_error) {
  const ScratchFolder folder;
  const auto camera = TestCamera::start({.pictures = 75, .audio = false});
  fail_unless(camera != nullptr);
  ChildProcess many(command + camera->url() + " many 60", folder.path());
  fail_unless(many.wait(seconds(60)) == 1, "%s", many.output().c_str());
  fail_unless(many.prints("error: the camera ended its stream", seconds(0)), "%s",
              many.output().c_str());
  assert_good_file(folder, file_name(1), 1, 1.9);
}
GST_END_TEST

GST_START_TEST(a_file_that_cannot_be_made_ends_the_program_with_an_error) {
  const ScratchFolder folder;
  const auto [status, output] =
      pipelines::run(command + std::string("--test missing/many 1"), folder.path());
  fail_unless(status == 1, "%s", output.c_str());
  fail_unless(output.find("error: ") != std::string::npos, "%s", output.c_str());
  fail_unless(output.find("missing/many-1.mp4") != std::string::npos, "%s", output.c_str());
}
GST_END_TEST

void add_case(Suite* suite, const char* name, SFun setup) {
  TCase* tcase = tcase_create(name);
  suite_add_tcase(suite, tcase);
  if (setup != nullptr) tcase_add_unchecked_fixture(tcase, setup, nullptr);
  tcase_add_test(tcase, test_sources_go_into_three_files);
  tcase_add_test(tcase, a_camera_that_is_connected_once_goes_into_three_files);
  tcase_add_test(tcase, a_camera_without_sound_goes_into_three_files);
  tcase_add_test(tcase, ctrl_c_finishes_the_file_that_is_being_recorded);
  tcase_add_test(tcase, a_camera_that_ends_its_stream_ends_the_program_with_an_error);
  tcase_add_test(tcase, a_file_that_cannot_be_made_ends_the_program_with_an_error);
}

Suite* record_many_suite() {
  Suite* suite = suite_create("record_many");
  add_case(suite, "program", nullptr);
  add_case(suite, "script", use_script);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(record_many)
