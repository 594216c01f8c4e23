// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A decoder configuration record and samples behind it, as a camera may send them: the first byte
// says which codec, then each piece has its length in two bytes before it.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "fuzz_support.h"
#include "memory_source.h"
#include "mp4/aac.h"
#include "mp4/avc.h"
#include "mp4/hevc.h"
#include "mp4/nal.h"
#include "mp4/narrow.h"
#include "mp4/parameter_sets.h"
#include "mp4/sample_entry.h"

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
  config.audio = {aac->channels, aac->rate, aac->frame_ticks, -1};
  write_entry(config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto rest = std::span(data, size).subspan(1);
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
