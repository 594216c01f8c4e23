// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/shared_clock.h"

#include <algorithm>
#include <cstdlib>

namespace trailingmp4 {
namespace {

constexpr std::size_t kStepsKept = 16;

}  // namespace

bool is_near(int64_t a, int64_t b, int64_t tolerance) {
  const auto low = static_cast<uint64_t>(std::min(a, b));
  return static_cast<uint64_t>(std::max(a, b)) - low <= static_cast<uint64_t>(tolerance);
}

uint64_t SharedClock::take(const Step& step) {
  const std::lock_guard lock(mutex_);
  return take_locked(step).id;
}

SharedClock::Step SharedClock::take_locked(Step step) {
  step.id = ++steps_taken_;
  steps_.push_back(step);
  if (steps_.size() > kStepsKept) steps_.pop_front();
  return step;
}

std::optional<SharedClock::Step> SharedClock::find(const Step& like, int64_t tolerance,
                                                   uint64_t seen) {
  const std::lock_guard lock(mutex_);
  return find_locked(like, tolerance, seen);
}

std::optional<SharedClock::Step> SharedClock::find_locked(const Step& like, int64_t tolerance,
                                                          uint64_t seen) const {
  const auto found = std::find_if(steps_.rbegin(), steps_.rend(), [&](const Step& step) {
    return step.id > seen && step.announced == like.announced &&
           is_near(step.at, like.at, kSameMoment) && is_near(step.size, like.size, tolerance);
  });
  if (found == steps_.rend()) return std::nullopt;
  return *found;
}

SharedClock::Step SharedClock::find_or_take(const Step& own, int64_t least, uint64_t seen) {
  const std::lock_guard lock(mutex_);
  const auto other = find_locked(own, 0, seen);
  if (other && other->change >= least) return *other;
  return take_locked(own);
}

void SharedClock::raise(uint64_t id, int64_t by) {
  const std::lock_guard lock(mutex_);
  for (Step& step : steps_)
    if (step.id == id) step.change += by;
  revision_.fetch_add(1, std::memory_order_release);
}

bool SharedClock::fix(uint64_t id, int64_t change) {
  const std::lock_guard lock(mutex_);
  for (Step& step : steps_) {
    if (step.id != id || step.exact) continue;
    step.change = change;
    step.exact = true;
    revision_.fetch_add(1, std::memory_order_release);
    return true;
  }
  return false;
}

int64_t SharedClock::change_of(uint64_t id, int64_t otherwise) {
  const std::lock_guard lock(mutex_);
  for (const Step& step : steps_)
    if (step.id == id) return step.change;
  return otherwise;
}

int64_t SharedClock::first_offset(const void* track, int64_t raw) {
  const auto end = latest_end_();
  const std::lock_guard lock(mutex_);
  int64_t best = 0;
  if (end)
    for (const auto& [other, offset] : offsets_)
      if (other != track && std::abs(raw + (offset - *end)) < std::abs(raw + (best - *end)))
        best = offset;
  return best;
}

void SharedClock::set_offset(const void* track, int64_t offset) {
  const std::lock_guard lock(mutex_);
  offsets_[track] = offset;
}

void SharedClock::forget(const void* track) {
  const std::lock_guard lock(mutex_);
  offsets_.erase(track);
}

}  // namespace trailingmp4
