// SPDX-License-Identifier: LGPL-2.1-or-later
//
// READY to PAUSED is done at once, and in PAUSED no data is taken: what carries media or ends it
// waits, what describes it passes. PLAYING, a flush, a release and a stop let go who waits.
#include <functional>
#include <string>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;

// What waits in PAUSED, on a feed that has been started.
struct Waiter {
  const char* name;
  std::function<void(Feed&)> push;
};

const Waiter kWaiters[] = {
    {"buffer", [](Feed& feed) { feed.push(); }},
    {"list", [](Feed& feed) { feed.push_list(3); }},
    {"gap", [](Feed& feed) { feed.gap(0, GST_SECOND); }},
    {"eos", [](Feed& feed) { feed.eos(); }},
};
constexpr int kWaiterCount = G_N_ELEMENTS(kWaiters);

void start_waiting(Bench& bench, Feed& feed, const Waiter& waiter) {
  bench.to(GST_STATE_PAUSED);
  feed.start();
  feed.start_thread([&] { waiter.push(feed); });
  fail_unless(feed.is_waiting(), "%s does not wait in PAUSED", waiter.name);
}

}  // namespace

GST_START_TEST(ready_to_paused_succeeds_at_once_without_pads) {
  Bench bench;
  bench.to(GST_STATE_READY);
  bench.to(GST_STATE_PAUSED);
  fail_unless_equals_int(gst_element_get_state(bench.element(), nullptr, nullptr, 0),
                         GST_STATE_CHANGE_SUCCESS);
  fail_if(bench.file_exists());
}
GST_END_TEST

GST_START_TEST(ready_to_paused_succeeds_at_once_before_any_data) {
  Bench bench;
  bench.add_video();
  bench.add_audio();
  bench.to(GST_STATE_PAUSED);
  bench.to(GST_STATE_PLAYING);
  fail_if(bench.log().count(GST_MESSAGE_ASYNC_START));
}
GST_END_TEST

GST_START_TEST(stream_start_caps_segment_and_tags_pass_in_paused) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.to(GST_STATE_PAUSED);
  video.start_thread([&] {
    video.start();
    video.event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "a title", nullptr)));
  });
  fail_if(video.is_waiting());
  fail_unless(video.join());
  bench.expect(GST_MESSAGE_STREAM_START);
  bench.expect(GST_MESSAGE_TAG);
}
GST_END_TEST

GST_START_TEST(what_waits_in_paused_is_let_go_by_playing) {
  const Waiter& waiter = kWaiters[__i__];
  Bench bench;
  Feed& video = bench.add_video();
  start_waiting(bench, video, waiter);
  fail_if(bench.file_exists());
  bench.to(GST_STATE_PLAYING);
  fail_unless(video.join(), "%s still waits in PLAYING", waiter.name);
  if (waiter.name != std::string("eos")) {
    fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
    video.eos();
    bench.expect_finished();
    bench.expect_file(video);
  }
  bench.expect_eos();
}
GST_END_TEST

GST_START_TEST(what_waits_in_paused_is_let_go_by_a_flush) {
  const Waiter& waiter = kWaiters[__i__];
  Bench bench;
  Feed& video = bench.add_video();
  start_waiting(bench, video, waiter);
  video.flush_start();
  fail_unless(video.join(), "%s still waits after FLUSH_START", waiter.name);
  fail_unless(video.expected().empty(), "%s was taken in PAUSED", waiter.name);
  video.flush_stop();
  video.segment();
  bench.to(GST_STATE_PLAYING);
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  bench.stop();
  fail_if(bench.log().count(GST_MESSAGE_EOS), "the EOS that was flushed away counted");
}
GST_END_TEST

GST_START_TEST(what_waits_in_paused_is_let_go_by_release) {
  const Waiter& waiter = kWaiters[__i__];
  Bench bench;
  Feed& video = bench.add_video();
  start_waiting(bench, video, waiter);
  video.release();
  fail_unless(video.join(), "%s still waits after release", waiter.name);
  fail_unless(video.expected().empty(), "%s was taken in PAUSED", waiter.name);
  bench.stop();
  fail_if(bench.file_exists());
}
GST_END_TEST

GST_START_TEST(what_waits_in_paused_is_let_go_by_ready) {
  const Waiter& waiter = kWaiters[__i__];
  Bench bench;
  Feed& video = bench.add_video();
  start_waiting(bench, video, waiter);
  bench.to(GST_STATE_READY);
  fail_unless(video.join(), "%s still waits in READY", waiter.name);
  fail_unless(video.expected().empty(), "%s was taken in PAUSED", waiter.name);
  fail_if(bench.file_exists());
  fail_if(bench.log().count(GST_MESSAGE_EOS));
}
GST_END_TEST

GST_START_TEST(pausing_in_mid_stream_loses_nothing) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.start_thread([&] { video.push_many(200); });
  audio.start_thread([&] { audio.push_many(400); });
  for (int i = 0; i < 20; ++i) {
    bench.to(GST_STATE_PAUSED);
    bench.to(GST_STATE_PLAYING);
  }
  fail_unless(video.join() && audio.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 200);
  fail_unless_equals_int(audio.expected().size(), 400);
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_recording_that_is_paused_takes_nothing_until_playing) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  bench.to(GST_STATE_PAUSED);
  video.start_thread([&] { video.push_many(10); });
  fail_unless(video.is_waiting());
  fail_unless_equals_uint64(bench.stat(video, "samples"), 10);
  bench.to(GST_STATE_PLAYING);
  fail_unless(video.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 20);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(stopping_while_paused_in_mid_stream_finishes_the_file) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  bench.to(GST_STATE_PAUSED);
  video.start_thread([&] { video.push(); });
  fail_unless(video.is_waiting());
  bench.stop();
  fail_unless(video.join());
  fail_unless_equals_int(video.expected().size(), 10);
  bench.expect_file(video);
}
GST_END_TEST

static Suite* test_contract_paused_suite(void) {
  Suite* suite = suite_create("contract_paused");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, ready_to_paused_succeeds_at_once_without_pads);
  tcase_add_test(tests, ready_to_paused_succeeds_at_once_before_any_data);
  tcase_add_test(tests, stream_start_caps_segment_and_tags_pass_in_paused);
  tcase_add_loop_test(tests, what_waits_in_paused_is_let_go_by_playing, 0, kWaiterCount);
  tcase_add_loop_test(tests, what_waits_in_paused_is_let_go_by_a_flush, 0, kWaiterCount);
  tcase_add_loop_test(tests, what_waits_in_paused_is_let_go_by_release, 0, kWaiterCount);
  tcase_add_loop_test(tests, what_waits_in_paused_is_let_go_by_ready, 0, kWaiterCount);
  tcase_add_test(tests, pausing_in_mid_stream_loses_nothing);
  tcase_add_test(tests, a_recording_that_is_paused_takes_nothing_until_playing);
  tcase_add_test(tests, stopping_while_paused_in_mid_stream_finishes_the_file);
  return suite;
}

GST_CHECK_MAIN(test_contract_paused)
