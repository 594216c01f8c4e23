// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/parameter_sets.h"

#include <algorithm>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/codecs/avc.h"
#include "mp4/codecs/hevc.h"

namespace mp4 {
namespace {

constexpr uint8_t kAvcSps = 7;
constexpr uint8_t kAvcPps = 8;
constexpr uint8_t kAvcSpsExtension = 13;
constexpr std::size_t kAvcHeader = 6;  // up to numOfSequenceParameterSets
constexpr std::size_t kAvcHighFields = 3;
constexpr std::size_t kHevcHeader = 23;  // up to numOfArrays
constexpr std::size_t kMostAvcSps = 31;
constexpr std::size_t kMostSets = 255;
constexpr std::size_t kLargestSet = 65'535;

// Walks one list of 16-bit lengths and NAL units; false where they do not fit.
template <typename F>
bool each_nal(std::span<const uint8_t>& rest, unsigned count, F f) {
  for (unsigned i = 0; i < count; ++i) {
    if (rest.size() < 2) return false;
    const std::size_t length = std::size_t{rest[0]} << 8 | rest[1];
    if (length == 0 || rest.size() - 2 < length) return false;
    f(rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  return true;
}

void write_nal(BoxWriter& w, const std::vector<uint8_t>& nal) {
  w.u16(narrow<uint16_t>(nal.size()));
  w.raw(nal);
}

// chroma_format, bit_depth_luma_minus8, bit_depth_chroma_minus8, as both records have them
std::vector<uint8_t> high_fields_of(const SequenceInfo& sequence) {
  return {static_cast<uint8_t>(0xfc | (sequence.chroma_format & 3)),
          static_cast<uint8_t>(0xf8 | ((sequence.luma_depth - 8) & 7)),
          static_cast<uint8_t>(0xf8 | ((sequence.chroma_depth - 8) & 7))};
}

uint32_t first_ue(std::span<const uint8_t> payload) {
  const std::vector<uint8_t> rbsp =
      without_emulation_prevention(payload.first(std::min<std::size_t>(payload.size(), 8)));
  BitReader reader(rbsp);
  const uint32_t value = reader.ue();
  return reader.exhausted() ? UINT32_MAX : value;
}

}  // namespace

std::optional<ParameterSets> ParameterSets::from_record(NalCodec codec,
                                                        std::span<const uint8_t> record) {
  ParameterSets sets;
  sets.codec_ = codec;
  if (!(codec == NalCodec::kAvc ? sets.read_avc(record) : sets.read_hevc(record)))
    return std::nullopt;
  return sets;
}

bool ParameterSets::read_avc(std::span<const uint8_t> record) {
  if (record.size() < kAvcHeader + 1 || record[0] != 1) return false;
  nal_length_size_ = (record[4] & 3u) + 1;
  if (nal_length_size_ == 3) return false;
  header_.assign(record.begin(), record.begin() + kAvcHeader);
  auto rest = record.subspan(kAvcHeader);
  if (!each_nal(rest, record[5] & 0x1f, [&](auto nal) { put(nal); }) || rest.empty()) return false;
  const unsigned count = rest[0];
  rest = rest.subspan(1);
  if (!each_nal(rest, count, [&](auto nal) { put(nal); })) return false;
  read_avc_high_fields(rest);
  return true;
}

// Many writers leave these out or write them for other profiles too; no record is refused for them.
void ParameterSets::read_avc_high_fields(std::span<const uint8_t> rest) {
  if (rest.size() <= kAvcHighFields) return;
  high_fields_.assign(rest.begin(), rest.begin() + kAvcHighFields);
  const unsigned count = rest[kAvcHighFields];
  rest = rest.subspan(kAvcHighFields + 1);
  uint32_t number = 0;
  each_nal(rest, count, [&](auto nal) {
    others_[{kAvcSpsExtension, number++}].assign(nal.begin(), nal.end());
  });
}

bool ParameterSets::read_hevc(std::span<const uint8_t> record) {
  if (record.size() < kHevcHeader || record[0] != 1) return false;
  nal_length_size_ = (record[21] & 3u) + 1;
  if (nal_length_size_ == 3) return false;
  header_.assign(record.begin(), record.begin() + kHevcHeader - 1);
  auto rest = record.subspan(kHevcHeader);
  for (unsigned arrays = record[kHevcHeader - 1]; arrays > 0; --arrays) {
    if (rest.size() < 3) return false;
    const uint8_t type = rest[0] & 0x3f;
    complete_[type] = rest[0] >> 7;
    const unsigned count = unsigned{rest[1]} << 8 | rest[2];
    rest = rest.subspan(3);
    uint32_t number = 0;
    const bool fits = each_nal(rest, count, [&](auto nal) {
      const bool in_force = type >= kHevcVps && type <= kHevcPps && hevc_layer(nal) == 0;
      if (in_force)
        put(nal);
      else if (others_.size() < kMostSets)
        others_[{type, number++}].assign(nal.begin(), nal.end());
    });
    if (!fits) return false;
  }
  return true;
}

// H.264 7.3.2.1.1, 7.3.2.2; H.265 7.3.2.1 to 7.3.2.3
std::optional<ParameterSets::Key> ParameterSets::key_of(std::span<const uint8_t> nal) const {
  if (nal.size() < 4 || nal.size() > kLargestSet) return std::nullopt;
  Key key{};
  uint32_t highest = 0;
  if (codec_ == NalCodec::kAvc) {
    key.type = nal[0] & 0x1f;
    if (key.type != kAvcSps && key.type != kAvcPps) return std::nullopt;
    key.id = first_ue(nal.subspan(key.type == kAvcSps ? 4 : 1));
    highest = key.type == kAvcSps ? 31 : 255;
  } else {
    key.type = hevc_nal_type(nal[0]);
    if (hevc_layer(nal) != 0) return std::nullopt;
    if (key.type == kHevcVps) {
      key.id = nal[2] >> 4;
      highest = 15;
    } else if (key.type == kHevcSps) {
      const auto sps = parse_hevc_sps(nal);
      key.id = sps ? sps->id : UINT32_MAX;
      highest = 15;
    } else if (key.type == kHevcPps) {
      key.id = first_ue(nal.subspan(2));
      highest = 63;
    } else {
      return std::nullopt;
    }
  }
  return key.id <= highest ? std::optional(key) : std::nullopt;
}

bool ParameterSets::put(std::span<const uint8_t> nal) {
  const auto key = key_of(nal);
  if (!key) return false;
  std::vector<uint8_t>& set = sets_[*key];
  if (std::equal(set.begin(), set.end(), nal.begin(), nal.end())) return false;
  set.assign(nal.begin(), nal.end());
  return true;
}

std::optional<SequenceInfo> ParameterSets::sequence() const {
  for (const auto& [key, set] : sets_) {
    if (codec_ == NalCodec::kAvc && key.type == kAvcSps) {
      if (auto sequence = parse_avc_sps(set)) return sequence;
    } else if (codec_ == NalCodec::kHevc && key.type == kHevcSps) {
      if (auto sps = parse_hevc_sps(set)) return sps->sequence;
    }
  }
  return std::nullopt;
}

std::vector<const std::vector<uint8_t>*> ParameterSets::of_type(uint8_t type,
                                                                std::size_t most) const {
  std::vector<const std::vector<uint8_t>*> found;
  for (const auto& [key, set] : sets_)
    if (key.type == type && found.size() < most) found.push_back(&set);
  return found;
}

std::vector<uint8_t> ParameterSets::record() const {
  return codec_ == NalCodec::kAvc ? avc_record() : hevc_record();
}

std::vector<uint8_t> ParameterSets::avc_record() const {  // 14496-15, 5.3.3.1.2
  const auto sps = of_type(kAvcSps, kMostAvcSps), pps = of_type(kAvcPps, kMostSets);
  std::vector<uint8_t> header = header_;
  // AVCProfileIndication, profile_compatibility, AVCLevelIndication
  if (!sps.empty()) std::copy_n(sps.front()->begin() + 1, 3, header.begin() + 1);
  BoxWriter w;
  w.raw(std::span(header).first(kAvcHeader - 1));
  w.u8(static_cast<uint8_t>(0xe0 | sps.size()));  // numOfSequenceParameterSets
  for (const auto* set : sps) write_nal(w, *set);
  w.u8(static_cast<uint8_t>(pps.size()));  // numOfPictureParameterSets
  for (const auto* set : pps) write_nal(w, *set);
  std::vector<uint8_t> high_fields = high_fields_;
  if (const auto sequence = this->sequence()) high_fields = high_fields_of(*sequence);
  if (high_fields.empty() || !avc_record_has_chroma_format(header[1])) return w.take();
  w.raw(high_fields);
  w.u8(narrow<uint8_t>(others_.size()));  // numOfSequenceParameterSetExt
  for (const auto& [key, extension] : others_) write_nal(w, extension);
  return w.take();
}

// ISO/IEC 14496-15, 8.3.3.1.3: of a type that the record did not have, as of those it had. A record
// without sets says that they are in the samples.
bool ParameterSets::is_complete(uint8_t type) const {
  const auto said = complete_.find(type);
  if (said != complete_.end()) return said->second;
  const auto first = complete_.lower_bound(kHevcVps);
  return first != complete_.end() && first->first <= kHevcPps && first->second;
}

std::vector<uint8_t> ParameterSets::hevc_record() const {  // 14496-15, 8.3.3.1.2
  std::vector<uint8_t> header = header_;
  const auto all_sps = of_type(kHevcSps, kMostSets);
  if (const auto sps = all_sps.empty() ? std::nullopt : parse_hevc_sps(*all_sps.front())) {
    std::copy_n(sps->profile_tier_level.begin(), 12, header.begin() + 1);
    const auto fields = high_fields_of(sps->sequence);
    std::copy(fields.begin(), fields.end(), header.begin() + 16);
  }
  std::map<uint8_t, std::vector<const std::vector<uint8_t>*>> arrays;
  for (const Sets* sets : {&sets_, &others_})
    for (const auto& [key, set] : *sets) arrays[key.type].push_back(&set);
  BoxWriter w;
  w.raw(header);
  w.u8(static_cast<uint8_t>(arrays.size()));  // numOfArrays
  for (const auto& [type, nals] : arrays) {
    w.u8(static_cast<uint8_t>((is_complete(type) ? 0x80 : 0) | type));
    w.u16(narrow<uint16_t>(nals.size()));  // numNalus
    for (const auto* nal : nals) write_nal(w, *nal);
  }
  return w.take();
}

std::vector<uint8_t> ParameterSets::missing_from(std::span<const std::vector<uint8_t>> present,
                                                 Which which) const {
  std::vector<uint8_t> missing;
  const uint8_t picture = codec_ == NalCodec::kAvc ? kAvcPps : kHevcPps;
  for (const auto& [key, set] : sets_) {
    if (which != Which::kAll && (key.type == picture) != (which == Which::kPicture)) continue;
    if (std::find(present.begin(), present.end(), set) != present.end()) continue;
    if (nal_length_size_ < 4 && set.size() >> (8 * nal_length_size_)) continue;
    for (unsigned i = nal_length_size_; i > 0; --i)
      missing.push_back(static_cast<uint8_t>(set.size() >> (8 * (i - 1))));
    missing.insert(missing.end(), set.begin(), set.end());
  }
  return missing;
}

void describe(const ParameterSets& sets, TrackConfig& config) {
  config.codec_config = sets.record();
  if (const auto sequence = sets.sequence()) describe(*sequence, config.video);
}

void describe(const SequenceInfo& sequence, VideoDescription& video) {
  video.width = narrow<uint16_t>(sequence.width);
  video.height = narrow<uint16_t>(sequence.height);
  video.aspect = sequence.aspect.value_or(PixelAspectRatio());
  video.colour = sequence.colour;
}

}  // namespace mp4
