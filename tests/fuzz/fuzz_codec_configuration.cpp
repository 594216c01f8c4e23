// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A decoder configuration record and samples behind it, as a camera may send them: the first byte
// says which codec, from 0x80 on one of those whose samples a function of the table looks at; then
// each piece has its length in two bytes before it.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzz_support.h"
#include "memory_source.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/sample_entry.h"
#include "mp4/codecs/aac.h"
#include "mp4/codecs/av1.h"
#include "mp4/codecs/avc.h"
#include "mp4/codecs/codec.h"
#include "mp4/codecs/flac.h"
#include "mp4/codecs/hevc.h"
#include "mp4/codecs/nal.h"
#include "mp4/codecs/opus.h"
#include "mp4/codecs/parameter_sets.h"

namespace {

using namespace mp4::literals;
using Bytes = std::vector<uint8_t>;

class Pieces {
 public:
  explicit Pieces(std::span<const uint8_t> input) : rest_(input) {}

  bool empty() const { return rest_.empty(); }
  // Memory of its own, so that a byte too far is seen.
  Bytes next() {
    const std::size_t length = rest_.size() < 2 ? 0 : rest_[0] << 8 | rest_[1];
    rest_ = rest_.subspan(std::min<std::size_t>(rest_.size(), 2));
    const auto piece = rest_.first(std::min(length, rest_.size()));
    rest_ = rest_.subspan(piece.size());
    return {piece.begin(), piece.end()};
  }

