// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a track is, as far as the file must say it: its kind, its timescale, its sample description.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mp4/base/fourcc.h"
#include "mp4/base/timescale.h"

namespace mp4 {

enum class TrackKind { kVideo, kAudio, kMetadata, kText };

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

// 12.1.5: colour volume of the display that the video was mastered on (SMPTE ST 2086), as 'mdcv'.
struct MasteringDisplay {
  struct Point {
    uint16_t x, y;  // in 0.00002
    bool operator==(const Point&) const = default;
  };
  Point green{}, blue{}, red{}, white{};
  uint32_t max_luminance = 0, min_luminance = 0;  // in 0.0001 cd/m2
  bool operator==(const MasteringDisplay&) const = default;
};

// 'clli' (CTA-861.3), in cd/m2.
struct ContentLight {
  uint16_t max_content = 0;
  uint16_t max_picture_average = 0;
  bool operator==(const ContentLight&) const = default;
};

// Of pictures that are two interleaved fields: which is the earlier.
enum class FieldOrder { kProgressive, kTopFirst, kBottomFirst };

struct VideoDescription {
  uint16_t width = 0;  // coded size after cropping, in pixels
  uint16_t height = 0;
  PixelAspectRatio aspect;
  std::optional<Colour> colour;
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> light;
  FieldOrder fields = FieldOrder::kProgressive;
  bool operator==(const VideoDescription&) const = default;
};

struct AudioDescription {
  uint16_t channels = 0;
  uint32_t rate = 0;         // Hz
  uint16_t bits = 16;        // 'samplesize' (12.2.3)
  uint32_t layout = 0;       // PCM: a bit for each channel, as 'chan' numbers them; 0: not known
  uint32_t frame_ticks = 0;  // nominal length of one sample of the file, e.g. 1024; 1 for PCM
  bool operator==(const AudioDescription&) const = default;
};

// objectTypeIndication (14496-1, table 5)
inline constexpr uint8_t kObjectTypeMpeg4Visual = 0x20;
inline constexpr uint8_t kObjectTypeMpeg4Audio = 0x40;
inline constexpr uint8_t kObjectTypeMpeg2Audio = 0x69;  // 13818-3
inline constexpr uint8_t kObjectTypeMpeg1Audio = 0x6b;  // 11172-3
inline constexpr uint8_t kObjectTypeJpeg = 0x6c;        // 10918-1

struct TrackConfig {
  TrackKind kind = TrackKind::kVideo;
  FourCC format;            // type of the sample entry: avc1, mp4a, ...
  uint8_t object_type = 0;  // objectTypeIndication (14496-1, table 5) of entries with an 'esds'
  Timescale timescale;
  // What decoders need: the payload of the box that codec.h names, as it stands in the file; for
  // 'esds' the DecoderSpecificInfo. Of metadata and text, the fields of the entry itself.
  std::vector<uint8_t> codec_config;
  VideoDescription video;
  AudioDescription audio;

  // Its samples come when there is something to say.
  bool is_sparse() const { return kind == TrackKind::kMetadata || kind == TrackKind::kText; }
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
