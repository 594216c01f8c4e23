// SPDX-License-Identifier: LGPL-2.1-or-later
#include "syncgate.h"

namespace trailingmp4 {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Without an IDR picture for so long, another random access point will do; and at last any picture.
constexpr int64_t kWaitForSync = 2 * kSecond;
constexpr int64_t kWaitForAnything = 10 * kSecond;
constexpr unsigned kDamagedSyncs = 2;  // two groups of pictures, then nothing better is hoped for

}  // namespace

void SyncGate::close_after_loss() {
  if (!waits_ || !lost_) damaged_syncs_ = 0;
  if (!waits_) waiting_since_.reset();
  waits_ = lost_ = true;
}

SyncGate::Verdict SyncGate::check(const Picture& picture) {
  if (waits_) {
    if (!opens_at(picture)) return lost_ ? Verdict::kAfterLoss : Verdict::kBeforeSync;
    waits_ = lost_ = false;
    waiting_since_.reset();
    const mp4::RandomAccess& access = picture.unit.access;
    if (!access.sync || access.open_gop) opened_at_ = picture.time;
    return Verdict::kPass;
  }
  if (is_undecodable(picture)) return Verdict::kBeforeSync;
  if (picture.unit.access.sync) opened_at_.reset();
  return Verdict::kPass;
}

bool SyncGate::opens_at(const Picture& picture) {
  const mp4::RandomAccess& access = picture.unit.access;
  if (access.sync) {
    if (!lost_ || !picture.damaged || damaged_syncs_ >= kDamagedSyncs) return true;
    ++damaged_syncs_;
    return false;
  }
  if (!picture.time) return false;
  if (!waiting_since_) waiting_since_ = picture.time;
  const int64_t waited = *picture.time - *waiting_since_;
  const bool random_access = access.open_gop || access.roll_distance != 0 || !picture.delta;
  return waited >= (random_access ? kWaitForSync : kWaitForAnything);
}

// Pictures that are presented before the one that decoding started at, and need what came before
// it.
bool SyncGate::is_undecodable(const Picture& picture) const {
  if (!opened_at_ || picture.unit.access.sync) return false;
  if (picture.unit.leading) return true;
  return picture.unit.bidirectional && picture.time && *picture.time < *opened_at_;
}

}  // namespace trailingmp4
