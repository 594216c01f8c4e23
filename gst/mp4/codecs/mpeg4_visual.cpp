// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/mpeg4_visual.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "mp4/base/bit_reader.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr std::size_t kLookedAt = 4096;  // headers are far shorter

// 6.2.1, table 6-3
constexpr uint8_t kFirstVideoObjectLayer = 0x20, kLastVideoObjectLayer = 0x2f;
constexpr uint8_t kUserData = 0xb2;
constexpr uint8_t kGroupOfVop = 0xb3;
constexpr uint8_t kVop = 0xb6;
constexpr std::size_t kStartCode = 4;               // 00 00 01 and its value
constexpr unsigned kIntra = 0, kBidirectional = 2;  // table 6-20, vop_coding_type

bool is_layer(uint8_t code) {
  return code >= kFirstVideoObjectLayer && code <= kLastVideoObjectLayer;
}

// Offset of the first start code from there on; the end where there is none.
std::size_t find_start_code(std::span<const uint8_t> bytes, std::size_t from) {
  for (std::size_t at = from; at + kStartCode <= bytes.size(); ++at)
    if (bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1) return at;
  return bytes.size();
}

// What stands before the first group or picture.
struct Headers {
  bool has_layer = false;
  std::size_t layer = 0;      // where its start code is
  std::size_t essential = 0;  // bytes without user data behind the layer
  std::size_t size = 0;
};

Headers find_headers(std::span<const uint8_t> bytes) {
  Headers headers;
  bool has_user_data = false;
  for (std::size_t at = 0;; at += kStartCode) {
    at = find_start_code(bytes, at);
    headers.size = at;
    if (!has_user_data) headers.essential = at;
    if (at == bytes.size()) return headers;
    const uint8_t code = bytes[at + 3];
    if (code == kGroupOfVop || code == kVop) return headers;
    if (is_layer(code)) headers.layer = at;
    headers.has_layer = headers.has_layer || is_layer(code);
    has_user_data = headers.has_layer && (has_user_data || code == kUserData);
  }
}

struct Size {
  uint16_t width, height;
};

// 6.2.3 up to the size, of a layer behind its start code; nothing where its shape is no rectangle.
std::optional<Size> find_size(std::span<const uint8_t> layer) {
  constexpr uint32_t kExtendedAspect = 15, kRectangular = 0;
  BitReader reader(layer);
  reader.bits(9);                                                 // random_accessible_vol, type
  if (reader.bit()) reader.bits(7);                               // verid, priority
  if (reader.bits(4) == kExtendedAspect) reader.bits(16);         // par_width, par_height
  if (reader.bit()) {                                             // vol_control_parameters
    reader.bits(3);                                               // chroma_format, low_delay
    for (unsigned i = 0, vbv = reader.bit(); vbv && i < 79; ++i)  // vbv_parameters
      reader.bit();
  }
  if (reader.bits(2) != kRectangular) return std::nullopt;  // video_object_layer_shape
  reader.bit();                                             // marker_bit
  const uint32_t resolution = reader.bits(16);              // vop_time_increment_resolution
  reader.bit();                                             // marker_bit
  const uint32_t last = resolution > 1 ? resolution - 1 : 1;
  if (reader.bit()) reader.bits(static_cast<unsigned>(std::bit_width(last)));  // fixed increment
  reader.bit();                                                                // marker_bit
  const uint32_t width = reader.bits(13);                                      // ..._width
  reader.bit();                                                                // marker_bit
  const uint32_t height = reader.bits(13);                                     // ..._height
  if (reader.exhausted() || width == 0 || height == 0) return std::nullopt;
  return Size{narrow<uint16_t>(width), narrow<uint16_t>(height)};
}

void look_at_picture(std::span<const uint8_t> bytes, std::size_t from, AccessUnit& unit) {
  for (std::size_t at = from; (at = find_start_code(bytes, at)) < bytes.size(); at += kStartCode) {
    if (bytes[at + 3] != kVop || at + kStartCode == bytes.size()) continue;
    const unsigned coding_type = bytes[at + kStartCode] >> 6;
    unit.has_media = true;
    unit.access.sync = coding_type == kIntra;
    unit.bidirectional = coding_type == kBidirectional;
    return;
  }
}

// mpeg4videoparse leaves the user data out, the configuration in SDP (RFC 6416) has it: that alone
// makes no other stream.
bool is_described_by(std::span<const uint8_t> known, std::span<const uint8_t> headers,
                     std::size_t essential) {
  const auto known_essential = known.first(find_headers(known).essential);
  return std::ranges::equal(known_essential, headers.first(essential));
}

}  // namespace

AccessUnit look_at_mpeg4_visual(const ByteSource& sample, TrackConfig& config) {
  std::array<uint8_t, kLookedAt> buffer;
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  AccessUnit unit;
  const Headers headers = find_headers(head);
  look_at_picture(head, headers.size, unit);
  // A picture so far behind its headers that it was not found is taken as it is.
  if (!unit.has_media) unit.has_media = sample.size() > kLookedAt;
  unit.brings_config = headers.has_layer;
  if (!headers.has_layer || headers.size == head.size()) return unit;
  const auto bytes = head.first(headers.size);
  if (is_described_by(config.codec_config, bytes, headers.essential)) return unit;
  config.codec_config.assign(bytes.begin(), bytes.end());
  if (const auto size = find_size(bytes.subspan(headers.layer + kStartCode))) {
    config.video.width = size->width;
    config.video.height = size->height;
  }
  unit.described_anew = true;
  return unit;
}

}  // namespace mp4
