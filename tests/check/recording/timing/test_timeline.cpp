// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what makes a track's times out of running times, as pure logic: rounding, missing and
// impossible times, and steps of the clock. Audio frames have rules of their own, tested apart.
#include "timeline_tracks.h"

using namespace clocks;

// ---- rounding ----

GST_START_TEST(a_day_of_29_97_fps_ends_on_its_tick) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  constexpr int64_t kPictures = 86'400LL * 30'000 / 1001;
  for (int64_t i = 0; i < kPictures; ++i) {
    const SampleTimes times =
        video.timeline.place(video.times, at(i * 1001 * kSecond / 30'000)).times;
    expect_near(times.pts, i * 3003, 1);
  }
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
}
GST_END_TEST;

GST_START_TEST(a_day_of_aac_keeps_nominal_durations_and_ends_within_half_a_frame) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  constexpr int64_t kFrames = 86'400LL * 48'000 / 1024;
  Ticks last = -1024;
  for (int64_t i = 0; i < kFrames; ++i) {
    const auto placed = audio.timeline.place(audio.times, at(frame_ns(i)));
    if (placed.verdict != Verdict::kPlaced || placed.times.dts - last != 1024)
      fail("frame %" G_GINT64_FORMAT, i);
    last = placed.times.dts;
  }
  expect_near(last, (kFrames - 1) * 1024, 512);
}
GST_END_TEST;

// ---- video ----

GST_START_TEST(given_decode_times_are_kept) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  const int64_t order[] = {0, 3, 1, 2, 6, 4, 5};  // display order, in decoding order
  for (int64_t i = 0; i < 7; ++i) video.push(at((order[i] + 1) * 40 * kMs, i * 40 * kMs));
  for (int64_t i = 0; i < 7; ++i) {
    fail_unless_equals_int64(video.placed[size_t(i)].dts, i * 3600);
    fail_unless_equals_int64(video.placed[size_t(i)].pts, (order[i] + 1) * 3600);
  }
  fail_unless_equals_uint64(video.counters.video.unusable_dts.value(), 0);
}
GST_END_TEST;

GST_START_TEST(without_decode_time_it_is_the_presentation_time) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  for (int64_t ms : {0, 40, 95, 120}) {
    video.push(at(ms * kMs));
    fail_unless_equals_int64(video.placed.back().pts, ms * 90);
    fail_unless_equals_int64(video.placed.back().dts, ms * 90);
  }
}
GST_END_TEST;

GST_START_TEST(a_time_that_does_not_rise_is_moved_by_one_tick_and_counted) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  for (int64_t ms : {0, 40, 40, 20, 80}) video.push(at(ms * kMs));
  const Ticks wanted[] = {0, 3600, 3601, 3602, 7200};
  for (size_t i = 0; i < 5; ++i) fail_unless_equals_int64(video.placed[i].pts, wanted[i]);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 2);
}
GST_END_TEST;

