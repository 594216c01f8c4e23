// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the queue between the pads and the disk: its bound, who wakes those that wait for room,
// when fragments are closed by the clock, and what limits end a recording.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "recording/queue_budget.h"
#include "test_recording.h"
#include "thread_states.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::eventually;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;
using Taken = mp4::Recording::Taken;

// Somebody in wait_for_room, in a thread of their own.
class Waiter {
 public:
  explicit Waiter(mp4::Recording& recording)
      : thread_([this, &recording] {
          id_ = gettid();
          recording.wait_for_room([this] { return cancelled.load(); });
          returned_ = true;
        }) {}
  ~Waiter() { thread_.join(); }

  std::atomic<bool> cancelled{false};
  bool is_waiting() {
    bool waits = false;
    eventually([&] { return returned_ || (waits = threads::waits_on_condition(id_)); });
    return waits;
  }
  bool has_returned() {
    return eventually([&] { return returned_.load(); });
  }

 private:
  std::atomic<bool> returned_{false};
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

// So many bytes of the process's budget, as if other recordings held them. All tests of a program
// may run in one process.
class HeldBudget {
 public:
  explicit HeldBudget(uint64_t bytes) { take(bytes); }
  ~HeldBudget() { give_back(); }
  HeldBudget(const HeldBudget&) = delete;
  HeldBudget& operator=(const HeldBudget&) = delete;

  void take(uint64_t bytes) {
    bytes_ += bytes;
    mp4::QueueBudget::take(bytes);
  }
  void give_back() { mp4::QueueBudget::give_back(std::exchange(bytes_, 0)); }

