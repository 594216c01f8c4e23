// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.h"

#include <algorithm>

#include "narrow.h"

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

uint32_t Fragment::samples_of(TrackIndex track) const {
  const auto run =
      std::find_if(runs_.begin(), runs_.end(), [&](auto& r) { return r.track == track; });
  return run == runs_.end() ? 0 : narrow<uint32_t>(run->samples.size());
}

void Fragment::set_first_ns(TrackIndex track, int64_t first_ns) {
  for (Run& run : runs_)
    if (run.track == track) run.first_ns = first_ns;
}

}  // namespace mp4
