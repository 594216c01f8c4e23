// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/jpeg.h"

#include <array>
#include <optional>

namespace mp4 {
namespace {

// Table B.1
constexpr uint8_t kStartOfImage = 0xd8;
constexpr uint8_t kStartOfScan = 0xda;
constexpr uint8_t kFirstStartOfFrame = 0xc0, kLastStartOfFrame = 0xcf;
constexpr uint8_t kHuffmanTable = 0xc4, kReserved = 0xc8, kArithmeticTable = 0xcc;
constexpr unsigned kMostSegments = 64;  // before the frame header

struct Size {
  uint16_t width, height;
};

bool is_frame_header(uint8_t marker) {
  return marker >= kFirstStartOfFrame && marker <= kLastStartOfFrame && marker != kHuffmanTable &&
         marker != kReserved && marker != kArithmeticTable;
}

std::optional<Size> find_size(const ByteSource& sample) {
  uint64_t position = 2;
  for (unsigned i = 0; i < kMostSegments; ++i) {
    std::array<uint8_t, 9> segment{};  // marker, length, precision, lines, samples per line
    const std::size_t count = sample.read(position, segment);
    if (count < 4 || segment[0] != 0xff || segment[1] == kStartOfScan) return std::nullopt;
    if (segment[1] == 0xff) {  // fill
      ++position;
      continue;
    }
    if (is_frame_header(segment[1]) && count == segment.size()) {
      const auto number = [&](std::size_t at) {
        return static_cast<uint16_t>(segment[at] << 8 | segment[at + 1]);
      };
      return Size{number(7), number(5)};
    }
    position += 2u + static_cast<unsigned>(segment[2] << 8 | segment[3]);
  }
  return std::nullopt;
}

}  // namespace

AccessUnit look_at_jpeg(const ByteSource& sample, TrackConfig& config) {
  std::array<uint8_t, 2> start{};
  AccessUnit unit;
  unit.has_media =
      sample.read(0, start) == start.size() && start[0] == 0xff && start[1] == kStartOfImage;
  unit.access.sync = true;
  const auto size = unit.has_media ? find_size(sample) : std::nullopt;
  if (!size || size->width == 0 || size->height == 0) return unit;
  if (size->width == config.video.width && size->height == config.video.height) return unit;
  config.video.width = size->width;
  config.video.height = size->height;
  unit.described_anew = true;
  return unit;
}

}  // namespace mp4
