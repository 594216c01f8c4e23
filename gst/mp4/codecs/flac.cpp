// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/flac.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "mp4/base/bit_reader.h"
#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr std::size_t kOggMapping = 9;   // 0x7f "FLAC", version, number of headers
constexpr std::size_t kMarker = 4;       // "fLaC"
constexpr std::size_t kBlockHeader = 4;  // type, length

// RFC 9639, 9.1.1, 9.1.5 and 9.1.6
Ticks block_size(std::span<const uint8_t> head) {
  constexpr std::size_t kNumber = 4;  // offset of the coded number
  if (head.size() <= kNumber) return 0;
  const unsigned code = head[2] >> 4;
  if (code == 1) return 192;
  if (code >= 2 && code <= 5) return Ticks{576} << (code - 2);
  if (code >= 8) return Ticks{256} << (code - 8);
  const auto ones = static_cast<std::size_t>(std::countl_one(head[kNumber]));
  const std::size_t at = kNumber + std::max<std::size_t>(1, ones);
  if (code == 6 && at < head.size()) return Ticks{head[at]} + 1;
  if (code == 7 && at + 1 < head.size()) return Ticks{head[at] << 8 | head[at + 1]} + 1;
  return 0;
}

}  // namespace

std::optional<FlacInfo> parse_streaminfo(std::span<const uint8_t> header) {
  if (header.size() > kOggMapping && header[0] == 0x7f) header = header.subspan(kOggMapping);
  FlacInfo info;
  if (header.size() < kMarker + kBlockHeader + info.streaminfo.size()) return std::nullopt;
  if (std::memcmp(header.data(), "fLaC", kMarker) != 0) return std::nullopt;
  if ((header[kMarker] & 0x7f) != 0) return std::nullopt;  // the first block is STREAMINFO
  BitReader length(header.subspan(kMarker + 1, kBlockHeader - 1));
  if (length.bits(24) != info.streaminfo.size()) return std::nullopt;
  std::copy_n(header.begin() + kMarker + kBlockHeader, info.streaminfo.size(),
              info.streaminfo.begin());
  BitReader reader(info.streaminfo);
  const uint32_t smallest = reader.bits(16), largest = reader.bits(16);
  reader.bits(24);  // minimum frame size
  reader.bits(24);  // maximum frame size
  info.rate = reader.bits(20);
  info.channels = narrow<uint16_t>(reader.bits(3) + 1);
  info.bits = narrow<uint16_t>(reader.bits(5) + 1);
  if (smallest == largest) info.block_size = narrow<uint16_t>(largest);
  if (info.rate == 0) return std::nullopt;
  return info;
}

std::vector<uint8_t> flac_specific_box(const FlacStreaminfo& streaminfo) {
  BoxWriter w;
  w.u8(0);                                      // version
  w.u24(0);                                     // flags
  w.u8(0x80);                                   // LastMetadataBlockFlag, STREAMINFO
  w.u24(narrow<uint32_t>(streaminfo.size()));   // Length
  w.raw(std::span<const uint8_t>(streaminfo));  // BlockData
  return w.take();
}

AccessUnit look_at_flac(const ByteSource& sample, TrackConfig&) {
  std::array<uint8_t, 16> buffer{};
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  AccessUnit unit;
  unit.has_media = head.size() > 2 && head[0] == 0xff && (head[1] & 0xfe) == 0xf8;
  unit.access.sync = true;
  if (unit.has_media) unit.duration = block_size(head);
  return unit;
}

}  // namespace mp4
