// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec.h"

#include <algorithm>
#include <iterator>

namespace mp4 {
namespace {

constexpr Codec kUnknown{};

// The bindings: H.264, H.265, H.266 ISO/IEC 14496-15; 'mp4a', 'mp4v' -14, with the object types of
// 14496-1 table 5; PCM and G.711 as QuickTime has them, which every reader knows.
constexpr Codec kCodecs[] = {
    {.format = "avc1"_4cc,
     .configuration = "avcC"_4cc,
     .carries_parameters = true,
     .nal = NalCodec::kAvc},
    {.format = "avc3"_4cc,
     .configuration = "avcC"_4cc,
     .carries_parameters = true,
     .nal = NalCodec::kAvc},
    {.format = "hvc1"_4cc,
     .configuration = "hvcC"_4cc,
     .carries_parameters = true,
     .nal = NalCodec::kHevc},
    {.format = "hev1"_4cc,
     .configuration = "hvcC"_4cc,
     .carries_parameters = true,
     .nal = NalCodec::kHevc},
    {.format = "mp4a"_4cc, .object_type = kObjectTypeMpeg4Audio, .configuration = "esds"_4cc},
};

}  // namespace

const Codec* find_codec(FourCC format, uint8_t object_type) {
  const auto found = std::find_if(std::begin(kCodecs), std::end(kCodecs), [&](const Codec& row) {
    return row.format == format && row.object_type == object_type;
  });
  return found == std::end(kCodecs) ? nullptr : &*found;
}

const Codec& codec_of(const TrackConfig& config) {
  const Codec* codec = find_codec(config.format, config.object_type);
  return codec ? *codec : kUnknown;
}

uint32_t pcm_frame_bytes(const TrackConfig& config) {
  return uint32_t{codec_of(config).pcm_bytes} * config.audio.channels;
}

}  // namespace mp4
