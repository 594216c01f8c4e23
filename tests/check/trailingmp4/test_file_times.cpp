// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of times as they stand in the file: where tracks begin beside each other, B-frames, the
// first and the last samples, long gaps, and long files.
#include <algorithm>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Bytes;
using bench::Feed;
using bench::Owned;
using bench::Picture;

namespace {

constexpr GstClockTime kMs = GST_MSECOND;

// Pushes as a live source does: whoever is earlier.
void push_both(Feed& video, Feed& audio, GstClockTime until) {
  while (std::min(video.position(), audio.position()) < until) {
    Feed& next = video.position() <= audio.position() ? video : audio;
    fail_unless_equals_int(next.push(), GST_FLOW_OK);
  }
}

struct Desk {
  explicit Desk(GstClockTime fragment = GST_SECOND) {
    if (!g_getenv("TEST_WITHOUT_FRAGMENTS"))
      g_object_set(bench.element(), "fragment-duration", fragment, nullptr);
    bench.play();
    video.start();
    audio.start();
  }

  boxes::Movie end() {
    video.eos();
    audio.eos();
    bench.expect_eos();
    bench.expect_quiet();
    return bench.expect_file({&video, &audio});
  }

  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
};

// One video track.
struct Single {
  Single() {
    bench.play();
    video.start();
  }

  boxes::Track end() {
    video.eos();
    bench.expect_eos();
    bench.expect_quiet();
    return bench.expect_file(video).tracks[0];
  }

