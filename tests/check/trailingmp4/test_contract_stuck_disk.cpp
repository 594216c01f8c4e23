// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A disk that does not take the end of the file: how long a stop waits, what it says meanwhile, and
// what becomes of the file when the disk is back.
#include <unistd.h>

#include <atomic>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "element_bench.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using faults::Call;
using faults::FaultySyscalls;

// A second of video is taken; the disk stands still from its first such call on: its first sync of
// data is that of the ending.
struct Stuck : Bench {
  FaultySyscalls disk{folder().path()};
  Feed& video;

  explicit Stuck(Call call = Call::kDataSync) : video(add_video()) {
    disk.block(call, 1);
    play();
    video.start();
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  }
  ~Stuck() { disk.release(); }
};

double seconds_since(gint64 began) {
  return static_cast<double>(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
}

bool comes_to_wait(pid_t thread) {
  for (int i = 0; i < 20'000; ++i, g_usleep(1'000))
    if (threads::waits_on_condition(thread)) return true;
  return false;
}

}  // namespace

GST_START_TEST(eos_comes_only_when_the_disk_has_taken_everything) {
  Stuck bench;
  bench.video.eos();
  fail_unless(bench.disk.wait_until_blocked());
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  fail_if(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"));
  bench.disk.release();
  bench.expect_eos();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(eos_that_is_due_while_paused_comes_in_playing) {
  Stuck bench;
  bench.video.eos();
  fail_unless(bench.disk.wait_until_blocked());
  bench.to(GST_STATE_PAUSED);
  bench.disk.release();
  bench.expect_finished();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.to(GST_STATE_PLAYING);
  bench.expect_eos();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 1);
}
GST_END_TEST

GST_START_TEST(releasing_a_pad_after_its_eos_does_not_take_the_eos_message_back) {
  Stuck bench;
  bench.video.eos();
  fail_unless(bench.disk.wait_until_blocked());
  bench.video.release();
  bench.disk.release();
  bench.expect_eos();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(release_and_unlink_do_not_wait_for_the_disk) {
  Stuck bench;
  Feed& audio = bench.add_audio();
  audio.start();
  fail_unless_equals_int(audio.push_many(10), GST_FLOW_OK);
  const gint64 began = g_get_monotonic_time();
  audio.unlink();
  audio.release();
  bench.video.release();
  fail_unless(seconds_since(began) < 2);
  fail_unless(bench.disk.wait_until_blocked());
  bench.disk.release();
  bench.expect_finished();
  bench.expect_file({&bench.video, &audio});
}
GST_END_TEST

GST_START_TEST(a_flush_while_the_end_is_written_changes_nothing_of_the_file) {
  Stuck bench;
  bench.video.eos();
  fail_unless(bench.disk.wait_until_blocked());
  bench.video.flush_start();
  bench.video.flush_stop();
  bench.video.segment();
  fail_unless_equals_int(bench.video.push({.picture = bench::Picture::kIdr}), GST_FLOW_EOS);
  bench.disk.release();
  bench.expect_finished();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.stop();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(a_stop_waits_for_the_disk) {
  Stuck bench;
  std::atomic<bool> waited{false};
  std::thread helper([&, application = gettid()] {
    waited = bench.disk.wait_until_blocked() && comes_to_wait(application);
    bench.disk.release();
  });
  bench.stop();
  helper.join();
  fail_unless(waited);
  bench.expect_file(bench.video);
  bench.expect_quiet();
}
GST_END_TEST

// Slow: the warning comes after five seconds.
GST_START_TEST(a_stop_that_waits_for_the_disk_says_so_after_five_seconds) {
  Stuck bench;
  std::thread helper([&] {
    bench.log().wait_for(GST_MESSAGE_WARNING);
    bench.disk.release();
  });
  const gint64 began = g_get_monotonic_time();
  bench.stop();
  const double waited = seconds_since(began);
  helper.join();
  fail_unless(waited > 4.9 && waited < 10, "the warning came after %f s", waited);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless(bench.log().text(GST_MESSAGE_WARNING).find(bench.location()) != std::string::npos);
  bench.expect_file(bench.video);
}
GST_END_TEST

// Whatever it is that the disk does not do.
constexpr Call kStuckCalls[] = {Call::kOpen, Call::kReserve, Call::kWrite, Call::kSync,
                                Call::kDataSync};

GST_START_TEST(after_stop_timeout_the_stop_returns_and_the_file_is_finished_later) {
  Stuck bench(kStuckCalls[__i__]);
  g_object_set(bench.element(), "stop-timeout", 200 * GST_MSECOND, nullptr);
  const gint64 began = g_get_monotonic_time();
  bench.stop();
  const double waited = seconds_since(began);
  fail_unless(waited > 0.19 && waited < 3, "waited %f s", waited);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_if(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"));
  bench.disk.release();
  bench.expect_finished();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(what_is_written_in_the_background_does_not_touch_the_next_recording) {
  Stuck bench;
  g_object_set(bench.element(), "stop-timeout", 50 * GST_MSECOND, nullptr);
  bench.video.eos();
  bench.stop();
  g_object_set(bench.element(), "stop-timeout", guint64{0}, nullptr);
  const std::string before = bench.location();
  const auto expected = bench.video.expected();
  const std::string after = bench.fresh_location();
  Feed& video = bench.video;
  video.expect_nothing();
  bench.log().clear();
  bench.play();
  video.stream_start(2);
  video.segment();
  fail_unless_equals_int(video.push({.picture = bench::Picture::kIdr}), GST_FLOW_OK);
  bench.disk.release();
  bench.expect_finished();  // of the first
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
  const auto earlier = boxes::read_movie(before);
  fail_unless(earlier && earlier->problems.empty() && earlier->tracks.size() == 1);
  fail_unless_equals_int(earlier->tracks[0].samples.size(), expected.size());
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"), 2);
}
GST_END_TEST

GST_START_TEST(an_element_may_go_away_while_its_file_is_finished_in_the_background) {
  bench::TempFolder folder;
  FaultySyscalls disk(folder.path());
  const std::string location = folder.file("late.mp4");
  {
    Bench bench;
    bench.set_location(location);
    disk.block(Call::kDataSync, 1);
    Feed& video = bench.add_video();
    g_object_set(bench.element(), "stop-timeout", 50 * GST_MSECOND, nullptr);
    bench.play();
    video.start();
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
    bench.stop();
  }
  disk.release();
  std::optional<boxes::Movie> movie;
  for (int i = 0; i < 2000 && (!movie || movie->fragmented); ++i) {
    g_usleep(5000);
    movie = boxes::read_movie(location);
  }
  fail_unless(movie && movie->problems.empty() && movie->tracks.size() == 1);
  fail_unless_equals_int(movie->tracks[0].samples.size(), 25);
}
GST_END_TEST

GST_START_TEST(a_stop_timeout_that_is_not_reached_says_nothing) {
  Bench bench;
  Feed& video = bench.add_video();
  const GstClockTime timeouts[] = {1, GST_MSECOND, GST_SECOND, G_MAXUINT64};
  g_object_set(bench.element(), "stop-timeout", timeouts[__i__], nullptr);
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  bench.expect_eos();
  bench.stop();
  bench.expect_quiet();
  bench.expect_file(video);
}
GST_END_TEST

static Suite* test_contract_stuck_disk_suite(void) {
  Suite* suite = suite_create("contract_stuck_disk");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, eos_comes_only_when_the_disk_has_taken_everything);
  tcase_add_test(tests, eos_that_is_due_while_paused_comes_in_playing);
  tcase_add_test(tests, releasing_a_pad_after_its_eos_does_not_take_the_eos_message_back);
  tcase_add_test(tests, release_and_unlink_do_not_wait_for_the_disk);
  tcase_add_test(tests, a_flush_while_the_end_is_written_changes_nothing_of_the_file);
  tcase_add_test(tests, a_stop_waits_for_the_disk);
  tcase_add_test(tests, a_stop_that_waits_for_the_disk_says_so_after_five_seconds);
  tcase_add_loop_test(tests, after_stop_timeout_the_stop_returns_and_the_file_is_finished_later, 0,
                      static_cast<int>(std::size(kStuckCalls)));
  tcase_add_test(tests, what_is_written_in_the_background_does_not_touch_the_next_recording);
  tcase_add_test(tests, an_element_may_go_away_while_its_file_is_finished_in_the_background);
  tcase_add_loop_test(tests, a_stop_timeout_that_is_not_reached_says_nothing, 0, 4);
  return suite;
}

GST_CHECK_MAIN(test_contract_stuck_disk)
