// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/codec.h"

#include <algorithm>
#include <iterator>

#include "mp4/codecs/ac3.h"
#include "mp4/codecs/alac.h"
#include "mp4/codecs/av1.h"
#include "mp4/codecs/flac.h"
#include "mp4/codecs/jpeg.h"
#include "mp4/codecs/mpeg4_visual.h"
#include "mp4/codecs/opus.h"
#include "mp4/codecs/vpx.h"
#include "mp4/codecs/vvc.h"

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
    {.format = "vvc1"_4cc, .configuration = "vvcC"_4cc, .look = look_at_vvc},
    {.format = "vvi1"_4cc,
     .configuration = "vvcC"_4cc,
     .carries_parameters = true,
     .look = look_at_vvc},
    {.format = "av01"_4cc,
     .configuration = "av1C"_4cc,
     .carries_parameters = true,
     .look = look_at_av1},
    {.format = "vp08"_4cc,
     .configuration = "vpcC"_4cc,
     .carries_parameters = true,
     .look = look_at_vp8},
    {.format = "vp09"_4cc,
     .configuration = "vpcC"_4cc,
     .carries_parameters = true,
     .look = look_at_vp9},
    {.format = "mp4v"_4cc,
     .object_type = kObjectTypeMpeg4Visual,
     .configuration = "esds"_4cc,
     .carries_parameters = true,
     .config_leads_samples = true,
     .look = look_at_mpeg4_visual},
    {.format = "mp4v"_4cc,
     .object_type = kObjectTypeJpeg,
     .configuration = "esds"_4cc,
     .carries_parameters = true,
     .look = look_at_jpeg},
    {.format = "mp4a"_4cc, .object_type = kObjectTypeMpeg4Audio, .configuration = "esds"_4cc},
    {.format = "mp4a"_4cc, .object_type = kObjectTypeMpeg2Audio, .configuration = "esds"_4cc},
    {.format = "mp4a"_4cc, .object_type = kObjectTypeMpeg1Audio, .configuration = "esds"_4cc},
    {.format = "Opus"_4cc, .configuration = "dOps"_4cc, .look = look_at_opus},
    {.format = "fLaC"_4cc, .configuration = "dfLa"_4cc, .look = look_at_flac},
    {.format = "ac-3"_4cc,
     .configuration = "dac3"_4cc,
     .carries_parameters = true,
     .look = look_at_ac3},
    {.format = "ec-3"_4cc,
     .configuration = "dec3"_4cc,
     .carries_parameters = true,
     .look = look_at_eac3},
    {.format = "alac"_4cc, .configuration = "alac"_4cc, .look = look_at_alac},
    {.format = "alaw"_4cc, .pcm_bytes = 1},
    {.format = "ulaw"_4cc, .pcm_bytes = 1},
    {.format = "sowt"_4cc, .pcm_bytes = 2},
    {.format = "twos"_4cc, .pcm_bytes = 2},
    {.format = "in24"_4cc, .pcm_bytes = 3},
    {.format = "in32"_4cc, .pcm_bytes = 4},
    {.format = "fl32"_4cc, .pcm_bytes = 4},
    {.format = "fl64"_4cc, .pcm_bytes = 8},
    {.format = "metx"_4cc},
    {.format = "tx3g"_4cc},
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
