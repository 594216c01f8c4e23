// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpeg4_visual.h"

#include <algorithm>
#include <array>

namespace mp4 {
namespace {

constexpr std::size_t kLookedAt = 4096;  // headers are far shorter

// 6.2.1, table 6-3
constexpr uint8_t kFirstVideoObjectLayer = 0x20, kLastVideoObjectLayer = 0x2f;
constexpr uint8_t kGroupOfVop = 0xb3;
constexpr uint8_t kVop = 0xb6;
constexpr unsigned kIntra = 0, kBidirectional = 2;  // table 6-20, vop_coding_type

}  // namespace

AccessUnit look_at_mpeg4_visual(const ByteSource& sample, TrackConfig& config) {
  std::array<uint8_t, kLookedAt> buffer;
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  AccessUnit unit;
  bool has_layer = false;
  std::size_t headers_end = 0;
  for (std::size_t i = 0; i + 4 < head.size(); ++i) {
    if (head[i] != 0 || head[i + 1] != 0 || head[i + 2] != 1) continue;
    const uint8_t code = head[i + 3];
    has_layer = has_layer || (code >= kFirstVideoObjectLayer && code <= kLastVideoObjectLayer);
    if ((code == kGroupOfVop || code == kVop) && headers_end == 0) headers_end = i;
    if (code != kVop) continue;
    const unsigned coding_type = head[i + 4] >> 6;
    unit.has_media = true;
    unit.access.sync = coding_type == kIntra;
    unit.bidirectional = coding_type == kBidirectional;
    break;
  }
  // A picture so far behind its headers that it was not found is taken as it is.
  if (!unit.has_media) unit.has_media = sample.size() > kLookedAt;
  if (!has_layer || headers_end == 0) return unit;
  const auto headers = head.first(headers_end);
  const auto& known = config.codec_config;
  if (std::equal(headers.begin(), headers.end(), known.begin(), known.end())) return unit;
  config.codec_config.assign(headers.begin(), headers.end());
  unit.described_anew = true;
  return unit;
}

}  // namespace mp4
