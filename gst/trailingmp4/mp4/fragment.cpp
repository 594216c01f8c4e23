// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.h"

#include <algorithm>

namespace mp4 {

void Fragment::add(TrackIndex track, int64_t dts_ns, Payload payload) {
  if (runs_.empty()) opened_ = std::chrono::steady_clock::now();
  auto run = std::find_if(runs_.begin(), runs_.end(), [&](auto& r) { return r.track == track; });
  if (run == runs_.end()) run = runs_.insert(runs_.end(), Run{track, dts_ns, 0, {}});
  run->bytes += payload.size();
  bytes_ += payload.size();
  ++samples_;
  longest_ns_ = std::max(longest_ns_, dts_ns - run->first_ns);
  run->samples.push_back(std::move(payload));
}

}  // namespace mp4
