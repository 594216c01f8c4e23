// SPDX-License-Identifier: LGPL-2.1-or-later
//
// StreamClock: the running time of one pad, made continuous. It knows where the next sample is
// expected; a time far from there is a step of the clock, and is taken back by an offset or kept as
// real time. Tracks that step together agree on it by way of the SharedClock.
//
// All times are nanoseconds: `raw` as the pad says them, else corrected. The rules stand in
// docs/time.md. Pure logic.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "recording/timing/shared_clock.h"
#include "recording/timing/step_trial.h"

namespace trailingmp4 {

enum class GapPolicy { kCollapse, kKeep, kError };

struct ClockSettings {
  int64_t max_gap = 10'000'000'000;
  GapPolicy gap_policy = GapPolicy::kCollapse;
  int64_t max_step_back = 200'000'000;
};

// A number that one thread counts and others read.
class Counter {
 public:
  void add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class StreamClock {
 public:
  struct Counters {
    Counter restarts;        // announced starts that went back
    Counter reanchored;      // steps back, taken back by an offset
    Counter worked_off;      // steps back, worked off by and by
    Counter steps_undone;    // steps that undid the one before
    Counter gaps_collapsed;  // jumps forward over max-gap, taken back by an offset
    Counter gaps_shortened;  // gaps over six hours, held at six hours
  };

  // What is expected of the sample to come.
  struct Next {
    int64_t time;      // corrected, of a sample that follows its predecessor at nominal distance
    int64_t distance;  // the nominal distance
    int64_t longest;   // the duration of the predecessor can be no longer
    bool reorders;     // it may be presented after ones that are decoded later
    int64_t
        depth_margin;  // so much more may a picture step back before that is a step of the clock
  };

  StreamClock(const ClockSettings& settings, SharedClock& shared, Counters& counters)
      : settings_(settings), shared_(shared), counters_(counters) {
    settings_.max_step_back = std::min(settings_.max_step_back, kForEver);
  }
  ~StreamClock() { shared_.forget(this); }
  StreamClock(const StreamClock&) = delete;
  StreamClock& operator=(const StreamClock&) = delete;

  // A new start: if the next time is before the last, it is no fault. at: the raw time at which the
  // new stretch begins for all tracks, if known.
  void announce_start(std::optional<int64_t> at);
  // Nothing comes before that raw time; a gap up to there is real.
  void announce_gap(int64_t until) { announced_until_ = until; }

  // What is to be added to the raw times of the next sample, whose own is raw (its DTS where that
  // is the track's clock, else its PTS). arrival: when it came, on a live source. next: nothing for
  // the first sample. Nothing is returned for a gap that the policy calls an error.
  std::optional<int64_t> follow(int64_t raw, std::optional<int64_t> arrival,
                                const std::optional<Next>& next);

  int64_t offset() const { return offset_ + slew_; }
  // The last samples were not moved against each other, so they are as far apart as the stream has
  // them.
  bool is_steady() const { return slew_ == 0 && !trial_ && unsettled_ == 0; }

 private:
  // No jitter is nine years; sums of such times fit.
  static constexpr int64_t kForEver = int64_t{1} << 58;

  // A step of the shared clock that this track took, and what it changed the offset by.
  struct Taken {
    uint64_t id = 0;
    int64_t change = 0;
  };
  struct Kept {
    int64_t size, at;
    int64_t pictures = 0;  // since
  };
  struct Sample {
    int64_t raw;
    std::optional<int64_t> arrival;
    Next next;
  };

  std::optional<int64_t> go_on(const Sample& sample);
  // Times may lie at both ends of what there is, so what is summed first is what lies together.
  int64_t ahead(const Sample& sample) const {
    return sample.raw + (offset_ + slew_ - sample.next.time);
  }
  // How far the clock stepped, as far as one sample tells.
  int64_t stepped(const Sample& sample) const { return ahead(sample) - usual_; }
  bool is_size_of_step(const Sample& sample, int64_t size) const;
  void take_raised_offset();
  void start_over(const Sample& sample);
  bool step(const Sample& sample);
  void step_back(const Sample& sample);
  void small_step_back(const Sample& sample);
  bool step_forward(const Sample& sample);
  bool undo(const Sample& sample);
  bool join(const Sample& sample);
  void keep(const Sample& sample);
  void settle(int64_t correction);
  void take(const Sample& sample, int64_t change);
  void remember(const Taken& taken);
  void make_room(const Sample& sample);
  bool clock_went_on(const Sample& sample, int64_t gap) const;
  bool is_real(const Sample& sample, int64_t gap) const;
  void hold_gap(const Sample& sample, bool first);
  void begin_trial(const Sample& sample);
  enum class Trial { kStraggler, kGoesOn, kSettled, kAnotherStep };
  Trial go_on_with_trial(const Sample& sample);
  void end_trial(const Sample& sample);
  bool is_reordering(const Sample& sample) const;
  bool is_straggler_of_gap(const Sample& sample) const;
  int64_t largest_jitter(const Sample& sample) const;
  void work_off(const Sample& sample);
  void note_reach(const Sample& sample);

  ClockSettings settings_;
  SharedClock& shared_;
  Counters& counters_;
  int64_t offset_ = 0;
  int64_t slew_ = 0;  // on top of it, while a step back is worked off
  // How far ahead of `next` pictures lie that are presented after others, at most and on average.
  int64_t reach_ = 0;
  int64_t usual_ = 0;
  unsigned usual_of_ = 0;  // pictures
  int64_t last_raw_ = 0;
  std::optional<int64_t> last_arrival_;
  std::optional<int64_t> announced_until_;
  bool start_announced_ = false;
  std::optional<int64_t> announced_at_;
  Taken last_taken_;
  std::vector<Taken> undoable_;  // the last one last
  uint64_t seen_steps_ = 0;      // of shared_
  uint64_t seen_revision_ = 0;   // of shared_
  std::optional<StepTrial> trial_;
  int64_t correction_ = 0;        // how far off samples may be as long as it lasts:
  int64_t unsettled_ = 0;         // samples until the last step is past
  std::optional<int64_t> tried_;  // the step that was taken for one in it
  std::optional<Kept> kept_;      // a step forward that was taken as real
  std::optional<int64_t> published_offset_;
};

}  // namespace trailingmp4
