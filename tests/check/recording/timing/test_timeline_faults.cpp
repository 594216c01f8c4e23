// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what a camera's clock may do to video and audio, as pure logic: a table of faults, each
// on the video, on the audio and on both, with pictures of every kind. Nothing is lost, and sound
// and picture are together again soon after the last step.
#include <string>

#include "timeline_camera.h"

using namespace clocks;

namespace {

constexpr int64_t kFar = int64_t{1} << 62;

const Fault kFaults[] = {
    {"none", {}},
    {"50 ms back", {{20 * kSecond, -50 * kMs}}, -50 * kMs, -50 * kMs},
    {"50 ms back and forward", {{20 * kSecond, -50 * kMs}, {25 * kSecond, 0}}},
    {"1 s back", {{20 * kSecond, -kSecond}}},
    {"1 s back and forward", {{20 * kSecond, -kSecond}, {25 * kSecond, 0}}},
    {"1 s back and soon forward", {{20 * kSecond, -kSecond}, {20 * kSecond + 400 * kMs, 0}}},
    {"1 s forward", {{20 * kSecond, kSecond}}, kSecond, kSecond},
    {"1 s forward and back", {{20 * kSecond, kSecond}, {24 * kSecond, 0}}},
    {"9 s forward", {{20 * kSecond, 9 * kSecond}}, 9 * kSecond, 9 * kSecond},
    {"11 s forward", {{20 * kSecond, 11 * kSecond}}},
    {"11 s forward and back", {{20 * kSecond, 11 * kSecond}, {25 * kSecond, 0}}},
    {"30 s back", {{20 * kSecond, -30 * kSecond}}},
    {"back to zero", {{20 * kSecond, -20 * kSecond}}},
    {"back to zero and forward", {{20 * kSecond, -20 * kSecond}, {25 * kSecond, 0}}},
    {"1 h forward", {{20 * kSecond, kHour}}},
    {"1 h forward and back", {{20 * kSecond, kHour}, {25 * kSecond, 0}}},
    {"to the end of time", {{20 * kSecond, kFar}}},
    {"to the end of time and back", {{20 * kSecond, kFar}, {21 * kSecond, 0}}},
    {"to the beginning of time", {{20 * kSecond, -kFar / 8}}},
    {"two steps back", {{20 * kSecond, -3 * kSecond}, {22 * kSecond, -5 * kSecond}}},
    {"back and forth each second",
     {{20 * kSecond, -kSecond}, {21 * kSecond, 0}, {22 * kSecond, -kSecond}, {23 * kSecond, 0}}},
};

}  // namespace

GST_START_TEST(picture_and_sound_are_together_again_after_each_fault) {
  const auto pictures = static_cast<Pictures>(__i__ / 3 % 4);
  const auto whose = static_cast<Whose>(__i__ % 3);
  const auto hit = static_cast<Hit>(__i__ / 12);
  std::string problems;
  for (const Fault& fault : kFaults) {
    Camera camera(fault, {.pictures = pictures, .whose = whose, .hit = hit});
    camera.run();
    if (const std::string problem = camera.problem(); !problem.empty())
      problems += std::string("\n  ") + fault.name + ": " + problem;
  }
  fail_unless(problems.empty(), "pictures %s, clock of %s:%s",
              kPictureNames[static_cast<int>(pictures)], kWhose[__i__ % 3], problems.c_str());
}
GST_END_TEST;

