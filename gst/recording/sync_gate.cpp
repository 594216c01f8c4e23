// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/sync_gate.h"

namespace trailingmp4 {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Without an IDR picture for so long, another random access point will do; and at last any picture.
constexpr int64_t kWaitForSync = 2 * kSecond;
constexpr int64_t kWaitForAnything = 10 * kSecond;
constexpr int64_t kLongestStep = kSecond;  // more, or less than none, is the clock's
constexpr int64_t kUsualStep = kSecond / 25;
constexpr unsigned kDamagedSyncs = 2;  // two groups of pictures, then nothing better is hoped for

}  // namespace

void SyncGate::close_after_loss() {
  if (!waits_ || !lost_) damaged_syncs_ = 0;
  waits_ = lost_ = true;
}

SyncGate::Verdict SyncGate::check(const Picture& picture) {
  if (waits_) {
    if (!opens_at(picture)) return lost_ ? Verdict::kAfterLoss : Verdict::kBeforeSync;
    waits_ = lost_ = false;
    waited_ = 0;
    last_time_.reset();
    const mp4::RandomAccess& access = picture.unit.access;
    may_be_led_ = !access.sync || access.open_gop;
    opened_at_ = picture.time;
    return Verdict::kPass;
  }
  return is_undecodable(picture) ? Verdict::kBeforeSync : Verdict::kPass;
}

bool SyncGate::opens_at(const Picture& picture) {
  const mp4::RandomAccess& access = picture.unit.access;
  if (access.sync) {
    if (!lost_ || !picture.damaged || damaged_syncs_ >= kDamagedSyncs) return true;
    ++damaged_syncs_;
    return false;
  }
  wait(picture);
  const bool random_access = access.open_gop || access.roll_distance != 0 || !picture.delta;
  return waited_ >= (random_access ? kWaitForSync : kWaitForAnything);
}

// By the pictures' own times, but for what their clock does meanwhile: it may step, stand or be
// missing, and nobody waits for ever.
void SyncGate::wait(const Picture& picture) {
  if (picture.time && last_time_) {
    int64_t step = 0;
    const bool far = __builtin_sub_overflow(*picture.time, *last_time_, &step);
    const bool steps = far || step == 0 || step < -kLongestStep || step > kLongestStep;
    waited_ += steps ? kUsualStep : step;
  } else if (!picture.time) {
    waited_ += kUsualStep;
  }
  if (picture.time) last_time_ = picture.time;
}

// Pictures that are presented before the one that decoding started at, and need what came before
// it. They are the next ones in decoding order; what comes later and has such a time only has it.
bool SyncGate::is_undecodable(const Picture& picture) {
  if (!may_be_led_) return false;
  if (picture.unit.leading) return true;
  const bool leads = picture.unit.bidirectional && !picture.unit.access.sync && picture.time &&
                     opened_at_ && *picture.time < *opened_at_;
  may_be_led_ = leads;
  return leads;
}

}  // namespace trailingmp4
