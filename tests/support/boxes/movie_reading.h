// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the parts of the reader share while they read one file, and the names of those parts, each
// in a file of its own. Nothing here is for tests; they include box_reader.h.
#pragma once

#include <string>
#include <vector>

#include "box_cursor.h"
#include "box_file.h"
#include "box_problems.h"
#include "box_reader.h"
#include "box_tree.h"

namespace boxes {

/// What is known of a track besides what Track shows; same index as Movie::tracks.
struct TrackFacts {
  uint32_t data_reference_count = 0;
  std::string media_header;        ///< vmhd, smhd and so on
  uint64_t moov_sample_count = 0;  ///< samples of the sample table
  uint64_t moov_duration = 0;      ///< sum of stts
  uint64_t next_dts = 0;           ///< where the next fragment continues
};

/// Defaults of a track's fragments: `trex`, then overridden by `tfhd`.
struct FragmentDefaults {
  uint32_t track_id = 0;
  uint32_t description_index = 0;
  uint32_t duration = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
};

struct Reading {
  Reading(const BoxFile& the_file, Movie& the_movie)
      : file(the_file), movie(the_movie), problems(the_movie.problems), tree(file, problems) {}

  const BoxFile& file;
  Movie& movie;
  Problems problems;
  BoxTree tree;
  uint64_t samples_left = 0;  ///< how many more samples are believed
  std::vector<TrackFacts> facts;
  std::vector<FragmentDefaults> extends;
  uint32_t last_sequence_number = 0;
  bool is_first_fragment = true;
  bool sequence_number_skipped = false;  // before the fragment at hand
};

/// moov and everything in it, 8.2 to 8.10.
void read_moov(Reading& reading, Box& moov);
/// The sample table, 8.5 to 8.7.
void read_stbl(Reading& reading, Box& stbl, size_t track_index);
/// One entry of stsd, 12.1.3 and 12.2.3.
SampleEntry read_sample_entry(Reading& reading, Box& box, const std::string& handler);
/// Decoder configurations: 14496-15 5.3.3 and 8.3.3, 14496-14 5.6.
void read_avcc(Reading& reading, const Box& box);
void read_hvcc(Reading& reading, const Box& box);
void read_esds(Reading& reading, const Box& box, SampleEntry& entry);
void read_vpcc(Reading& reading, const Box& box);
void read_av1c(Reading& reading, const Box& box);
void read_dops(Reading& reading, const Box& box, const SampleEntry& entry);
void read_dfla(Reading& reading, const Box& box);
/// Sample groups, 8.9; `sample_count` is what the runs must not exceed.
void read_sample_groups(Reading& reading, const Box& parent, Track& track, uint64_t sample_count);
/// One movie fragment, 8.8.
void read_moof(Reading& reading, Box& moof);
/// mfra with tfra and mfro, 8.8.9.
void read_mfra(Reading& reading, const Box& mfra);
/// sidx, 8.16.3.
void read_sidx(Reading& reading, const Box& sidx);
/// udta of the movie: what names and describes it.
void read_tags(Reading& reading, const Box& udta);
/// What can only be judged when everything has been read.
void check_movie(Reading& reading);
void check_sample_ranges(Reading& reading);

/// value * to / from, rounded to nearest; a zero timescale counts as 1.
int64_t rescale(int64_t value, uint32_t to, uint32_t from);

}  // namespace boxes