// Where jitter ends and a step begins, tracks must not judge differently.
GST_START_TEST(small_steps_of_all_tracks_leave_them_together) {
  const auto pictures = static_cast<Pictures>(__i__ / 2);
  const auto hit = static_cast<Hit>(__i__ % 2);
  std::string problems;
  for (int64_t ms = 20; ms <= 600; ms += 10)
    for (int times : {1, 5})
      for (unsigned seed = 1; seed <= 2; ++seed) {
        Fault fault{"", {}};
        for (int i = 1; i <= times; ++i)
          fault.steps.push_back({(15 + 4 * i) * kSecond, -ms * kMs * i});
        Camera camera(fault,
                      {.pictures = pictures, .whose = Whose::kAll, .hit = hit, .seed = seed});
        camera.run();
        const std::string problem = camera.sync_problem();
        if (!problem.empty() && problems.size() < 2'000)
          problems += "\n  " + std::to_string(times) + " times " + std::to_string(ms) +
                      " ms, seed " + std::to_string(seed) + ": " + problem;
      }
  fail_unless(problems.empty(), "pictures %s:%s", kPictureNames[__i__ / 2], problems.c_str());
}
GST_END_TEST;

// ---- what is real ----

// All tracks pause, and so does the camera: its clock, or another track, or upstream says so.
GST_START_TEST(time_that_passed_elsewhere_too_is_kept) {
  constexpr int64_t kPause = 60 * kSecond;
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, 5 * kSecond);
  const size_t before = video.placed.size();
  switch (__i__) {
    case 0: {  // the clock of a live source
      Stamps last = at(5 * kSecond), next = at(5 * kSecond + kPause);
      last.arrival = 100 * kSecond;
      next.arrival = *last.arrival + kPause;
      video.push(last);
      video.push(next);
      audio.push(at(5 * kSecond + kPause));  // the other track's time says it
      break;
    }
    case 1:  // a GAP event
      video.timeline.announce_gap(5 * kSecond + kPause);
      video.push(at(5 * kSecond + kPause));
      audio.push(at(5 * kSecond + kPause));
      break;
    case 2:  // a new segment
      video.timeline.announce_start();
      video.push(at(5 * kSecond + kPause));
      audio.push(at(5 * kSecond + kPause));
      break;
    default:  // nobody: it is a fault of the clock
      video.push(at(5 * kSecond + kPause));
      audio.push(at(5 * kSecond + kPause));
  }
  const int64_t off = video.last_pts_ns() - 5 * kSecond;
  expect_near(off, __i__ < 3 ? kPause : 0, kMs);
  expect_near(audio.last_pts_ns(), video.last_pts_ns(), 25 * kMs);
  fail_unless_equals_uint64(video.counters.clock.gaps_collapsed.value(), __i__ == 3);
  fail_unless_equals_uint64(audio.counters.clock.gaps_collapsed.value(), __i__ == 3);
  fail_unless(video.placed.size() > before);
}
GST_END_TEST;

GST_START_TEST(sound_of_a_dead_microphone_that_comes_back_is_where_it_belongs) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  push_both(video, audio, 0, 5 * kSecond);
  for (int64_t i = 125; i < 25 * 120; ++i) video.push(at(i * kPicture));
  audio.push(at(120 * kSecond));
  expect_near(audio.last_pts_ns(), 120 * kSecond, 25 * kMs);
  fail_unless_equals_uint64(audio.counters.clock.gaps_collapsed.value(), 0);
}
GST_END_TEST;

GST_START_TEST(a_gap_may_be_forbidden) {
  Tracks tracks({.gap_policy = GapPolicy::kError});
  Track& video = tracks.add(kVideo);
  for (int64_t i = 0; i < 10; ++i) fail_unless(video.push(at(i * kPicture)) == Verdict::kPlaced);
  fail_unless(video.push(at(9 * kSecond)) == Verdict::kPlaced);
  fail_unless(video.push(at(20 * kSecond)) == Verdict::kForbiddenGap);
}
GST_END_TEST;

// Ten hours of running time before the first buffer are no gap of the recording.
GST_START_TEST(a_recording_may_begin_at_any_time) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  Track& audio = tracks.add(kAudio);
  const int64_t begin = __i__ ? -10 * kHour : 10 * kHour;
  push_both(video, audio, begin, begin + 5 * kSecond);
  expect_near(video.pts_ns(0), begin, kMs);
  expect_near(audio.last_pts_ns(), video.last_pts_ns(), kPicture);
}
GST_END_TEST;

