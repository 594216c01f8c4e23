// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pads come and go at any moment: their names, late tracks, releases under a pushing thread, links
// that are cut and made again, and threads that feed more than one pad.
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Kind;
using bench::Owned;

std::string name_of(GstPad* pad) { return Owned<gchar>(gst_pad_get_name(pad)).get(); }

void release(Bench& bench, GstPad* pad) {
  gst_element_release_request_pad(bench.element(), pad);
  gst_object_unref(pad);
}

const GstState kStates[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};

}  // namespace

GST_START_TEST(pads_get_the_first_free_name_of_their_template) {
  Bench bench;
  const char* const expected[][2] = {{"sink_%u", "sink_0"},   {"sink_%u", "sink_1"},
                                     {"video_%u", "video_0"}, {"audio_%u", "audio_0"},
                                     {"sink_7", "sink_7"},    {"sink_%u", "sink_2"},
                                     {"audio_1", "audio_1"},  {"audio_%u", "audio_2"}};
  std::vector<GstPad*> pads;
  for (const auto& [wanted, name] : expected) {
    GstPad* pad = gst_element_request_pad_simple(bench.element(), wanted);
    fail_unless(pad != nullptr);
    bench::expect_text(name_of(pad), name);
    pads.push_back(pad);
  }
  release(bench, pads[0]);
  pads[0] = gst_element_request_pad_simple(bench.element(), "sink_%u");
  bench::expect_text(name_of(pads[0]), "sink_0");
  for (GstPad* pad : pads) release(bench, pad);
}
GST_END_TEST

GST_START_TEST(a_pad_requested_by_template_alone_gets_a_name) {
  Bench bench;
  GstPadTemplate* templ = gst_element_get_pad_template(bench.element(), "video_%u");
  GstPad* pad = gst_element_request_pad(bench.element(), templ, nullptr, nullptr);
  fail_unless(pad != nullptr);
  bench::expect_text(name_of(pad), "video_0");
  release(bench, pad);
}
GST_END_TEST

GST_START_TEST(a_name_that_is_taken_is_refused_and_the_recording_goes_on) {
  Bench bench;
  Feed& video = bench.add(Kind::kVideo, "sink_0");
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  GstPad* second_pad = nullptr;
  ASSERT_CRITICAL(second_pad = gst_element_request_pad_simple(bench.element(), "sink_0"));
  fail_unless(second_pad == nullptr);
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  bench.stat(video, "samples");
  video.eos();
  bench.expect_eos();
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(pads_requested_from_many_threads_have_different_names) {
  constexpr int kThreads = 4, kPads = 100;
  Bench bench;
  std::vector<GstPad*> pads[kThreads];
  std::vector<std::thread> threads;
  for (auto& own : pads)
    threads.emplace_back([&bench, &own] {
      for (int i = 0; i < kPads; ++i)
        own.push_back(gst_element_request_pad_simple(bench.element(), "sink_%u"));
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> names;
  for (const auto& own : pads)
    for (GstPad* pad : own) {
      fail_unless(pad != nullptr);
      names.insert(name_of(pad));
      release(bench, pad);
    }
  fail_unless_equals_int(names.size(), kThreads * kPads);
}
GST_END_TEST

GST_START_TEST(pads_can_be_requested_and_released_in_every_state) {
  Bench bench;
  bench.to(kStates[__i__]);
  Feed& released = bench.add_audio();
  released.release();
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(a_pad_that_got_no_data_leaves_nothing_in_the_file) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& described = bench.add_audio();
  Feed& linked = bench.add_audio();
  bench.play();
  described.start();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&video, &described, &linked});
}
GST_END_TEST

GST_START_TEST(a_late_pad_starts_exactly_where_it_belongs) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(75), GST_FLOW_OK);
  Feed& late = __i__ ? bench.add_video() : bench.add_audio();
  late.start();
  late.seek(3 * GST_SECOND);
  fail_unless_equals_int(late.push_many(25), GST_FLOW_OK);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  const boxes::Movie movie = bench.expect_file({&video, &late});
  const boxes::Track* track = bench::track_of(bench.location(), movie, late);
  fail_unless_equals_int(track->edits.size(), 2);
  fail_unless_equals_int64(track->edits[0].media_time, -1);
  fail_unless_equals_uint64(track->edits[0].segment_duration, 3 * uint64_t{movie.timescale});
}
GST_END_TEST

