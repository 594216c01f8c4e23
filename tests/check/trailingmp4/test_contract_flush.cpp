// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Flushes and new streams in the middle of a recording: the file goes on where it was, nothing of
// what came before is lost, and the tracks stay in sync.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Picture;

struct Playing : Bench {
  Feed& video;
  Feed& audio;

  Playing() : video(add_video()), audio(add_audio()) {
    play();
    video.start();
    audio.start();
  }

  void push(int pictures, int frames) {
    fail_unless_equals_int(video.push_many(pictures), GST_FLOW_OK);
    fail_unless_equals_int(audio.push_many(frames), GST_FLOW_OK);
  }

  // As a seek to 0 does it.
  void flush_to_zero() {
    for (Feed* feed : {&video, &audio}) feed->flush_start();
    for (Feed* feed : {&video, &audio}) {
      feed->flush_stop();
      feed->segment();
      feed->seek(0);
    }
  }

  void expect_shift(int64_t ns) {
    video.expect_shift(ns);
    audio.expect_shift(ns);
  }

  // The later end of the two streams.
  int64_t end() const { return static_cast<int64_t>(std::max(video.position(), audio.position())); }
};

}  // namespace

GST_START_TEST(after_a_flush_both_tracks_go_on_together) {
  Playing bench;
  bench.push(50, 94);
  const int64_t end = bench.end();
  bench.flush_to_zero();
  bench.expect_shift(end);
  bench.push(50, 94);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
  bench.expect_quiet();
  fail_unless_equals_uint64(bench.stat(bench.video, "restarts"), 1);
  fail_unless_equals_uint64(bench.stat(bench.audio, "restarts"), 1);
}
GST_END_TEST

// However little there was to go back.
GST_START_TEST(after_an_early_flush_nothing_is_squeezed) {
  Playing bench;
  bench.push(2, 5);
  const int64_t end = bench.end();
  bench.flush_to_zero();
  bench.expect_shift(end);
  bench.push(25, 47);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
  bench.expect_quiet();
}
GST_END_TEST