 private:
  uint64_t bytes_ = 0;
};

// A recording whose disk stands still and whose queue holds more than its bound of 1000 bytes.
class FullRecording : public TestRecording {
 public:
  FullRecording() : TestRecording({.max_queue_bytes = 1'000}) {
    track = add_track(video_config());
    disk->block(Verb::kWrite, 2);
    append_fragment(900);
    fail_unless(disk->wait_until_blocked());
    fail_unless(recording->has_room());
    append_fragment(900);
    fail_if(recording->has_room());
  }

  // A fragment of that many bytes and a second.
  void append_fragment(std::size_t bytes) {
    append(track, {time_, time_, 90'000}, true, bytes / 2);
    append(track, {time_ + 90'000, time_ + 90'000, 90'000}, true, bytes - bytes / 2);
    release_held();
    time_ += 180'000;
  }
  void expect_good_end() {
    disk->release();
    fail_unless(finish());
    const std::string text = differences();
    fail_unless(text.empty(), "%s", text.c_str());
    fail_unless(is_freed());
    fail_unless_equals_int(mp4_test::live_payloads(), 0);
  }

  mp4::TrackIndex track;

 private:
  Ticks time_ = 0;
};

// Exactly all of it is there: nobody holds anything.
void expect_whole_budget() {
  HeldBudget held(mp4::QueueBudget::kBytes - 1);
  fail_if(mp4::QueueBudget::exceeded());
  held.take(1);
  fail_unless(mp4::QueueBudget::exceeded());
}

}  // namespace

GST_START_TEST(who_waits_for_room_goes_on_when_the_disk_does) {
  FullRecording recording;
  {
    Waiter waiter(*recording.recording);
    fail_unless(waiter.is_waiting());
    fail_unless_equals_uint64(recording.recording->summary().queued_bytes, 1'800);
    recording.disk->release();
    fail_unless(waiter.has_returned());
    fail_unless(recording.recording->has_room());
  }
  recording.expect_good_end();
}
GST_END_TEST;

GST_START_TEST(who_waits_for_room_is_woken_when_cancelled) {
  FullRecording recording;
  {
    Waiter first(*recording.recording), second(*recording.recording);
    fail_unless(first.is_waiting() && second.is_waiting());
    first.cancelled = true;
    recording.recording->wake();
    fail_unless(first.has_returned());
    fail_unless(second.is_waiting());
    second.cancelled = true;
    recording.recording->wake();
  }
  fail_if(recording.recording->has_room());
  recording.expect_good_end();
}
GST_END_TEST;

GST_START_TEST(who_waits_for_room_is_woken_by_the_end) {
  FullRecording recording;
  {
    Waiter waiter(*recording.recording);
    fail_unless(waiter.is_waiting());
    fail_unless(recording.recording->end());
    fail_unless(waiter.has_returned());
  }
  recording.expect_good_end();
}
GST_END_TEST;

GST_START_TEST(who_waits_for_room_is_woken_by_a_failure) {
  FullRecording recording;
  {
    Waiter waiter(*recording.recording);
    fail_unless(waiter.is_waiting());
    recording.disk->fail_from(Verb::kWrite, 1, mp4::StatusCode::kWrite, 5);
    recording.disk->release();
    fail_unless(waiter.has_returned());
  }
  fail_unless(recording.append(recording.track, {1 << 30, 1 << 30, 0}) == Taken::kFailed ||
              recording.witness->wait_until_ended());
  recording.recording->end();
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
  fail_unless(recording.is_freed());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
}
GST_END_TEST;

GST_START_TEST(a_failure_gives_all_that_was_not_written_back_at_once) {
  TestRecording test({.max_queue_bytes = 1'000});
  const auto track = test.add_track(video_config());
  test.disk->block(Verb::kWrite, 2);
  test.disk->fail_from(Verb::kWrite, 3, mp4::StatusCode::kWrite, 5);
  for (Ticks second : {0, 1, 2}) test.append(track, {second * 90'000, second * 90'000, 90'000});
  test.release_held();
  fail_unless(test.disk->wait_until_blocked());
  for (Ticks second : {3, 4}) test.append(track, {second * 90'000, second * 90'000, 90'000});
  fail_unless(mp4_test::live_payloads() > 2);  // the last one in the open fragment
  test.disk->release();
  fail_unless(test.witness->wait_until_ended());
  fail_unless(eventually([] { return mp4_test::live_payloads() == 0; }));
  fail_unless(test.recording != nullptr);  // which is still there
}
GST_END_TEST;

GST_START_TEST(who_waits_for_room_is_woken_by_a_larger_bound) {
  FullRecording recording;
  {
    Waiter waiter(*recording.recording);
    fail_unless(waiter.is_waiting());
    recording.recording->set_max_queue_bytes(10'000);
    fail_unless(waiter.has_returned());
  }
  recording.expect_good_end();
}
GST_END_TEST;

GST_START_TEST(a_fragment_above_the_bound_is_admitted_to_an_empty_queue) {
  TestRecording recording({.max_queue_bytes = 100});
  const auto track = recording.add_track(video_config());
  for (Ticks i = 0; i < 20; ++i) {
    recording.recording->wait_for_room([] { return false; });
    recording.append(track, {i * 90'000, i * 90'000, 90'000}, true, 5'000);
  }
  fail_unless(recording.finish());
  fail_unless(recording.differences().empty());
}
GST_END_TEST;

GST_START_TEST(the_budget_of_the_process_bounds_all_recordings) {
  FullRecording recording;
  recording.recording->set_max_queue_bytes(uint64_t{1} << 40);
  fail_unless(recording.recording->has_room());
  HeldBudget others(mp4::QueueBudget::kBytes);
  fail_if(recording.recording->has_room());
  {
    Waiter waiter(*recording.recording);
    fail_unless(waiter.is_waiting());
    others.give_back();
    fail_unless(waiter.has_returned());
  }
  recording.expect_good_end();
}
GST_END_TEST;

GST_START_TEST(the_budget_is_given_back_however_a_recording_ends) {
  for (unsigned nth = 1; nth < 8; ++nth) {
    TestRecording recording;
    recording.disk->fail_call({}, nth, mp4::StatusCode::kWrite, 5);
    recording.append_many(recording.add_track(video_config()), 100, 3'000);
    recording.recording->end();
    fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
  }
  expect_whole_budget();
}
GST_END_TEST;

GST_START_TEST(a_fragment_is_closed_by_the_clock_while_running) {
  TestRecording recording({.fragment_ns = 50'000'000});
  const auto track = recording.add_track(video_config());
  recording.recording->set_running(true);
  recording.append(track, {0, 0, 0});
  fail_unless(eventually([&] { return recording.fragments_written() == 1; }));
  recording.append(track, {900, 900, 0});
  fail_unless(eventually([&] { return recording.fragments_written() == 2; }));
  fail_unless(recording.finish());
  fail_unless(recording.differences().empty());
  fail_unless_equals_int(recording.read()->tracks[0].chunk_count, 2);
}
GST_END_TEST;

GST_START_TEST(no_fragment_is_closed_by_the_clock_while_not_running) {
  const threads::Since since;
  TestRecording recording({.fragment_ns = 20'000'000});
  const auto track = recording.add_track(video_config());
  recording.append(track, {0, 0, 0});
  fail_unless(recording.witness->wait_until_opened());
  fail_unless(since.wait_until_nothing_is_due());
  fail_unless_equals_int(recording.fragments_written(), 0);
  recording.recording->set_running(true);  // the time that passed counts
  fail_unless(eventually([&] { return recording.fragments_written() == 1; }));
  recording.append(track, {900, 900, 0});
  recording.recording->set_running(false);
  fail_unless(since.wait_until_nothing_is_due());
  const unsigned written = recording.fragments_written();
  fail_unless(recording.finish());
  fail_unless(recording.differences().empty());
  // The clock may have been faster than set_running(false), no other way.
  fail_unless_equals_int(recording.read()->tracks[0].chunk_count, 2);
  fail_unless(written <= 2);
}
GST_END_TEST;

GST_START_TEST(the_largest_number_of_samples_ends_the_recording_well) {
  TestRecording recording({.max_samples = 50});
  const auto track = recording.add_track(video_config());
  recording.append_many(track, 60, 3'000);
  fail_unless(recording.append(track, {1 << 30, 1 << 30, 0}) == Taken::kEnded);
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.witness->summary().has_value());
  fail_unless(recording.witness->summary()->limit_reached);
  fail_unless_equals_int(recording.witness->summary()->tracks[0].samples, 50);
  fail_unless(recording.differences().empty());
  fail_unless(recording.finish());
  fail_unless(recording.is_freed());
}
GST_END_TEST;

GST_START_TEST(a_track_of_many_samples_is_told_of_once_and_goes_on) {
  TestRecording recording({.many_samples = 50});
  const auto track = recording.add_track(video_config());
  recording.append_many(track, 49, 3'000);
  const auto other = recording.add_track(video_config());
  recording.append_many(other, 60, 3'000);
  fail_unless(recording.finish());
  const std::string heard = recording.witness->heard();
  fail_unless(heard == "opened, grew long 1, finished" || heard == "grew long 1, opened, finished",
              "%s", heard.c_str());
  fail_unless(recording.differences().empty());
}
GST_END_TEST;

// Whatever the disk does meanwhile: what waits in the queue will be in the moov too.
GST_START_TEST(the_largest_moov_ends_the_recording_well) {
  constexpr uint64_t kMost = 20'000;
  for (bool stuck : {false, true}) {
    auto settings = mp4_test::default_settings();
    settings.max_moov_bytes = kMost;
    TestRecording recording(settings);
    const auto track = recording.add_track(video_config());
    if (stuck) recording.disk->block(Verb::kCreate);
    Ticks time = 0;
    int samples = 0;
    for (; samples < 5'000; ++samples, time += 3'000 + samples % 2) {
      const std::size_t size = 10 + static_cast<std::size_t>(samples % 3);
      if (recording.append(track, {time, time, 0}, samples % 7 == 0, size) != Taken::kYes) break;
    }
    recording.disk->release();
    fail_unless(samples < 5'000);
    fail_unless(recording.witness->wait_until_ended());
    fail_unless(recording.witness->summary().has_value());
    fail_unless(recording.witness->summary()->limit_reached);
    const std::string differences = recording.differences();
    fail_unless(differences.empty(), "%s", differences.c_str());
    const uint64_t moov = recording.read()->top[2].size;
    fail_unless(moov > kMost / 2 && moov < kMost + 1'000);
  }
}
GST_END_TEST;

// The last one: all before it may have run in this process.
GST_START_TEST(no_case_keeps_anything_of_the_budget) {
  expect_whole_budget();
  FullRecording recording;
  recording.recording->set_max_queue_bytes(10'000);
  fail_unless(recording.recording->has_room());
  recording.expect_good_end();
  expect_whole_budget();
}
GST_END_TEST;

static Suite* queue_suite() {
  Suite* suite = suite_create("queue");
  TCase* room = tcase_create("room");
  suite_add_tcase(suite, room);
  tcase_set_timeout(room, 60);
  tcase_add_test(room, who_waits_for_room_goes_on_when_the_disk_does);
  tcase_add_test(room, who_waits_for_room_is_woken_when_cancelled);
  tcase_add_test(room, who_waits_for_room_is_woken_by_the_end);
  tcase_add_test(room, who_waits_for_room_is_woken_by_a_failure);
  tcase_add_test(room, who_waits_for_room_is_woken_by_a_larger_bound);
  tcase_add_test(room, a_failure_gives_all_that_was_not_written_back_at_once);
  tcase_add_test(room, a_fragment_above_the_bound_is_admitted_to_an_empty_queue);
  tcase_add_test(room, the_budget_of_the_process_bounds_all_recordings);
  tcase_add_test(room, the_budget_is_given_back_however_a_recording_ends);
  TCase* clock = tcase_create("clock");
  suite_add_tcase(suite, clock);
  tcase_add_test(clock, a_fragment_is_closed_by_the_clock_while_running);
  tcase_add_test(clock, no_fragment_is_closed_by_the_clock_while_not_running);
  TCase* limits = tcase_create("limits");
  suite_add_tcase(suite, limits);
  tcase_set_timeout(limits, 60);
  tcase_add_test(limits, the_largest_number_of_samples_ends_the_recording_well);
  tcase_add_test(limits, a_track_of_many_samples_is_told_of_once_and_goes_on);
  tcase_add_test(limits, the_largest_moov_ends_the_recording_well);
  tcase_add_test(limits, no_case_keeps_anything_of_the_budget);
  return suite;
}

GST_CHECK_MAIN(queue)
