// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A disk that does not answer, or is too slow: pads wait or drop as queue-full says, nothing else
// waits, and what lets go the pads does so now.
#include <thread>

#include "element_bench.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Picture;
using faults::Call;
using faults::FaultySyscalls;

constexpr guint64 kQueueBytes = 64 * 1024;
constexpr size_t kPictureBytes = 4096;

// Pictures of a known size, until one is not taken or none are left.
GstFlowReturn push_pictures(Feed& video, int count) {
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < count && flow == GST_FLOW_OK; ++i) flow = video.push({.size = kPictureBytes});
  return flow;
}

// Playing, and the disk stands still: the pad's thread waits for room.
struct Full : Bench {
  FaultySyscalls disk{folder().path()};
  Feed& video;
  GstFlowReturn flow = GST_FLOW_OK;

  explicit Full(int pictures = 100) : video(add_video()) {
    disk.block(Call::kWrite, 1);
    g_object_set(element(), "max-queue-bytes", kQueueBytes, nullptr);
    play();
    video.start();
    video.start_thread([this, pictures] { flow = push_pictures(video, pictures); });
    fail_unless(disk.wait_until_blocked());
    fail_unless(video.is_waiting(), "the queue has no bound");
  }
  ~Full() { disk.release(); }
};

}  // namespace

GST_START_TEST(a_full_queue_makes_the_pad_wait_and_nothing_is_lost) {
  Full bench;
  const guint64 queued = bench.stat("queue-bytes");
  fail_unless(queued >= kQueueBytes && queued < kQueueBytes + 30 * kPictureBytes,
              "%" G_GUINT64_FORMAT " bytes are queued", queued);
  bench.disk.release();
  fail_unless(bench.video.join());
  fail_unless_equals_int(bench.flow, GST_FLOW_OK);
  bench.video.eos();
  bench.expect_eos();
  fail_unless_equals_int(bench.video.expected().size(), 100);
  bench.expect_file(bench.video);
  fail_unless_equals_uint64(bench.stat("queue-bytes"), 0);
}
GST_END_TEST

