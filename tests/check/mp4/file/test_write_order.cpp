// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the order in which a recording reaches the disk, and of every way in which a call to the
// disk may fail: one error is told, the file is closed, nothing half-finished looks finished.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::StatusCode;
using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::Call;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;

constexpr uint64_t kFlipOffset = 40;

bool is_flip(const Call& call) { return call.verb == Verb::kWrite && call.offset == kFlipOffset; }

void append_two_tracks(TestRecording& recording) {
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  for (int second = 0; second < 3; ++second) {
    recording.append_many(video, 30, 3'000, 30);
    recording.append_many(audio, 47, 1'024);
  }
}

// The size of the mdat as it stands in the file; 0 if there is no header yet.
uint64_t mdat_size(const std::string& path) {
  const boxes::Bytes bytes = boxes::load_file(path);
  return bytes.size() < 48 ? 0 : boxes::get_number(bytes, kFlipOffset, 8);
}

// What holds however a recording fails.
void expect_clean_failure(TestRecording& recording, const std::string& where) {
  fail_unless(recording.recording->end());
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong), "%s", where.c_str());
  fail_unless(recording.witness->wait_until_ended(), "%s", where.c_str());
  const std::string heard = recording.witness->heard();
  fail_unless(heard == "failed" || heard == "opened, failed", "%s: %s", where.c_str(),
              heard.c_str());
  fail_unless(recording.disk->count(Verb::kClose) > 0, "%s", where.c_str());
  fail_unless(recording.append(0, {1 << 30, 1 << 30, 0}) == mp4::Recording::Taken::kFailed);
  fail_unless(recording.is_freed(), "%s", where.c_str());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
  fail_unless_equals_int(mp4_test::mapped_pieces(), 0);
}

// The flip comes after the moov, a sync after that, and the size.
void expect_order(const std::vector<Call>& calls, const std::string& where) {
  const auto flip = std::find_if(calls.begin(), calls.end(), is_flip);
  if (flip == calls.end()) return;
  fail_unless(flip - calls.begin() >= 3, "%s", where.c_str());
  fail_unless(flip[-1].verb == Verb::kSize && flip[-1].ok, "%s", where.c_str());
  fail_unless(flip[-2].verb == Verb::kSync && flip[-2].ok, "%s", where.c_str());
  fail_unless(flip[-3].verb == Verb::kWrite && flip[-3].ok, "%s", where.c_str());
}

// One behind the other; each is published by 8 bytes at its begin after a sync that covers it, and
// nothing is published twice.
void expect_fragments(const std::vector<Call>& calls, uint64_t begin, uint64_t end,
                      const std::string& text) {
  std::vector<uint64_t> hidden, synced;
  for (const Call& call : calls) {
    if (call.verb == Verb::kSync) {
      synced.insert(synced.end(), hidden.begin(), hidden.end());
      hidden.clear();
    } else if (call.verb == Verb::kWrite && call.offset == begin) {
      if (mp4_test::fragments_are_on()) hidden.push_back(begin);
      begin += call.size;
    } else if (call.verb == Verb::kWrite) {
      fail_unless(call.size == 8 && !synced.empty() && synced.front() == call.offset, "%s",
                  text.c_str());
      synced.erase(synced.begin());
    } else {
      fail_unless(call.verb == Verb::kTakeName, "%s", text.c_str());
    }
  }
  fail_unless(hidden.empty() && synced.empty() && begin == end, "%s", text.c_str());
}

// After a sync that failed nothing is written. What was published is there, as it went in.
void expect_durable(TestRecording& recording, const std::vector<Call>& calls, bool flipped,
                    const std::string& where) {
  const auto failed_sync = std::find_if(calls.begin(), calls.end(), [](const Call& call) {
    return (call.verb == Verb::kSync || call.verb == Verb::kSyncWithName) && !call.ok;
  });
  if (failed_sync != calls.end())
    fail_unless(std::none_of(failed_sync, calls.end(),
                             [](const Call& call) { return call.verb == Verb::kWrite; }),
                "%s", where.c_str());
  const uint64_t published = recording.recording->summary().fragments_published;
  if (flipped || published == 0) return;
  const auto movie = recording.read();
  fail_unless(movie.has_value(), "%s", where.c_str());
  std::vector<std::size_t> samples;
  for (const auto& track : movie->tracks) samples.push_back(track.samples.size());
  fail_unless(!samples.empty() && samples[0] > 0, "%s", where.c_str());
  const std::string differences = recording.growing_differences(samples);
  fail_unless(differences.empty(), "%s: %s", where.c_str(), differences.c_str());
}

}  // namespace

