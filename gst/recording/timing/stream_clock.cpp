// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/stream_clock.h"

#include <algorithm>
#include <cstdlib>

namespace trailingmp4 {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kReordering = 200 * kMillisecond;  // so far back may be no new start
constexpr int64_t kLargestRaise = 5 * kSecond;
constexpr int64_t kSmallestRaise = 10 * kMillisecond;  // less is jitter
constexpr int64_t kNoticeable = 100 * kMillisecond;    // a step forward, not jitter
constexpr int64_t kLargestSlew = kSecond;              // by steps that each are jitter
constexpr int64_t kUndoneWithin = 30 * kSecond;
constexpr int64_t kLongestStraggled = 90 * kSecond;  // a gap that pictures come behind of
constexpr int64_t kLongestGap = 6 * 3600 * kSecond;
constexpr int64_t kDeepest = 16;  // pictures are not reordered over more (MaxDpbFrames)
constexpr unsigned kUsualOf = 32;
constexpr std::size_t kUndoable = 4;

// Steps of the same cause are not of the same size to the millisecond.
int64_t tolerance_of(int64_t size) { return std::min(std::abs(size) / 4, kSameMoment); }

}  // namespace

void StreamClock::announce_start(std::optional<int64_t> at) {
  start_announced_ = true;
  announced_at_ = at;
}

std::optional<int64_t> StreamClock::follow(int64_t raw, std::optional<int64_t> arrival,
                                           const std::optional<Next>& next) {
  std::optional<int64_t> result;
  if (next) {
    result = go_on({raw, arrival, *next});
    if (!result) return result;
  } else {
    offset_ = shared_.first_offset(this, raw);
    hold_gap({raw, arrival, {shared_.latest_end().value_or(raw), 0, 0, false, 0}}, true);
    result = offset();
  }
  start_announced_ = false;
  announced_at_.reset();
  last_raw_ = raw;
  last_arrival_ = arrival;
  if (published_offset_ != offset_) shared_.set_offset(this, *(published_offset_ = offset_));
  return result;
}

std::optional<int64_t> StreamClock::go_on(const Sample& sample) {
  take_raised_offset();
  if (kept_) ++kept_->pictures;
  if (unsettled_ > 0) --unsettled_;
  if (start_announced_) {
    start_over(sample);
  } else {
    const Trial trial = trial_ ? go_on_with_trial(sample) : Trial::kGoesOn;
    if (trial == Trial::kStraggler) return trial_->offset_before();
    if (trial != Trial::kSettled && !step(sample)) return std::nullopt;
  }
  work_off(sample);
  hold_gap(sample, false);
  note_reach(sample);
  return offset();
}

// Whether the sample lies where it would if the clock had stepped by about as much. Where pictures
// are reordered it is known only within their reach how far it stepped.
bool StreamClock::is_size_of_step(const Sample& sample, int64_t size) const {
  const int64_t most = ahead(sample);
  const int64_t nearest = std::clamp(size, most - reach_, most);
  return is_near(nearest, size, tolerance_of(size));
}

// Another track had more to go than fitted the offset that both took.
void StreamClock::take_raised_offset() {
  if (shared_.revision() == seen_revision_) return;
  seen_revision_ = shared_.revision();
  if (last_taken_.id == 0) return;
  const int64_t change = shared_.change_of(last_taken_.id, last_taken_.change);
  const int64_t raised = change - last_taken_.change;
  offset_ += raised;
  last_taken_.change = change;
  if (!undoable_.empty() && undoable_.back().id == last_taken_.id) undoable_.back().change = change;
}

