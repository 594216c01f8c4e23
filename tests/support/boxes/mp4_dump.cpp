// SPDX-License-Identifier: LGPL-2.1-or-later
//
// mp4-dump FILE: what is in an MP4 file and everything that is wrong with it. Exit status 0 without
// problems, 1 with problems, 2 when there is nothing to read.
#include <cinttypes>
#include <cstdio>
#include <ctime>

#include "box_problems.h"
#include "box_reader.h"

namespace {

using boxes::Movie;
using boxes::printable;
using boxes::Track;

constexpr uint64_t kSecondsFrom1904To1970 = 2082844800;

double seconds(double value, uint32_t timescale) { return timescale > 0 ? value / timescale : 0; }

std::string calendar(uint64_t since_1904) {
  if (since_1904 < kSecondsFrom1904To1970) return "not set";
  const auto unix_time = static_cast<time_t>(since_1904 - kSecondsFrom1904To1970);
  struct tm parts {};
  char out[64];
  if (!gmtime_r(&unix_time, &parts) || strftime(out, sizeof out, "%FT%TZ", &parts) == 0) return "?";
  return out;
}

void print_layout(const Movie& movie) {
  printf("boxes    ");
  size_t fragments = 0;
  for (const boxes::Box& box : movie.top) {
    if (box.type == "moof") fragments++;
    if (movie.top.size() <= 12) {
      printf(" %s@%" PRIu64 "+%" PRIu64, printable(box.type).c_str(), box.offset, box.size);
    }
  }
  if (movie.top.size() > 12) printf(" %zu at the top level", movie.top.size());
  if (movie.fragmented) printf(", %zu fragments", fragments);
  printf("\n");
}

void print_movie(const Movie& movie) {
  printf("brands    %s:", printable(movie.major_brand).c_str());
  for (const std::string& brand : movie.brands) printf(" %s", printable(brand).c_str());
  printf("\nduration  %.6f s (%" PRIu64 " / %u)\n",
         seconds(static_cast<double>(movie.duration), movie.timescale), movie.duration,
         movie.timescale);
  printf("created   %s\n", calendar(movie.creation_time).c_str());
  for (const auto& [key, value] : movie.tags)
    printf("tag       %s = %s\n", key.c_str(), value.c_str());
  print_layout(movie);
  printf("uncovered %" PRIu64 " bytes of mdat\n", movie.uncovered_mdat_bytes);
}

void print_entry(const boxes::SampleEntry& entry) {
  printf("  entry   %s", printable(entry.format).c_str());
  if (entry.width > 0) printf(" %ux%u", entry.width, entry.height);
  if (entry.channels > 0) printf(" %u channels %u Hz", entry.channels, entry.sample_rate);
  printf(", configuration of %zu bytes", entry.config.size());
  if (entry.has_esds) {
    printf(", esds object 0x%x buffer %u max %u avg %u", entry.object_type, entry.buffer_size,
           entry.max_bitrate, entry.avg_bitrate);
  }
  if (entry.pasp) printf(", pasp %u:%u", entry.pasp->h, entry.pasp->v);
  if (entry.colr) {
    printf(", colr %u/%u/%u%s", entry.colr->primaries, entry.colr->transfer, entry.colr->matrix,
           entry.colr->full_range ? " full range" : "");
  }
  if (entry.btrt) {
    printf(", btrt buffer %u max %u avg %u", entry.btrt->buffer_size, entry.btrt->max,
           entry.btrt->avg);
  }
  printf("\n");
}

void print_edits(const Movie& movie, const Track& track) {
  double start = 0;
  for (const boxes::Edit& edit : track.edits) {
    const double length = seconds(static_cast<double>(edit.segment_duration), movie.timescale);
    if (edit.media_time >= 0) break;
    start += length;
  }
  printf("  start   %.6f s, %zu edits", start, track.edits.size());
  for (const boxes::Edit& edit : track.edits) {
    printf(" (%" PRIu64 " from %" PRId64 ")", edit.segment_duration, edit.media_time);
  }
  printf("\n");
}

void print_samples(const Track& track) {
  uint64_t bytes = 0, ticks = 0;
  size_t sync = 0;
  for (const boxes::Sample& sample : track.samples) {
    bytes += sample.size;
    ticks += sample.duration;
    sync += sample.sync;
  }
  const double length = seconds(static_cast<double>(ticks), track.timescale);
  printf("  samples %zu, %zu sync, %.6f s (%" PRIu64 " / %u)\n", track.samples.size(), sync, length,
         ticks, track.timescale);
  printf("  bytes   %" PRIu64 ", %.0f bit/s, %u chunks, %s%s%s\n", bytes,
         length > 0 ? static_cast<double>(bytes) * 8 / length : 0, track.chunk_count,
         track.has_stco ? "stco" : "", track.has_co64 ? "co64" : "",
         track.has_ctts ? (track.ctts_version > 0 ? ", ctts 1" : ", ctts 0") : "");
}

void print_track(const Movie& movie, const Track& track) {
  printf("track %u   %s '%s' %s, flags 0x%x", track.id, printable(track.handler).c_str(),
         track.handler_name.c_str(), track.language.c_str(), track.flags);
  if (track.width > 0) printf(", shown as %gx%g", track.width, track.height);
  printf(", tkhd %.6f s\n", seconds(static_cast<double>(track.tkhd_duration), movie.timescale));
  for (const boxes::SampleEntry& entry : track.entries) print_entry(entry);
  print_edits(movie, track);
  print_samples(track);
  for (const boxes::SampleGroup& group : track.groups) {
    printf("  group   %s version %d, %zu descriptions, %zu runs\n",
           printable(group.grouping_type).c_str(), group.version, group.entries.size(),
           group.runs.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: mp4-dump FILE\n");
    return 2;
  }
  const std::optional<Movie> movie = boxes::read_movie(argv[1]);
  if (!movie) {
    fprintf(stderr, "%s: no readable moov\n", argv[1]);
    return 2;
  }
  print_movie(*movie);
  for (const Track& track : movie->tracks) print_track(*movie, track);
  std::vector<std::string> problems = movie->problems;
  for (const std::string& line : boxes::avc_sample_problems(argv[1], *movie)) {
    problems.push_back(line);
  }
  for (const std::string& line : problems) printf("problem   %s\n", line.c_str());
  return problems.empty() ? 0 : 1;
}
