// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a track is, as far as the file must say it: its kind, its timescale, its sample description.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fourcc.h"
#include "timescale.h"

namespace mp4 {

enum class TrackKind { kVideo, kAudio };

// Pixel aspect ratio (ISO/IEC 14496-12, 12.1.4, PixelAspectRatioBox).
struct PixelAspectRatio {
  uint32_t horizontal = 1;
  uint32_t vertical = 1;
  bool operator==(const PixelAspectRatio&) const = default;
};

// Colour of type 'nclx' (12.1.5), code points of ISO/IEC 23091-2.
struct Colour {
  uint16_t primaries = 2;
  uint16_t transfer = 2;
  uint16_t matrix = 2;
  bool full_range = false;
  bool operator==(const Colour&) const = default;
};

// Rotation clockwise to be applied when presenting, after the mirroring.
struct Orientation {
  int degrees = 0;        // 0, 90, 180, 270
  bool mirrored = false;  // left and right are exchanged first
  bool operator==(const Orientation&) const = default;
};

struct VideoDescription {
  uint16_t width = 0;  // coded size after cropping, in pixels
  uint16_t height = 0;
  PixelAspectRatio aspect;
  std::optional<Colour> colour;
  bool operator==(const VideoDescription&) const = default;
};

struct AudioDescription {
  uint16_t channels = 0;
  uint32_t rate = 0;                     // Hz
  uint32_t frame_ticks = 0;              // nominal length of one sample of the file, e.g. 1024
  std::optional<int16_t> roll_distance;  // samples to decode before (10.1), -1 for AAC
  bool operator==(const AudioDescription&) const = default;
};

struct TrackConfig {
  TrackKind kind = TrackKind::kVideo;
  FourCC format;  // type of the sample entry: avc1, avc3, hvc1, hev1, mp4a
  Timescale timescale;
  std::vector<uint8_t>
      codec_config;  // AVC or HEVC decoder configuration record, AudioSpecificConfig
  VideoDescription video;
  AudioDescription audio;
  bool operator==(const TrackConfig&) const = default;
};

// What tags say of a track; may become known after its first sample.
struct TrackTags {
  std::array<char, 3> language{'u', 'n', 'd'};  // ISO 639-2/T
  Orientation orientation;
  bool operator==(const TrackTags&) const = default;
};

// A text of the movie's 'ilst' (title, comment, ...).
struct MovieTag {
  FourCC key;
  std::string text;  // UTF-8
};

}  // namespace mp4