  Bench bench;
  Feed& video = bench.add_video();
};

void expect_edits(const boxes::Track& track, uint64_t empty, int64_t media_time) {
  fail_unless_equals_uint64(track.edits.size(), empty ? 2 : 1);
  if (empty) {
    fail_unless_equals_int64(track.edits[0].media_time, -1);
    fail_unless_equals_uint64(track.edits[0].segment_duration, empty);
  }
  fail_unless_equals_int64(track.edits.back().media_time, media_time);
}

struct Start {
  GstClockTime video, audio;
  uint64_t video_late, audio_late;  // in the file, 1/90000 s
};
const Start kStarts[] = {
    {0, 0, 0, 0},
    {0, 300 * kMs, 0, 27'000},
    {1000 * kMs, 0, 90'000, 0},
    {5000 * kMs, 5040 * kMs, 0, 3600},
    {36'000 * GST_SECOND, 36'000 * GST_SECOND, 0, 0},
    {36'000 * GST_SECOND + 20 * kMs, 36'000 * GST_SECOND, 1800, 0},
};

// An access unit with a recovery point before its slice, ITU-T H.264 D.1.8.
Bytes recovery_point(uint64_t seed) {
  const Bytes sei{0x06, 0x06, 0x01, 0xc4, 0x80};
  Bytes slice = bench::noise(seed, 200);
  slice[0] = 0x41;
  return bench::with_lengths({sei, slice});
}

}  // namespace

GST_START_TEST(tracks_begin_beside_each_other_as_they_came) {
  const Start& start = kStarts[__i__];
  Desk desk;
  desk.video.seek(start.video);
  desk.audio.seek(start.audio);
  push_both(desk.video, desk.audio, start.video + 3 * GST_SECOND);
  const boxes::Movie movie = desk.end();
  expect_edits(movie.tracks[start.audio < start.video ? 1 : 0], start.video_late, 0);
  expect_edits(movie.tracks[start.audio < start.video ? 0 : 1], start.audio_late, 0);
}
GST_END_TEST;

GST_START_TEST(times_before_the_segment_are_negative_and_in_the_file) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  for (Feed* feed : {&video, &audio}) {
    feed->stream_start();
    feed->caps();
    feed->segment(10 * GST_SECOND);
  }
  video.seek(9 * GST_SECOND);
  audio.seek(10 * GST_SECOND);
  push_both(video, audio, 12 * GST_SECOND);
  fail_unless_equals_int64(video.expected()[0].pts_ns, -1'000'000'000);
  video.eos();
  audio.eos();
  bench.expect_eos();
  bench.expect_quiet();
  const boxes::Movie movie = bench.expect_file({&video, &audio});
  expect_edits(movie.tracks[0], 0, 0);
  expect_edits(movie.tracks[1], 90'000, 0);
}
GST_END_TEST;

GST_START_TEST(b_frames_are_decoded_and_shown_when_they_say) {
  Desk desk;
  desk.audio.seek(80 * kMs);
  const uint64_t shown[] = {0, 3, 1, 2};  // of four, in decoding order
  for (uint64_t i = 0; i < 100; ++i)
    desk.video.push({.pts = (i / 4 * 4 + shown[i % 4] + 2) * 40 * kMs, .dts = i * 40 * kMs});
  desk.audio.push_many(150);
  const boxes::Movie movie = desk.end();
  const boxes::Track& video = movie.tracks[0];
  expect_edits(video, 0, 7200);
  expect_edits(movie.tracks[1], 0, 0);
  fail_unless(video.has_ctts);
  for (size_t i = 0; i < 100; ++i) {
    fail_unless_equals_int64(video.samples[i].dts, int64_t(i) * 3600);
    fail_unless_equals_int64(video.samples[i].pts, int64_t(i / 4 * 4 + shown[i % 4] + 2) * 3600);
  }
  fail_unless_equals_uint64(desk.bench.stat(desk.video, "unusable-dts"), 0);
  fail_unless_equals_uint64(video.edits[0].segment_duration, 100 * 3600);
}
GST_END_TEST;

GST_START_TEST(the_last_picture_lasts_as_long_as_it_says) {
  const GstClockTime last[] = {55 * kMs, GST_CLOCK_TIME_NONE, 0};
  Single single;
  single.video.push_many(24);
  single.video.push({.duration = last[__i__]});
  const boxes::Track track = single.end();
  fail_unless_equals_uint64(track.samples[23].duration, 3600);
  fail_unless_equals_uint64(track.samples[24].duration, __i__ == 0 ? 55 * 90 : 3600);
  fail_unless_equals_uint64(track.mdhd_duration, 24 * 3600 + track.samples[24].duration);
}
GST_END_TEST;

GST_START_TEST(a_duration_that_the_next_picture_proves_wrong_is_not_believed) {
  Single single;
  for (int i = 0; i < 25; ++i) single.video.push({.duration = (i % 2 ? 10u : 90u) * kMs});
  const boxes::Track track = single.end();
  for (size_t i = 0; i < 24; ++i) fail_unless_equals_uint64(track.samples[i].duration, 3600);
}
GST_END_TEST;

GST_START_TEST(tracks_of_a_single_sample_have_a_duration) {
  const GstClockTime given[] = {70 * kMs, GST_CLOCK_TIME_NONE};
  Desk desk;
  desk.video.push({.duration = given[__i__]});
  desk.audio.push({.duration = GST_CLOCK_TIME_NONE});
  const boxes::Movie movie = desk.end();
  fail_unless_equals_uint64(movie.tracks[0].samples[0].duration, __i__ == 0 ? 6300 : 3000);
  fail_unless_equals_uint64(movie.tracks[1].samples[0].duration, 1024);
}
GST_END_TEST;

GST_START_TEST(a_track_begins_at_its_first_sync_sample_unless_told_otherwise) {
  const bool at_sync = __i__ == 0;
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  g_object_set(bench.element(), "start-at-sync", at_sync, nullptr);
  bench.play();
  video.start();
  audio.start();
  for (int i = 0; i < 10; ++i) video.push({.picture = Picture::kOther, .recorded = !at_sync});
  audio.push_many(20);
  video.push({.picture = Picture::kIdr});
  for (int i = 0; i < 30; ++i) video.push({.picture = Picture::kOther});
  audio.push_many(50);
  video.eos();
  audio.eos();
  bench.expect_eos();
  bench.expect_quiet();
  bench.expect_file({&video, &audio});
  fail_unless_equals_uint64(bench.stat(video, "dropped-before-sync"), at_sync ? 10 : 0);
  fail_unless_equals_uint64(bench.stat(video, "samples"), at_sync ? 31 : 41);
}
GST_END_TEST;

// After 2 s a recovery point will do, 50 pictures later; after 10 s anything. None of it is a sync
// sample, and the file says so: an stss without entries (8.6.2.3), which the reader remarks upon.
GST_START_TEST(without_idr_a_track_begins_at_the_next_best_picture) {
  const bool has_recovery_points = __i__ == 0;
  const uint64_t first = has_recovery_points ? 55 : 250;
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  for (uint64_t i = 0; i < 300; ++i) {
    const bench::Push push{.picture = Picture::kOther, .recorded = i >= first};
    if (has_recovery_points && i % 20 == 15)
      video.push_bytes(recovery_point(i), push);
    else
      video.push(push);
  }
  video.eos();
  bench.expect_eos();
  fail_unless_equals_uint64(bench.stat(video, "dropped-before-sync"), first);
  const auto movie = boxes::read_movie(bench.location());
  fail_unless(movie && movie->tracks[0].has_stss);
  for (const std::string& problem : movie->problems)
    fail_unless(problem.find("stss: lists no sync sample") == 0 ||
                    problem.find("stss: no sample is sync") == 0,
                "%s", problem.c_str());
  fail_unless(bench::file_differences(bench.location(), *movie, {&video}).empty());
}
GST_END_TEST;

GST_START_TEST(a_picture_that_upstream_calls_a_key_picture_will_do_after_two_seconds) {
  Single single;
  for (uint64_t i = 0; i < 100; ++i) {
    const Owned<GstBuffer> buffer = bench::to_buffer(bench::access_unit(i, Picture::kOther));
    GST_BUFFER_PTS(buffer.get()) = i * 40 * kMs;
    if (i != 10 && i != 60) GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    fail_unless_equals_int(single.video.push_buffer(gst_buffer_ref(buffer.get())), GST_FLOW_OK);
  }
  fail_unless_equals_uint64(single.bench.stat(single.video, "dropped-before-sync"), 60);
  fail_unless_equals_uint64(single.bench.stat(single.video, "samples"), 40);
}
GST_END_TEST;

GST_START_TEST(a_minute_without_sound_keeps_sound_and_picture_together) {
  Desk desk;
  push_both(desk.video, desk.audio, GST_SECOND);
  while (desk.video.position() < 61 * GST_SECOND) desk.video.push();
  desk.audio.seek(61 * GST_SECOND);
  push_both(desk.video, desk.audio, 63 * GST_SECOND);
  const boxes::Movie movie = desk.end();
  fail_unless_equals_uint64(desk.bench.stat(desk.audio, "frames-stretched"), 1);
  const auto& samples = movie.tracks[1].samples;
  const auto longest = std::max_element(samples.begin(), samples.end(),
                                        [](auto& a, auto& b) { return a.duration < b.duration; });
  fail_unless(longest->duration > 59 * 48'000 && longest->duration < 61 * 48'000);
}
GST_END_TEST;

GST_START_TEST(a_gap_in_the_video_is_kept_as_it_is) {
  Single single;
  single.video.push_many(25);
  single.video.gap(single.video.position(), 30 * GST_SECOND);
  single.video.skip(30 * GST_SECOND);
  single.video.push_many(25);
  const boxes::Track track = single.end();
  fail_unless_equals_uint64(track.samples[24].duration, 30 * 90'000 + 3600);
  fail_unless_equals_uint64(single.bench.stat(single.video, "gaps"), 1);
  fail_unless_equals_uint64(single.bench.stat(single.video, "losses"), 0);
}
GST_END_TEST;

GST_START_TEST(pausing_leaves_no_trace) {
  Desk desk(100 * kMs);
  for (int i = 1; i <= 3; ++i) {
    push_both(desk.video, desk.audio, GstClockTime(i) * 730 * kMs);
    desk.bench.to(GST_STATE_PAUSED);
    desk.bench.wait_until_at_rest();
    const guint64 written = desk.bench.stat("bytes-written");
    desk.bench.wait_until_nothing_is_due();  // however long the pause lasts
    fail_unless_equals_uint64(desk.bench.stat("bytes-written"), written);
    desk.bench.play();
  }
  desk.end();
}
GST_END_TEST;

GST_START_TEST(hundreds_of_chunks_are_found_again) {
  Desk desk;
  for (int i = 0; i < 900; ++i) {
    desk.video.push();
    desk.video.skip(960 * kMs);
    if (i % 3) desk.audio.push();
    desk.audio.seek(desk.video.position());
  }
  const boxes::Movie movie = desk.end();
  fail_unless(movie.tracks[0].chunk_count > 400, "%u chunks", movie.tracks[0].chunk_count);
  fail_unless(movie.tracks[1].chunk_count > 200, "%u chunks", movie.tracks[1].chunk_count);
}
GST_END_TEST;

GST_START_TEST(statistics_say_what_happened) {
  Desk desk;
  Feed& video = desk.video;
  uint64_t bytes = 0;
  desk.audio.push_many(100);
  video.push_many(10);
  video.push_buffer(gst_buffer_new());
  video.push_buffer(gst_buffer_new());
  video.push_bytes(bench::with_lengths({{0x09, 0xf0}}), {.recorded = false});
  video.push({.pts = GST_CLOCK_TIME_NONE, .recorded = false});
  video.push({.pts = 300 * kMs, .recorded = false});
  video.push({.flags = GST_BUFFER_FLAG_DISCONT});
  video.gap(video.position(), 40 * kMs);
  video.gap(video.position(), 40 * kMs);
  video.push_many(5);
  for (const bench::Expected& sample : desk.audio.expected()) bytes += sample.bytes.size();
  video.eos();
  desk.audio.eos();
  desk.bench.expect_eos();
  struct {
    const char* field;
    uint64_t count;
  } const wanted[] = {{"samples", 18},
                      {"dropped-empty", 2},
                      {"dropped-no-slice", 1},
                      {"missing-pts", 1},
                      {"worked-off", 1},
                      {"losses", 1},
                      {"gaps", 2},
                      {"copied", 0},
                      {"damaged", 0},
                      {"reanchored", 0},
                      {"dropped-before-sync", 0},
                      {"dropped-after-end", 0},
                      {"dropped-queue-full", 0}};
  for (const auto& [field, count] : wanted)
    fail_unless(desk.bench.stat(video, field) == count, "%s: %" G_GUINT64_FORMAT, field,
                desk.bench.stat(video, field));
  fail_unless_equals_uint64(desk.bench.stat(desk.audio, "samples"), 100);
  fail_unless_equals_uint64(desk.bench.stat(desk.audio, "bytes"), bytes);
  fail_unless_equals_uint64(desk.bench.stat(desk.audio, "duration"),
                            gst_util_uint64_scale_round(102'400, GST_SECOND, 48'000));
  const boxes::Movie movie = desk.bench.movie();
  const boxes::Box& last = movie.top.back();
  fail_unless_equals_uint64(desk.bench.stat("bytes-written"), last.offset + last.size);
  fail_unless_equals_uint64(desk.bench.stat("bytes-synced"), last.offset + last.size);
  fail_unless_equals_uint64(desk.bench.stat("queue-bytes"), 0);
  fail_unless_equals_uint64(desk.bench.stat("duration"),
                            gst_util_uint64_scale_round(movie.duration, GST_SECOND, 90'000));
}
GST_END_TEST;

static Suite* file_times_suite() {
  Suite* suite = suite_create("file_times");
  TCase* times = tcase_create("times");
  suite_add_tcase(suite, times);
  tcase_set_timeout(times, 60);
  tcase_add_loop_test(times, tracks_begin_beside_each_other_as_they_came, 0,
                      static_cast<int>(std::size(kStarts)));
  tcase_add_test(times, times_before_the_segment_are_negative_and_in_the_file);
  tcase_add_test(times, b_frames_are_decoded_and_shown_when_they_say);
  tcase_add_loop_test(times, the_last_picture_lasts_as_long_as_it_says, 0, 3);
  tcase_add_test(times, a_duration_that_the_next_picture_proves_wrong_is_not_believed);
  tcase_add_loop_test(times, tracks_of_a_single_sample_have_a_duration, 0, 2);
  tcase_add_loop_test(times, a_track_begins_at_its_first_sync_sample_unless_told_otherwise, 0, 2);
  tcase_add_loop_test(times, without_idr_a_track_begins_at_the_next_best_picture, 0, 2);
  tcase_add_test(times, a_picture_that_upstream_calls_a_key_picture_will_do_after_two_seconds);
  tcase_add_test(times, a_minute_without_sound_keeps_sound_and_picture_together);
  tcase_add_test(times, a_gap_in_the_video_is_kept_as_it_is);
  tcase_add_test(times, pausing_leaves_no_trace);
  tcase_add_test(times, hundreds_of_chunks_are_found_again);
  tcase_add_test(times, statistics_say_what_happened);
  return suite;
}

GST_CHECK_MAIN(file_times)
