// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of ending a recording and waiting for it: from any thread, from inside what it announces,
// on a disk that stands still, with no thread to be had, many at once.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "test_recording.h"
#include "thread_states.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::eventually;
using mp4_test::kLong;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

long threads_of_the_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

// As many as there are when none of ours is: a sanitiser starts its own with our first. A thread
// that was joined may still be on its way out.
long threads_at_rest() {
  pid_t first = 0;
  std::thread([&] { first = gettid(); }).join();
  fail_unless(eventually([&] { return threads::all().count(first) == 0; }));
  return threads_of_the_process();
}

// A flag that one thread raises and others wait for.
class Signal {
 public:
  void raise() { raised_ = true; }
  bool wait() const {
    return eventually([&] { return raised_.load(); });
  }

 private:
  std::atomic<bool> raised_{false};
};

void expect_good_file(TestRecording& recording) {
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.witness->summary().has_value());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
}

void expect_nothing_left(TestRecording& recording, long threads) {
  fail_unless(recording.is_freed());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
  fail_unless_equals_int(mp4_test::mapped_pieces(), 0);
  fail_unless(eventually([&] { return threads_of_the_process() <= threads; }));
}

using Hook = std::function<void()> mp4_test::Witness::*;
const Hook kHooks[] = {&mp4_test::Witness::when_opened, &mp4_test::Witness::when_damaged,
                       &mp4_test::Witness::when_finished, &mp4_test::Witness::when_failed};

