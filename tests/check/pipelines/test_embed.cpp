// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The embedding example does what it says: it records, says so, and ends in good order.
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

void assert_good_ending(ChildProcess& embed, const std::string& path, size_t tracks) {
  const auto status = embed.wait(seconds(30));
  const std::string output = embed.output();
  const bool hung_up = pipelines::camera_hung_up(output);
  fail_unless(status == 0 || hung_up, "%s", output.c_str());
  for (const char* text : {"recording into ", "finished ", " samples="})
    fail_unless(output.find(text) != std::string::npos, "no \"%s\" in: %s", text, output.c_str());
  fail_unless(output.find("error") == std::string::npos || hung_up, "%s", output.c_str());
  fail_unless(output.find("CRITICAL") == std::string::npos, "%s", output.c_str());
  auto lines = pipelines::box_problems(path);
  for (auto& line : pipelines::player_complaints(path)) lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
  const auto movie = boxes::read_movie(path);
  fail_unless_equals_int(movie->tracks.size(), tracks);
}

GST_START_TEST(embed_records_its_test_sources) {
  const ScratchFolder folder;
  ChildProcess embed("exec '" EMBED "' --test test.mp4 2", folder.path());
  assert_good_ending(embed, folder.file("test.mp4"), 2);
}
GST_END_TEST

GST_START_TEST(embed_ends_at_ctrl_c) {
  const ScratchFolder folder;
  ChildProcess embed("exec '" EMBED "' --test test.mp4", folder.path());
  fail_unless(embed.makes(folder.file("test.mp4"), seconds(20)), "%s", embed.output().c_str());
  embed.wait(seconds(2));
  embed.signal_group(SIGINT);
  assert_good_ending(embed, folder.file("test.mp4"), 2);
}
GST_END_TEST

struct Case {
  camera::Options options;
  size_t tracks;
};
const Case kCameras[] = {{{}, 2}, {{.audio = false}, 1}};

GST_START_TEST(embed_records_a_camera) {
  const Case& one = kCameras[__i__];
  const ScratchFolder folder;
  const auto camera = TestCamera::start(one.options);
  fail_unless(camera != nullptr);
  ChildProcess embed("exec '" EMBED "' " + camera->url() + " camera.mp4", folder.path());
  fail_unless(embed.makes(folder.file("camera.mp4"), seconds(20)), "%s", embed.output().c_str());
  embed.wait(seconds(2));
  embed.signal(SIGINT);
  assert_good_ending(embed, folder.file("camera.mp4"), one.tracks);
}
GST_END_TEST

GST_START_TEST(embed_says_why_it_cannot_record) {
  const ScratchFolder folder;
  const pipelines::Outcome outcome =
      pipelines::run("exec '" EMBED "' --test missing/test.mp4 2", folder.path());
  fail_unless(outcome.status == 1, "%s", outcome.output.c_str());
  fail_unless(outcome.output.find("missing/test.mp4") != std::string::npos, "%s",
              outcome.output.c_str());
}
GST_END_TEST

Suite* embed_suite() {
  Suite* suite = suite_create("embed");
  TCase* tcase = tcase_create("embed");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, embed_records_its_test_sources);
  tcase_add_test(tcase, embed_ends_at_ctrl_c);
  tcase_add_loop_test(tcase, embed_records_a_camera, 0, static_cast<int>(std::size(kCameras)));
  tcase_add_test(tcase, embed_says_why_it_cannot_record);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(embed)
