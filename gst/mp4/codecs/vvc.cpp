// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/vvc.h"

#include <algorithm>
#include <array>

namespace mp4 {
namespace {

constexpr std::size_t kFullBoxHeader = 4;
constexpr unsigned kMostUnits = 256;  // before the first slice

// Table 5
constexpr unsigned kLastSlice = 11;
constexpr unsigned kRadl = 2, kRasl = 3, kIdrWithRadl = 7, kIdrWithoutLeading = 8, kCra = 9;

void look_at_slice(unsigned type, AccessUnit& unit) {
  unit.has_media = true;
  unit.leading = type == kRadl || type == kRasl;
  unit.access.sync = type == kIdrWithRadl || type == kIdrWithoutLeading || type == kCra;
  unit.access.open_gop = type == kCra;
}

}  // namespace

unsigned vvc_nal_length_size(std::span<const uint8_t> record) {
  if (record.empty() || record[0] >> 3 != 0x1f) return 0;
  const unsigned size = (record[0] >> 1 & 3u) + 1;  // LengthSizeMinusOne
  return size == 3 ? 0 : size;
}

AccessUnit look_at_vvc(const ByteSource& sample, TrackConfig& config) {
  AccessUnit unit;
  const auto box = std::span<const uint8_t>(config.codec_config);
  const auto record = box.subspan(std::min(box.size(), kFullBoxHeader));
  const unsigned length_size = vvc_nal_length_size(record);
  if (length_size == 0) {
    unit.has_media = sample.size() > 0;
    return unit;
  }
  std::array<uint8_t, 6> header{};
  const auto wanted = std::span(header).first(length_size + 2);
  uint64_t position = 0;
  for (unsigned i = 0; i < kMostUnits; ++i) {
    if (sample.read(position, wanted) != wanted.size()) return unit;
    uint64_t length = 0;
    for (unsigned at = 0; at < length_size; ++at) length = length << 8 | header[at];
    const unsigned type = header[length_size + 1] >> 3;
    if (length >= 2 && type <= kLastSlice) {
      look_at_slice(type, unit);
      return unit;
    }
    position += length_size + length;
  }
  unit.has_media = true;
  return unit;
}

}  // namespace mp4