GST_START_TEST(a_pad_that_comes_after_an_hour_is_where_it_belongs) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  for (int i = 0; i < 400; ++i) {  // a picture each nine seconds
    fail_unless_equals_int(video.push(), GST_FLOW_OK);
    video.skip(9 * GST_SECOND);
  }
  Feed& audio = bench.add_audio();
  audio.start();
  audio.seek(video.position());
  fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_quiet();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_late_pad_that_began_earlier_moves_the_origin) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.seek(5 * GST_SECOND);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  Feed& audio = bench.add_audio();
  audio.start();
  audio.seek(4 * GST_SECOND);
  fail_unless_equals_int(audio.push_many(94), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

// One after the other they use up the room for a later moov.
GST_START_TEST(a_late_track_that_only_the_finished_file_has_is_warned_of) {
  const bool grows = g_getenv("TEST_WITHOUT_FRAGMENTS") == nullptr;
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.push_many(30);
  for (int i = 0; i < 20; ++i) {
    Feed& late = bench.add_audio();
    late.start();
    late.seek(video.position());
    fail_unless_equals_int(late.push_many(10), GST_FLOW_OK);
    fail_unless_equals_int(late.eos(), TRUE);
    fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  }
  video.eos();
  bench.expect_eos();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING) > 0, grows);
  if (grows) {
    const std::string text = bench.log().text(GST_MESSAGE_WARNING);
    fail_unless(text.find("came too late") != std::string::npos, "%s", text.c_str());
  }
  bench.expect_all_feeds();
}
GST_END_TEST

GST_START_TEST(a_pad_released_under_its_pushing_thread_keeps_what_was_taken) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.start_thread([&] { video.push_many(500); });
  for (int round = 0; round < 20; ++round) {
    Feed& audio = bench.add_audio();
    std::atomic<int> taken{0};
    audio.start();
    audio.start_thread([&] {
      while (audio.push() == GST_FLOW_OK) ++taken;
    });
    while (taken < round) g_usleep(50);
    audio.release();
    fail_unless(audio.join());
  }
  fail_unless(video.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 500);
  const boxes::Movie movie = bench.movie();
  const boxes::Track* track = bench::track_of(bench.location(), movie, video);
  fail_unless(track != nullptr);
  fail_unless_equals_int(track->samples.size(), 500);
  bench.expect_all_feeds();
}
GST_END_TEST

// Not released: taken away, under the thread that pushes.
GST_START_TEST(a_pad_taken_away_under_its_pushing_thread_keeps_what_was_taken) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(audio.push_many(50), GST_FLOW_OK);
  video.start_thread([&] {
    while (video.push() == GST_FLOW_OK) continue;
  });
  while (bench.stat("duration") < 3 * GST_SECOND) g_usleep(100);
  fail_unless(video.take_away());
  fail_unless(video.join());
  fail_unless_equals_int(audio.push_many(50), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_link_that_is_cut_and_made_again_continues_its_track) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(audio.push_many(94), GST_FLOW_OK);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.unlink();
  fail_unless_equals_int(video.push({.recorded = false}), GST_FLOW_NOT_LINKED);
  video.link();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  audio.eos();
  bench.expect_eos();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(another_source_on_the_same_pad_continues_its_track) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  video.unlink();
  GstPad* other = gst_pad_new(nullptr, GST_PAD_SRC);
  gst_object_ref_sink(other);
  gst_pad_set_active(other, TRUE);
  fail_unless(gst_pad_link(other, video.pad()) == GST_PAD_LINK_OK);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(other, gst_event_new_stream_start("another"));
  gst_pad_push_event(other, gst_event_new_caps(bench::video_caps().get()));
  gst_pad_push_event(other, gst_event_new_segment(&segment));
  Owned<GstBuffer> picture = bench::to_buffer(bench::access_unit(7, bench::Picture::kIdr));
  GST_BUFFER_PTS(picture.get()) = 0;
  fail_unless_equals_int(gst_pad_push(other, picture.release()), GST_FLOW_OK);
  bench.stop();
  gst_pad_unlink(other, video.pad());
  gst_object_unref(other);
  const boxes::Movie movie = bench.movie();
  fail_unless_equals_int(movie.tracks.size(), 1);
  fail_unless_equals_int(movie.tracks[0].samples.size(), 51);
  fail_unless_equals_int64(
      boxes::presentation_ns(movie, movie.tracks[0], movie.tracks[0].samples[50]), 2 * GST_SECOND);
}
GST_END_TEST

