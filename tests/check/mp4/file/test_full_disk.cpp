// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of a disk that becomes full, by calls that fail on demand: the recording ends with one
// error, and the file is finished with all fragments before the first that did not fit.
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "file_bytes.h"
#include "full_disk.h"

using mp4::StatusCode;
using mp4_test::Call;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;
using namespace full_disk;

GST_START_TEST(a_fragment_for_which_no_space_can_be_held_is_left_out) {
  for (unsigned nth = 1; nth <= 5; ++nth) {
    TestRecording recording;
    const auto video = recording.add_track(video_config());
    recording.disk->fail_call(Verb::kReserve, nth, StatusCode::kNoSpace, ENOSPC);
    for (unsigned second = 0; second < 5; ++second) append_second(recording, video, second);
    expect_full(recording);
    if (nth == 1) {
      fail_unless(recording.witness->heard() == "opened, failed");
      fail_unless(boxes::load_file(recording.path).empty());
      continue;
    }
    fail_unless_equals_int(expect_finished(recording, std::to_string(nth)), nth - 1);
    const auto calls = recording.disk->calls();
    fail_unless(recording.disk->count(Verb::kReserve) == nth, "goes on after a full disk");
  }
}
GST_END_TEST;

// The picture that did not fit says how long the one before lasts.
GST_START_TEST(the_last_sample_has_its_true_duration) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.disk->fail_call(Verb::kReserve, 2, StatusCode::kNoSpace, ENOSPC);
  for (unsigned i = 0; i < kPictures; ++i)
    recording.append(video, {i * kPicture, i * kPicture, kPicture}, i == 0, kSample);
  constexpr Ticks kPause = 450'000;
  const Ticks last = (kPictures - 1) * kPicture;
  for (Ticks pause : {kPause, 2 * kPause, 3 * kPause})
    recording.append(video, {last + pause, last + pause, kPicture}, true, kSample);
  expect_full(recording);
  fail_unless_equals_int(expect_finished(recording, "pause"), 1);
  fail_unless_equals_uint64(recording.read()->tracks[0].samples.back().duration, kPause);
}
GST_END_TEST;

// Until then what they push is dropped: they would make upstream say something first.
GST_START_TEST(the_error_is_told_before_the_pads_hear_of_it) {
  for (const auto code : {StatusCode::kNoSpace, StatusCode::kWrite}) {
    TestRecording recording;
    const auto video = recording.add_track(video_config());
    recording.disk->fail_call(Verb::kReserve, 2, code, EIO);
    std::optional<mp4::Recording::Taken> meanwhile;
    recording.witness->when_told = [&] {
      const Ticks late = 1 << 29;
      meanwhile = recording.append(video, {late, late, 0});
    };
    append_second(recording, video, 0);
    append_second(recording, video, 1);
    recording.recording->end();
    fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
    fail_unless(meanwhile == mp4::Recording::Taken::kYes);
    fail_unless(recording.append(video, {1 << 30, 1 << 30, 0}) == mp4::Recording::Taken::kFailed);
  }
}
GST_END_TEST;

