// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the file while it grows, as the tests' own reader finds it: what is published and when,
// tracks that come late, samples that are held for too long, and how often the disk is synced.
#include <algorithm>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "test_recording.h"
#include "thread_states.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::eventually;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;
using namespace std::chrono_literals;

constexpr Ticks kPicture = 3'000;  // 30 a second
constexpr int64_t kSecond = 1'000'000'000;

void expect_growing(TestRecording& recording, const std::vector<std::size_t>& samples,
                    int64_t origin_ns = 0) {
  const std::string differences = recording.growing_differences(samples, origin_ns);
  fail_unless(differences.empty(), "%s", differences.c_str());
}

void expect_good_end(TestRecording& recording) {
  fail_unless(recording.finish(), "%s", recording.witness->heard().c_str());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
}

std::vector<std::string> types_of(const std::vector<boxes::Box>& boxes) {
  std::vector<std::string> types;
  for (const boxes::Box& box : boxes) types.push_back(box.type);
  return types;
}

}  // namespace

GST_START_TEST(each_fragment_is_there_when_the_next_one_is_recorded) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  std::size_t pictures = 0, frames = 0;
  for (uint64_t second = 1; second <= 5; ++second) {
    recording.append_many(video, second == 1 ? 32 : 31, kPicture, 31);
    // The last sample of each track is still held.
    pictures += 31;
    fail_unless(recording.wait_until_published(second));
    expect_growing(recording, second == 1 ? std::vector<std::size_t>{pictures}
                                          : std::vector<std::size_t>{pictures, frames});
    recording.append_many(audio, 47, 1'024);
    frames += second == 1 ? 46 : 47;
  }
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(every_box_begins_at_a_multiple_of_eight_and_has_its_true_size) {
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 200, kPicture, 10);
  fail_unless(recording.wait_until_published(6));
  const auto movie = recording.read();
  const std::vector<std::string> begin{"ftyp", "mdat", "moov", "skip", "moof", "mdat", "moof"};
  const auto types = types_of(movie->top);
  fail_unless(types.size() == 4 + 2 * 6 && std::equal(begin.begin(), begin.end(), types.begin()));
  for (const boxes::Box& box : movie->top)  // but for what stands in a fragment
    fail_unless(box.offset % 8 == 0 || box.type == "mdat");
  fail_unless_equals_uint64(movie->top.back().offset + movie->top.back().size,
                            boxes::load_file(recording.path).size());
  fail_unless(recording.finish());
}
GST_END_TEST;

GST_START_TEST(decode_times_and_offsets_of_reordered_pictures_are_exact) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const Ticks order[] = {0, 3, 1, 2};
  const Ticks begin = __i__ ? -900'000 : 4'000'000;
  for (Ticks i = 0; i < 100; ++i) {
    const Ticks place = i == 0 ? 0 : order[(i - 1) % 3 + 1] + (i - 1) / 3 * 3;
    recording.append(video, {begin + (i - 1) * kPicture, begin + place * kPicture, 0}, i == 0);
  }
  fail_unless(recording.wait_until_published(3));
  expect_growing(recording, {93}, mp4::kVideoTimescale.to_ns(begin));
  expect_good_end(recording);
}
GST_END_TEST;

// ---- late tracks ----