GST_START_TEST(after_a_flush_the_second_track_follows_the_first_in_either_order) {
  Playing bench;
  bench.push(50, 94);
  const int64_t end = bench.end();
  bench.flush_to_zero();
  bench.expect_shift(end);
  Feed& earlier = __i__ ? bench.audio : bench.video;
  Feed& later = __i__ ? bench.video : bench.audio;
  fail_unless_equals_int(earlier.push_many(25), GST_FLOW_OK);
  fail_unless_equals_int(later.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(several_flushes_add_up) {
  Playing bench;
  bench.push(25, 47);
  int64_t end = bench.end();
  for (int i = 0; i < 5; ++i) {
    bench.flush_to_zero();
    bench.expect_shift(end);
    bench.push(25, 47);
    end += bench.end();
  }
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(a_flush_without_reset_time_follows_running_time) {
  Playing bench;
  bench.push(25, 47);
  for (Feed* feed : {&bench.video, &bench.audio}) {
    feed->flush_start();
    feed->flush_stop(false);
    feed->segment(0, 2 * GST_SECOND);  // running time goes on from two seconds
    feed->seek(0);
  }
  bench.push(25, 47);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
  fail_unless_equals_uint64(bench.stat(bench.video, "restarts"), 0);
}
GST_END_TEST

GST_START_TEST(a_new_segment_that_moves_running_time_back_goes_on_like_a_flush) {
  Playing bench;
  bench.push(50, 94);
  bench.expect_shift(bench.end());
  for (Feed* feed : {&bench.video, &bench.audio}) {
    feed->segment();
    feed->seek(0);
  }
  bench.push(50, 94);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(a_flush_of_one_pad_alone_leaves_the_other_as_it_is) {
  Playing bench;
  bench.push(25, 47);
  bench.video.flush_start();
  bench.video.flush_stop(false);
  bench.video.segment();
  bench.push(25, 47);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(flushes_while_a_thread_pushes_lose_only_what_they_flush) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  std::atomic<bool> go_on{true};
  std::mutex streaming;  // as a source's stream lock: the flush ends when its thread rests
  video.start_thread([&] {
    int taken = 0;
    while (taken < 300) {
      {
        const std::lock_guard lock(streaming);
        if (video.push({.picture = Picture::kIdr}) == GST_FLOW_OK) ++taken;
      }
      g_usleep(100);
    }
    go_on = false;
  });
  while (go_on.load()) {
    video.flush_start();
    {
      const std::lock_guard lock(streaming);
      video.flush_stop(false);
      video.segment();
    }
    g_usleep(2000);
  }
  fail_unless(video.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 300);
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(a_flush_after_the_end_does_not_reopen_the_file) {
  Playing bench;
  bench.push(25, 47);
  bench.video.eos();
  bench.audio.eos();
  bench.expect_eos();
  const guint64 written = bench.stat("bytes-written");
  bench.flush_to_zero();
  fail_unless_equals_int(bench.video.push({.picture = Picture::kIdr}), GST_FLOW_EOS);
  fail_unless_equals_int(bench.audio.push(), GST_FLOW_EOS);
  bench.video.eos();
  bench.audio.eos();
  bench.stop();
  fail_unless_equals_uint64(bench.stat("bytes-written"), written);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened"), 1);
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(a_flush_takes_back_the_eos_of_a_pad_while_another_records) {
  Playing bench;
  bench.push(25, 47);
  bench.video.eos();
  bench.video.flush_start();
  bench.video.flush_stop(false);
  bench.audio.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.video.segment();
  fail_unless_equals_int(bench.video.push_many(25), GST_FLOW_OK);
  bench.video.eos();
  bench.expect_eos();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(a_flush_that_a_stop_cuts_short_does_not_outlive_it) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.flush_start();
  bench.to(GST_STATE_READY);
  bench.expect_file(video);
  bench.fresh_location();
  video.expect_nothing();
  gst_pad_set_active(video.source(), FALSE);  // as the element before it does on its way down
  gst_pad_set_active(video.source(), TRUE);
  bench.play();
  video.start();
  fail_unless_equals_int(video.push({.picture = Picture::kIdr}), GST_FLOW_OK);
  fail_unless_equals_int(video.push_many(24), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(a_new_stream_on_an_ended_pad_continues_its_track) {
  Playing bench;
  bench.push(50, 94);
  bench.audio.eos();
  fail_unless_equals_int(bench.video.push_many(50), GST_FLOW_OK);
  bench.audio.stream_start();
  bench.audio.caps();
  bench.audio.segment();
  bench.audio.seek(0);
  bench.audio.expect_shift(static_cast<int64_t>(bench.video.position()));
  fail_unless_equals_int(bench.audio.push_many(47), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

static Suite* test_contract_flush_suite(void) {
  Suite* suite = suite_create("contract_flush");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, after_a_flush_both_tracks_go_on_together);
  tcase_add_test(tests, after_an_early_flush_nothing_is_squeezed);
  tcase_add_loop_test(tests, after_a_flush_the_second_track_follows_the_first_in_either_order, 0,
                      2);
  tcase_add_test(tests, several_flushes_add_up);
  tcase_add_test(tests, a_flush_without_reset_time_follows_running_time);
  tcase_add_test(tests, a_new_segment_that_moves_running_time_back_goes_on_like_a_flush);
  tcase_add_test(tests, a_flush_of_one_pad_alone_leaves_the_other_as_it_is);
  tcase_add_test(tests, flushes_while_a_thread_pushes_lose_only_what_they_flush);
  tcase_add_test(tests, a_flush_after_the_end_does_not_reopen_the_file);
  tcase_add_test(tests, a_flush_takes_back_the_eos_of_a_pad_while_another_records);
  tcase_add_test(tests, a_flush_that_a_stop_cuts_short_does_not_outlive_it);
  tcase_add_test(tests, a_new_stream_on_an_ended_pad_continues_its_track);
  return suite;
}

GST_CHECK_MAIN(test_contract_flush)
