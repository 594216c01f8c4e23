// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When the EOS message is posted: only in PLAYING, again after each pause, not after what takes the
// end back; and its seqnum. And the application's own EOS, gst_element_send_event().
#include <string>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;

// One track, at EOS, its file finished.
struct Ended : Bench {
  Feed& video;

  Ended() : video(add_video()) {
    play();
    video.start();
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
    video.eos();
    expect_eos();
  }

  void pause_and_play() {
    to(GST_STATE_PAUSED);
    to(GST_STATE_PLAYING);
  }
};

gboolean send_eos(Bench& bench, guint32 seqnum = GST_SEQNUM_INVALID) {
  GstEvent* eos = gst_event_new_eos();
  if (seqnum != GST_SEQNUM_INVALID) gst_event_set_seqnum(eos, seqnum);
  return gst_element_send_event(bench.element(), eos);
}

}  // namespace

GST_START_TEST(eos_message_has_the_seqnum_of_the_last_eos_event) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  video.eos(4711);
  audio.eos(815);
  fail_unless_equals_int(gst_message_get_seqnum(bench.expect_eos().get()), 815);
}
GST_END_TEST

GST_START_TEST(eos_message_has_the_seqnum_of_the_eos_when_a_release_ends_it) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  video.eos(4711);
  audio.release();
  fail_unless_equals_int(gst_message_get_seqnum(bench.expect_eos().get()), 4711);
}
GST_END_TEST

GST_START_TEST(eos_is_posted_again_at_each_paused_to_playing) {
  Ended bench;
  for (int pauses = 1; pauses <= 3; ++pauses) {
    bench.to(GST_STATE_PAUSED);
    bench.wait_until_at_rest();
    fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), pauses);
    bench.to(GST_STATE_PLAYING);
    fail_unless(bench.log().wait_for(GST_MESSAGE_EOS, "", pauses) != nullptr);
  }
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 4);
}
GST_END_TEST

GST_START_TEST(flush_stop_takes_the_eos_back) {
  Ended bench;
  bench.video.flush_start();
  bench.video.flush_stop();
  bench.log().clear();
  bench.pause_and_play();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.video.segment();
  bench.video.eos();
  bench.expect_eos();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(stream_start_takes_the_eos_back) {
  Ended bench;
  bench.video.stream_start(2);
  bench.log().clear();
  bench.pause_and_play();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.video.segment();
  bench.video.eos();
  bench.expect_eos();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(eos_that_waits_in_paused_is_posted_once_in_playing) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.to(GST_STATE_PAUSED);
  video.start_thread([&] { video.eos(99); });
  fail_unless(video.is_waiting());
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.to(GST_STATE_PLAYING);
  fail_unless(video.join());
  fail_unless_equals_int(gst_message_get_seqnum(bench.expect_eos().get()), 99);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 1);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(no_eos_is_posted_on_the_way_down) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.to(GST_STATE_PAUSED);
  video.start_thread([&] { video.eos(); });
  fail_unless(video.is_waiting());
  bench.stop();
  fail_unless(video.join());
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.expect_file(video);
}
GST_END_TEST

// ---- the application's EOS ----

GST_START_TEST(sending_eos_to_the_element_ends_the_recording) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(25), GST_FLOW_OK);
  fail_unless(send_eos(bench, 1234));
  fail_unless_equals_int(gst_message_get_seqnum(bench.expect_eos().get()), 1234);
  bench.expect_file({&video, &audio});
  fail_unless_equals_int(video.push(), GST_FLOW_EOS);
  video.eos();
  audio.eos();
  bench.wait_until_at_rest();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 1);
}
GST_END_TEST

GST_START_TEST(sending_eos_while_paused_ends_it_and_posts_in_playing) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.to(GST_STATE_PAUSED);
  GstFlowReturn flow = GST_FLOW_OK;
  video.start_thread([&] { flow = video.push(); });
  fail_unless(video.is_waiting());
  fail_unless(send_eos(bench));
  bench.expect_finished();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.to(GST_STATE_PLAYING);
  bench.expect_eos();
  fail_unless(video.join());
  fail_unless_equals_int(flow, GST_FLOW_EOS);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(sending_eos_while_paused_before_any_data_posts_eos_in_playing) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.to(GST_STATE_PAUSED);
  video.start();
  fail_unless(send_eos(bench));
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.to(GST_STATE_PLAYING);
  bench.expect_eos();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless_equals_int(video.push(), GST_FLOW_EOS);
  bench.stop();
  fail_if(bench.file_exists());
}
GST_END_TEST

GST_START_TEST(sending_eos_without_pads_posts_eos) {
  Bench bench;
  bench.play();
  fail_unless(send_eos(bench));
  bench.expect_eos();
  bench.stop();
  fail_if(bench.file_exists());
}
GST_END_TEST

GST_START_TEST(sending_eos_when_not_recording_is_refused) {
  Bench bench;
  bench.add_video();
  fail_if(send_eos(bench));
  bench.to(GST_STATE_READY);
  fail_if(send_eos(bench));
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
}
GST_END_TEST

GST_START_TEST(nothing_but_ready_takes_the_applications_eos_back) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  fail_unless(send_eos(bench));
  bench.expect_eos();
  video.flush_start();
  video.flush_stop();
  video.stream_start(2);
  video.segment();
  fail_unless_equals_int(video.push(), GST_FLOW_EOS);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(eos_from_many_threads_ends_it_once) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.start_thread([&] {
    video.push_many(50);
    video.eos();
  });
  audio.start_thread([&] {
    audio.push_many(94);
    audio.eos();
  });
  g_usleep(1000 * static_cast<gulong>(__i__));
  send_eos(bench);
  fail_unless(video.join() && audio.join());
  bench.expect_eos();
  bench.wait_until_at_rest();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  if (!video.expected().empty() || !audio.expected().empty()) bench.expect_file({&video, &audio});
}
GST_END_TEST

static Suite* test_contract_eos_message_suite(void) {
  Suite* suite = suite_create("contract_eos_message");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, eos_message_has_the_seqnum_of_the_last_eos_event);
  tcase_add_test(tests, eos_message_has_the_seqnum_of_the_eos_when_a_release_ends_it);
  tcase_add_test(tests, eos_is_posted_again_at_each_paused_to_playing);
  tcase_add_test(tests, flush_stop_takes_the_eos_back);
  tcase_add_test(tests, stream_start_takes_the_eos_back);
  tcase_add_test(tests, eos_that_waits_in_paused_is_posted_once_in_playing);
  tcase_add_test(tests, no_eos_is_posted_on_the_way_down);
  tcase_add_test(tests, sending_eos_to_the_element_ends_the_recording);
  tcase_add_test(tests, sending_eos_while_paused_ends_it_and_posts_in_playing);
  tcase_add_test(tests, sending_eos_while_paused_before_any_data_posts_eos_in_playing);
  tcase_add_test(tests, sending_eos_without_pads_posts_eos);
  tcase_add_test(tests, sending_eos_when_not_recording_is_refused);
  tcase_add_test(tests, nothing_but_ready_takes_the_applications_eos_back);
  tcase_add_loop_test(tests, eos_from_many_threads_ends_it_once, 0, 6);
  return suite;
}

GST_CHECK_MAIN(test_contract_eos_message)