GST_START_TEST(a_sample_without_times_follows_its_predecessor) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  video.push({.pts = 1 * kSecond, .duration = 50 * kMs});
  video.push({});  // at the end of the one before
  video.push({});  // at the distance before
  fail_unless_equals_int64(video.placed[1].pts, 90'000 + 4500);
  fail_unless_equals_int64(video.placed[2].pts, 90'000 + 9000);
  Track& late = tracks.add(kAudio);
  late.push({});  // at the end of what there is
  fail_unless_equals_int64(late.placed[0].pts, 1100 * 48);
  late.push({});
  fail_unless_equals_int64(late.step(1), 1024);
  fail_unless_equals_uint64(video.counters.missing_pts.value(), 2);
  fail_unless_equals_uint64(late.counters.missing_pts.value(), 2);
}
GST_END_TEST;

// The first one that cannot be a decode time ends their use.
GST_START_TEST(unusable_decode_times_are_given_up_for_good_and_counted) {
  const Stamps unusable[] = {
      at(160 * kMs, 170 * kMs),               // after its presentation
      at(160 * kMs, 40 * kMs),                // not after its predecessor
      at(160 * kMs),                          // none
      at(2 * kSecond + 160 * kMs, 80 * kMs),  // much further before its presentation than ever
  };
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  video.push(at(80 * kMs, 0));
  video.push(at(120 * kMs, 40 * kMs));
  video.push(unusable[__i__]);
  const int64_t last = *unusable[__i__].pts / kMs;
  for (int64_t i = 1; i < 50; ++i)
    video.push(at((last + 40 * i) * kMs, (last - 80 + 40 * i) * kMs));
  for (size_t i = 0; i < 50; ++i) {
    const SampleTimes& times = video.placed[i + 2];
    fail_unless_equals_int64(times.pts, (last + 40 * static_cast<int64_t>(i)) * 90);
    fail_unless_equals_int64(times.dts, times.pts);
  }
  fail_unless_equals_uint64(video.counters.video.unusable_dts.value(), 1);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
}
GST_END_TEST;

// For thirteen hours of them an offset of 32 bits would not do.
GST_START_TEST(decode_times_that_stop_or_stand_still_do_not_leave_the_presentation_times) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  const bool stand_still = __i__ == 1;
  for (int64_t i = 0; i < 25; ++i) video.push(at((i + 2) * 40 * kMs, i * 40 * kMs));
  for (int64_t i = 25; i < 20 * 25; ++i) {
    video.push(
        {.pts = (i + 2) * 40 * kMs, .dts = stand_still ? std::optional(960 * kMs) : std::nullopt});
    fail_unless_equals_int64(video.placed.back().pts, (i + 2) * 3600);
    expect_near(video.placed.back().dts, video.placed.back().pts, 90'000);
  }
}
GST_END_TEST;

GST_START_TEST(times_before_zero_are_kept) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  for (int64_t i = -50; i < 50; ++i) {
    video.push(at(i * 40 * kMs));
    audio.push(at(frame_ns(i)));
  }
  fail_unless_equals_int64(video.placed[0].pts, -180'000);
  fail_unless_equals_int64(audio.placed[0].pts, -51'200);
  fail_unless_equals_int64(video.placed[99].pts, 49 * 3600);
  fail_unless_equals_int64(audio.placed[99].pts, 49 * 1024);
}
GST_END_TEST;

// ---- steps of the clock ----

GST_START_TEST(jumps_to_the_ends_of_time_and_back_lose_nothing) {
  Tracks tracks;
  Track& video = tracks.add(__i__ % 2 ? kAudio : kVideo);
  const int64_t far = __i__ < 2 ? int64_t{1} << 62 : -(int64_t{1} << 62);
  for (int64_t base : {int64_t{0}, far, int64_t{0}, -far, far, -far, int64_t{0}, INT64_MAX}) {
    for (int64_t i = 0; i < 10; ++i) video.push(at(base - i + (base == INT64_MAX ? 0 : 2 * i)));
    if (__i__ % 2) video.push({});
  }
  fail_unless(video.placed.back().dts < (int64_t{1} << 62) / 1000);
  fail_unless_equals_uint64(video.left_out, video.counters.audio.left_out.value());
  if (__i__ % 2 == 0) fail_unless_equals_uint64(video.left_out, 0);
}
GST_END_TEST;

// Both tracks start over, the one first or the other; they stay in sync and nothing is lost.
GST_START_TEST(running_time_that_starts_over_goes_on_in_sync_where_it_ended) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, 10 * kSecond);
  const size_t pictures = video.placed.size(), frames = audio.placed.size();
  video.timeline.announce_start();
  audio.timeline.announce_start();
  if (__i__ == 0) video.push(at(0));
  audio.push(at(0));
  if (__i__ == 1) video.push(at(0));
  push_both(video, audio, 40 * kMs, 5 * kSecond);
  fail_unless_equals_uint64(video.counters.clock.restarts.value(), 1);
  fail_unless_equals_uint64(audio.counters.clock.restarts.value(), 1);
  fail_unless_equals_uint64(audio.left_out + video.left_out, 0);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
  expect_near(video.pts_ns(pictures), 10 * kSecond, 60 * kMs);
  expect_near(video.pts_ns(pictures), audio.pts_ns(frames), 11 * kMs);
  // 124 pictures after the first: the last one of either is at 4.96 s.
  expect_near(video.last_pts_ns() - audio.last_pts_ns(), 0, 40 * kMs);
}
GST_END_TEST;