// Sums of such times do not fit in 64 bits, and nobody makes them.
GST_START_TEST(a_clock_may_go_from_one_end_of_time_to_the_other) {
  const Stream streams[] = {kVideo, kVideoOfUnknownDepth, kAudio};
  ClockSettings settings{.gap_policy = __i__ < 3 ? GapPolicy::kCollapse : GapPolicy::kKeep};
  if (__i__ % 2) settings.max_gap = settings.max_step_back = INT64_MAX;
  Tracks tracks(settings);
  Track& track = tracks.add(streams[__i__ % 3]);
  Track& other = tracks.add(kAudio);
  int64_t number = 0;
  for (int64_t begin : {kFar, int64_t{0}, kFar, -kFar, INT64_MAX, -INT64_MAX, kFar}) {
    for (int i = 0; i < 40; ++i, ++number) {
      Stamps stamps = at(begin / 2 + (begin / 2 + (begin < 0 ? i : -i) * 40 * kMs));
      stamps.bidirectional = number % 3 > 0;
      if (number % 7 == 0) stamps.dts = -begin;
      if (number % 50 == 49) track.timeline.announce_start(-begin);
      if (number % 30 == 29) track.timeline.announce_gap(begin);
      track.push(stamps);
      other.push(at(-begin));
    }
  }
  fail_unless(track.placed.size() > 10);
}
GST_END_TEST;

// What is announced for one end of time, while the samples are at the other.
GST_START_TEST(a_start_may_be_announced_far_from_the_samples) {
  Tracks tracks;
  Track& track = tracks.add(kAudio);
  Track& other = tracks.add(kAudio);
  constexpr int64_t kEarly = -kFar / 4;
  for (int64_t i = 0; i < 5; ++i) other.push(at(kFar + i * 20 * kMs));
  for (int64_t i = 0; i < 5; ++i) track.push(at(kEarly + i * 20 * kMs));
  for (int64_t i = 0; i < 5; ++i) track.push(at(kFar + i * 20 * kMs));
  for (Track* each : {&other, &track}) each->timeline.announce_start(kEarly);
  other.push(at(kEarly));
  track.push(at(kFar - kSecond));
  fail_unless_equals_int(track.placed.size(), 11);
  const auto step = track.placed.back().dts - track.placed[9].dts;
  fail_unless(step > 0 && step <= int64_t{UINT32_MAX}, "%" G_GINT64_FORMAT " ticks", step);
}
GST_END_TEST;

// A camera that changes from 25 pictures a second to one, and back.
GST_START_TEST(another_pace_is_no_step) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  int64_t now = 0;
  for (int64_t distance : {40 * kMs, kSecond, 40 * kMs, 5 * kSecond, 33 * kMs})
    for (int i = 0; i < 60; ++i) {
      video.push(at(now));
      fail_unless_equals_int64(video.placed.back().pts, now * 9 / 100'000);
      now += distance;
    }
  fail_unless_equals_uint64(video.counters.clock.reanchored.value(), 0);
  fail_unless_equals_uint64(video.counters.clock.worked_off.value(), 0);
}
GST_END_TEST;

// ---- small faults of pictures ----

GST_START_TEST(pictures_of_one_time_and_late_ones_are_a_tick_apart) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  const int64_t ms[] = {0, 40, 80, 80, 80, 200, 190, 240, 280};
  const Ticks wanted[] = {0, 3600, 7200, 7201, 7202, 18'000, 18'001, 21'600, 25'200};
  for (int64_t time : ms) video.push(at(time * kMs));
  for (size_t i = 0; i < std::size(ms); ++i)
    fail_unless_equals_int64(video.placed[i].pts, wanted[i]);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 3);
}
GST_END_TEST;

// Back by more than a picture: at nominal distance, then a tenth faster until it is made up for.
GST_START_TEST(a_small_step_back_is_worked_off_by_a_tenth_of_each_duration) {
  Tracks tracks;
  Track& video = tracks.add(kVideo);
  for (int64_t i = 0; i < 25; ++i) video.push(at(i * kPicture));
  for (int64_t i = 25; i < 100; ++i) video.push(at(i * kPicture - 100 * kMs));
  for (size_t i = 25; i < 100; ++i) {
    fail_unless(video.step(i) >= 3600 - 360 && video.step(i) <= 3600, "step %zu", i);
    const int64_t ahead = video.pts_ns(i) - (static_cast<int64_t>(i) * kPicture - 100 * kMs);
    expect_near(ahead, std::max<int64_t>(0, 100 * kMs - static_cast<int64_t>(i - 24) * 4 * kMs),
                6 * kMs);
  }
  fail_unless_equals_uint64(video.counters.clock.worked_off.value(), 1);
  fail_unless_equals_uint64(video.counters.video.moved.value(), 0);
}
GST_END_TEST;

