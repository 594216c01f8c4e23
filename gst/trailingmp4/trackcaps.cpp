// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trackcaps.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "gstref.h"
#include "mp4/aac.h"
#include "mp4/narrow.h"

namespace trailingmp4 {
namespace {

using mp4::Status;
using mp4::StatusCode;
using namespace mp4::literals;

Status invalid(std::string sentence) { return {StatusCode::kInvalid, std::move(sentence)}; }

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

// From "4:3:16:9" GStreamer takes any numbers, also those that an enumeration cannot hold.
template <typename E>
bool is_known(const E& value, E last) {
  int number = 0;
  static_assert(sizeof number == sizeof value);
  std::memcpy(&number, &value, sizeof number);
  return number >= 0 && number <= last;
}

bool is_known(const GstVideoColorimetry& colour) {
  return is_known(colour.range, GST_VIDEO_COLOR_RANGE_16_235) &&
         is_known(colour.matrix, GST_VIDEO_COLOR_MATRIX_BT2020) &&
         is_known(colour.transfer, GST_VIDEO_TRANSFER_BT601) &&
         is_known(colour.primaries, GST_VIDEO_COLOR_PRIMARIES_EBU3213);
}

void read_colour(const GstStructure* caps, mp4::VideoDescription& video) {
  const char* text = gst_structure_get_string(caps, "colorimetry");
  GstVideoColorimetry colour;
  if (!text || !gst_video_colorimetry_from_string(&colour, text) || !is_known(colour)) return;
  video.colour =
      mp4::Colour{mp4::narrow<uint16_t>(gst_video_color_primaries_to_iso(colour.primaries)),
                  mp4::narrow<uint16_t>(gst_video_transfer_function_to_iso(colour.transfer)),
                  mp4::narrow<uint16_t>(gst_video_color_matrix_to_iso(colour.matrix)),
                  colour.range == GST_VIDEO_COLOR_RANGE_0_255};
}

void read_framerate(const GstStructure* caps, TrackCaps& result) {
  int numerator = 0, denominator = 0;
  if (!gst_structure_get_fraction(caps, "framerate", &numerator, &denominator)) return;
  if (numerator <= 0 || denominator <= 0) return;
  result.picture_ns = static_cast<int64_t>(gst_util_uint64_scale(
      GST_SECOND, static_cast<guint64>(denominator), static_cast<guint64>(numerator)));
}

// The bitstream's word first, then what the caps say beyond it or against it.
Status read_video(const GstStructure* caps, TrackCaps& result) {
  mp4::VideoDescription& video = result.config.video;
  if (const auto sequence = result.sets->sequence()) mp4::describe(*sequence, video);
  int width = 0, height = 0;
  gst_structure_get_int(caps, "width", &width);
  gst_structure_get_int(caps, "height", &height);
  if (!mp4::fits<uint16_t>(width) || !mp4::fits<uint16_t>(height))
    return invalid("The picture is larger than an MP4 file can say.");
  if (width > 0) video.width = static_cast<uint16_t>(width);
  if (height > 0) video.height = static_cast<uint16_t>(height);
  if (video.width == 0 || video.height == 0) return invalid("The picture's size is not known.");
  read_aspect(caps, video);
  read_colour(caps, video);
  read_framerate(caps, result);
  return {};
}

// What H.264 and H.265 have alike; the sentences name the codec and its parser.
struct NalStream {
  mp4::NalCodec codec;
  const char *name, *parser;
  const char* formats[2];  // of caps; the second with sets in the samples
  mp4::FourCC sample_entries[2];
};

// h264parse leaves out the fields that a record of the High profiles ends with
// (14496-15, 5.3.3.1.2).
std::vector<uint8_t> with_its_end(std::vector<uint8_t> record, const mp4::ParameterSets& sets) {
  std::vector<uint8_t> whole = sets.record();
  const bool is_begun =
      record.size() < whole.size() && std::equal(record.begin(), record.end(), whole.begin());
  return is_begun ? whole : record;
}

Status read_nal_stream(const NalStream& stream, const GstStructure* caps,
                       std::vector<uint8_t> codec_data, TrackCaps& result) {
  const std::string name = stream.name,
                    put = std::string("; put an ") + stream.parser + " before it.";
  const char* format = gst_structure_get_string(caps, "stream-format");
  const bool second = g_strcmp0(format, stream.formats[1]) == 0;
  if (!second && g_strcmp0(format, stream.formats[0]) != 0)
    return invalid(name + " is recorded in stream-format " + stream.formats[0] + " or " +
                   stream.formats[1] + put);
  if (codec_data.empty()) return invalid("The " + name + " caps have no codec_data" + put);
  result.nal_codec = stream.codec;
  result.sets = mp4::ParameterSets::from_record(stream.codec, codec_data);
  if (!result.sets) return invalid("The " + name + " codec_data is damaged.");
  mp4::TrackConfig& config = result.config;
  config.kind = mp4::TrackKind::kVideo;
  config.format = stream.sample_entries[second];
  config.timescale = mp4::kVideoTimescale;
  config.codec_config = with_its_end(std::move(codec_data), *result.sets);
  return read_video(caps, result);
}

Status read_h264(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result) {
  constexpr NalStream kStream{
      mp4::NalCodec::kAvc, "H.264", "h264parse", {"avc", "avc3"}, {"avc1"_4cc, "avc3"_4cc}};
  return read_nal_stream(kStream, caps, std::move(codec_data), result);
}

Status read_h265(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result) {
  constexpr NalStream kStream{
      mp4::NalCodec::kHevc, "H.265", "h265parse", {"hvc1", "hev1"}, {"hvc1"_4cc, "hev1"_4cc}};
  return read_nal_stream(kStream, caps, std::move(codec_data), result);
}

Status read_aac(const GstStructure* caps, std::vector<uint8_t> codec_data, TrackCaps& result) {
  if (codec_data.empty())
    return invalid("The AAC caps have no codec_data; put an aacparse before it.");
  const auto aac = mp4::parse_audio_specific_config(codec_data);
  if (!aac) return invalid("The AAC codec_data is damaged.");
  int channels = aac->channels;
  if (channels == 0) gst_structure_get_int(caps, "channels", &channels);
  mp4::TrackConfig& config = result.config;
  config.kind = mp4::TrackKind::kAudio;
  config.format = "mp4a"_4cc;
  config.object_type = mp4::kObjectTypeMpeg4Audio;
  config.timescale = {aac->rate};
  config.codec_config = std::move(codec_data);
  config.audio = {.channels = mp4::narrow<uint16_t>(std::max(channels, 1)),
                  .rate = aac->rate,
                  .frame_ticks = aac->frame_ticks};
  return {};
}

constexpr Codec kCodecs[] = {
    {"video/x-h264", read_h264},
    {"video/x-h265", read_h265},
    {"audio/mpeg", read_aac},
};

}  // namespace

bool TrackCaps::fits(const TrackCaps& other) const {
  if (config.format != other.config.format || config.timescale != other.config.timescale)
    return false;
  if (sets && other.sets) return sets->nal_length_size() == other.sets->nal_length_size();
  return config.codec_config == other.config.codec_config;
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
