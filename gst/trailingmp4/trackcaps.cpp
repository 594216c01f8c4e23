// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trackcaps.h"

#include <gst/video/video.h>

#include <algorithm>
#include <iterator>

#include "gstref.h"
#include "mp4/aac.h"
#include "mp4/avc.h"
#include "mp4/narrow.h"

namespace trailingmp4 {
namespace {

using mp4::Status;
using mp4::StatusCode;
using namespace mp4::literals;

Status invalid(const char* sentence) { return {StatusCode::kInvalid, sentence}; }

// A row of the table: media type, and what turns the caps into a TrackCaps.
struct Codec {
  const char* media_type;
  Status (*read)(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result);
};

std::vector<uint8_t> codec_data_of(const GstStructure* caps) {
  const GValue* value = gst_structure_get_value(caps, "codec_data");
  if (!value || !GST_VALUE_HOLDS_BUFFER(value)) return {};
  const MappedBuffer mapped(gst_value_get_buffer(value));
  if (!mapped) return {};
  return {mapped.data(), mapped.data() + mapped.size()};
}

void read_aspect(const GstStructure* caps, mp4::VideoDescription& video) {
  int horizontal = 0, vertical = 0;
  if (!gst_structure_get_fraction(caps, "pixel-aspect-ratio", &horizontal, &vertical)) return;
  if (horizontal <= 0 || vertical <= 0) return;
  video.aspect = {static_cast<uint32_t>(horizontal), static_cast<uint32_t>(vertical)};
}

void read_colour(const GstStructure* caps, mp4::VideoDescription& video) {
  const char* text = gst_structure_get_string(caps, "colorimetry");
  GstVideoColorimetry colour;
  if (!text || !gst_video_colorimetry_from_string(&colour, text)) return;
  video.colour =
      mp4::Colour{mp4::narrow<uint16_t>(gst_video_color_primaries_to_iso(colour.primaries)),
                  mp4::narrow<uint16_t>(gst_video_transfer_function_to_iso(colour.transfer)),
                  mp4::narrow<uint16_t>(gst_video_color_matrix_to_iso(colour.matrix)),
                  colour.range == GST_VIDEO_COLOR_RANGE_0_255};
}

// The bitstream's word first, then what the caps say beyond it or against it.
Status read_video(const GstStructure* caps, const std::optional<mp4::AvcSequence>& sequence,
                  mp4::VideoDescription& video) {
  int width = 0, height = 0;
  gst_structure_get_int(caps, "width", &width);
  gst_structure_get_int(caps, "height", &height);
  if (sequence) {
    if (width <= 0) width = static_cast<int>(sequence->width);
    if (height <= 0) height = static_cast<int>(sequence->height);
    video.aspect = sequence->aspect.value_or(mp4::PixelAspectRatio());
    video.colour = sequence->colour;
  }
  if (width <= 0 || height <= 0) return invalid("The picture's size is not known.");
  if (!mp4::fits<uint16_t>(width) || !mp4::fits<uint16_t>(height))
    return invalid("The picture is larger than an MP4 file can say.");
  video.width = static_cast<uint16_t>(width);
  video.height = static_cast<uint16_t>(height);
  read_aspect(caps, video);
  read_colour(caps, video);
  return {};
}

Status read_h264(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result) {
  const char* format = gst_structure_get_string(caps, "stream-format");
  const bool avc3 = g_strcmp0(format, "avc3") == 0;
  if (!avc3 && g_strcmp0(format, "avc") != 0)
    return invalid("H.264 is recorded in stream-format avc or avc3; put an h264parse before it.");
  if (codec_data.empty())
    return invalid("The H.264 caps have no codec_data; put an h264parse before it.");
  const auto avc = mp4::parse_avc_config(codec_data);
  if (!avc) return invalid("The H.264 codec_data is damaged.");
  result.nal_length_size = avc->nal_length_size;
  mp4::TrackConfig& config = result.config;
  config.kind = mp4::TrackKind::kVideo;
  config.format = avc3 ? "avc3"_4cc : "avc1"_4cc;
  config.timescale = mp4::kVideoTimescale;
  config.codec_config = std::move(codec_data);
  return read_video(caps, avc->sequence, config.video);
}

Status read_aac(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result) {
  if (codec_data.empty())
    return invalid("The AAC caps have no codec_data; put an aacparse before it.");
  const auto aac = mp4::parse_audio_specific_config(codec_data);
  if (!aac) return invalid("The AAC codec_data is damaged.");
  constexpr int16_t kAacRollDistance = -1;
  int channels = aac->channels;
  if (channels == 0) gst_structure_get_int(caps, "channels", &channels);
  mp4::TrackConfig& config = result.config;
  config.kind = mp4::TrackKind::kAudio;
  config.format = "mp4a"_4cc;
  config.timescale = {aac->rate};
  config.codec_config = std::move(codec_data);
  config.audio = {mp4::narrow<uint16_t>(std::max(channels, 1)), aac->rate, aac->frame_ticks,
                  kAacRollDistance};
  return {};
}

constexpr Codec kCodecs[] = {
    {"video/x-h264", read_h264},
    {"audio/mpeg", read_aac},
};

}  // namespace

bool TrackCaps::same_description(const TrackCaps& other) const {
  return config.format == other.config.format && config.timescale == other.config.timescale &&
         config.codec_config == other.config.codec_config;
}

mp4::Status read_caps(const GstCaps* caps, TrackCaps& result) {
  if (!caps || !gst_caps_is_fixed(caps)) return invalid("The caps are not fixed.");
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto codec = std::find_if(std::begin(kCodecs), std::end(kCodecs), [&](const Codec& row) {
    return gst_structure_has_name(structure, row.media_type);
  });
  if (codec == std::end(kCodecs)) return invalid("This kind of stream cannot be recorded.");
  result = {};
  return codec->read(structure, codec_data_of(structure), result);
}

}  // namespace trailingmp4