GST_START_TEST(the_calls_come_in_the_order_that_survives_a_crash) {
  TestRecording recording;
  append_two_tracks(recording);
  fail_unless(recording.finish());
  const auto movie = recording.read();
  const uint64_t moov = movie->top[2].offset, end = moov + movie->top[2].size;
  auto calls = recording.disk->calls();
  const std::string text = mp4_test::to_text(calls);
  std::erase_if(calls, [](const Call& call) { return call.verb == Verb::kReserve; });
  const uint64_t begin = mp4_test::fragments_are_on() ? calls[1].size : 48;
  const std::vector<Call> first{{Verb::kCreate}, {Verb::kWrite, 0, begin}, {Verb::kSyncWithName}};
  std::vector<Call> last{{Verb::kWrite, moov - 8, end - moov + 8},
                         {Verb::kSync},
                         {Verb::kSize, 0, end},
                         {Verb::kWrite, kFlipOffset, 8},
                         {Verb::kSync},
                         {Verb::kTruncate, 0, end},
                         {Verb::kClose}};
  if (!mp4_test::fragments_are_on()) last.insert(last.end() - 2, {Verb::kTakeName});
  fail_unless(calls.size() > first.size() + last.size(), "%s", text.c_str());
  fail_unless(std::equal(first.begin(), first.end(), calls.begin()), "%s", text.c_str());
  const auto ending = calls.end() - static_cast<std::ptrdiff_t>(last.size());
  fail_unless(std::equal(last.begin(), last.end(), ending), "%s", text.c_str());
  expect_fragments({calls.begin() + 3, ending}, begin, moov - 8, text);
}
GST_END_TEST;

// Once, and for good: as a disk that hiccups, and as one that is gone.
GST_START_TEST(a_failing_call_is_told_once_and_leaves_what_was_durable) {
  for (unsigned nth = 1;; ++nth) {
    TestRecording recording;
    if (__i__)
      recording.disk->fail_all_from(nth, StatusCode::kWrite, EIO);
    else
      recording.disk->fail_call({}, nth, StatusCode::kWrite, EIO);
    append_two_tracks(recording);
    recording.recording->end();
    fail_unless(recording.witness->wait_until_ended());
    const auto calls = recording.disk->calls();
    const std::string where = std::to_string(nth) + ": " + mp4_test::to_text(calls);
    expect_order(calls, where);
    if (recording.witness->summary()) {
      // Either no call failed, or the flip did once and was done again.
      const auto flip = std::find_if(calls.begin(), calls.end(), is_flip);
      fail_unless(recording.differences().empty(), "%s", where.c_str());
      if (flip->ok) {
        fail_unless(nth > calls.size() && nth > 12, "%s", where.c_str());
        break;
      }
      continue;
    }
    const auto failure = recording.witness->failure().value();
    fail_unless(failure.code() == StatusCode::kWrite && failure.error_number() == EIO);
    const bool flipped = std::any_of(calls.begin(), calls.end(),
                                     [](auto& call) { return is_flip(call) && call.ok; });
    fail_unless(flipped || mdat_size(recording.path) <= 16, "%s", where.c_str());
    // Whatever comes after the flip cannot make the file bad.
    if (flipped) fail_unless(recording.differences().empty(), "%s", where.c_str());
    expect_durable(recording, calls, flipped, where);
    expect_clean_failure(recording, where);
  }
}
GST_END_TEST;

