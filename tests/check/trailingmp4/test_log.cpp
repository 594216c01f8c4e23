// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the log: what somebody who looks for a fault finds in it, by category and level, of a
// good recording and of one that fails; and that nothing is written where nobody asked.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bus_expectations.h"
#include "faulty_syscalls.h"
#include "log_lines.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Feed;
using bench::LogLine;
using bench::LogLines;
using faults::Call;
using faults::FaultySyscalls;

namespace {

constexpr char kElement[] = "trailingmp4sink";
constexpr char kFile[] = "trailingmp4sink-file";
constexpr char kTime[] = "trailingmp4sink-time";

std::string joined(const std::vector<LogLine>& lines) {
  std::string text;
  for (const LogLine& line : lines)
    text += "\n" + line.category + " " + gst_debug_level_get_name(line.level) + " <" + line.object +
            "> " + line.text;
  return text;
}

void expect_lines(LogLines& log, size_t count, const char* category, GstDebugLevel level,
                  const std::vector<std::string>& words) {
  const auto found = log.find(category, level, words);
  fail_unless(found.size() == count, "%zu lines with \"%s\", not %zu:%s", found.size(),
              words[0].c_str(), count, joined(log.all()).c_str());
}

bool fragments_are_on() { return !g_getenv("TEST_WITHOUT_FRAGMENTS"); }

// The names of this process's threads.
std::vector<std::string> thread_names() {
  std::vector<std::string> names;
  std::error_code gone;  // threads end meanwhile
  for (std::filesystem::directory_iterator task("/proc/self/task", gone), end; task != end;
       task.increment(gone)) {
    std::ifstream file(task->path() / "comm");
    std::getline(file, names.emplace_back());
  }
  return names;
}

// A thread that was joined is still told of until the kernel has put it away.
bool writers_become(int count) {
  for (int i = 0; i < 20'000; ++i, g_usleep(1000)) {
    const auto names = thread_names();
    if (std::count(names.begin(), names.end(), "mp4-writer") == count) return true;
  }
  return false;
}

}  // namespace

GST_START_TEST(a_recording_is_told_from_its_settings_to_its_end) {
  LogLines log(GST_LEVEL_LOG);
  Bench bench;
  Feed& video = bench.add(bench::Kind::kVideo, "video_3");
  Feed& audio = bench.add(bench::Kind::kAudio, "audio_1");
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(20), GST_FLOW_OK);
  const std::string location = bench.location();
  bench.stop();
  expect_lines(log, 1, kElement, GST_LEVEL_INFO,
               {"settings in force:", " location=", location, " queue-full=wait",
                " fragment-duration=", " start-at-sync=true", " max-gap=10000000000"});
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"opened \"" + location});
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"track 1 begins", "video/x-h264", "moved by"});
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"track 2 begins", "audio/mpeg"});
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"finished \"" + location, "0:00:02.000000000"});
  expect_lines(log, 50, kElement, GST_LEVEL_LOG, {"track 1, sample description 1: DTS "});
  expect_lines(log, 20, kElement, GST_LEVEL_LOG, {"track 2, sample description 1: DTS "});
  expect_lines(log, 2, kElement, GST_LEVEL_LOG, {"track 1, ", " sync sample"});
  expect_lines(log, 70, kTime, GST_LEVEL_LOG, {"running time: PTS ", "recorded, decoded at tick"});
  for (const LogLine& line : log.find(kElement, GST_LEVEL_LOG, {"track 1,"}))
    bench::expect_text(line.object, "video_3");
  bench::expect_text(log.find(kElement, GST_LEVEL_INFO, {"track 2 begins"})[0].object, "audio_1");
}
GST_END_TEST;

// Each step is one line, in the order in which docs/crash-safety.md has them.
GST_START_TEST(the_file_is_told_step_by_step) {
  LogLines log(GST_LEVEL_DEBUG);
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  bench.stop();
  std::vector<const char*> steps{"S0 make the file", "S1 ", "S2 "};
  if (fragments_are_on()) steps.insert(steps.end(), {"S3 sync", "S4 publish"});
  steps.insert(steps.end(), {"ending: moov of ", "S5 ", "S6 sync", "S7 ", "S8 flip", "S9 sync",
                             "give back", "close the file"});
  const auto lines = log.find(kFile, GST_LEVEL_DEBUG);
  auto line = lines.begin();
  for (const char* step : steps) {
    line = std::find_if(line, lines.end(),
                        [&](const LogLine& one) { return one.text.starts_with(step); });
    fail_unless(line != lines.end(), "no \"%s\" in its place in:%s", step, joined(lines).c_str());
    fail_unless(line->text.find(" ms") != std::string::npos || line->text.starts_with("ending"),
                "how long? %s", line->text.c_str());
    bench::expect_text(line->object, GST_OBJECT_NAME(bench.element()));
    ++line;
  }
  fail_unless(log.find(kElement, GST_LEVEL_LOG).empty(), "the level is not kept");
}
GST_END_TEST;

GST_START_TEST(an_error_of_the_disk_is_told_with_its_step_and_errno) {
  LogLines log(GST_LEVEL_DEBUG);
  Bench bench;
  FaultySyscalls disk(bench.folder().path());
  disk.fail_from(Call::kDataSync, 1, EIO);
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.push_many(50);  // until the error is known
  bench.to(GST_STATE_READY);
  const std::string sentence = bench.log().text(GST_MESSAGE_ERROR);
  fail_unless(!sentence.empty());
  expect_lines(log, 1, kElement, GST_LEVEL_ERROR, {sentence, "system error: Input/output error"});
  expect_lines(log, 1, kFile, GST_LEVEL_DEBUG,
               {fragments_are_on() ? "S3 sync" : "S6 sync", "failed after ",
                " ms: ", "(errno 5, Input/output error)"});
  expect_lines(log, 1, kFile, GST_LEVEL_DEBUG, {"the file is not finished", "(errno 5, "});
  expect_lines(log, 0, kElement, GST_LEVEL_INFO, {"finished "});
}
GST_END_TEST;

