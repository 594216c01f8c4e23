// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can only be judged across boxes: durations, edits, track numbers, and that samples and mdat
// payloads fit each other.
#include <algorithm>
#include <map>

#include "movie_reading.h"

namespace boxes {
namespace {

unsigned long long ull(uint64_t value) { return value; }

struct Range {
  uint64_t begin, end;
};

bool is_unknown(uint64_t duration, int version) {
  return duration == (version > 0 ? UINT64_MAX : UINT32_MAX);
}

uint64_t full_duration(const Track& track) {
  uint64_t duration = 0;
  for (const Sample& sample : track.samples) duration += sample.duration;
  return duration;
}

void check_mdhd(Reading& reading, const Track& track, const TrackFacts& facts) {
  const uint64_t wanted = facts.moov_duration;
  const bool fragments = reading.movie.fragmented && track.mdhd_duration == full_duration(track);
  if (track.mdhd_duration != wanted && !fragments) {
    reading.problems.in(
        track, "mdhd",
        text("duration %llu is not the sum of stts %llu%s", ull(track.mdhd_duration), ull(wanted),
             wanted > UINT32_MAX && track.mdhd_version == 0 ? ", which needs version 1" : ""));
  }
}

// 8.3.2.3: the sum of the edits, or without them that of the samples in the movie timescale.
void check_tkhd(Reading& reading, const Track& track, const TrackFacts& facts) {
  const bool later = reading.movie.fragmented && facts.moov_sample_count == 0;
  if (later && (track.tkhd_duration == 0 || is_unknown(track.tkhd_duration, track.tkhd_version))) {
    return;
  }
  uint64_t sum = 0;
  for (const Edit& edit : track.edits) sum += edit.segment_duration;
  if (!track.edits.empty()) {
    if (sum == track.tkhd_duration) return;
    return reading.problems.in(
        track, "tkhd",
        text("duration %llu is not the sum of its edits %llu", ull(track.tkhd_duration), ull(sum)));
  }
  const auto media = static_cast<int64_t>(std::min<uint64_t>(track.mdhd_duration, INT64_MAX));
  const auto wanted =
      static_cast<uint64_t>(rescale(media, reading.movie.timescale, track.timescale));
  const uint64_t low = std::min(wanted, track.tkhd_duration);
  const uint64_t high = std::max(wanted, track.tkhd_duration);
  if (high - low > 1) {
    reading.problems.in(
        track, "tkhd",
        text("duration %llu, but its media lasts %llu", ull(track.tkhd_duration), ull(wanted)));
  }
}

// Where the last sample ceases to be shown; at least the duration of the media.
int64_t media_end(const Track& track) {
  auto end = static_cast<int64_t>(std::min<uint64_t>(track.mdhd_duration, INT64_MAX / 2));
  for (const Sample& sample : track.samples) {
    end = std::max(end, sample.pts + static_cast<int64_t>(sample.duration));
  }
  return end;
}

void check_edits(Reading& reading, const Track& track) {
  const int64_t end = media_end(track);
  const uint32_t movie_scale = reading.movie.timescale;
  for (size_t i = 0; i < track.edits.size(); i++) {
    const Edit& edit = track.edits[i];
    if (edit.media_time < 0) continue;
    if (edit.segment_duration == 0 && !reading.movie.fragmented) {
      reading.problems.in(track, "elst", text("entry %zu lasts 0", i + 1));
    }
    if (track.samples.empty()) continue;
    // What it begins with may be in a fragment that is still to come.
    if (edit.media_time >= end && reading.movie.fragmented) continue;
    if (edit.media_time >= end) {
      reading.problems.in(
          track, "elst",
          text("entry %zu begins at %lld, beyond the media's end %lld", i + 1,
               static_cast<long long>(edit.media_time), static_cast<long long>(end)));
      continue;
    }
    const int64_t room = rescale(end - edit.media_time, movie_scale, track.timescale);
    if (edit.segment_duration > static_cast<uint64_t>(room) + 1) {
      reading.problems.in(track, "elst",
                          text("entry %zu lasts %llu, the media from there %lld", i + 1,
                               ull(edit.segment_duration), static_cast<long long>(room)));
    }
  }
}

void check_track_header(Reading& reading, const Track& track) {
  if (track.handler == "soun") {
    if (track.volume != 1.0) reading.problems.in(track, "tkhd", "volume of sound is not 1");
    if (track.width != 0 || track.height != 0) {
      reading.problems.in(track, "tkhd", "sound has width and height");
    }
  } else if (track.volume != 0) {
    reading.problems.in(track, "tkhd", "volume of a track that is not sound");
  }
  if (track.handler == "vide" && (track.width == 0 || track.height == 0)) {
    reading.problems.in(track, "tkhd", "video has no width or height");
  }
}

void check_samples(Reading& reading, const Track& track) {
  if (track.samples.empty()) {
    if (!reading.movie.fragmented) reading.problems.in(track, "stsz", "no samples");
    return;
  }
  if (track.samples.back().duration == 0) {
    reading.problems.in(track, "stts", "the last sample lasts 0");
  }
  if (std::none_of(track.samples.begin(), track.samples.end(),
                   [](const Sample& sample) { return sample.sync; })) {
    reading.problems.in(track, "stss", "no sample is sync");
  }
}

void check_track_ids(Reading& reading) {
  const Movie& movie = reading.movie;
  std::map<uint32_t, int> seen;
  uint32_t largest = 0;
  for (const Track& track : movie.tracks) {
    largest = std::max(largest, track.id);
    if (++seen[track.id] == 2) reading.problems.in(track, "tkhd", "track_ID is used twice");
  }
  if (movie.next_track_id <= largest) {
    reading.problems.add(
        text("mvhd: next_track_ID %u, the largest is %u", movie.next_track_id, largest));
  }
  for (const FragmentDefaults& trex : reading.extends) {
    if (!seen.contains(trex.track_id)) {
      reading.problems.add(text("trex: there is no track %u", trex.track_id));
    }
  }
}

void check_mvhd(Reading& reading) {
  const Movie& movie = reading.movie;
  uint64_t longest = 0;
  bool unknown = false;
  for (const Track& track : movie.tracks) {
    longest = std::max(longest, track.tkhd_duration);
    unknown |= is_unknown(track.tkhd_duration, track.tkhd_version);
  }
  if (unknown && !movie.fragmented) reading.problems.add("tkhd: duration is unknown");
  if (movie.duration != longest && !unknown) {
    reading.problems.add(
        text("mvhd: duration %llu, the longest track is %llu", ull(movie.duration), ull(longest)));
  }
}

std::vector<Range> mdat_payloads(const Reading& reading) {
  std::vector<Range> payloads;
  for (const Box& box : reading.movie.top) {
    if (box.type != "mdat") continue;
    const uint64_t left = reading.file.size() - box.offset;
    const uint64_t end = box.offset + std::min(box.size, left);
    payloads.push_back({std::min(box.offset + box.header_size, end), end});
  }
  return payloads;  // in the file's order, hence rising
}

// The payload that holds the whole range, or null.
const Range* holder(const std::vector<Range>& payloads, const Range& range) {
  auto after = std::upper_bound(payloads.begin(), payloads.end(), range.begin,
                                [](uint64_t begin, const Range& b) { return begin < b.begin; });
  if (after == payloads.begin()) return nullptr;
  const Range& payload = *std::prev(after);
  return range.end >= range.begin && range.end <= payload.end ? &payload : nullptr;
}

// One problem for each track, with the first sample astray and how many there are.
std::vector<Range> samples_inside(Reading& reading, const std::vector<Range>& payloads) {
  std::vector<Range> inside;
  for (const Track& track : reading.movie.tracks) {
    size_t astray = 0, first = 0;
    for (size_t i = 0; i < track.samples.size(); i++) {
      const Sample& sample = track.samples[i];
      const Range range{sample.offset, sample.offset + sample.size};
      if (holder(payloads, range)) {
        if (sample.size > 0) inside.push_back(range);
      } else if (astray++ == 0) {
        first = i;
      }
    }
    if (astray == 0) continue;
    const Sample& sample = track.samples[first];
    reading.problems.in(track, "mdat",
                        text("%zu samples are not inside an mdat, the first is sample %zu of %u "
                             "bytes at %llu",
                             astray, first + 1, sample.size, ull(sample.offset)));
  }
  std::sort(inside.begin(), inside.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  return inside;
}

}  // namespace

void check_movie(Reading& reading) {
  const Movie& movie = reading.movie;
  for (size_t i = 0; i < movie.tracks.size(); i++) {
    const Track& track = movie.tracks[i];
    check_track_header(reading, track);
    check_samples(reading, track);
    check_mdhd(reading, track, reading.facts[i]);
    check_tkhd(reading, track, reading.facts[i]);
    check_edits(reading, track);
  }
  check_track_ids(reading);
  check_mvhd(reading);
}

void check_sample_ranges(Reading& reading) {
  const std::vector<Range> payloads = mdat_payloads(reading);
  const std::vector<Range> inside = samples_inside(reading, payloads);
  uint64_t total = 0, covered = 0, reached = 0;
  size_t overlaps = 0;
  uint64_t first_overlap = 0;
  for (const Range& payload : payloads) total += payload.end - payload.begin;
  for (const Range& range : inside) {
    if (range.begin < reached && overlaps++ == 0) first_overlap = range.begin;
    const uint64_t begin = std::max(range.begin, reached);
    if (range.end > begin) covered += range.end - begin;
    reached = std::max(reached, range.end);
  }
  reading.movie.uncovered_mdat_bytes = total - covered;
  if (overlaps > 0) {
    reading.problems.add(
        text("mdat: %zu samples overlap another, the first at %llu", overlaps, ull(first_overlap)));
  }
}

}  // namespace boxes
