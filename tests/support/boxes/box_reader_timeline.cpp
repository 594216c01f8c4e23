// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Media time to the movie's timeline through the edit list, in exact integer arithmetic.
#include <algorithm>

#include "movie_reading.h"
#include "wide.h"

namespace boxes {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;

Wide timescale_of(uint32_t timescale) { return std::max<uint32_t>(timescale, 1); }

int64_t clamp(Wide value) {
  return static_cast<int64_t>(std::clamp<Wide>(value, INT64_MIN, INT64_MAX));
}

// value * factor / divisor rounded to nearest, without losing the product.
Wide divide(Wide value, Wide factor, Wide divisor) {
  Wide whole = value / divisor;
  Wide rest = value % divisor;
  if (rest < 0) {
    rest += divisor;
    whole -= 1;
  }
  return whole * factor + (rest * factor * 2 + divisor) / (divisor * 2);
}

// One edit placed on the movie's timeline.
struct Placed {
  uint64_t start = 0;  // movie timescale
  const Edit* edit = nullptr;
  bool to_the_end = false;
};

std::vector<Placed> place(const Movie& movie, const Track& track) {
  std::vector<Placed> placed;
  uint64_t start = 0;
  for (const Edit& edit : track.edits) {
    const bool to_the_end = movie.fragmented && edit.segment_duration == 0;
    if (edit.media_time >= 0) placed.push_back({start, &edit, to_the_end});
    start += edit.segment_duration;
  }
  return placed;
}

bool shows(const Movie& movie, const Track& track, const Sample& sample, const Placed& placed) {
  const Wide begin = placed.edit->media_time;
  const Wide sample_end = Wide{sample.pts} + std::max<uint64_t>(sample.duration, 1);
  if (sample_end <= begin) return false;
  if (placed.to_the_end) return true;
  // pts - begin < segment_duration, in the two timescales
  return (sample.pts - begin) * timescale_of(movie.timescale) <
         Wide{placed.edit->segment_duration} * timescale_of(track.timescale);
}

// The edit that shows the sample, otherwise the last one that begins before it, otherwise the
// first.
Placed edit_for(const Movie& movie, const Track& track, const Sample& sample) {
  Placed best;
  for (const Placed& placed : place(movie, track)) {
    if (shows(movie, track, sample, placed)) return placed;
    if (!best.edit || placed.edit->media_time <= sample.pts) best = placed;
  }
  return best;
}

}  // namespace

int64_t rescale(int64_t value, uint32_t to, uint32_t from) {
  return clamp(divide(value, to, timescale_of(from)));
}

int64_t presentation_ns(const Movie& movie, const Track& track, const Sample& sample) {
  const Wide media_scale = timescale_of(track.timescale);
  const Wide movie_scale = timescale_of(movie.timescale);
  const Placed placed = edit_for(movie, track, sample);
  if (!placed.edit) return clamp(divide(sample.pts, kNanoseconds, media_scale));
  const Wide media = Wide{sample.pts} - placed.edit->media_time;
  const Wide both = Wide{placed.start} * media_scale + media * movie_scale;
  return clamp(divide(both, kNanoseconds, media_scale * movie_scale));
}

bool is_presented(const Movie& movie, const Track& track, const Sample& sample) {
  if (track.edits.empty()) return true;
  const std::vector<Placed> edits = place(movie, track);
  return std::any_of(edits.begin(), edits.end(),
                     [&](const Placed& placed) { return shows(movie, track, sample, placed); });
}

}  // namespace boxes
