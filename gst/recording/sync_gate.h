// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SyncGate: which pictures of a track are left out because nothing that was recorded lets them be
// decoded: those before the first sync sample, and, where the policies say so, those after a loss.
// Pure logic; the rules stand in docs/time.md.
#pragma once

#include <cstdint>
#include <optional>

#include "mp4/codecs/nal.h"

namespace trailingmp4 {

class SyncGate {
 public:
  enum class Verdict { kPass, kBeforeSync, kAfterLoss };

  struct Picture {
    const mp4::AccessUnit& unit;
    std::optional<int64_t> time;  // running time of its presentation
    bool delta = true;            // upstream says that it depends on others
    bool damaged = false;         // upstream says that data was lost right before or in it
  };

  explicit SyncGate(bool start_at_sync) : waits_(start_at_sync) {}

  // Pictures went missing: those that follow wait for a sync sample.
  void close_after_loss();
  Verdict check(const Picture& picture);

 private:
  bool opens_at(const Picture& picture);
  void wait(const Picture& picture);
  bool is_undecodable(const Picture& picture);

  bool waits_;
  bool lost_ = false;           // waits because of a loss
  unsigned damaged_syncs_ = 0;  // passed over since
  int64_t waited_ = 0;
  std::optional<int64_t> last_time_;  // of a picture that waited
  // The picture that decoding began at is no IDR picture: those that lead it may be to come.
  bool may_be_led_ = false;
  std::optional<int64_t> opened_at_;  // its time
};

}  // namespace trailingmp4
