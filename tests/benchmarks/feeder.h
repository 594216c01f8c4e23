// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Feeder: one thread that pushes one track into a pad, at full speed or at the pace of its times,
// and says for how long the pad held it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "media.h"

namespace bench {

// At full speed the threads of a recording stay within a second of media of each other, as the
// tracks of a camera do.
class InStep {
 public:
  explicit InStep(std::size_t tracks) : reached_(tracks) {}
  void wait_for_others(std::size_t track, int64_t time_ns);
  void leave(std::size_t track);

 private:
  int64_t slowest() const;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::atomic<int> waiting_{0};
  std::vector<std::atomic<int64_t>> reached_;
};

class Feeder {
 public:
  struct Pace {
    bool live = false;
    double seconds = 0;
    int64_t begin_ns = 0;  // live: when time 0 is, on the monotonic clock
  };
  struct Hold {
    double seconds;  // in gst_pad_push()
    bool waited;     // the thread gave up its processor in it
  };

  Feeder(const TrackMedia& media, GstPad* pad, const Pace& pace, InStep& in_step,
         std::size_t track);
  ~Feeder();
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  void start();
  void join();
  uint64_t samples() const { return samples_; }
  uint64_t bytes() const { return bytes_; }
  bool all_taken() const { return all_taken_; }
  const std::vector<Hold>& holds() const { return holds_; }  // at live pace

 private:
  void run();
  void push_start();
  void push(int64_t sample);
  void push_timed(GstBuffer* buffer);

  const TrackMedia& media_;
  const Pace pace_;
  InStep& in_step_;
  const std::size_t track_;
  Owned<GstPad> source_;
  std::vector<GstBuffer*> made_;  // at full speed: before it begins
  std::vector<Hold> holds_;
  uint64_t samples_ = 0, bytes_ = 0;
  bool all_taken_ = true;
  std::thread thread_;
};

int64_t monotonic_ns();

}  // namespace bench
