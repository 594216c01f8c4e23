// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steptrial.h"

#include <cstdlib>

namespace trailingmp4 {

bool StepTrial::look(int64_t raw, int64_t distance, std::optional<int64_t> taken) {
  const int64_t ahead = raw + before_.offset - time_;
  time_ += distance;
  if (looked_at_++ == 0) first_ = ahead;
  const bool can_tell = taken && std::abs(*taken) > before_.reach + 2 * distance;
  const bool straggler =
      can_tell && looked_at_ > 1 && ahead >= -distance && ahead <= before_.reach + 2 * distance;
  stragglers_ = straggler ? stragglers_ + 1 : 0;
  if (!straggler && looked_at_ > kPassedOver) {
    sum_ += ahead - first_;
    ++counted_;
  }
  return straggler;
}

int64_t StepTrial::step() const {
  const int64_t later = counted_ ? sum_ / static_cast<int64_t>(counted_) : 0;
  return first_ + later - before_.usual;
}

}  // namespace trailingmp4