// ---- depth of reordering ----

// IBBP with a pyramid: decoded 0 4 2 1 3 8 6 5 7, presented two pictures later at the earliest.
GST_START_TEST(decode_times_rise_evenly_and_offsets_are_not_negative) {
  Tracks tracks;
  Stream stream = kVideo;
  stream.depth = 2;
  Track& video = tracks.add(stream);
  const int64_t order[] = {0, 4, 2, 1, 3};
  for (int64_t i = 0; i < 500; ++i)
    video.push(at((i == 0 ? 0 : order[(i - 1) % 4 + 1] + (i - 1) / 4 * 4) * kPicture));
  for (size_t i = 0; i < 500; ++i) {
    const int64_t place = i == 0 ? 0 : order[(i - 1) % 4 + 1] + static_cast<int64_t>(i - 1) / 4 * 4;
    fail_unless_equals_int64(video.placed[i].pts, place * 3600);
    fail_unless(video.placed[i].pts >= video.placed[i].dts);
    // The distance is a guess until pictures were seen.
    if (i > 2) fail_unless_equals_int64(video.step(i), 3600);
  }
  fail_unless_equals_uint64(video.counters.video.depth_grown.value(), 0);
}
GST_END_TEST;

GST_START_TEST(a_depth_found_out_late_leaves_the_times_of_the_pictures) {
  Tracks tracks;
  Stream stream = kVideoOfUnknownDepth;
  stream.placed_anew = __i__ ? 50 : 0;  // the fragment was closed before
  Track& video = tracks.add(stream);
  int64_t presented = 0;
  for (int64_t i = 0; i < 30; ++i) video.push(at(presented++ * kPicture));
  for (int64_t i = 0; i < 300; ++i) {
    Stamps stamps = at((presented + (i % 3 == 0 ? 2 : -1)) * kPicture);
    stamps.bidirectional = i % 3 != 0;
    ++presented;
    video.push(stamps);
    fail_unless_equals_int64(video.placed.back().pts, *stamps.pts / kPicture * 3600);
  }
  fail_unless_equals_uint64(video.counters.video.depth_grown.value(), __i__ == 0);
  fail_unless_equals_uint64(video.counters.clock.worked_off.value(), 0);
  fail_unless_equals_uint64(video.counters.clock.reanchored.value(), 0);
  for (size_t i = 40; i < 330; ++i)
    fail_unless(video.placed[i].pts >= video.placed[i].dts, "picture %zu", i);
}
GST_END_TEST;

static Suite* timeline_faults_suite() {
  Suite* suite = suite_create("timeline_faults");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_set_timeout(rules, 120);
  tcase_add_loop_test(rules, picture_and_sound_are_together_again_after_each_fault, 0, 24);
  tcase_add_loop_test(rules, small_steps_of_all_tracks_leave_them_together, 0, 8);
  tcase_add_loop_test(rules, time_that_passed_elsewhere_too_is_kept, 0, 4);
  tcase_add_test(rules, sound_of_a_dead_microphone_that_comes_back_is_where_it_belongs);
  tcase_add_test(rules, a_gap_may_be_forbidden);
  tcase_add_loop_test(rules, a_recording_may_begin_at_any_time, 0, 2);
  tcase_add_loop_test(rules, a_clock_may_go_from_one_end_of_time_to_the_other, 0, 6);
  tcase_add_test(rules, a_start_may_be_announced_far_from_the_samples);
  tcase_add_test(rules, another_pace_is_no_step);
  tcase_add_test(rules, pictures_of_one_time_and_late_ones_are_a_tick_apart);
  tcase_add_test(rules, a_small_step_back_is_worked_off_by_a_tenth_of_each_duration);
  tcase_add_test(rules, decode_times_rise_evenly_and_offsets_are_not_negative);
  tcase_add_loop_test(rules, a_depth_found_out_late_leaves_the_times_of_the_pictures, 0, 2);
  return suite;
}

GST_CHECK_MAIN(timeline_faults)
