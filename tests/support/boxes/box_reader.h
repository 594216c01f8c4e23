// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tests' own reader of MP4 files (ISO/IEC 14496-12, -14, -15), progressive and fragmented. It
// shares no code with the writer and judges what it reads: everything that breaks the standard, or
// that our files promise and do not keep, becomes a line in Movie::problems. This file owns the
// public shape of what was read; it trusts no size or count found in the file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boxes {

/// One box. `offset` and `size` are those of the file, the header included.
struct Box {
  std::string type;  ///< the four bytes as they stand in the file
  std::string path;  ///< readable, such as "moov/trak[1]/mdia"; the index counts from 0
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t header_size = 0;
  std::vector<Box> children;
  std::shared_ptr<const std::vector<uint8_t>>
      loaded;  ///< null for boxes that are not loaded (mdat)
  size_t payload_begin = 0;
  size_t payload_size = 0;

  std::span<const uint8_t> payload() const;
  const Box* child(std::string_view child_type) const;
};

/// One sample; times in the media timescale, before edits. `chunk` and `description_index` count
/// from 1. A track run of a movie fragment counts as one chunk.
struct Sample {
  uint64_t offset = 0;
  uint32_t size = 0;
  int64_t dts = 0;
  int64_t pts = 0;
  uint64_t duration = 0;
  bool sync = false;
  uint32_t description_index = 0;
  uint32_t chunk = 0;
};

/// One entry of `elst`: `segment_duration` in the movie timescale, `media_time` in the media's, -1
/// for an empty edit.
struct Edit {
  uint64_t segment_duration = 0;
  int64_t media_time = 0;
  double rate = 1.0;
};

struct PixelAspectRatio {
  uint32_t h = 0, v = 0;
};

struct Colour {
  uint16_t primaries = 0, transfer = 0, matrix = 0;
  bool full_range = false;
};

struct BitRate {
  uint32_t buffer_size = 0, max = 0, avg = 0;
};

/// One entry of `stsd`. `config` is the whole payload of avcC, hvcC, av1C and the like, what
/// decoders need inside esds, or all fields of an entry of metadata or text. The fields after
/// `has_esds` mean something only when it is set.
struct SampleEntry {
  std::string format;
  uint16_t width = 0, height = 0;
  uint16_t channels = 0;
  uint16_t sample_bits = 0;
  uint32_t sample_rate = 0;  ///< Hz
  uint32_t lpcm_flags = 0;   ///< formatSpecificFlags of 'lpcm'
  std::vector<uint8_t> config;
  std::optional<PixelAspectRatio> pasp;
  std::optional<Colour> colr;
  std::optional<BitRate> btrt;
  std::vector<uint8_t> mdcv, clli, fiel, chan;  ///< their payloads
  bool has_esds = false;
  uint8_t object_type = 0, stream_type = 0;
  uint32_t buffer_size = 0, max_bitrate = 0, avg_bitrate = 0;
};

/// `sgpd` and `sbgp` of one grouping type; `runs` are (sample_count, group_description_index).
struct SampleGroup {
  std::string grouping_type;
  int version = 0;  ///< of sgpd
  std::vector<std::vector<uint8_t>> entries;
  std::vector<std::pair<uint32_t, uint32_t>> runs;
};

struct Track {
  uint32_t id = 0;
  std::string handler, handler_name;
  uint32_t timescale = 0;
  std::string language;
  uint64_t creation_time = 0;  ///< seconds since 1904, UTC
  uint64_t tkhd_duration = 0, mdhd_duration = 0;
  int tkhd_version = 0, mdhd_version = 0, elst_version = 0;
  double width = 0, height = 0;
  std::array<int32_t, 9> matrix{};
  uint32_t flags = 0;
  int16_t alternate_group = 0;
  uint32_t describes = 0;  ///< `cdsc` of `tref`: the track that this one is metadata of; 0: none
  double volume = 0;
  std::vector<Edit> edits;
  std::vector<SampleEntry> entries;
  std::vector<Sample> samples;
  bool has_ctts = false, has_stss = false, has_co64 = false, has_stco = false;
  int ctts_version = 0;
  uint32_t chunk_count = 0;
  std::vector<SampleGroup> groups;
};

struct Movie {
  std::string major_brand;
  std::vector<std::string> brands;
  uint32_t timescale = 0;
  uint64_t duration = 0, creation_time = 0;
  uint32_t next_track_id = 0;
  int mvhd_version = 0;
  bool fragmented = false;  ///< there is an mvex
  std::vector<Track> tracks;
  std::map<std::string, std::string> tags;  ///< key as UTF-8 ("\xc2\xa9nam") to text
  std::vector<Box> top;
  uint64_t uncovered_mdat_bytes = 0;  ///< bytes of mdat payloads that belong to no sample
  std::vector<std::string> problems;  ///< "stsc: what is wrong (where)"
};

/// Reads and judges a file. Nothing only when there is no readable moov.
std::optional<Movie> read_movie(const std::string& path);

/// The bytes of a sample; empty when the file does not hold all of them.
std::vector<uint8_t> read_sample(const std::string& path, const Sample& sample);

/// Presentation time in nanoseconds on the movie's timeline, rounded to nearest, edits applied. For
/// a sample that no edit shows, the time it would have if the nearest edit reached to it.
int64_t presentation_ns(const Movie& movie, const Track& track, const Sample& sample);

/// Whether an edit shows any part of the sample.
bool is_presented(const Movie& movie, const Track& track, const Sample& sample);

/// Looks into the samples of AVC tracks: the NAL unit lengths must fill each sample exactly, and a
/// sample must be marked as sync exactly when its first slice is of an IDR picture. Not part of
/// read_movie(), since tests of the writer use samples with invented bytes.
std::vector<std::string> avc_sample_problems(const std::string& path, const Movie& movie);

}  // namespace boxes