GST_START_TEST(a_larger_bound_lets_the_waiting_pad_go) {
  Full bench;
  g_object_set(bench.element(), "max-queue-bytes", guint64{64} << 20, nullptr);
  fail_unless(bench.video.join());
  bench.disk.release();
  bench.stop();
  fail_unless_equals_int(bench.video.expected().size(), 100);
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(a_switch_to_drop_lets_the_waiting_pad_go) {
  Full bench;
  gst_util_set_object_arg(G_OBJECT(bench.element()), "queue-full", "drop");
  fail_unless(bench.video.join(), "who waits does not hear of queue-full=drop");
  bench.disk.release();
}
GST_END_TEST

GST_START_TEST(a_flush_lets_the_waiting_pad_go) {
  Full bench;
  bench.video.flush_start();
  fail_unless(bench.video.join());
  fail_unless_equals_int(bench.flow, GST_FLOW_FLUSHING);
  bench.video.flush_stop(false);
  bench.video.segment();
  bench.disk.release();
  fail_unless_equals_int(push_pictures(bench.video, 50), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(release_lets_the_waiting_pad_go) {
  Full bench;
  bench.video.release();
  fail_unless(bench.video.join());
  fail_unless(bench.flow == GST_FLOW_FLUSHING || bench.flow == GST_FLOW_NOT_LINKED);
  bench.disk.release();
  bench.expect_finished();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(a_stop_lets_the_waiting_pad_go_and_keeps_what_was_taken) {
  Full bench;
  bool let_go = false;
  std::thread helper([&] {
    let_go = bench.video.join();  // by the stop; only then does the disk answer
    bench.disk.release();
  });
  bench.to(static_cast<GstState>(__i__));
  helper.join();
  fail_unless(let_go);
  fail_unless_equals_int(bench.flow, GST_FLOW_FLUSHING);
  bench.expect_file(bench.video);
  bench.expect_quiet();
}
GST_END_TEST

GST_START_TEST(the_applications_eos_lets_the_waiting_pad_go) {
  Full bench;
  fail_unless(gst_element_send_event(bench.element(), gst_event_new_eos()));
  fail_unless(bench.video.join());
  fail_unless_equals_int(bench.flow, GST_FLOW_EOS);
  fail_if(bench.log().count(GST_MESSAGE_EOS));
  bench.disk.release();
  bench.expect_eos();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(eos_of_another_pad_does_not_wait_for_room) {
  Full bench;
  Feed& audio = bench.add_audio();
  audio.start();
  audio.start_thread([&] {
    audio.gap(0, GST_SECOND);
    audio.eos();
  });
  fail_unless(audio.join());
  bench.disk.release();
  fail_unless(bench.video.join());
  bench.stop();
  bench.expect_file({&bench.video, &audio});
}
GST_END_TEST

GST_START_TEST(queries_events_pads_and_stats_do_not_wait_for_the_disk) {
  Full bench;
  const gint64 began = g_get_monotonic_time();
  for (const GstFormat format : {GST_FORMAT_TIME, GST_FORMAT_BYTES}) {
    gint64 value = 0;
    fail_unless(gst_element_query_position(bench.element(), format, &value));
    gst_element_query_duration(bench.element(), format, &value);
  }
  for (GstQuery* query : {gst_query_new_latency(), gst_query_new_seeking(GST_FORMAT_TIME)}) {
    gst_element_query(bench.element(), query);
    gst_query_unref(query);
  }
  gst_element_send_event(bench.element(), gst_event_new_latency(0));
  bench.stat("bytes-written");
  g_object_set(bench.element(), "max-queue-bytes", kQueueBytes, nullptr);
  Feed& late = bench.add_audio();
  late.start();
  late.event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "title", nullptr)));
  late.release();
  bench.to(GST_STATE_PAUSED);
  bench.to(GST_STATE_PLAYING);
  fail_unless(g_get_monotonic_time() - began < 2 * G_USEC_PER_SEC);
  fail_unless(bench.video.is_waiting());
  bench.disk.release();
  fail_unless(bench.video.join());
}
GST_END_TEST

GST_START_TEST(a_second_pad_waits_as_well_and_comes_back) {
  Full bench;
  Feed& audio = bench.add_audio();
  audio.start();
  audio.start_thread([&] { audio.push_many(50); });
  fail_unless(audio.is_waiting());
  bench.disk.release();
  fail_unless(audio.join() && bench.video.join());
  bench.stop();
  fail_unless_equals_int(audio.expected().size(), 50);
  bench.expect_file({&bench.video, &audio});
}
GST_END_TEST

// Whatever the disk stands still at, a source goes on as long as there is room.
GST_START_TEST(a_disk_that_stands_still_delays_nobody_while_there_is_room) {
  const Call calls[] = {Call::kReserve, Call::kWrite, Call::kDataSync};
  Bench bench;
  FaultySyscalls disk(bench.folder().path());
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  disk.block(calls[__i__], __i__ == 2 && !g_getenv("TEST_WITHOUT_FRAGMENTS") ? 2 : 1);
  fail_unless_equals_int(push_pictures(video, 1'000), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(1'900), GST_FLOW_OK);
  fail_unless(__i__ == 2 || bench.stat("queue-bytes") > 1'000 * kPictureBytes);
  disk.release();
  bench.stop();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_sample_larger_than_the_bound_is_taken) {
  Bench bench;
  Feed& video = bench.add_video();
  g_object_set(bench.element(), "max-queue-bytes", guint64{1}, nullptr);
  bench.play();
  video.start();
  for (int i = 0; i < 60; ++i) fail_unless_equals_int(video.push({.size = 20000}), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(drop_comes_back_at_a_sync_sample_and_counts) {
  Bench bench;
  Feed& video = bench.add_video();
  g_object_set(bench.element(), "max-queue-bytes", kQueueBytes, nullptr);
  gst_util_set_object_arg(G_OBJECT(bench.element()), "queue-full", "drop");
  bench.play();
  video.start();
  guint64 dropped = 0;
  {
    FaultySyscalls disk(bench.folder().path());
    disk.block(Call::kWrite, 1);
    while (dropped == 0) {
      fail_unless_equals_int(push_pictures(video, 1), GST_FLOW_OK);
      dropped = bench.stat(video, "dropped-queue-full");
      fail_unless(video.expected().size() < 200, "nothing is ever dropped");
    }
    fail_unless(dropped == 1);
    video.forget_last();
    for (int i = 0; i < 3; ++i)
      fail_unless_equals_int(video.push({.size = kPictureBytes, .recorded = false}), GST_FLOW_OK);
    fail_unless_equals_uint64(bench.stat(video, "dropped-queue-full"), 4);
  }
  while (bench.stat("queue-bytes") >= kQueueBytes) g_usleep(1000);
  const auto other = Picture::kOther;
  for (int i = 0; i < 2; ++i)
    fail_unless_equals_int(video.push({.picture = other, .recorded = false}), GST_FLOW_OK);
  fail_unless_equals_int(video.push({.picture = Picture::kIdr}), GST_FLOW_OK);
  fail_unless_equals_int(video.push({.picture = other}), GST_FLOW_OK);
  bench.stop();
  fail_unless_equals_uint64(bench.stat(video, "dropped-queue-full"), 4);
  fail_unless_equals_uint64(bench.stat(video, "dropped-after-loss"), 2);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(a_slow_disk_loses_nothing) {
  Bench bench;
  FaultySyscalls disk(bench.folder().path());
  disk.shorten_writes(97);
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  g_object_set(bench.element(), "max-queue-bytes", kQueueBytes, nullptr);
  bench.play();
  video.start();
  audio.start();
  video.start_thread([&] { push_pictures(video, 500); });
  audio.start_thread([&] { audio.push_many(900); });
  fail_unless(video.join() && audio.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 500);
  fail_unless_equals_int(audio.expected().size(), 900);
  bench.expect_file({&video, &audio});
}
GST_END_TEST

static Suite* test_contract_queue_full_suite(void) {
  Suite* suite = suite_create("contract_queue_full");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, a_full_queue_makes_the_pad_wait_and_nothing_is_lost);
  tcase_add_test(tests, a_larger_bound_lets_the_waiting_pad_go);
  tcase_add_test(tests, a_switch_to_drop_lets_the_waiting_pad_go);
  tcase_add_test(tests, a_flush_lets_the_waiting_pad_go);
  tcase_add_test(tests, release_lets_the_waiting_pad_go);
  tcase_add_loop_test(tests, a_stop_lets_the_waiting_pad_go_and_keeps_what_was_taken,
                      GST_STATE_NULL, GST_STATE_READY + 1);
  tcase_add_test(tests, the_applications_eos_lets_the_waiting_pad_go);
  tcase_add_test(tests, eos_of_another_pad_does_not_wait_for_room);
  tcase_add_test(tests, queries_events_pads_and_stats_do_not_wait_for_the_disk);
  tcase_add_test(tests, a_second_pad_waits_as_well_and_comes_back);
  tcase_add_loop_test(tests, a_disk_that_stands_still_delays_nobody_while_there_is_room, 0, 3);
  tcase_add_test(tests, a_sample_larger_than_the_bound_is_taken);
  tcase_add_test(tests, drop_comes_back_at_a_sync_sample_and_counts);
  tcase_add_test(tests, a_slow_disk_loses_nothing);
  return suite;
}

GST_CHECK_MAIN(test_contract_queue_full)
