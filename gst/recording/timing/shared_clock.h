// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SharedClock: what the pads of a recording agree on about their clocks, so that tracks that step
// together stay in sync: the steps they took, and the offset each of them has. Times are
// nanoseconds.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace trailingmp4 {

// Tracks step together within it.
inline constexpr int64_t kSameMoment = 5'000'000'000;

// Of sizes of steps, which may be so far apart that their difference has no 64 bits.
bool is_near(int64_t a, int64_t b, int64_t tolerance);

// Used from all streaming threads.
class SharedClock {
 public:
  // What one track did at a step and others may do as well.
  struct Step {
    uint64_t id = 0;   // from 1, rising
    int64_t at = 0;    // where the new stretch begins: raw if announced, else corrected
    int64_t size = 0;  // how far the clock stepped; not known if announced
    bool announced = false;
    int64_t change = 0;   // of the offset; 0: it was taken for jitter
    bool exact = true;    // of a track whose pictures are not reordered
    bool undoes = false;  // it took back what a step before it had changed
  };

  // latest_end: the end of what all tracks have so far; none: nothing yet.
  explicit SharedClock(std::function<std::optional<int64_t>()> latest_end)
      : latest_end_(std::move(latest_end)) {}

  std::optional<int64_t> latest_end() const { return latest_end_(); }

  uint64_t take(const Step& step);  // returns its id
  // The step that another track took after `seen` and that this one is like.
  std::optional<Step> find(const Step& like, int64_t tolerance, uint64_t seen);
  // The same, if its change is no less; else `own`, taken. At once, so that two tracks that start
  // over at the same moment do not both take one.
  Step find_or_take(const Step& own, int64_t least, uint64_t seen);
  void raise(uint64_t id, int64_t by);
  // A track that can tell says what the change is. False: it was known exactly before.
  bool fix(uint64_t id, int64_t change);
  int64_t change_of(uint64_t id, int64_t otherwise);
  // Changes whenever a step is raised or fixed.
  uint64_t revision() const { return revision_.load(std::memory_order_acquire); }

  // The offset with which a track that begins now comes nearest to the others.
  int64_t first_offset(const void* track, int64_t raw);
  void set_offset(const void* track, int64_t offset);
  void forget(const void* track);

 private:
  // mutex_ held
  std::optional<Step> find_locked(const Step& like, int64_t tolerance, uint64_t seen) const;
  Step take_locked(Step step);

  std::function<std::optional<int64_t>()> latest_end_;
  std::mutex mutex_;
  std::atomic<uint64_t> revision_{0};
  uint64_t steps_taken_ = 0;
  std::deque<Step> steps_;                  // the last few
  std::map<const void*, int64_t> offsets_;  // of the tracks that have begun
};

}  // namespace trailingmp4