GST_START_TEST(a_disk_that_is_gone_for_good_is_told_once) {
  for (Verb verb : {Verb::kWrite, Verb::kSync}) {
    for (unsigned nth = 1; nth < 5; ++nth) {
      TestRecording recording;
      recording.disk->fail_from(verb, nth, StatusCode::kNoSpace, ENOSPC);
      append_two_tracks(recording);
      recording.recording->end();
      fail_unless(recording.witness->wait_until_ended());
      if (recording.witness->summary()) break;
      fail_unless(recording.witness->failure()->code() == StatusCode::kNoSpace);
      const auto calls = recording.disk->calls();
      expect_order(calls, mp4_test::to_text(calls));
      expect_clean_failure(recording, mp4_test::to_text(calls));
    }
  }
}
GST_END_TEST;

GST_START_TEST(a_flip_that_fails_is_tried_once_more) {
  for (unsigned failures : {1u, 2u}) {
    TestRecording recording;
    append_two_tracks(recording);
    recording.disk->before(Verb::kSize, 1, [&] {
      for (unsigned i = 1; i <= failures; ++i)
        recording.disk->fail_call(Verb::kWrite, i, StatusCode::kWrite, EIO);
    });
    recording.recording->end();
    fail_unless(recording.witness->wait_until_ended());
    const auto calls = recording.disk->calls();
    fail_unless_equals_int(std::count_if(calls.begin(), calls.end(), is_flip), 2);
    if (failures == 1) {
      fail_unless(recording.witness->summary() && recording.differences().empty());
      continue;
    }
    fail_unless_equals_uint64(mdat_size(recording.path), 16);
    expect_clean_failure(recording, mp4_test::to_text(calls));
  }
}
GST_END_TEST;

GST_START_TEST(after_a_failure_nothing_more_is_written) {
  TestRecording recording;
  recording.disk->fail_call(Verb::kWrite, 3, StatusCode::kWrite, EROFS);
  append_two_tracks(recording);
  recording.recording->end();
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
  const auto calls = recording.disk->calls();
  const auto failed =
      std::find_if(calls.begin(), calls.end(), [](const Call& call) { return !call.ok; });
  // But for the eight bytes that publish what is whole.
  fail_unless(std::all_of(failed + 1, calls.end(), [](const Call& call) {
    const bool publishes = call.verb == Verb::kWrite && call.size == 8 && !is_flip(call);
    return publishes || call.verb == Verb::kSync || call.verb == Verb::kClose;
  }));
  expect_clean_failure(recording, mp4_test::to_text(calls));
}
GST_END_TEST;