// Though space was held, or where none can be: moov goes over what is there of the fragment, behind
// a header that hides it all.
GST_START_TEST(a_write_that_finds_no_space_ends_with_what_was_written_before) {
  for (unsigned nth = 3; nth <= (mp4_test::fragments_are_on() ? 8 : 6); ++nth) {
    TestRecording recording;
    const auto video = recording.add_track(video_config());
    recording.disk->fail_call(Verb::kWrite, nth, StatusCode::kNoSpace, ENOSPC);
    for (unsigned second = 0; second < 5; ++second) {
      append_second(recording, video, second);
      if (!is_written(recording, second + 1)) break;
    }
    expect_full(recording);
    expect_finished(recording, std::to_string(nth));
    const auto calls = recording.disk->calls();
    const auto failed =
        std::find_if(calls.begin(), calls.end(), [](const Call& call) { return !call.ok; });
    fail_unless(failed != calls.end());
    if (failed->size < 1'000) continue;  // the publishing of a fragment that is all there
    const auto end = failed->offset;
    fail_unless(failed[1].verb == Verb::kSize);
    const Call header{Verb::kWrite, end, 8};
    fail_unless(failed[2] == header);
    fail_unless(failed[3].verb == Verb::kWrite && failed[3].offset == end + 8);
    fail_unless(failed[4].verb == Verb::kSync);
  }
}
GST_END_TEST;

GST_START_TEST(where_moov_finds_no_space_either_the_fragments_stay) {
  if (!mp4_test::fragments_are_on()) return;
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  append_second(recording, video, 0);
  fail_unless(is_written(recording, 1));
  append_second(recording, video, 1);
  fail_unless(is_written(recording, 2));
  recording.disk->fail_from(Verb::kWrite, 1, StatusCode::kNoSpace, ENOSPC);
  append_second(recording, video, 2);
  expect_full(recording);
  fail_unless(recording.witness->heard() == "opened, failed");
  const std::string differences = recording.growing_differences({2 * kPictures});
  fail_unless(differences.empty(), "%s", differences.c_str());
  // And nothing else, not what was written of the third one.
  const auto last = recording.read()->top.back();
  const auto calls = recording.disk->calls();
  const Call cut{Verb::kTruncate, 0, last.offset + last.size};
  fail_unless(last.type == "mdat");
  fail_unless(std::find(calls.begin(), calls.end(), cut) != calls.end());
}
GST_END_TEST;

namespace {

constexpr unsigned kMany = 70'000;

void record_many(TestRecording& recording) {
  const auto video = recording.add_track(video_config());
  for (Ticks i = 0; i < kMany; ++i)
    recording.append(video, {i * kPicture, i * kPicture, kPicture}, i % 50 == 0, 10 + i % 3);
  recording.recording->end();
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
}

}  // namespace

// The index of a long recording is written in slices, and hidden from the first one on.
GST_START_TEST(an_index_that_cannot_be_written_to_its_end_stays_hidden) {
  auto settings = mp4_test::default_settings();
  settings.fragment_ns *= 600;
  TestRecording good(settings);
  record_many(good);
  const unsigned writes = good.disk->count(Verb::kWrite);
  const boxes::Box moov = good.read()->top[2];
  fail_unless(moov.size > 256 * 1024 && good.differences().empty());
  for (const auto code : {StatusCode::kNoSpace, StatusCode::kWrite}) {
    TestRecording recording(settings);
    recording.disk->fail_call(Verb::kWrite, writes - 1, code,
                              code == StatusCode::kWrite ? EIO : ENOSPC);
    record_many(recording);
    fail_unless(recording.witness->heard() == "opened, failed");
    const auto calls = recording.disk->calls();
    const auto failed =
        std::find_if(calls.begin(), calls.end(), [](const Call& call) { return !call.ok; });
    fail_unless(failed->offset > moov.offset && failed->offset < moov.offset + moov.size);
    const uint64_t end = moov.offset - 8;
    const bool is_cut = failed[1] == Call{Verb::kTruncate, 0, end};
    fail_unless(is_cut == (code == StatusCode::kNoSpace));
    fail_unless(std::filesystem::file_size(recording.path) == (is_cut ? end : failed->offset));
    if (!mp4_test::fragments_are_on()) continue;
    const auto movie = recording.read();
    fail_unless(movie && movie->fragmented);
    fail_unless_equals_uint64(movie->tracks[0].samples.size(), kMany);
    const boxes::Box last = movie->top.back();
    if (is_cut) {
      fail_unless(recording.growing_differences({kMany}).empty());
    } else {  // what hides the slices that are there claims to hide all
      fail_unless(last.type == "skip" && last.offset == end);
      fail_unless_equals_uint64(last.size, moov.size + 8);
    }
  }
}
GST_END_TEST;

GST_START_TEST(a_limit_of_file_sizes_is_a_full_disk) {
  constexpr rlim_t kLimit = 500'000;
  const rlimit limit{kLimit, kLimit};
  fail_unless(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  for (unsigned second = 0; second < 9; ++second) append_second(recording, video, second);
  expect_full(recording);
  fail_unless_equals_int(recording.witness->failure()->error_number(), EFBIG);
  fail_unless(expect_finished(recording, "limit") >= 3);
}
GST_END_TEST;

static Suite* full_disk_suite() {
  Suite* suite = suite_create("full_disk");
  TCase* full = tcase_create("full");
  suite_add_tcase(suite, full);
  tcase_set_timeout(full, 120);
  tcase_add_test(full, a_fragment_for_which_no_space_can_be_held_is_left_out);
  tcase_add_test(full, the_last_sample_has_its_true_duration);
  tcase_add_test(full, the_error_is_told_before_the_pads_hear_of_it);
  tcase_add_test(full, a_write_that_finds_no_space_ends_with_what_was_written_before);
  tcase_add_test(full, where_moov_finds_no_space_either_the_fragments_stay);
  tcase_add_test(full, an_index_that_cannot_be_written_to_its_end_stays_hidden);
  tcase_add_test(full, a_limit_of_file_sizes_is_a_full_disk);
  return suite;
}

GST_CHECK_MAIN(full_disk)