GST_START_TEST(a_late_track_is_named_by_a_revised_moov) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  for (unsigned late = 0; late < 3; ++late) {
    const auto audio = recording.add_track(audio_config());
    const Ticks begin = 48'000 * (late + 1) + 100;
    for (Ticks i = 0; i < 10; ++i)
      recording.append(audio, {begin + i * 1'024, begin + i * 1'024, 1'024});
    recording.append_many(video, 31, kPicture, 31);
    fail_unless(recording.wait_until_published(late + 2));
    std::vector<std::size_t> samples{31 * (late + 2)};
    samples.insert(samples.end(), late + 1, 9);
    expect_growing(recording, samples);
  }
  const auto movie = recording.read();
  const std::vector<std::string> begin{"ftyp", "mdat", "skip", "skip", "skip", "moov", "skip"};
  fail_unless(std::equal(begin.begin(), begin.end(), types_of(movie->top).begin()));
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(where_the_reserve_is_used_up_a_track_is_in_the_finished_file_only) {
  TestRecording recording({.moov_reserve = 1'000});
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  for (unsigned late = 0; late < 2; ++late) {
    const auto audio = recording.add_track(audio_config());
    for (Ticks i = 0; i < 10; ++i)
      recording.append(audio, {90'000 + i * 1'024, 90'000 + i * 1'024, 1'024});
    recording.append_many(video, 31, kPicture, 31);
    fail_unless(recording.wait_until_published(late + 2));
  }
  expect_growing(recording, {93});
  expect_good_end(recording);
  fail_unless(recording.witness->heard() == "opened, left out 1, left out 2, finished", "%s",
              recording.witness->heard().c_str());
  fail_unless_equals_int(recording.read()->tracks.size(), 3);
}
GST_END_TEST;

// The file shows what is presented from the first fragment's begin on, the finished one all.
GST_START_TEST(what_a_late_track_presents_before_the_movie_begins_is_in_the_finished_file) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  for (Ticks i = 0; i < 32; ++i)
    recording.append(video, {90'000 + i * kPicture, 90'000 + i * kPicture, 0}, i == 0);
  fail_unless(recording.wait_until_published(1));
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 94; ++i) recording.append(audio, {i * 1'024, i * 1'024, 1'024});
  fail_unless(recording.wait_until_published(2));
  const auto movie = recording.read();
  fail_unless(movie->problems.empty(), "%s", movie->problems[0].c_str());
  const boxes::Track& shown = movie->tracks[1];
  fail_unless_equals_int(shown.samples.size(), 1);
  fail_unless_equals_int64(boxes::presentation_ns(*movie, shown, shown.samples[0]) / 1'000,
                           (47 * 1'024 * kSecond / 48'000 - kSecond) / 1'000);
  expect_good_end(recording);
}
GST_END_TEST;

// What cannot be decoded without pictures that are presented before the movie begins brings those
// along; an edit hides them.
GST_START_TEST(a_late_video_that_began_earlier_can_be_decoded_from_the_begin) {
  const struct {
    Ticks group;  // of pictures that begin with a sync sample
    Ticks frame;  // of sound with which the movie begins, in the midst of the pictures or after
    Ticks begin;  // the first picture that is needed
  } cases[] = {{1'000, 47, 0}, {20, 47, 20}, {1'000, 20, 0}, {20, 20, 0}};
  const auto [group, frame, begin] = cases[__i__];
  TestRecording recording;
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = frame; i < frame + 53; ++i) recording.append(audio, {i * 1'024, i * 1'024, 1'024});
  fail_unless(recording.wait_until_published(1));
  const auto video = recording.add_track(video_config());
  for (Ticks i = 0; i < 62; ++i)
    recording.append(video, {i * kPicture, i * kPicture, 0}, i % group == 0);
  fail_unless(recording.wait_until_published(2));
  const auto movie = recording.read();
  fail_unless(movie->problems.empty(), "%s", movie->problems[0].c_str());
  const boxes::Track& shown = movie->tracks[1];
  fail_unless(shown.samples[0].sync);
  fail_unless_equals_int(shown.samples.size(), 31 - begin);
  fail_unless_equals_int64(shown.samples[0].dts, 0);
  const int64_t origin = mp4::Timescale{48'000}.to_ns(frame * 1'024);
  for (std::size_t i = 0; i < shown.samples.size(); ++i) {
    const int64_t late = boxes::presentation_ns(*movie, shown, shown.samples[i]) + origin -
                         mp4::kVideoTimescale.to_ns((begin + static_cast<Ticks>(i)) * kPicture);
    fail_unless(std::abs(late) < 12'000, "%zu is %" G_GINT64_FORMAT " ns late", i, late);
  }
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(tags_that_come_late_are_said_by_a_revised_moov) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  fail_unless(recording.read()->tracks[0].language == "und");
  recording.recording->set_track_tags(video, {{'d', 'e', 'u'}, {}});
  recording.append_many(video, 31, kPicture, 31);
  fail_unless(recording.wait_until_published(2));
  expect_growing(recording, {62});
  fail_unless(recording.read()->tracks[0].language == "deu");
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(tags_that_come_and_go_leave_room_for_late_tracks) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  for (unsigned turn = 1; turn <= 40; ++turn) {
    recording.recording->set_track_tags(video, {{'d', 'e', 'u'}, {.degrees = turn % 2 ? 90 : 0}});
    recording.append_many(video, 31, kPicture, 31);
  }
  fail_unless(recording.wait_until_published(41));
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 10; ++i)
    recording.append(audio, {48'000 * 40 + i * 1'024, 48'000 * 40 + i * 1'024, 1'024});
  recording.append_many(video, 31, kPicture, 31);
  fail_unless(recording.wait_until_published(42));
  expect_growing(recording, {42 * 31, 9});
  expect_good_end(recording);
  fail_unless(recording.witness->heard() == "opened, finished");
}
GST_END_TEST;

GST_START_TEST(tags_that_come_back_cost_nothing) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  const unsigned before = recording.disk->count(Verb::kWrite);
  recording.recording->set_track_tags(video, {{'d', 'e', 'u'}, {}});
  recording.recording->set_track_tags(video, {});
  recording.append_many(video, 31, kPicture, 31);
  fail_unless(recording.wait_until_published(2));
  fail_unless_equals_int(recording.disk->count(Verb::kWrite) - before, 2);  // hidden, published
  expect_good_end(recording);
}
GST_END_TEST;

// ---- held samples ----

GST_START_TEST(a_sample_without_successor_is_published_and_said_to_be_short) {
  TestRecording recording({.fragment_ns = 50'000'000});
  const auto video = recording.add_track(video_config());
  recording.recording->set_running(true);
  recording.append(video, {0, 0, 0}, true);
  recording.append(video, {kPicture, kPicture, 0}, false);
  fail_unless(recording.wait_until_published(1));
  fail_unless(eventually([&] { return recording.growing_differences({2}).empty(); }));
  auto movie = recording.read();
  fail_unless_equals_uint64(movie->tracks[0].samples[1].duration, kPicture / 2);
  // It lasted longer, and the time line knows; sequence numbers say that there is a gap.
  recording.append(video, {10 * kPicture, 10 * kPicture, 0}, false);
  recording.append(video, {11 * kPicture, 11 * kPicture, 0}, false);
  fail_unless(eventually([&] { return recording.growing_differences({4}).empty(); }));
  movie = recording.read();
  fail_unless_equals_int64(movie->tracks[0].samples[2].dts, 10 * kPicture);
  expect_good_end(recording);
  fail_unless_equals_uint64(recording.read()->tracks[0].samples[1].duration, 9 * kPicture);
}
GST_END_TEST;

GST_START_TEST(a_successor_that_comes_sooner_than_said_begins_where_it_was_said) {
  TestRecording recording({.fragment_ns = 50'000'000});
  const auto video = recording.add_track(video_config());
  recording.recording->set_running(true);
  recording.append(video, {0, 0, 0}, true);
  fail_unless(eventually([&] { return recording.growing_differences({1}).empty(); }));
  for (Ticks time : {100, 200, 6'000}) recording.append(video, {time, time, 0}, false);
  fail_unless(eventually([&] { return recording.growing_differences({4}).empty(); }));
  const auto movie = recording.read();
  const auto& samples = movie->tracks[0].samples;
  fail_unless_equals_int64(samples[1].dts, kPicture / 2);
  fail_unless_equals_int64(samples[2].dts, kPicture / 2 + 1);
  fail_unless_equals_int64(samples[3].dts, 6'000);
  expect_good_end(recording);
}
GST_END_TEST;

// A camera that was idle, and is not any more: the successor comes long before the picture before
// it would make one think.
GST_START_TEST(a_sample_is_not_said_to_last_longer_than_half_a_fragment) {
  TestRecording recording({.fragment_ns = 50'000'000});
  const auto video = recording.add_track(video_config());
  recording.recording->set_running(true);
  constexpr Ticks kIdle = 900'000;  // 10 s
  recording.append(video, {0, 0, 0}, true);
  recording.append(video, {kIdle, kIdle, 0}, false);
  fail_unless(eventually([&] { return recording.growing_differences({2}).empty(); }));
  for (Ticks i = 1; i <= 3; ++i)
    recording.append(video, {kIdle + i * kPicture, kIdle + i * kPicture, 0}, false);
  fail_unless(eventually([&] { return recording.growing_differences({5}).empty(); }));
  const auto movie = recording.read();
  for (std::size_t i = 2; i < 5; ++i)
    fail_unless_equals_int64(movie->tracks[0].samples[i].dts,
                             kIdle + static_cast<Ticks>(i - 1) * kPicture);
  expect_good_end(recording);
}
GST_END_TEST;

// However many tracks there are, and however large what each of them holds.
GST_START_TEST(large_samples_that_are_let_go_together_are_no_giant_fragment) {
  TestRecording recording;
  for (unsigned i = 0; i < 4; ++i)
    recording.append(recording.add_track(video_config()), {0, 0, kPicture}, true, 20 << 20);
  expect_good_end(recording);
  fail_unless_equals_int(recording.fragments_written(), 2);
}
GST_END_TEST;

GST_START_TEST(a_track_that_ends_is_complete_while_others_go_on) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  recording.append_many(audio, 10, 1'024);
  recording.recording->end_track(audio);
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  const auto movie = recording.read();
  fail_unless_equals_uint64(movie->tracks[0].samples.size(), 31);
  fail_unless_equals_uint64(movie->tracks[1].samples.size(), 10);
  fail_unless_equals_uint64(movie->tracks[1].samples[9].duration, 1'024);
  expect_good_end(recording);
}
GST_END_TEST;

// ---- what it costs ----

GST_START_TEST(samples_that_are_all_alike_cost_nothing_each) {
  TestRecording recording;
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 100; ++i) recording.append(audio, {i * 1'024, i * 1'024, 0}, true, 160);
  fail_unless(recording.wait_until_published(2));
  const auto movie = recording.read();
  fail_unless_equals_string(movie->top[4].type.c_str(), "moof");
  fail_unless(movie->top[4].size < 120, "%" G_GUINT64_FORMAT, movie->top[4].size);
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(fragments_that_waited_for_the_disk_share_a_sync) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  recording.disk->block(Verb::kSync, 1);
  recording.append_many(video, 31, kPicture, 31);
  fail_unless(recording.disk->wait_until_blocked());
  const unsigned before = recording.disk->count(Verb::kSync);
  recording.append_many(video, 8 * 31, kPicture, 31);
  recording.disk->release();
  fail_unless(recording.wait_until_published(10));
  fail_unless(recording.disk->count(Verb::kSync) - before <= 3);
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(syncs_are_as_far_apart_as_said_and_nothing_is_published_before) {
  const threads::Since since;
  // Longer than any machine has been running.
  TestRecording recording({.sync_interval_ns = int64_t{30} * 365 * 86'400 * kSecond});
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 32, kPicture, 31);
  fail_unless(recording.wait_until_published(1));
  recording.append_many(video, 5 * 31, kPicture, 31);
  fail_unless(eventually([&] { return recording.fragments_written() == 6; }));
  fail_unless(since.wait_until_at_rest());
  fail_unless_equals_uint64(recording.recording->summary().fragments_published, 1);
  expect_growing(recording, {31});
  expect_good_end(recording);
}
GST_END_TEST;

GST_START_TEST(what_nothing_follows_is_made_durable) {
  TestRecording recording({.fragment_ns = 100'000'000});
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 5, kPicture, 31);
  fail_unless(recording.wait_until_published(1));  // and its name is synced
  recording.append_many(video, 4, kPicture, 31);
  fail_unless(recording.wait_until_published(2));
  fail_unless(eventually([&] { return recording.disk->calls().back().verb == Verb::kSync; }, 10s));
  fail_unless(eventually([&] {
    const auto now = recording.recording->summary();
    return now.bytes_synced == now.bytes_written;
  }));
  expect_good_end(recording);
}
GST_END_TEST;

static Suite* fragments_suite() {
  Suite* suite = suite_create("fragments");
  TCase* growing = tcase_create("growing");
  suite_add_tcase(suite, growing);
  tcase_set_timeout(growing, 120);
  tcase_add_test(growing, each_fragment_is_there_when_the_next_one_is_recorded);
  tcase_add_test(growing, every_box_begins_at_a_multiple_of_eight_and_has_its_true_size);
  tcase_add_loop_test(growing, decode_times_and_offsets_of_reordered_pictures_are_exact, 0, 2);
  tcase_add_test(growing, a_late_track_is_named_by_a_revised_moov);
  tcase_add_test(growing, where_the_reserve_is_used_up_a_track_is_in_the_finished_file_only);
  tcase_add_test(growing,
                 what_a_late_track_presents_before_the_movie_begins_is_in_the_finished_file);
  tcase_add_loop_test(growing, a_late_video_that_began_earlier_can_be_decoded_from_the_begin, 0, 4);
  tcase_add_test(growing, tags_that_come_late_are_said_by_a_revised_moov);
  tcase_add_test(growing, tags_that_come_and_go_leave_room_for_late_tracks);
  tcase_add_test(growing, tags_that_come_back_cost_nothing);
  tcase_add_test(growing, a_sample_without_successor_is_published_and_said_to_be_short);
  tcase_add_test(growing, a_successor_that_comes_sooner_than_said_begins_where_it_was_said);
  tcase_add_test(growing, a_sample_is_not_said_to_last_longer_than_half_a_fragment);
  tcase_add_test(growing, large_samples_that_are_let_go_together_are_no_giant_fragment);
  tcase_add_test(growing, a_track_that_ends_is_complete_while_others_go_on);
  tcase_add_test(growing, samples_that_are_all_alike_cost_nothing_each);
  tcase_add_test(growing, fragments_that_waited_for_the_disk_share_a_sync);
  tcase_add_test(growing, syncs_are_as_far_apart_as_said_and_nothing_is_published_before);
  tcase_add_test(growing, what_nothing_follows_is_made_durable);
  return suite;
}

GST_CHECK_MAIN(fragments)