// The one's thread is away while it starts over, and the other goes on meanwhile.
GST_START_TEST(tracks_that_start_over_at_the_same_moment_stay_in_sync) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, 10 * kSecond);
  const size_t pictures = video.placed.size(), frames = audio.placed.size();
  video.timeline.announce_start();
  audio.timeline.announce_start();
  tracks.when_asked = [&] {
    for (int64_t i = 0; i < 50; ++i) audio.push(at(frame_ns(i)));
  };
  video.push(at(0));
  fail_unless_equals_uint64(audio.placed.size(), frames + 50);
  expect_near(video.pts_ns(pictures), audio.pts_ns(frames), 11 * kMs);
}
GST_END_TEST;

// After a seek to a key picture the video begins before the audio.
GST_START_TEST(tracks_that_start_over_at_different_times_stay_in_sync) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, 10 * kSecond);
  video.timeline.announce_start();
  audio.timeline.announce_start();
  auto push_video = [&] {
    for (int64_t i = 0; i < 50; ++i) video.push(at(i * 40 * kMs));
  };
  auto push_audio = [&] {
    for (int64_t i = 0; i < 50; ++i) audio.push(at(1200 * kMs + frame_ns(i)));
  };
  if (__i__ == 0) push_video();
  push_audio();
  if (__i__ == 1) push_video();
  video.push(at(4 * kSecond));
  audio.push(at(4 * kSecond));
  expect_near(video.last_pts_ns(), audio.last_pts_ns(), 11 * kMs);
  fail_unless_equals_uint64(video.left_out + audio.left_out, 0);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
}
GST_END_TEST;

// A loop without a flush: one track starts over while the other has some time to go.
GST_START_TEST(tracks_that_start_over_one_after_the_other_stay_in_sync) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  Track& early = __i__ == 0 ? video : audio;
  Track& late = __i__ == 0 ? audio : video;
  push_both(video, audio, 0, 10 * kSecond);
  early.timeline.announce_start();
  early.push(at(0));
  for (int64_t i = 0; i < 8; ++i) late.push(at(10 * kSecond + 40 * i * kMs));
  late.timeline.announce_start();
  late.push(at(0));
  for (int64_t i = 1; i < 100; ++i) {
    early.push(at(40 * i * kMs));
    late.push(at(40 * i * kMs));
  }
  expect_near(video.last_pts_ns(), audio.last_pts_ns(), 11 * kMs);
  fail_unless_equals_uint64(video.left_out + audio.left_out, 0);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
}
GST_END_TEST;

GST_START_TEST(an_announced_step_back_within_200_ms_is_reordering) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  video.push(at(20 * kSecond));
  video.timeline.announce_start();
  video.push(at(20 * kSecond - 190 * kMs));
  fail_unless_equals_uint64(video.counters.clock.restarts.value(), 0);
  video.timeline.announce_start();
  video.push(at(20 * kSecond - 210 * kMs));
  fail_unless_equals_uint64(video.counters.clock.restarts.value(), 1);
}
GST_END_TEST;

GST_START_TEST(an_announced_start_that_goes_forward_keeps_its_times) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  video.push(at(1 * kSecond));
  video.timeline.announce_start();
  video.push(at(61 * kSecond));
  fail_unless_equals_int64(video.step(1), 60 * 90'000);
}
GST_END_TEST;

GST_START_TEST(a_gap_over_six_hours_is_held_at_six_hours_for_all_tracks_alike) {
  const int64_t gaps[] = {7 * kHour, 11 * kHour, 100 * kHour};
  Tracks tracks({.gap_policy = GapPolicy::kKeep});
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, kSecond);
  push_both(video, audio, gaps[__i__], gaps[__i__] + kSecond);
  fail_unless_equals_uint64(video.counters.clock.gaps_shortened.value(), 1);
  fail_unless_equals_uint64(audio.counters.clock.gaps_shortened.value(), 1);
  expect_near(video.last_pts_ns(), 6 * kHour + 2 * kSecond, 100 * kMs);
  expect_near(video.last_pts_ns(), audio.last_pts_ns(), 40 * kMs);
}
GST_END_TEST;

