// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what a camera's clock may do to pictures that are reordered and have no decode times: a
// step at each place between two P pictures, at each pace, however long it goes on, and a pause
// that pictures come behind of.
#include <string>

#include "timeline_camera.h"

using namespace clocks;

namespace {

constexpr int kPhases = 12;

// The first of what is wrong with a step of that size at each place.
std::string problem_with_step(int64_t by, Scene scene) {
  for (int phase = 0; phase < kPhases; ++phase) {
    const int64_t begin = 20 * kSecond + phase * scene.picture;
    const Fault fault{"", {{begin, by}}};
    scene.end = begin + 25 * kSecond;
    Camera camera(fault, scene);
    camera.run();
    const std::string problem = camera.sync_problem();
    if (!problem.empty())
      return "\n  " + std::to_string(by / kMs) + " ms at place " + std::to_string(phase) + ", " +
             std::to_string(kSecond / scene.picture) + " pictures a second: " + problem;
  }
  return {};
}

}  // namespace

GST_START_TEST(a_step_back_is_taken_back_wherever_it_is) {
  std::string problems;
  const auto pictures = __i__ / 2 ? Pictures::kOfUnknownDepth : Pictures::kReordered;
  const auto hit = __i__ % 2 ? Hit::kPresented : Hit::kDecoded;
  for (int64_t rate : {15, 25, 60})
    for (int64_t ms : {300, 400, 500, 700, 1000, 3000}) {
      // What may be reordering is left alone.
      if (ms * rate < (pictures == Pictures::kOfUnknownDepth ? 12'000 : 7'000)) continue;
      problems += problem_with_step(
          -ms * kMs,
          {.pictures = pictures, .whose = Whose::kVideo, .hit = hit, .picture = kSecond / rate});
    }
  fail_unless(problems.empty(), "%s", problems.c_str());
}
GST_END_TEST;

GST_START_TEST(one_step_makes_one_correction_however_long_it_goes_on) {
  for (int64_t rate : {15, 25, 60}) {
    const Fault fault{"", {{20 * kSecond, -kSecond}}};
    Camera camera(fault, {.pictures = Pictures::kReordered,
                          .whose = Whose::kVideo,
                          .picture = kSecond / rate,
                          .end = 1200 * kSecond});
    camera.run();
    fail_unless_equals_uint64(camera.video.counters.clock.reanchored.value(), 1);
    const std::string problem = camera.sync_problem();
    fail_unless(problem.empty(), "%s", problem.c_str());
  }
}
GST_END_TEST;

// The picture that was made first after the pause comes before some that were made before it.
GST_START_TEST(a_pause_in_the_middle_of_reordered_pictures_is_kept) {
  constexpr int64_t kPause = 60 * kSecond;
  for (int64_t rate : {5, 15, 25, 60})
    for (int phase = 0; phase < 6; ++phase) {
      Tracks tracks;
      Stream stream = kVideo;
      stream.depth = 1;
      Track& video = tracks.add(stream);
      Track& audio = tracks.add(kAudio);
      const int64_t picture = kSecond / rate, begin = 20 * kSecond + phase * picture;
      const auto made_at = [&](int64_t place) {
        return place * picture + (place * picture >= begin ? kPause : 0);
      };
      int64_t pictures = 0, frames = 0, arrival = 0;
      for (;;) {
        const int64_t place = pictures == 0 ? 0 : pictures % 3 == 1 ? pictures + 2 : pictures - 1;
        const int64_t came = std::max(arrival, made_at(place));
        const int64_t sound = frame_ns(frames) + (frame_ns(frames) >= begin ? kPause : 0);
        if (std::min(came, sound) > 100 * kSecond) break;
        if (came <= sound) {
          Stamps stamps = at(made_at(place));
          stamps.arrival = arrival = came;
          stamps.bidirectional = pictures > 0 && pictures % 3 != 1;
          ++pictures;
          video.push(stamps);
        } else {
          Stamps stamps = at(sound);
          stamps.arrival = sound;
          ++frames;
          audio.push(stamps);
        }
      }
      const int64_t last = pictures % 3 == 1 ? pictures - 2 : pictures;
      expect_near(video.last_pts_ns(), made_at(last - (pictures % 3 == 0 ? 2 : 0)), 3 * picture);
      expect_near(audio.last_pts_ns(), frame_ns(frames - 1) + kPause, 25 * kMs);
      fail_unless_equals_uint64(video.counters.clock.reanchored.value(), 0);
      fail_unless_equals_uint64(video.placed.size(), static_cast<uint64_t>(pictures));
    }
}
GST_END_TEST;

// Decode times that were given are kept however far apart the pictures are.
GST_START_TEST(a_lead_of_some_pictures_is_usable_at_any_pace) {
  for (int64_t rate : {5, 9, 25}) {
    const Fault fault{"none", {{0, 0}}};
    Camera camera(
        fault, {.pictures = Pictures::kWithDts, .whose = Whose::kVideo, .picture = kSecond / rate});
    camera.run();
    fail_unless_equals_uint64(camera.video.counters.video.unusable_dts.value(), 0);
  }
}
GST_END_TEST;

static Suite* timeline_reordered_suite() {
  Suite* suite = suite_create("timeline_reordered");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_set_timeout(rules, 120);
  tcase_add_loop_test(rules, a_step_back_is_taken_back_wherever_it_is, 0, 4);
  tcase_add_test(rules, one_step_makes_one_correction_however_long_it_goes_on);
  tcase_add_test(rules, a_pause_in_the_middle_of_reordered_pictures_is_kept);
  tcase_add_test(rules, a_lead_of_some_pictures_is_usable_at_any_pace);
  return suite;
}

GST_CHECK_MAIN(timeline_reordered)
