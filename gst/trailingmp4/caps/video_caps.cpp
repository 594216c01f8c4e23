// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The caps of each video codec.
#include <gst/video/video.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mp4/base/narrow.h"
#include "mp4/codecs/av1.h"
#include "mp4/codecs/vvc.h"
#include "trailingmp4/caps/caps_reading.h"

namespace trailingmp4 {
namespace {

using mp4::Status;
using namespace mp4::literals;

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
  // What is not known there may stand in the bitstream.
  mp4::Colour merged = video.colour.value_or(mp4::Colour{});
  if (colour.primaries != GST_VIDEO_COLOR_PRIMARIES_UNKNOWN)
    merged.primaries = mp4::narrow<uint16_t>(gst_video_color_primaries_to_iso(colour.primaries));
  if (colour.transfer != GST_VIDEO_TRANSFER_UNKNOWN)
    merged.transfer = mp4::narrow<uint16_t>(gst_video_transfer_function_to_iso(colour.transfer));
  if (colour.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN)
    merged.matrix = mp4::narrow<uint16_t>(gst_video_color_matrix_to_iso(colour.matrix));
  if (colour.range != GST_VIDEO_COLOR_RANGE_UNKNOWN)
    merged.full_range = colour.range == GST_VIDEO_COLOR_RANGE_0_255;
  if (video.colour || merged != mp4::Colour{}) video.colour = merged;
}

void read_framerate(const GstStructure* caps, TrackCaps& result) {
  int numerator = 0, denominator = 0;
  if (!gst_structure_get_fraction(caps, "framerate", &numerator, &denominator)) return;
  if (numerator <= 0 || denominator <= 0) return;
  result.picture_ns = static_cast<int64_t>(gst_util_uint64_scale(
      GST_SECOND, static_cast<guint64>(denominator), static_cast<guint64>(numerator)));
}

void read_hdr(const GstStructure* caps, mp4::VideoDescription& video) {
  GstVideoMasteringDisplayInfo display;
  const char* text = gst_structure_get_string(caps, "mastering-display-info");
  if (text && gst_video_mastering_display_info_from_string(&display, text)) {
    const auto point = [](const auto& from) {
      return mp4::MasteringDisplay::Point{from.x, from.y};
    };
    const auto& primaries = display.display_primaries;  // red, green, blue
    video.mastering = mp4::MasteringDisplay{point(primaries[1]),
                                            point(primaries[2]),
                                            point(primaries[0]),
                                            point(display.white_point),
                                            display.max_display_mastering_luminance,
                                            display.min_display_mastering_luminance};
  }
  GstVideoContentLightLevel light;
  text = gst_structure_get_string(caps, "content-light-level");
  if (text && gst_video_content_light_level_from_string(&light, text))
    video.light =
        mp4::ContentLight{light.max_content_light_level, light.max_frame_average_light_level};
}

void read_fields(const GstStructure* caps, mp4::VideoDescription& video) {
  if (g_strcmp0(gst_structure_get_string(caps, "interlace-mode"), "interleaved") != 0) return;
  const char* order = gst_structure_get_string(caps, "field-order");
  if (g_strcmp0(order, "top-field-first") == 0) video.fields = mp4::FieldOrder::kTopFirst;
  if (g_strcmp0(order, "bottom-field-first") == 0) video.fields = mp4::FieldOrder::kBottomFirst;
}

// What the caps say of the pictures. The size may be left to the samples.
Status read_pictures(const GstStructure* caps, TrackCaps& result) {
  mp4::VideoDescription& video = result.config.video;
  const int width = int_field(caps, "width", 0), height = int_field(caps, "height", 0);
  if (!mp4::fits<uint16_t>(width) || !mp4::fits<uint16_t>(height))
    return invalid("The picture is larger than an MP4 file can say.");
  if (width > 0) video.width = static_cast<uint16_t>(width);
  if (height > 0) video.height = static_cast<uint16_t>(height);
  read_aspect(caps, video);
  read_colour(caps, video);
  read_hdr(caps, video);
  read_fields(caps, video);
  read_framerate(caps, result);
  return {};
}

// What H.264, H.265 and H.266 have alike; the sentences name the codec and its parser.
struct NalStream {
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

Status read_nal_stream(const NalStream& stream, const GstStructure* caps, TrackCaps& result) {
  const std::string name = stream.name,
                    put = std::string("; put an ") + stream.parser + " before it.";
  std::vector<uint8_t> codec_data = buffer_field(caps, "codec_data");
  const char* format = gst_structure_get_string(caps, "stream-format");
  const bool second = g_strcmp0(format, stream.formats[1]) == 0;
  if (!second && g_strcmp0(format, stream.formats[0]) != 0)
    return invalid(name + " is recorded in stream-format " + stream.formats[0] + " or " +
                   stream.formats[1] + put);
  const char* alignment = gst_structure_get_string(caps, "alignment");
  if (alignment && g_strcmp0(alignment, "au") != 0)
    return invalid(name + " is recorded in alignment au" + put);
  if (codec_data.empty()) return invalid("The " + name + " caps have no codec_data" + put);
  mp4::TrackConfig& config = result.config;
  config.format = stream.sample_entries[second];
  if (!mp4::ParameterSets::can_hold(result.codec().nal)) {
    config.codec_config = std::move(codec_data);
    return read_pictures(caps, result);
  }
  result.sets = mp4::ParameterSets::from_record(result.codec().nal, codec_data);
  if (!result.sets) return invalid("The " + name + " codec_data is damaged.");
  config.codec_config = with_its_end(std::move(codec_data), *result.sets);
  // The bitstream's word first, then what the caps say beyond it or against it.
  if (const auto sequence = result.sets->sequence()) mp4::describe(*sequence, config.video);
  if (const Status status = read_pictures(caps, result); !status.ok()) return status;
  if (config.video.width > 0 && config.video.height > 0) return {};
  return invalid("The picture's size is not known.");
}

// Pictures that are presented in the order in which they are decoded.
Status read_in_order(mp4::FourCC format, const GstStructure* caps, TrackCaps& result) {
  result.config.format = format;
  result.depth = 0;
  return read_pictures(caps, result);
}

}  // namespace

Status read_h264(const GstStructure* caps, TrackCaps& result) {
  constexpr NalStream kStream{"H.264", "h264parse", {"avc", "avc3"}, {"avc1"_4cc, "avc3"_4cc}};
  return read_nal_stream(kStream, caps, result);
}

Status read_h265(const GstStructure* caps, TrackCaps& result) {
  constexpr NalStream kStream{"H.265", "h265parse", {"hvc1", "hev1"}, {"hvc1"_4cc, "hev1"_4cc}};
  return read_nal_stream(kStream, caps, result);
}

// The caps have the record alone; its box is one with a version and flags (14496-15, 11.2.4.3.1).
Status read_h266(const GstStructure* caps, TrackCaps& result) {
  constexpr NalStream kStream{"H.266", "h266parse", {"vvc1", "vvi1"}, {"vvc1"_4cc, "vvi1"_4cc}};
  const Status status = read_nal_stream(kStream, caps, result);
  if (!status.ok()) return status;
  std::vector<uint8_t>& record = result.config.codec_config;
  if (mp4::vvc_nal_length_size(record) == 0) return invalid("The H.266 codec_data is damaged.");
  record.insert(record.begin(), 4, 0);
  return {};
}

Status read_av1(const GstStructure* caps, TrackCaps& result) {
  const char* format = gst_structure_get_string(caps, "stream-format");
  const char* alignment = gst_structure_get_string(caps, "alignment");
  if ((format && g_strcmp0(format, "obu-stream") != 0) ||
      (alignment && g_strcmp0(alignment, "tu") != 0))
    return invalid(
        "AV1 is recorded in stream-format obu-stream and alignment tu; put an av1parse before it.");
  std::vector<uint8_t> codec_data = buffer_field(caps, "codec_data");
  if (mp4::is_av1_configuration(codec_data)) result.config.codec_config = std::move(codec_data);
  return read_in_order("av01"_4cc, caps, result);
}

Status read_vp8(const GstStructure* caps, TrackCaps& result) {
  return read_in_order("vp08"_4cc, caps, result);
}

Status read_vp9(const GstStructure* caps, TrackCaps& result) {
  if (g_strcmp0(gst_structure_get_string(caps, "alignment"), "frame") == 0)
    return invalid("VP9 is recorded in alignment super-frame; put a vp9parse before it.");
  return read_in_order("vp09"_4cc, caps, result);
}

Status read_mpeg4_visual(const GstStructure* caps, TrackCaps& result) {
  result.config.format = "mp4v"_4cc;
  result.config.object_type = mp4::kObjectTypeMpeg4Visual;
  result.config.codec_config = buffer_field(caps, "codec_data");
  if (!gst_structure_has_field(caps, "width"))
    return invalid("The MPEG-4 picture's size is not known; put an mpeg4videoparse before it.");
  return read_pictures(caps, result);
}

// ISO/IEC 14496-14 with the object type of ISO/IEC 10918-1, which every reader knows.
Status read_jpeg(const GstStructure* caps, TrackCaps& result) {
  result.config.object_type = mp4::kObjectTypeJpeg;
  return read_in_order("mp4v"_4cc, caps, result);
}

}  // namespace trailingmp4
