// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The memory that all recordings of the process together may hold in their queues. A hundred
// recorders on a stalled disk must not take the machine down; each keeps its own bound as well.
#pragma once

#include <atomic>
#include <cstdint>

namespace mp4 {

class QueueBudget {
 public:
  static constexpr uint64_t kBytes = uint64_t{1} << 30;

  static void take(uint64_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  static void give_back(uint64_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  static bool exceeded() { return held_.load(std::memory_order_relaxed) >= kBytes; }

 private:
  static inline std::atomic<uint64_t> held_{0};
};

}  // namespace mp4
