// SPDX-License-Identifier: LGPL-2.1-or-later
//
// trailingmp4-finalize as a user runs it: what it says, and its exit status.
#include <gst/gst.h>

#include <filesystem>
#include <string>

#include "child_process.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::ScratchFolder;

void expect(const std::string& arguments, int status, const std::string& text) {
  const pipelines::Outcome outcome = pipelines::run("'" FINALIZE "' " + arguments);
  fail_unless(outcome.status == status, "%s: %d, %s", arguments.c_str(),
              outcome.status.value_or(-1), outcome.output.c_str());
  const bool said =
      text.empty() ? outcome.output.empty() : outcome.output.find(text) != std::string::npos;
  fail_unless(said, "%s: %s", arguments.c_str(), outcome.output.c_str());
}

std::string left_over(const ScratchFolder& folder) {
  const std::string path = folder.file("recorded.mp4");
  pipelines::RecordingPipeline pipeline(
      "videotestsrc num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1 ! "
      "x264enc key-int-max=10 ! h264parse ! trailingmp4sink name=rec fragment-duration=200000000",
      path);
  fail_unless(pipeline.play_to_end(), "%s", pipelines::join(pipeline.complaints()).c_str());
  return pipelines::as_killed(path);
}

}  // namespace

GST_START_TEST(it_says_what_it_finds_and_does) {
  const ScratchFolder folder;
  const std::string path = left_over(folder);
  expect("--check " + path, 3,
         path + ": can be finished: 2.0 s, tracks: 1, samples: 50, fragments:");
  expect(path, 0, path + ": finished now: 2.0 s");
  expect(path, 0, path + ": is finished.");
  expect("--check " + path, 0, path + ": is finished.");
  const auto complaints = pipelines::player_complaints(path);
  fail_unless(complaints.empty(), "%s", pipelines::join(complaints).c_str());
}
GST_END_TEST

GST_START_TEST(a_file_that_is_amiss_does_not_keep_it_from_the_others) {
  const ScratchFolder folder;
  const std::string path = left_over(folder), none = folder.file("none.mp4");
  expect(none + " " + path, 1, none + ": It cannot be opened. (No such file or directory)");
  expect("--check " + path, 0, "is finished");
  expect("--quiet " + path, 0, "");
}
GST_END_TEST

GST_START_TEST(wrong_usage_and_help_say_how_it_is_used) {
  expect("", 2, "Usage: trailingmp4-finalize");
  expect("--unheard-of x.mp4", 2, "Usage: trailingmp4-finalize");
  expect("--help", 0, "Exit status:");
  expect("--version", 0, "trailingmp4-finalize 0.");
}
GST_END_TEST

static Suite* finalize_tool_suite() {
  Suite* suite = suite_create("finalize_tool");
  TCase* tcase = tcase_create("finalize_tool");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, it_says_what_it_finds_and_does);
  tcase_add_test(tcase, a_file_that_is_amiss_does_not_keep_it_from_the_others);
  tcase_add_test(tcase, wrong_usage_and_help_say_how_it_is_used);
  return suite;
}

GST_CHECK_MAIN(finalize_tool)