GST_START_TEST(an_error_before_there_is_a_file_is_told) {
  LogLines log(GST_LEVEL_ERROR);
  Bench bench;
  bench.set_location(bench.folder().file("missing/new.mp4"));
  fail_unless_equals_int(gst_element_set_state(bench.element(), GST_STATE_READY),
                         GST_STATE_CHANGE_FAILURE);
  expect_lines(log, 1, kElement, GST_LEVEL_ERROR,
               {bench.log().text(GST_MESSAGE_ERROR), "No such file or directory"});
  fail_unless_equals_int(log.all().size(), 1);
}
GST_END_TEST;

// Why is there no sound? The warning is in the log, with the pad's name and the reason.
GST_START_TEST(a_track_that_cannot_be_recorded_is_told_as_on_the_bus) {
  LogLines log(GST_LEVEL_DEBUG);
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add(bench::Kind::kAudio, "audio_0");
  bench.play();
  video.start();
  audio.stream_start();
  const bench::Owned<GstCaps> caps(
      gst_caps_from_string("audio/x-adpcm, layout=g726, rate=8000, channels=1"));
  audio.caps(caps.get());
  audio.segment();
  for (int i = 0; i < 5; ++i) audio.push({.recorded = false});
  fail_unless_equals_int(video.push_many(5), GST_FLOW_OK);
  bench.stop();
  expect_lines(log, 1, kElement, GST_LEVEL_WARNING,
               {bench.log().text(GST_MESSAGE_WARNING), "audio_0"});
  expect_lines(log, 1, kElement, GST_LEVEL_DEBUG, {"event caps event", "audio/x-adpcm"});
  expect_lines(log, 1, kElement, GST_LEVEL_DEBUG, {"dropped-after-end: "});
}
GST_END_TEST;

GST_START_TEST(a_pad_on_which_nothing_came_is_told_at_the_end) {
  LogLines log(GST_LEVEL_INFO);
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add(bench::Kind::kAudio, "audio_0");
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(5), GST_FLOW_OK);
  bench.stop();
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"no sample came on this pad"});
  bench::expect_text(log.find(kElement, GST_LEVEL_INFO, {"no sample came"})[0].object, "audio_0");
}
GST_END_TEST;

GST_START_TEST(each_correction_of_a_time_is_told_when_it_is_made) {
  LogLines log(GST_LEVEL_DEBUG);
  Bench bench;
  Feed& audio = bench.add_audio();
  bench.play();
  audio.start();
  fail_unless_equals_int(audio.push_many(20), GST_FLOW_OK);
  expect_lines(log, 0, kTime, GST_LEVEL_DEBUG, {"reanchored"});
  audio.seek(0);
  fail_unless_equals_int(audio.push(), GST_FLOW_OK);
  expect_lines(log, 1, kTime, GST_LEVEL_DEBUG,
               {"reanchored: 1 (+1); running time is moved by +0:00:00.42"});
  fail_unless_equals_int(audio.push_many(5), GST_FLOW_OK);
  expect_lines(log, 1, kTime, GST_LEVEL_DEBUG, {"reanchored"});
}
GST_END_TEST;

GST_START_TEST(another_sample_description_is_told) {
  LogLines log(GST_LEVEL_INFO);
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(2), GST_FLOW_OK);
  const bench::Owned<GstCaps> now(gst_pad_get_current_caps(video.pad()));
  const bench::Owned<GstCaps> other(gst_caps_copy(now.get()));
  gst_caps_set_simple(other.get(), "pixel-aspect-ratio", GST_TYPE_FRACTION, 12, 11, nullptr);
  video.caps(other.get());
  fail_unless_equals_int(video.push_many(3), GST_FLOW_OK);
  expect_lines(log, 1, kElement, GST_LEVEL_INFO, {"track 1 goes by sample description 2"});
  bench.stop();
}
GST_END_TEST;

GST_START_TEST(nothing_is_told_where_nobody_asked) {
  LogLines log(GST_LEVEL_NONE);
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  bench.stop();
  fail_unless(log.all().empty(), "%s", joined(log.all()).c_str());
}
GST_END_TEST;

GST_START_TEST(the_thread_that_writes_has_a_name) {
  Bench bench;
  Feed& video = bench.add_video();
  fail_unless(writers_become(0));
  bench.play();
  video.start();
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(writers_become(1));
  bench.stop();
  fail_unless(writers_become(0));
}
GST_END_TEST;

static Suite* test_log_suite(void) {
  Suite* suite = suite_create("log");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, a_recording_is_told_from_its_settings_to_its_end);
  tcase_add_test(tests, the_file_is_told_step_by_step);
  tcase_add_test(tests, an_error_of_the_disk_is_told_with_its_step_and_errno);
  tcase_add_test(tests, an_error_before_there_is_a_file_is_told);
  tcase_add_test(tests, a_track_that_cannot_be_recorded_is_told_as_on_the_bus);
  tcase_add_test(tests, a_pad_on_which_nothing_came_is_told_at_the_end);
  tcase_add_test(tests, each_correction_of_a_time_is_told_when_it_is_made);
  tcase_add_test(tests, another_sample_description_is_told);
  tcase_add_test(tests, nothing_is_told_where_nobody_asked);
  tcase_add_test(tests, the_thread_that_writes_has_a_name);
  return suite;
}

GST_CHECK_MAIN(test_log)