// A failed write is no failed sync: what waited for one is whole.
GST_START_TEST(what_waits_for_a_sync_when_a_write_fails_is_published) {
  if (!mp4_test::fragments_are_on()) return;
  for (bool sync_fails : {false, true}) {
    constexpr int64_t kMinute = 60'000'000'000;
    TestRecording recording({.fragment_ns = 100'000'000, .sync_interval_ns = kMinute});
    const auto video = recording.add_track(video_config());
    const auto is_written = [&](unsigned fragments) {
      return recording.fragments_written() >= fragments &&
             recording.disk->calls().back().verb == Verb::kWrite;
    };
    recording.append_many(video, 5, 3'000);
    fail_unless(recording.wait_until_published(1));
    for (unsigned i = 0; i < 20 && !is_written(4); ++i) {
      recording.append_many(video, 1, 3'000);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    fail_unless(mp4_test::eventually([&] { return is_written(4); }));
    if (sync_fails) recording.disk->fail_call(Verb::kSync, 1, StatusCode::kSync, EIO);
    recording.disk->fail_call(Verb::kWrite, 1, StatusCode::kWrite, EIO);
    recording.append_many(video, 8, 3'000);
    fail_unless(recording.witness->wait_until_ended());
    fail_unless(recording.witness->failure()->code() == StatusCode::kWrite);
    const std::string text = mp4_test::to_text(recording.disk->calls());
    const auto movie = recording.read();
    const auto published = std::count_if(movie->top.begin(), movie->top.end(),
                                         [](const auto& box) { return box.type == "moof"; });
    fail_unless(sync_fails ? published == 1 : published >= 4, "%s", text.c_str());
    fail_unless_equals_int(recording.recording->summary().fragments_published, published);
    const std::string differences =
        recording.growing_differences({movie->tracks[0].samples.size()});
    fail_unless(differences.empty(), "%s", differences.c_str());
    expect_clean_failure(recording, text);
  }
}
GST_END_TEST;

// While trailingmp4-finalize is at the file whose place it takes.
GST_START_TEST(a_name_that_is_held_for_now_is_taken_later) {
  TestRecording recording;
  recording.disk->fail_call(Verb::kTakeName, 1, StatusCode::kBeingFinished, EWOULDBLOCK);
  append_two_tracks(recording);
  fail_unless(recording.finish());
  fail_unless(recording.differences().empty());
  fail_unless_equals_int(recording.disk->count(Verb::kTakeName), 2);
}
GST_END_TEST;

GST_START_TEST(a_name_that_is_held_to_the_end_is_told_then) {
  TestRecording recording;
  recording.disk->fail_from(Verb::kTakeName, 1, StatusCode::kBeingFinished, EWOULDBLOCK);
  append_two_tracks(recording);
  recording.recording->end();
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.witness->failure()->code() == StatusCode::kBeingFinished);
  fail_unless(recording.differences().empty());
  expect_clean_failure(recording, "held");
}
GST_END_TEST;

GST_START_TEST(a_failed_recording_takes_nothing_and_lets_go_of_what_waits) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  recording.disk->block(Verb::kWrite, 2);
  recording.disk->fail_call(Verb::kWrite, 2, StatusCode::kWrite, EIO);
  recording.append_many(track, 200, 3'000);
  fail_unless(recording.disk->wait_until_blocked());
  fail_unless(mp4_test::live_payloads() > 150);
  recording.disk->release();
  fail_unless(mp4_test::eventually([&] {
    const Ticks late = 1 << 30;
    return recording.append(track, {late, late, 0}) == mp4::Recording::Taken::kFailed;
  }));
  // All but the open fragment, which goes with the recording.
  fail_unless(mp4_test::eventually([] { return mp4_test::live_payloads() <= 31; }));
  fail_unless(recording.recording->has_room());
  expect_clean_failure(recording, "");
}
GST_END_TEST;

GST_START_TEST(a_file_that_somebody_changed_is_not_flipped) {
  for (int change : {-1, 1}) {
    TestRecording recording;
    append_two_tracks(recording);
    recording.disk->before(Verb::kSize, 1, [&] {
      boxes::Bytes bytes = boxes::load_file(recording.path);
      bytes.resize(bytes.size() + static_cast<std::size_t>(change));
      (void)!boxes::store_file(recording.path, bytes);
    });
    recording.recording->end();
    fail_unless(recording.witness->wait_until_ended());
    fail_unless(recording.witness->failure()->code() == StatusCode::kUnexpected);
    fail_unless_equals_uint64(mdat_size(recording.path), 16);
    expect_clean_failure(recording, "changed");
  }
}
GST_END_TEST;

static Suite* write_order_suite() {
  Suite* suite = suite_create("write_order");
  TCase* order = tcase_create("order");
  suite_add_tcase(suite, order);
  tcase_set_timeout(order, 120);
  tcase_add_test(order, the_calls_come_in_the_order_that_survives_a_crash);
  tcase_add_loop_test(order, a_failing_call_is_told_once_and_leaves_what_was_durable, 0, 2);
  tcase_add_test(order, a_disk_that_is_gone_for_good_is_told_once);
  tcase_add_test(order, a_flip_that_fails_is_tried_once_more);
  tcase_add_test(order, after_a_failure_nothing_more_is_written);
  tcase_add_test(order, what_waits_for_a_sync_when_a_write_fails_is_published);
  tcase_add_test(order, a_name_that_is_held_for_now_is_taken_later);
  tcase_add_test(order, a_name_that_is_held_to_the_end_is_told_then);
  tcase_add_test(order, a_failed_recording_takes_nothing_and_lets_go_of_what_waits);
  tcase_add_test(order, a_file_that_somebody_changed_is_not_flipped);
  return suite;
}

GST_CHECK_MAIN(write_order)