GST_START_TEST(one_thread_may_feed_two_pads_in_long_bursts) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start_thread([&] {
    video.start();
    audio.start();
    for (int burst = 0; burst < 6; ++burst) {
      video.push_many(250);
      audio.push_many(469);
    }
    video.eos();
    audio.eos();
  });
  fail_unless(video.join(), "one pad waits for the other");
  bench.expect_eos();
  fail_unless_equals_int(video.expected().size(), 1500);
  fail_unless_equals_int(audio.expected().size(), 2814);
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(many_tracks_are_recorded_together) {
  constexpr int kPairs = 8;
  Bench bench;
  std::vector<Feed*> feeds;
  for (int i = 0; i < kPairs; ++i) {
    feeds.push_back(&bench.add(Kind::kVideo, "video_%u"));
    feeds.push_back(&bench.add(Kind::kAudio, "audio_%u"));
  }
  bench.play();
  for (Feed* feed : feeds)
    feed->start_thread([feed] {
      feed->start();
      feed->push_many(200);
      feed->eos();
    });
  for (Feed* feed : feeds) fail_unless(feed->join());
  bench.expect_eos();
  bench.expect_all_feeds();
}
GST_END_TEST

static Suite* test_contract_pads_suite(void) {
  Suite* suite = suite_create("contract_pads");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, pads_get_the_first_free_name_of_their_template);
  tcase_add_test(tests, a_pad_requested_by_template_alone_gets_a_name);
  tcase_add_test(tests, a_name_that_is_taken_is_refused_and_the_recording_goes_on);
  tcase_add_test(tests, pads_requested_from_many_threads_have_different_names);
  tcase_add_loop_test(tests, pads_can_be_requested_and_released_in_every_state, 0,
                      G_N_ELEMENTS(kStates));
  tcase_add_test(tests, a_pad_that_got_no_data_leaves_nothing_in_the_file);
  tcase_add_loop_test(tests, a_late_pad_starts_exactly_where_it_belongs, 0, 2);
  tcase_add_test(tests, a_pad_that_comes_after_an_hour_is_where_it_belongs);
  tcase_add_test(tests, a_late_pad_that_began_earlier_moves_the_origin);
  tcase_add_test(tests, a_late_track_that_only_the_finished_file_has_is_warned_of);
  tcase_add_test(tests, a_pad_released_under_its_pushing_thread_keeps_what_was_taken);
  tcase_add_test(tests, a_pad_taken_away_under_its_pushing_thread_keeps_what_was_taken);
  tcase_add_test(tests, a_link_that_is_cut_and_made_again_continues_its_track);
  tcase_add_test(tests, another_source_on_the_same_pad_continues_its_track);
  tcase_add_test(tests, one_thread_may_feed_two_pads_in_long_bursts);
  tcase_add_test(tests, many_tracks_are_recorded_together);
  return suite;
}

GST_CHECK_MAIN(test_contract_pads)