// A flush or a segment said that running time starts over: all tracks go on behind the end of all,
// with one offset, whatever was before. What was announced for years away is for other samples: a
// sum of such times does not fit.
void StreamClock::start_over(const Sample& sample) {
  const int64_t end = sample.next.time;
  const int64_t back = end - sample.raw - offset_;
  const bool is_meant = announced_at_ && is_near(sample.raw, *announced_at_, kForEver);
  const int64_t at = is_meant ? *announced_at_ : sample.raw;
  const bool at_its_begin = is_meant && sample.raw - at < kReordering;
  if (back <= (at_its_begin ? sample.next.distance / 2 : sample.next.distance + kReordering))
    return;
  // Before it is looked what others do: where they have gone on already, they are later by now.
  const int64_t latest = std::max(end, shared_.latest_end().value_or(end));
  const SharedClock::Step own{
      .at = at, .announced = true, .change = std::max(end - sample.raw, latest - at)};
  const SharedClock::Step step =
      shared_.find_or_take(own, end - sample.raw - kLargestRaise, seen_steps_);
  offset_ = step.change;
  slew_ = 0;
  trial_.reset();
  undoable_.clear();
  kept_.reset();
  seen_steps_ = step.id;
  last_taken_ = {step.id, step.change};
  make_room(sample);
  counters_.restarts.add();
}

// What may be jitter, or reordering that is not known yet.
int64_t StreamClock::largest_jitter(const Sample& sample) const {
  return std::max(settings_.max_step_back, sample.next.depth_margin);
}

// False: the policy calls it an error.
bool StreamClock::step(const Sample& sample) {
  if (sample.next.reorders && is_straggler_of_gap(sample)) return true;
  const int64_t ahead = this->ahead(sample);
  const int64_t distance = sample.next.distance;
  const bool settling = sample.next.reorders && unsettled_ > 0;
  const int64_t slack = settling ? correction_ + 2 * distance : 0;
  if (ahead - reach_ > (trial_ ? settings_.max_gap : kNoticeable + slack))
    return step_forward(sample);
  if (settling && -ahead <= largest_jitter(sample) + slack) return true;
  const bool back = sample.next.reorders ? ahead < -distance : ahead < 0 && sample.raw < last_raw_;
  if (!back || trial_) return true;
  if (-ahead > largest_jitter(sample))
    step_back(sample);
  else if (usual_of_ >= kUsualOf / 4 && reach_ - ahead > settings_.max_step_back / 2)
    begin_trial(sample);
  else if (!sample.next.reorders && sample.raw < last_raw_ - distance)
    small_step_back(sample);
  return true;
}

void StreamClock::step_back(const Sample& sample) {
  if (kept_ && sample.next.time - kept_->at < kUndoneWithin &&
      is_size_of_step(sample, -kept_->size)) {
    kept_.reset();
    slew_ -= ahead(sample);
    counters_.worked_off.add();
    return;
  }
  if (undo(sample) || join(sample)) return;
  take(sample, -stepped(sample));
  counters_.reanchored.add();
}

// Jitter, unless another track took the same for a step; and then it is jitter for others as well.
void StreamClock::small_step_back(const Sample& sample) {
  const int64_t size = ahead(sample);
  if (join(sample)) return;
  if (slew_ - size > kLargestSlew) return step_back(sample);
  slew_ -= size;
  counters_.worked_off.add();
  if (-size > largest_jitter(sample) / 2)
    seen_steps_ = shared_.take({.at = sample.next.time, .size = size});
}

bool StreamClock::step_forward(const Sample& sample) {
  const int64_t gap = ahead(sample);
  trial_.reset();
  if (join(sample)) return true;
  if (!clock_went_on(sample, gap) && undo(sample)) return true;
  if (gap - reach_ > settings_.max_gap && !is_real(sample, gap)) {
    if (settings_.gap_policy == GapPolicy::kError) return false;
    if (settings_.gap_policy == GapPolicy::kCollapse) {
      take(sample, -stepped(sample));
      counters_.gaps_collapsed.add();
      return true;
    }
  }
  keep(sample);
  if (!is_reordering(sample))
    seen_steps_ = shared_.take({.at = sample.next.time, .size = stepped(sample)});
  return true;
}

void StreamClock::keep(const Sample& sample) {
  kept_ = Kept{ahead(sample), sample.next.time};
  if (is_reordering(sample)) return;
  settle(0);
}

// Nothing is learnt from the next pictures, and what is off by no more than that is not judged:
// decode times go on from what was taken for true so far.
void StreamClock::settle(int64_t correction) {
  correction_ = std::abs(correction);
  unsettled_ = kDeepest;
}

// Whether a picture that is further ahead than any before may just be reordered further.
bool StreamClock::is_reordering(const Sample& sample) const {
  if (!sample.next.reorders) return false;
  return usual_of_ < kUsualOf || ahead(sample) - reach_ <= kNoticeable + 4 * sample.next.distance;
}

