// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/vpx.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "mp4/base/bit_reader.h"
#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// What a key frame says.
struct KeyFrame {
  uint32_t profile = 0;
  uint32_t depth = 8;
  uint32_t subsampling_x = 1, subsampling_y = 1;
  uint32_t width = 0, height = 0;
  std::optional<Colour> colour;
};

// Binding, table "chromaSubsampling". It has no 4:4:0; 4:2:2 has as many samples.
uint32_t chroma_subsampling(const KeyFrame& key) {
  constexpr uint32_t k420Colocated = 1, k422 = 2, k444 = 3;
  if (key.subsampling_x && key.subsampling_y) return k420Colocated;
  return key.subsampling_x || key.subsampling_y ? k422 : k444;
}

// VP9, annex A. No stream says its level, and the binding has no value for "unknown": players that
// make a codec string of it refuse 0. This is what the size asks for at the usual rate.
uint8_t level_of(const KeyFrame& key) {
  constexpr uint64_t kUsualRate = 30;  // pictures per second
  struct Level {
    uint8_t value;
    uint64_t picture_size, sample_rate;  // of luma, at most
  };
  constexpr Level kLevels[] = {{10, 36'864, 829'440},           {11, 73'728, 2'764'800},
                               {20, 122'880, 4'608'000},        {21, 245'760, 9'216'000},
                               {30, 552'960, 20'736'000},       {31, 983'040, 36'864'000},
                               {40, 2'228'224, 83'558'400},     {41, 2'228'224, 160'432'128},
                               {50, 8'912'896, 311'951'360},    {51, 8'912'896, 588'251'136},
                               {52, 8'912'896, 1'176'502'272},  {60, 35'651'584, 1'176'502'272},
                               {61, 35'651'584, 2'353'004'544}, {62, 35'651'584, 4'706'009'088}};
  const uint64_t size = uint64_t{key.width} * key.height;
  for (const Level& level : kLevels)
    if (size <= level.picture_size && size * kUsualRate <= level.sample_rate) return level.value;
  return kLevels[std::size(kLevels) - 1].value;
}

std::vector<uint8_t> vpcc(const KeyFrame& key, const Colour& colour) {
  BoxWriter w;
  w.u8(1);                             // version
  w.u24(0);                            // flags
  w.u8(narrow<uint8_t>(key.profile));  // profile
  w.u8(level_of(key));                 // level
  w.u8(static_cast<uint8_t>(key.depth << 4 | chroma_subsampling(key) << 1 |
                            (colour.full_range ? 1u : 0u)));  // bitDepth, chromaSubsampling, range
  w.u8(narrow<uint8_t>(colour.primaries));                    // colourPrimaries
  w.u8(narrow<uint8_t>(colour.transfer));                     // transferCharacteristics
  w.u8(narrow<uint8_t>(colour.matrix));                       // matrixCoefficients
  w.u16(0);                                                   // codecInitializationDataSize
  return w.take();
}

bool describe(const KeyFrame& key, TrackConfig& config) {
  if (!fits<uint16_t>(key.width) || !fits<uint16_t>(key.height)) return false;
  if (key.width == 0 || key.height == 0) return false;
  VideoDescription video = config.video;
  video.width = narrow<uint16_t>(key.width);
  video.height = narrow<uint16_t>(key.height);
  if (!video.colour) video.colour = key.colour;
  auto configuration = vpcc(key, video.colour.value_or(Colour{}));
  if (video == config.video && configuration == config.codec_config) return false;
  config.video = video;
  config.codec_config = std::move(configuration);
  return true;
}

std::optional<Colour> colour_of(uint32_t color_space, bool full_range) {  // VP9, 7.2.2
  switch (color_space) {
    case 1:
    case 3:
      return Colour{6, 6, 6, full_range};  // BT.601, SMPTE 170
    case 2:
      return Colour{1, 1, 1, full_range};  // BT.709
    case 4:
      return Colour{7, 7, 7, full_range};  // SMPTE 240
    case 5:
      return Colour{9, 14, 9, full_range};  // BT.2020
    case 7:
      return Colour{1, 13, 0, full_range};  // sRGB
    default:
      if (full_range) return Colour{.full_range = true};
      return std::nullopt;
  }
}

void read_color_config(BitReader& reader, KeyFrame& key) {  // VP9, 6.2.2
  constexpr uint32_t kSrgb = 7;
  if (key.profile >= 2) key.depth = reader.bit() ? 12 : 10;  // ten_or_twelve_bit
  const uint32_t color_space = reader.bits(3);
  const bool says_subsampling = key.profile == 1 || key.profile == 3;
  if (color_space == kSrgb) {
    key.colour = colour_of(color_space, true);
    key.subsampling_x = key.subsampling_y = 0;
    if (says_subsampling) reader.bit();  // reserved_zero
    return;
  }
  key.colour = colour_of(color_space, reader.bit() != 0);  // color_range
  if (!says_subsampling) return;
  key.subsampling_x = reader.bit();
  key.subsampling_y = reader.bit();
  reader.bit();  // reserved_zero
}

std::optional<KeyFrame> parse_vp9_key_frame(std::span<const uint8_t> head) {  // VP9, 6.2
  constexpr uint32_t kSyncCode = 0x498342;
  BitReader reader(head);
  KeyFrame key;
  if (reader.bits(2) != 2) return std::nullopt;  // frame_marker
  key.profile = reader.bit();                    // profile_low_bit
  key.profile |= reader.bit() << 1;              // profile_high_bit
  if (key.profile == 3) reader.bit();            // reserved_zero
  if (reader.bit()) return std::nullopt;         // show_existing_frame
  if (reader.bit()) return std::nullopt;         // frame_type: 0 is a key frame
  reader.bits(2);                                // show_frame, error_resilient_mode
  if (reader.bits(24) != kSyncCode) return std::nullopt;
  read_color_config(reader, key);
  key.width = reader.bits(16) + 1;   // frame_width_minus_1
  key.height = reader.bits(16) + 1;  // frame_height_minus_1
  if (reader.exhausted()) return std::nullopt;
  return key;
}

std::optional<KeyFrame> parse_vp8_key_frame(std::span<const uint8_t> head) {  // RFC 6386, 9.1
  constexpr std::size_t kHeader = 10;
  if (head.size() < kHeader || head[0] & 1) return std::nullopt;
  if (head[3] != 0x9d || head[4] != 0x01 || head[5] != 0x2a) return std::nullopt;
  KeyFrame key;
  key.profile = std::min(head[0] >> 1 & 0x07u, 3u);  // decoders take others as the last
  key.width = (head[7] & 0x3fu) << 8 | head[6];
  key.height = (head[9] & 0x3fu) << 8 | head[8];
  return key;
}

using Parse = std::optional<KeyFrame>(std::span<const uint8_t> head);

AccessUnit look(const ByteSource& sample, TrackConfig& config, Parse* parse) {
  std::array<uint8_t, 16> buffer;
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  AccessUnit unit;
  unit.has_media = !head.empty();
  const auto key = parse(head);
  if (!key) return unit;
  unit.access.sync = true;
  unit.described_anew = describe(*key, config);
  return unit;
}

}  // namespace

AccessUnit look_at_vp8(const ByteSource& sample, TrackConfig& config) {
  return look(sample, config, parse_vp8_key_frame);
}

AccessUnit look_at_vp9(const ByteSource& sample, TrackConfig& config) {
  return look(sample, config, parse_vp9_key_frame);
}

}  // namespace mp4