 private:
  std::span<const uint8_t> rest_;
};

void write_entry(const mp4::TrackConfig& config) {
  mp4::BoxWriter writer;
  mp4::write_sample_entry(writer, config, {1, 2, 3});
  fuzz::expect(writer.size() > config.codec_config.size(), "an empty sample entry");
}

void expect_depth(const std::optional<mp4::SequenceInfo>& sequence) {
  if (!sequence) return;
  fuzz::expect(sequence->width > 0 && sequence->height > 0, "a picture without a size");
  fuzz::expect(sequence->width <= UINT16_MAX && sequence->height <= UINT16_MAX, "a size too large");
  fuzz::expect(sequence->reorder_depth.value_or(0) <= mp4::kMostReordered, "a depth too large");
}

// What is in force must come through a record of it, whatever it came from.
void expect_good_record(mp4::NalCodec codec, const mp4::ParameterSets& sets) {
  const Bytes record = sets.record();
  const auto again = mp4::ParameterSets::from_record(codec, record);
  fuzz::expect(again.has_value(), "its own record is damaged");
  fuzz::expect(again->record() == record, "the record of a record is another");
  fuzz::expect(again->nal_length_size() == sets.nal_length_size(), "other lengths");
  expect_depth(sets.sequence());
  mp4::TrackConfig config;
  config.format = codec == mp4::NalCodec::kAvc ? "avc1"_4cc : "hvc1"_4cc;
  config.codec_config = record;
  write_entry(config);
}

void scan_sample(mp4::NalCodec codec, const Bytes& sample, mp4::ParameterSets& sets) {
  const mp4_test::MemorySource source(sample);
  const auto unit = mp4::scan_access_unit(codec, source, sets.nal_length_size());
  fuzz::expect(unit.sets_position <= sample.size(), "sets behind the sample");
  std::vector<Bytes> present;
  for (const mp4::NalRange& range : unit.parameter_sets) {
    fuzz::expect(range.offset <= sample.size() && range.size <= sample.size() - range.offset,
                 "a set that is not in the sample");
    const auto begin = sample.begin() + static_cast<std::ptrdiff_t>(range.offset);
    present.emplace_back(begin, begin + range.size);
    sets.put(present.back());
  }
  using Which = mp4::ParameterSets::Which;
  const std::size_t all = sets.missing_from(present).size();
  const std::size_t parts = sets.missing_from(present, Which::kSequence).size() +
                            sets.missing_from(present, Which::kPicture).size();
  fuzz::expect(all == parts, "sets are of two kinds, or of none");
}

void try_nal_stream(mp4::NalCodec codec, Pieces pieces) {
  auto sets = mp4::ParameterSets::from_record(codec, pieces.next());
  if (!sets) return;
  expect_good_record(codec, *sets);
  while (!pieces.empty()) scan_sample(codec, pieces.next(), *sets);
  expect_good_record(codec, *sets);
}

// The parsers alone, which a record would keep from much that is damaged.
void try_sps(Pieces pieces) {
  while (!pieces.empty()) {
    const Bytes nal = pieces.next();
    expect_depth(mp4::parse_avc_sps(nal));
    if (const auto sps = mp4::parse_hevc_sps(nal)) expect_depth(sps->sequence);
  }
}

void try_aac(std::span<const uint8_t> input) {
  const Bytes specific(input.begin(), input.end());
  const auto aac = mp4::parse_audio_specific_config(specific);
  if (!aac) return;
  fuzz::expect(aac->rate > 0 && aac->frame_ticks > 0, "sound without a rate");
  mp4::TrackConfig config;
  config.kind = mp4::TrackKind::kAudio;
  config.format = "mp4a"_4cc;
  config.object_type = mp4::kObjectTypeMpeg4Audio;
  config.codec_config = specific;
  config.audio = {.channels = aac->channels, .rate = aac->rate, .frame_ticks = aac->frame_ticks};
  write_entry(config);
}

// The headers that come in caps.
void try_headers(const Bytes& header) {
  if (const auto opus = mp4::parse_opus_head(header))
    fuzz::expect(mp4::opus_pre_skip(mp4::opus_specific_box(*opus)) == opus->pre_skip,
                 "another pre-skip");
  if (const auto flac = mp4::parse_streaminfo(header))
    fuzz::expect(flac->rate > 0 && flac->channels > 0, "sound without a rate");
  mp4::is_av1_configuration(header);
}

// A sample whose parameters are known describes nothing anew.
void look_twice(const mp4::Codec& codec, const Bytes& sample, mp4::TrackConfig& config) {
  const mp4_test::MemorySource source(sample);
  const mp4::TrackConfig before = config;
  const mp4::AccessUnit unit = codec.look(source, config);
  fuzz::expect(unit.skip <= sample.size(), "left out behind the sample");
  fuzz::expect(unit.duration >= 0 && unit.duration <= 1 << 17, "a sample that does not end");
  fuzz::expect(unit.described_anew == !(config == before), "a change that is not said");
  fuzz::expect(!codec.look(source, config).described_anew, "a description that is never known");
}

void try_looks(uint8_t number, Pieces pieces) {
  constexpr std::pair<mp4::FourCC, uint8_t> kCodecs[] = {{"av01"_4cc, 0},
                                                         {"vp08"_4cc, 0},
                                                         {"vp09"_4cc, 0},
                                                         {"mp4v"_4cc, mp4::kObjectTypeMpeg4Visual},
                                                         {"mp4v"_4cc, mp4::kObjectTypeJpeg},
                                                         {"vvc1"_4cc, 0},
                                                         {"Opus"_4cc, 0},
                                                         {"fLaC"_4cc, 0},
                                                         {"ac-3"_4cc, 0},
                                                         {"ec-3"_4cc, 0}};
  mp4::TrackConfig config;
  std::tie(config.format, config.object_type) = kCodecs[number % std::size(kCodecs)];
  config.codec_config = pieces.next();
  try_headers(config.codec_config);
  const mp4::Codec* codec = mp4::find_codec(config.format, config.object_type);
  fuzz::expect(codec && codec->look, "a codec without a look");
  while (!pieces.empty()) look_twice(*codec, pieces.next(), config);
  write_entry(config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto rest = std::span(data, size).subspan(1);
  if (data[0] & 0x80) {
    try_looks(data[0] & 0x7f, Pieces(rest));
    return 0;
  }
  switch (data[0] % 4) {
    case 0:
      try_nal_stream(mp4::NalCodec::kAvc, Pieces(rest));
      break;
    case 1:
      try_nal_stream(mp4::NalCodec::kHevc, Pieces(rest));
      break;
    case 2:
      try_sps(Pieces(rest));
      break;
    default:
      try_aac(rest);
      break;
  }
  return 0;
}