// Presented before a gap and decoded behind it. The clock has not stepped back.
bool StreamClock::is_straggler_of_gap(const Sample& sample) const {
  if (!kept_ || kept_->pictures > kDeepest) return false;
  if (kept_->size > kLongestStraggled) return false;
  const int64_t slack = 2 * sample.next.distance;
  const int64_t ahead =
      sample.raw + (offset_ + slew_ - kept_->at) - kept_->pictures * sample.next.distance;
  return kept_->size > reach_ + 2 * slack && ahead >= -slack && ahead <= reach_ + slack;
}

// What steps back by as much as it stepped forward is where it was, to the nanosecond.
bool StreamClock::undo(const Sample& sample) {
  if (undoable_.empty() || !is_size_of_step(sample, undoable_.back().change)) return false;
  const int64_t change = undoable_.back().change;
  seen_steps_ = shared_.take({.at = sample.next.time,
                              .size = stepped(sample),
                              .announced = false,
                              .change = -change,
                              .exact = true,
                              .undoes = true});
  offset_ -= change;
  settle(0);
  undoable_.pop_back();
  last_taken_ = {};
  slew_ = 0;
  slew_ = std::max<int64_t>(0, -ahead(sample));
  counters_.steps_undone.add();
  return true;
}

// Does what another track did at the same step, so that both stay in sync.
bool StreamClock::join(const Sample& sample) {
  const int64_t size = stepped(sample);
  const SharedClock::Step like{.at = sample.next.time, .size = size};
  const auto step = shared_.find(like, tolerance_of(size) + reach_, seen_steps_);
  if (!step) return false;
  seen_steps_ = step->id;
  if (step->change == 0 && size > 0) {
    keep(sample);
    return true;
  }
  if (step->change == 0) {
    if (!sample.next.reorders) slew_ += std::max<int64_t>(0, -ahead(sample));
    counters_.worked_off.add();
    return true;
  }
  // What is left of the step, if anything, is the same for all.
  const int64_t own_change = step->change + step->size - size;
  const bool fixed = !sample.next.reorders && shared_.fix(step->id, own_change);
  const int64_t change = fixed ? own_change : step->change;
  offset_ += change;
  settle(trial_ && !tried_ ? change : 0);
  remember({step->id, change});
  if (step->undoes) {
    slew_ = 0;
    slew_ = std::max<int64_t>(0, -ahead(sample) - reach_);
    counters_.steps_undone.add();
    return true;
  }
  make_room(sample);
  if (size < 0)
    counters_.reanchored.add();
  else if (size + change < kNoticeable)
    counters_.gaps_collapsed.add();
  else
    counters_.gaps_shortened.add();
  return true;
}

// The sample goes on where the track was, and so will those of other tracks that step with it.
void StreamClock::take(const Sample& sample, int64_t change) {
  const int64_t size = stepped(sample);
  if (sample.next.reorders) {
    begin_trial(sample);
    tried_ = size;
  }
  seen_steps_ = shared_.take({.at = sample.next.time,
                              .size = size,
                              .announced = false,
                              .change = change,
                              .exact = !sample.next.reorders});
  offset_ += change;
  settle(0);
  remember({seen_steps_, change});
}

// Whether and how far the clock stepped is known when more pictures have come.
void StreamClock::begin_trial(const Sample& sample) {
  trial_.emplace(StepTrial::Before{sample.next.time, offset_ + slew_, usual_, reach_});
  tried_.reset();
  trial_->add(sample.raw, sample.next.distance, false);
}

StreamClock::Trial StreamClock::go_on_with_trial(const Sample& sample) {
  const int64_t distance = sample.next.distance;
  const bool straggler = trial_->is_straggler(sample.raw, distance, tried_);
  const int64_t slack = reach_ + 2 * distance + (tried_ ? 0 : largest_jitter(sample));
  if (!straggler && std::abs(ahead(sample)) > slack) {
    if (trial_->can_tell()) end_trial(sample);
    trial_.reset();
    return Trial::kAnotherStep;
  }
  trial_->add(sample.raw, distance, straggler);
  if (trial_->is_undone()) {
    offset_ -= last_taken_.change;
    if (!undoable_.empty()) undoable_.pop_back();
    last_taken_ = {};
    trial_.reset();
    counters_.steps_undone.add();
    return Trial::kGoesOn;
  }
  if (!tried_ && join(sample)) {
    trial_.reset();
    return Trial::kSettled;
  }
  if (straggler) return Trial::kStraggler;
  if (!trial_->is_over()) return Trial::kGoesOn;
  end_trial(sample);
  return Trial::kSettled;
}

