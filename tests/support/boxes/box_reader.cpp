// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads a file from its top level down.
#include "box_reader.h"

#include <algorithm>

#include "movie_reading.h"

namespace boxes {
namespace {

constexpr uint64_t kMostSamples = uint64_t{1} << 25;

// 4.3: major_brand, minor_version, compatible_brands up to the end.
void read_ftyp(Reading& reading, const Box& ftyp) {
  BoxCursor cursor(ftyp, reading.problems);
  reading.movie.major_brand = cursor.fourcc();
  cursor.u32();
  while (cursor.left() >= 4) reading.movie.brands.push_back(cursor.fourcc());
}

void read_file_type(Reading& reading) {
  const Box* ftyp = find_box(reading.movie.top, "ftyp");
  if (!ftyp) return reading.problems.add("ftyp: the file has none");
  if (ftyp->offset != 0) reading.problems.at(*ftyp, "is not the first box");
  read_ftyp(reading, *ftyp);
}

}  // namespace

std::optional<Movie> read_movie(const std::string& path) {
  const BoxFile file(path);
  if (!file.is_open()) return std::nullopt;
  Movie movie;
  Reading reading(file, movie);
  movie.top = reading.tree.read();
  Box* moov = find_box(movie.top, "moov");
  if (!moov || !moov->loaded) return std::nullopt;
  // Every sample has a byte in the file, except those that are reported as empty.
  reading.samples_left = std::min(kMostSamples, file.size());
  read_file_type(reading);
  read_moov(reading, *moov);
  for (Box& box : movie.top) {
    if (box.type == "moof") read_moof(reading, box);
    if (box.type == "mfra") read_mfra(reading, box);
    if (box.type == "sidx") read_sidx(reading, box);
  }
  check_movie(reading);
  check_sample_ranges(reading);
  return movie;
}

std::vector<uint8_t> read_sample(const std::string& path, const Sample& sample) {
  const BoxFile file(path);
  if (!file.is_open() || sample.offset > file.size()) return {};
  if (sample.size > file.size() - sample.offset) return {};
  std::vector<uint8_t> bytes(sample.size);
  if (!file.read(sample.offset, bytes)) return {};
  return bytes;
}

}  // namespace boxes
