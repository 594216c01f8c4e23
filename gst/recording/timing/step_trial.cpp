// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/timing/step_trial.h"

#include <cstdlib>

namespace trailingmp4 {

bool StepTrial::is_straggler(int64_t raw, int64_t distance, std::optional<int64_t> taken) const {
  const int64_t slack = before_.reach + 2 * distance;
  const int64_t ahead = raw + (before_.offset - time_);
  const bool can_be_told = taken && std::abs(*taken) > slack;
  return can_be_told && looked_at_ > 0 && ahead >= -distance && ahead <= slack;
}

void StepTrial::add(int64_t raw, int64_t distance, bool straggler) {
  const int64_t ahead = raw + (before_.offset - time_);
  time_ += distance;
  if (looked_at_++ == 0) first_ = ahead;
  stragglers_ = straggler ? stragglers_ + 1 : 0;
  if (straggler || looked_at_ <= kPassedOver) return;
  sum_ += ahead - first_;
  ++counted_;
}

int64_t StepTrial::step() const {
  const int64_t later = counted_ ? sum_ / static_cast<int64_t>(counted_) : 0;
  return first_ + later - before_.usual;
}

}  // namespace trailingmp4