void StreamClock::end_trial(const Sample& sample) {
  const int64_t step = trial_->step();
  trial_.reset();
  settle(tried_ ? *tried_ - step : step);
  if (tried_) {
    shared_.fix(last_taken_.id, last_taken_.change + *tried_ - step);
    take_raised_offset();
  } else if (-step > settings_.max_step_back) {
    seen_steps_ = shared_.take({.at = sample.next.time,
                                .size = step,
                                .announced = false,
                                .change = -step,
                                .exact = false});
    offset_ -= step;
    remember({seen_steps_, -step});
    counters_.reanchored.add();
  } else if (-step > settings_.max_step_back / 2) {
    seen_steps_ = shared_.take({.at = sample.next.time, .size = step});
  }
}

void StreamClock::remember(const Taken& taken) {
  last_taken_ = taken;
  undoable_.push_back(taken);
  if (undoable_.size() > kUndoable) undoable_.erase(undoable_.begin());
}

// A track that joins a step and has more to go than fits raises the offset of all who took it.
void StreamClock::make_room(const Sample& sample) {
  const int64_t missing = -ahead(sample) - reach_;
  if (missing <= kSmallestRaise) return;
  if (missing > kLargestRaise) {
    slew_ += missing;
    return;
  }
  shared_.raise(last_taken_.id, missing);
  take_raised_offset();
}

bool StreamClock::clock_went_on(const Sample& sample, int64_t gap) const {
  if (!sample.arrival || !last_arrival_) return false;
  return *sample.arrival - *last_arrival_ - sample.next.distance >= gap - tolerance_of(gap);
}

// Time that has passed elsewhere too.
bool StreamClock::is_real(const Sample& sample, int64_t gap) const {
  const int64_t tolerance = tolerance_of(gap);
  if (announced_until_ && *announced_until_ > last_raw_ &&
      sample.raw <= *announced_until_ + tolerance)
    return true;
  const auto end = shared_.latest_end();
  if (end && *end - sample.next.time >= gap - tolerance) return true;
  return clock_went_on(sample, gap);
}

// The duration of the sample before has 32 bits, and a file of many days serves nobody if it is one
// clock's fault. What is a gap of this track alone is real: the others went on.
void StreamClock::hold_gap(const Sample& sample, bool first) {
  const int64_t gap = ahead(sample);
  if (gap > kLongestGap && !join(sample)) {
    const int64_t latest =
        std::max(sample.next.time, shared_.latest_end().value_or(sample.next.time));
    if (gap > latest - sample.next.time + kLongestGap) {
      take(sample, kLongestGap - gap);
      counters_.gaps_shortened.add();
    }
  }
  if (first || ahead(sample) <= sample.next.longest) return;
  offset_ -= ahead(sample) - sample.next.longest;
  counters_.gaps_shortened.add();
}

void StreamClock::work_off(const Sample& sample) {
  if (slew_ == 0) return;
  slew_ -= std::min(slew_, sample.next.distance / 10);
  const int64_t excess = ahead(sample) - reach_;
  if (excess > 0) slew_ -= std::min(slew_, excess);
}

void StreamClock::note_reach(const Sample& sample) {
  if (!sample.next.reorders) {
    reach_ = usual_ = 0;
    usual_of_ = 0;
    return;
  }
  if (!is_steady()) return;
  const int64_t ahead = this->ahead(sample);
  const int64_t farthest = (kDeepest + 1) * sample.next.distance;
  reach_ = std::clamp(ahead, reach_ - reach_ / 64, std::max(farthest, reach_));
  usual_of_ = std::min(usual_of_ + 1, kUsualOf);
  usual_ += (std::clamp(ahead, -farthest, farthest) - usual_) / usual_of_;
}

}  // namespace trailingmp4