GST_START_TEST(audio_that_comes_back_after_seven_hours_is_in_sync_with_the_video) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, kSecond);
  for (int64_t second = 1; second < 7 * 3600; second += 5) video.push(at(second * kSecond));
  push_both(video, audio, 7 * kHour, 7 * kHour + kSecond);
  expect_near(video.last_pts_ns(), 7 * kHour + 960 * kMs, kMs);
  expect_near(video.last_pts_ns(), audio.last_pts_ns(), 40 * kMs);
}
GST_END_TEST;

// Caps that come again leave the track, and are of the same one.
GST_START_TEST(caps_that_come_again_change_no_times) {
  constexpr int64_t kOrder[] = {0, 3, 1, 2};
  for (const bool with_dts : {true, false}) {
    for (const int64_t step : {-1'000, -150, 0, 150, 1'000, 20'000}) {
      Tracks tracks, others;
      Track& video = tracks.add({{90'000}, 0, 2});
      Track& with_caps = others.add({{90'000}, 0, 2});
      for (int64_t i = 0; i < 200; ++i) {
        const int64_t place = i / 4 * 4 + kOrder[i % 4] + 2, by = i >= 100 ? step * kMs : 0;
        Stamps stamps = at(place * 40 * kMs + by);
        if (with_dts) stamps.dts = i * 40 * kMs + by;
        video.push(stamps);
        with_caps.timeline.leave_track();
        with_caps.push(stamps);
      }
      for (size_t i = 0; i < video.placed.size(); ++i)
        if (video.placed[i].dts != with_caps.placed[i].dts ||
            video.placed[i].pts != with_caps.placed[i].pts)
          fail("picture %zu, %d, a step of %d ms", i, with_dts, static_cast<int>(step));
    }
  }
}
GST_END_TEST;

static Suite* timeline_suite() {
  Suite* suite = suite_create("timeline");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_set_timeout(rules, 120);
  tcase_add_test(rules, a_day_of_29_97_fps_ends_on_its_tick);
  tcase_add_test(rules, a_day_of_aac_keeps_nominal_durations_and_ends_within_half_a_frame);
  tcase_add_test(rules, given_decode_times_are_kept);
  tcase_add_test(rules, without_decode_time_it_is_the_presentation_time);
  tcase_add_test(rules, a_time_that_does_not_rise_is_moved_by_one_tick_and_counted);
  tcase_add_test(rules, a_sample_without_times_follows_its_predecessor);
  tcase_add_loop_test(rules, unusable_decode_times_are_given_up_for_good_and_counted, 0, 4);
  tcase_add_loop_test(
      rules, decode_times_that_stop_or_stand_still_do_not_leave_the_presentation_times, 0, 2);
  tcase_add_test(rules, times_before_zero_are_kept);
  tcase_add_loop_test(rules, jumps_to_the_ends_of_time_and_back_lose_nothing, 0, 4);
  tcase_add_loop_test(rules, running_time_that_starts_over_goes_on_in_sync_where_it_ended, 0, 2);
  tcase_add_test(rules, tracks_that_start_over_at_the_same_moment_stay_in_sync);
  tcase_add_loop_test(rules, tracks_that_start_over_at_different_times_stay_in_sync, 0, 2);
  tcase_add_loop_test(rules, tracks_that_start_over_one_after_the_other_stay_in_sync, 0, 2);
  tcase_add_test(rules, an_announced_step_back_within_200_ms_is_reordering);
  tcase_add_test(rules, an_announced_start_that_goes_forward_keeps_its_times);
  tcase_add_loop_test(rules, a_gap_over_six_hours_is_held_at_six_hours_for_all_tracks_alike, 0, 3);
  tcase_add_test(rules, audio_that_comes_back_after_seven_hours_is_in_sync_with_the_video);
  tcase_add_test(rules, caps_that_come_again_change_no_times);
  return suite;
}

GST_CHECK_MAIN(timeline)
