// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what the tests know of threads: who waits on a condition variable, and that all that was
// set going is through once everybody is at rest.
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "test_recording.h"
#include "thread_states.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4_test::eventually;
using threads::Since;
using threads::Wait;
using threads::waits_on_condition;

// A thread and its number.
class Numbered {
 public:
  explicit Numbered(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          id_ = gettid();
          work();
        }) {}
  ~Numbered() { thread_.join(); }

  pid_t id() {
    fail_unless(eventually([&] { return id_ != 0; }));
    return id_;
  }
  bool sleeps() {
    std::ifstream file("/proc/self/task/" + std::to_string(id()) + "/stat");
    std::string number, name, state;
    return (file >> number >> name >> state) && state == "S";
  }

 private:
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

Wait wait_of(Numbered& thread) { return threads::wait_on_condition(thread.id()); }

// Does one job at a time, in a thread of its own.
class Worker {
 public:
  explicit Worker(std::function<void()> job) : job_(std::move(job)), thread_([this] { run(); }) {}
  ~Worker() {
    give(-1);
    thread_.join();
  }

  void give(int jobs = 1) {
    const std::lock_guard lock(mutex_);
    jobs_ = jobs;
    changed_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;; --jobs_) {
      changed_.wait(lock, [&] { return jobs_ != 0; });
      if (jobs_ < 0) return;
      job_();
    }
  }

  std::function<void()> job_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int jobs_ = 0;
  std::thread thread_;
};

}  // namespace

GST_START_TEST(a_thread_in_the_wait_of_a_condition_variable_waits) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  const auto is_done = [&] { return done; };
  Numbered without_end([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, is_done);
  });
  Numbered with_an_end([&] {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::hours(1), is_done);
  });
  fail_unless(eventually([&] { return wait_of(without_end) == Wait::kUntilNotified; }));
  fail_unless(eventually([&] { return wait_of(with_an_end) == Wait::kWithTimeLimit; }));
  const std::lock_guard lock(mutex);
  done = true;
  changed.notify_all();
  fail_unless(wait_of(without_end) == Wait::kNone);  // at once: it has a lock to wait for now
  fail_unless(wait_of(with_an_end) == Wait::kNone);
}
GST_END_TEST;

GST_START_TEST(a_thread_that_sleeps_in_another_way_does_not_wait) {
  std::mutex mutex;
  int ends[2];
  fail_unless_equals_int(pipe(ends), 0);
  std::atomic<char> byte{0};
  std::unique_lock lock(mutex);
  {
    Numbered locks([&] { const std::lock_guard inner(mutex); });
    Numbered reads([&] {
      char read_byte = 0;
      fail_unless(read(ends[0], &read_byte, 1) == 1);
      byte = read_byte;
    });
    Numbered spins([&] {
      while (byte == 0) std::this_thread::yield();
    });
    fail_unless(eventually([&] { return locks.sleeps() && reads.sleeps(); }));
    fail_if(waits_on_condition(locks.id()));
    fail_if(waits_on_condition(reads.id()));
    fail_if(waits_on_condition(spins.id()));
    lock.unlock();
    fail_unless(write(ends[1], "x", 1) == 1);
  }
  fail_if(waits_on_condition(0));
  close(ends[0]);
  close(ends[1]);
}
GST_END_TEST;

// One hands its work on to the other: looked at one after the other, each could be seen at rest
// while the other works.
GST_START_TEST(what_was_set_going_is_through_when_all_are_at_rest) {
  Since since;
  std::atomic<int> done{0};
  Worker second([&] { ++done; });
  Worker first([&] { second.give(); });
  for (int jobs = 1; jobs <= 500; ++jobs) {
    first.give();
    fail_unless(since.wait_until_at_rest());
    fail_unless_equals_int(done, jobs);
  }
}
GST_END_TEST;

GST_START_TEST(nothing_is_due_when_no_wait_has_a_time_limit) {
  Since since;
  std::atomic<bool> over{false};
  std::mutex mutex;
  std::condition_variable changed;
  Worker worker([] {});
  Numbered timed([&] {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::milliseconds(20));
    over = true;
  });
  fail_unless(since.wait_until_nothing_is_due());
  fail_unless(over);
}
GST_END_TEST;

GST_START_TEST(who_was_there_before_is_not_waited_for) {
  std::atomic<bool> stop{false};
  Numbered busy([&] {
    while (!stop) std::this_thread::yield();
  });
  busy.id();
  Since since;
  fail_unless(since.wait_until_at_rest());
  std::thread([] {}).join();
  fail_unless(since.wait_until_at_rest());
  stop = true;
}
GST_END_TEST;

static Suite* thread_states_suite() {
  Suite* suite = suite_create("thread_states");
  TCase* tcase = tcase_create("threads");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, a_thread_in_the_wait_of_a_condition_variable_waits);
  tcase_add_test(tcase, a_thread_that_sleeps_in_another_way_does_not_wait);
  tcase_add_test(tcase, what_was_set_going_is_through_when_all_are_at_rest);
  tcase_add_test(tcase, nothing_is_due_when_no_wait_has_a_time_limit);
  tcase_add_test(tcase, who_was_there_before_is_not_waited_for);
  return suite;
}

GST_CHECK_MAIN(thread_states)
