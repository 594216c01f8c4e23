// SPDX-License-Identifier: LGPL-2.1-or-later
//
// ParameterSets: the parameter sets in force, by type and id, as a decoder configuration record
// (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1) or the samples bring them, and the record of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "mp4/codecs/nal.h"

namespace mp4 {

class ParameterSets {
 public:
  static bool can_hold(NalCodec codec) {
    return codec == NalCodec::kAvc || codec == NalCodec::kHevc;
  }
  // Nothing: the record is damaged. One without any set will do: the samples bring them.
  static std::optional<ParameterSets> from_record(NalCodec codec, std::span<const uint8_t> record);

  unsigned nal_length_size() const { return nal_length_size_; }  // 1, 2 or 4
  // Of the first SPS that can be read.
  std::optional<SequenceInfo> sequence() const;

  // A set that a sample brings. True: it is another than the one of its type and id until now.
  // Damaged ones, those of enhancement layers and those too long for a record are left out.
  bool put(std::span<const uint8_t> nal);

  // The record of what is in force.
  std::vector<uint8_t> record() const;

  // The sets in force that are not among those, each with its length before it, as a sample has
  // them. Empty: none is missing.
  enum class Which { kAll, kSequence, kPicture };  // kSequence: VPS and SPS, kPicture: PPS
  std::vector<uint8_t> missing_from(std::span<const std::vector<uint8_t>> present,
                                    Which which = Which::kAll) const;

 private:
  struct Key {
    uint8_t type;
    uint32_t id;
    auto operator<=>(const Key&) const = default;
  };
  using Sets = std::map<Key, std::vector<uint8_t>>;

  std::optional<Key> key_of(std::span<const uint8_t> nal) const;
  bool read_avc(std::span<const uint8_t> record);
  void read_avc_high_fields(std::span<const uint8_t> rest);
  bool read_hevc(std::span<const uint8_t> record);
  std::vector<uint8_t> avc_record() const;
  std::vector<uint8_t> hevc_record() const;
  bool is_complete(uint8_t type) const;
  std::vector<const std::vector<uint8_t>*> of_type(uint8_t type, std::size_t most) const;

  NalCodec codec_ = NalCodec::kAvc;
  unsigned nal_length_size_ = 4;
  std::vector<uint8_t> header_;       // of the record it came from, up to the sets
  std::vector<uint8_t> high_fields_;  // H.264: chroma format and bit depths of that record
  std::map<uint8_t, bool> complete_;  // H.265: array_completeness by type
  Sets sets_;
  Sets others_;  // of that record, kept as they were: H.264 SPS extensions, H.265 SEI, other layers
};

// What the sets in force say of a track: its decoder configuration record and its pictures.
void describe(const ParameterSets& sets, TrackConfig& config);
void describe(const SequenceInfo& sequence, VideoDescription& video);

}  // namespace mp4
