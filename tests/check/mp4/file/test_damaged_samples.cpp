// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of samples whose bytes cannot be had when they are written: zeros stand in their place and
// everything else is where it belongs.
#include <cstdint>
#include <string>

#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::Bytes;
using mp4_test::TestRecording;
using mp4_test::video_config;

void expect_good_file(TestRecording& recording) {
  fail_unless(recording.finish());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
  fail_unless_equals_int(mp4_test::mapped_pieces(), 0);
  fail_unless(recording.is_freed());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
}

}  // namespace

GST_START_TEST(a_sample_that_cannot_be_read_becomes_zeros_of_its_size) {
  for (uint32_t size : {1u, 100u, 4'095u, 4'096u, 4'097u, 100'000u}) {
    TestRecording recording;
    const auto track = recording.add_track(video_config());
    recording.append_many(track, 5, 3'000);
    recording.append(track, {15'000, 15'000, 0}, true,
                     mp4_test::make_unreadable_payload(size, 1, 0), Bytes(size));
    recording.append_many(track, 5, 3'000);
    expect_good_file(recording);
    fail_unless(recording.witness->heard() == "opened, damaged 0, finished");
    fail_unless_equals_uint64(recording.witness->summary()->tracks[0].damaged, 1);
  }
}
GST_END_TEST;

GST_START_TEST(whichever_piece_is_missing_the_whole_sample_is_zeros) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  Ticks time = 0;
  for (std::size_t pieces : {2, 3, 600}) {
    for (std::size_t bad : {std::size_t{0}, pieces / 2, pieces - 1}) {
      recording.append(track, {time, time, 3'000}, true, 700);
      time += 3'000;
      recording.append(track, {time, time, 3'000}, true,
                       mp4_test::make_unreadable_payload(900, pieces, bad), Bytes(900));
      time += 3'000;
    }
  }
  expect_good_file(recording);
  fail_unless_equals_uint64(recording.witness->summary()->tracks[0].damaged, 9);
}
GST_END_TEST;

GST_START_TEST(a_sample_shorter_than_it_said_becomes_zeros) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  recording.append(track, {0, 0, 3'000}, true, mp4_test::make_short_payload(500, 1), Bytes(500));
  recording.append_many(track, 5, 3'000);
  expect_good_file(recording);
}
GST_END_TEST;

GST_START_TEST(each_damaged_track_is_told_of_once) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  const auto other = recording.add_track(audio_config());
  for (Ticks i = 0; i < 100; ++i) {
    recording.append(video, {i * 9'000, i * 9'000, 9'000}, true,
                     mp4_test::make_unreadable_payload(50, 1, 0), Bytes(50));
    recording.append(audio, {i * 4'800, i * 4'800, 4'800}, true,
                     mp4_test::make_unreadable_payload(60, 1, 0), Bytes(60));
    recording.append(other, {i * 4'800, i * 4'800, 4'800});
  }
  expect_good_file(recording);
  const std::string heard = recording.witness->heard();
  fail_unless(heard == "opened, damaged 0, damaged 1, finished", "%s", heard.c_str());
  const auto summary = recording.witness->summary().value();
  fail_unless_equals_uint64(summary.tracks[0].damaged, 100);
  fail_unless_equals_uint64(summary.tracks[1].damaged, 100);
  fail_unless_equals_uint64(summary.tracks[2].damaged, 0);
}
GST_END_TEST;

GST_START_TEST(a_recording_of_nothing_but_damage_is_still_a_file) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  for (Ticks i = 0; i < 2'000; ++i)
    recording.append(track, {i * 3'000, i * 3'000, 3'000}, i % 30 == 0,
                     mp4_test::make_unreadable_payload(1'000, 3, 1), Bytes(1'000));
  expect_good_file(recording);
}
GST_END_TEST;

static Suite* damaged_samples_suite() {
  Suite* suite = suite_create("damaged_samples");
  TCase* zeros = tcase_create("zeros");
  suite_add_tcase(suite, zeros);
  tcase_set_timeout(zeros, 60);
  tcase_add_test(zeros, a_sample_that_cannot_be_read_becomes_zeros_of_its_size);
  tcase_add_test(zeros, whichever_piece_is_missing_the_whole_sample_is_zeros);
  tcase_add_test(zeros, a_sample_shorter_than_it_said_becomes_zeros);
  tcase_add_test(zeros, each_damaged_track_is_told_of_once);
  tcase_add_test(zeros, a_recording_of_nothing_but_damage_is_still_a_file);
  return suite;
}

GST_CHECK_MAIN(damaged_samples)