// Runs f inside that callback of a recording that comes to it.
void run_inside(int hook, TestRecording& recording, std::function<void()> f) {
  (*recording.witness).*kHooks[hook] = std::move(f);
  const auto track = recording.add_track(video_config());
  recording.append_many(track, 40, 3'000);
  if (hook == 1)
    recording.append(track, {120'000, 120'000, 0}, true,
                     mp4_test::make_unreadable_payload(10, 1, 0), mp4_test::Bytes(10));
  recording.append_many(track, 60, 3'000);
  if (hook == 2) recording.recording->end();
}

}  // namespace

GST_START_TEST(a_recording_without_samples_makes_no_file) {
  const long threads = threads_at_rest();
  TestRecording recording;
  recording.add_track(video_config());
  fail_unless(recording.recording->wait_until_ended(0ms));
  fail_if(recording.recording->end());
  fail_if(recording.recording->end());
  fail_unless(recording.recording->wait_until_ended(kLong));
  fail_unless(recording.append(0, {0, 0, 0}) == mp4::Recording::Taken::kEnded);
  fail_if(std::filesystem::exists(recording.path));
  fail_unless(recording.witness->heard().empty());
  fail_unless(recording.disk->calls().empty());
  expect_nothing_left(recording, threads);
}
GST_END_TEST;

GST_START_TEST(a_recording_dropped_without_an_end_makes_no_file_if_nothing_came) {
  TestRecording recording;
  recording.add_track(video_config());
  fail_unless(recording.is_freed());
  fail_if(std::filesystem::exists(recording.path));
}
GST_END_TEST;

GST_START_TEST(it_may_be_ended_and_waited_for_inside_any_callback) {
  const long threads = threads_at_rest();
  for (int hook = 0; hook < 3; ++hook) {
    TestRecording recording;
    std::atomic<bool> returned{false};
    const auto begun = Clock::now();
    run_inside(hook, recording, [&] {
      recording.recording->end();
      returned = recording.recording->wait_until_ended(kLong);
    });
    expect_good_file(recording);
    fail_unless(eventually([&] { return returned.load(); }));
    fail_unless(Clock::now() - begun < 20s);
    fail_unless(recording.recording->wait_until_ended(kLong));
    expect_nothing_left(recording, threads);
  }
}
GST_END_TEST;

GST_START_TEST(it_may_be_ended_and_waited_for_inside_failed) {
  const long threads = threads_at_rest();
  TestRecording recording;
  std::atomic<bool> returned{false};
  recording.disk->fail_call(Verb::kWrite, 2, mp4::StatusCode::kWrite, 5);
  run_inside(3, recording, [&] {
    recording.recording->end();
    returned = recording.recording->wait_until_ended(kLong);
  });
  fail_unless(eventually([&] { return returned.load(); }));
  fail_unless(recording.witness->heard() == "opened, failed");
  expect_nothing_left(recording, threads);
}
GST_END_TEST;

GST_START_TEST(it_may_be_let_go_inside_the_last_callback) {
  const long threads = threads_at_rest();
  for (int hook : {2, 3}) {
    TestRecording recording;
    if (hook == 3) recording.disk->fail_call(Verb::kWrite, 2, mp4::StatusCode::kWrite, 5);
    recording.witness->when_finished = recording.witness->when_failed = [&] {
      recording.recording->end();
      recording.recording.reset();
    };
    auto held = recording.recording;  // append_many needs it until then
    const auto track = held->add_track(video_config());
    held->append(track, {{0, 0, 0}, {.sync = true}, 0, mp4_test::make_payload({1, 2, 3})});
    held->end();
    held.reset();
    fail_unless(recording.witness->wait_until_ended());
    fail_unless(eventually([&] { return recording.disk->file_destroyed(); }));
    fail_unless(eventually([&] { return threads_of_the_process() <= threads; }));
    fail_unless_equals_int(mp4_test::live_payloads(), 0);
  }
}
GST_END_TEST;

GST_START_TEST(a_stop_does_not_wait_for_a_listener_that_waits_for_the_stop) {
  const long threads = threads_at_rest();
  for (bool stops_first : {false, true}) {
    TestRecording recording;
    Signal stopped, entered;
    recording.witness->when_opened = [&] {
      entered.raise();
      stopped.wait();  // as a state change would, which holds a lock that this callback takes
    };
    if (stops_first) recording.disk->block(Verb::kCreate);
    const auto track = recording.add_track(video_config());
    recording.append_many(track, 100, 3'000);
    if (!stops_first) fail_unless(entered.wait());
    recording.recording->end();
    std::thread releaser;
    if (stops_first) {
      fail_unless(recording.disk->wait_until_blocked());
      releaser = std::thread([&, stopper = gettid()] {
        eventually([&] { return threads::waits_on_condition(stopper); });
        recording.disk->release();
      });
    }
    const bool ended = recording.recording->wait_until_ended(20s);
    stopped.raise();
    if (releaser.joinable()) releaser.join();
    fail_unless(ended);
    expect_good_file(recording);
    expect_nothing_left(recording, threads);
  }
}
GST_END_TEST;

GST_START_TEST(several_may_wait_for_the_same_stop) {
  const threads::Since since;
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 100, 3'000);
  std::atomic<int> returned{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 5; ++i)
    waiters.emplace_back([&] { returned += recording.recording->wait_until_ended(kLong); });
  fail_unless(since.wait_until_at_rest());
  recording.recording->end();
  for (std::thread& waiter : waiters) waiter.join();
  fail_unless_equals_int(returned, 5);
  expect_good_file(recording);
}
GST_END_TEST;

GST_START_TEST(a_stop_on_a_stuck_disk_returns_in_time_and_the_file_is_finished_later) {
  const long threads = threads_at_rest();
  constexpr Verb kVerbs[] = {Verb::kCreate, Verb::kWrite, Verb::kSyncWithName,
                             Verb::kSync,   Verb::kSize,  Verb::kClose};
  for (Verb verb : kVerbs) {
    TestRecording recording;
    recording.disk->block(verb);
    recording.append_many(recording.add_track(video_config()), 100, 3'000);
    recording.recording->end();
    fail_unless(recording.disk->wait_until_blocked());
    const auto begun = Clock::now();
    fail_if(recording.recording->wait_until_ended(100ms));
    const auto waited = Clock::now() - begun;
    fail_unless(waited >= 100ms && waited < 5s);
    fail_if(recording.recording->wait_until_ended(0ms));
    recording.recording.reset();  // given up on
    fail_unless(mp4_test::live_payloads() > 0 || verb == Verb::kSync || verb == Verb::kSize ||
                verb == Verb::kClose);
    recording.disk->release();
    fail_unless(recording.witness->wait_until_ended());
    fail_unless(eventually([&] { return recording.disk->file_destroyed(); }));
    expect_good_file(recording);
    expect_nothing_left(recording, threads);
  }
}
GST_END_TEST;

GST_START_TEST(a_recording_that_gets_no_thread_fails_at_once) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  pthread_attr_t usual, impossible;
  pthread_getattr_default_np(&usual);
  pthread_attr_init(&impossible);
  pthread_attr_setstacksize(&impossible, SIZE_MAX / 16 * 15);
  fail_unless_equals_int(pthread_setattr_default_np(&impossible), 0);
  const auto taken = recording.append(track, {0, 0, 0});
  pthread_setattr_default_np(&usual);
  fail_unless(taken == mp4::Recording::Taken::kFailed);
  fail_unless(recording.witness->heard() == "failed");
  fail_unless(recording.witness->failure()->code() == mp4::StatusCode::kOutOfResources);
  fail_unless(recording.append(track, {1, 1, 0}) == mp4::Recording::Taken::kFailed);
  fail_unless(recording.recording->end());
  fail_unless(recording.recording->wait_until_ended(kLong));
  fail_unless(recording.witness->heard() == "failed");
  fail_if(std::filesystem::exists(recording.path));
  fail_unless(recording.is_freed());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
}
GST_END_TEST;

GST_START_TEST(many_recordings_at_once_all_end_well) {
  const long threads = threads_at_rest();
  std::vector<std::unique_ptr<TestRecording>> recordings;
  for (int i = 0; i < 24; ++i) {
    auto& recording = *recordings.emplace_back(std::make_unique<TestRecording>());
    recording.recording->set_running(true);
    recording.add_track(video_config());
    recording.add_track(audio_config());
  }
  std::vector<std::thread> cameras;
  for (unsigned camera = 0; camera < 4; ++camera)
    cameras.emplace_back([&, camera] {
      for (int round = 0; round < 10; ++round)
        for (std::size_t i = camera; i < recordings.size(); i += 4) {
          recordings[i]->append_many(0, 30, 3'000, 30);
          recordings[i]->append_many(1, 47, 1'024);
        }
      for (std::size_t i = camera; i < recordings.size(); i += 4) recordings[i]->finish();
    });
  for (std::thread& camera : cameras) camera.join();
  for (auto& recording : recordings) expect_good_file(*recording);
  for (auto& recording : recordings) fail_unless(recording->is_freed());
  expect_nothing_left(*recordings[0], threads);
}
GST_END_TEST;

static Suite* stopping_suite() {
  Suite* suite = suite_create("stopping");
  TCase* stops = tcase_create("stops");
  suite_add_tcase(suite, stops);
  tcase_set_timeout(stops, 60);
  tcase_add_test(stops, a_recording_without_samples_makes_no_file);
  tcase_add_test(stops, a_recording_dropped_without_an_end_makes_no_file_if_nothing_came);
  tcase_add_test(stops, it_may_be_ended_and_waited_for_inside_any_callback);
  tcase_add_test(stops, it_may_be_ended_and_waited_for_inside_failed);
  tcase_add_test(stops, it_may_be_let_go_inside_the_last_callback);
  tcase_add_test(stops, a_stop_does_not_wait_for_a_listener_that_waits_for_the_stop);
  tcase_add_test(stops, several_may_wait_for_the_same_stop);
  tcase_add_test(stops, a_stop_on_a_stuck_disk_returns_in_time_and_the_file_is_finished_later);
  tcase_add_test(stops, a_recording_that_gets_no_thread_fails_at_once);
  tcase_add_test(stops, many_recordings_at_once_all_end_well);
  return suite;
}

GST_CHECK_MAIN(stopping)
