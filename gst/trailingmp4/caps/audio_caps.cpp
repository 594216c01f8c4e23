// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The caps of each audio codec.
#include <gst/audio/audio.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "mp4/base/narrow.h"
#include "mp4/codecs/aac.h"
#include "mp4/codecs/flac.h"
#include "mp4/codecs/mpeg_audio.h"
#include "mp4/codecs/opus.h"
#include "trailingmp4/caps/caps_reading.h"

namespace trailingmp4 {
namespace {

using mp4::Status;
using namespace mp4::literals;

constexpr int kMostChannels = 255;
constexpr int kHighestRate = 768'000;  // Hz
constexpr uint32_t kOpusRate = 48'000;
constexpr uint32_t kAc3FrameTicks = 1536;

// Rate and channels as the caps say them; the rate is the timescale.
Status read_sound(const GstStructure* caps, const char* name, TrackCaps& result) {
  const int rate = int_field(caps, "rate", 0), channels = int_field(caps, "channels", 0);
  if (rate < 1 || rate > kHighestRate || channels < 1 || channels > kMostChannels)
    return invalid(std::string("The ") + name + " caps do not say a rate and channels.");
  result.config.audio.rate = static_cast<uint32_t>(rate);
  result.config.audio.channels = static_cast<uint16_t>(channels);
  result.config.timescale = {result.config.audio.rate};
  return {};
}

Status read_aac(const GstStructure* caps, TrackCaps& result) {
  std::vector<uint8_t> codec_data = buffer_field(caps, "codec_data");
  const char* format = gst_structure_get_string(caps, "stream-format");
  if (format && g_strcmp0(format, "raw") != 0)
    return invalid("AAC is recorded in stream-format raw; put an aacparse before it.");
  if (codec_data.empty())
    return invalid("The AAC caps have no codec_data; put an aacparse before it.");
  const auto aac = mp4::parse_audio_specific_config(codec_data);
  if (!aac) return invalid("The AAC codec_data is damaged.");
  // rtpmp4adepay knows only behind the first marker where a frame begins, and says so.
  gboolean framed = TRUE;
  gst_structure_get_boolean(caps, "framed", &framed);
  result.framed = framed;
  // Where a program config element gives the channels, the caps may know them.
  const int channels = aac->channels ? aac->channels : int_field(caps, "channels", 1);
  mp4::TrackConfig& config = result.config;
  config.format = "mp4a"_4cc;
  config.object_type = mp4::kObjectTypeMpeg4Audio;
  config.timescale = {aac->rate};
  config.codec_config = std::move(codec_data);
  config.audio = {.channels = mp4::narrow<uint16_t>(std::clamp(channels, 1, kMostChannels)),
                  .rate = aac->rate,
                  .frame_ticks = aac->frame_ticks};
  return {};
}

Status read_mpeg1_audio(const GstStructure* caps, TrackCaps& result) {
  const Status status = read_sound(caps, "MPEG audio", result);
  if (!status.ok()) return status;
  const int layer = int_field(caps, "layer", 0), version = int_field(caps, "mpegaudioversion", 0);
  const bool low_rate = version > 1 || (version == 0 && result.config.audio.rate < 32'000);
  if (layer < 1 || layer > 3)
    return invalid("The MPEG audio caps do not say the layer; put an mpegaudioparse before it.");
  result.layer = layer;
  result.config.format = "mp4a"_4cc;
  const unsigned mpeg = low_rate ? 2 : 1;
  result.config.object_type = mp4::mpeg_audio_object_type(mpeg);
  result.config.audio.frame_ticks = mp4::mpeg_audio_frame_ticks(mpeg, static_cast<unsigned>(layer));
  return {};
}

// The bits are those of GStreamer's channel-mask, as WAVE has them, as far as there are names.
uint32_t channel_layout(const GstStructure* caps, int channels) {
  constexpr uint32_t kFrontCentre = 4, kFrontLeftAndRight = 3;
  constexpr guint64 kNamed = (1 << 18) - 1;
  guint64 mask = 0;
  gst_structure_get(caps, "channel-mask", GST_TYPE_BITMASK, &mask, nullptr);
  if (mask != 0) return (mask & ~kNamed) == 0 ? static_cast<uint32_t>(mask) : 0;
  if (channels > 2) return 0;
  return channels == 1 ? kFrontCentre : kFrontLeftAndRight;
}

// One frame is one sample of the file, whatever a buffer holds.
Status read_pcm(mp4::FourCC format, uint8_t silence, const GstStructure* caps, TrackCaps& result) {
  result.config.format = format;
  result.config.audio.frame_ticks = 1;
  result.config.audio.layout = channel_layout(caps, int_field(caps, "channels", 0));
  result.silence = silence;
  return read_sound(caps, "sound's", result);
}

struct RawFormat {
  const char* name;  // of GStreamer
  mp4::FourCC format;
  uint16_t bits;
};
constexpr RawFormat kRawFormats[] = {
    {"S16LE", "sowt"_4cc, 16}, {"S16BE", "twos"_4cc, 16}, {"S24BE", "in24"_4cc, 24},
    {"S32BE", "in32"_4cc, 32}, {"F32BE", "fl32"_4cc, 32}, {"F64BE", "fl64"_4cc, 64},
};

mp4::OpusSpecific opus_of_caps(const GstStructure* caps) {
  mp4::OpusSpecific opus;
  opus.channels = static_cast<uint8_t>(std::clamp(int_field(caps, "channels", 2), 1, 255));
  opus.input_rate = kOpusRate;
  opus.mapping_family =
      static_cast<uint8_t>(std::clamp(int_field(caps, "channel-mapping-family", 0), 0, 255));
  if (opus.mapping_family == 0) return opus;
  opus.streams = static_cast<uint8_t>(std::clamp(int_field(caps, "stream-count", 1), 1, 255));
  opus.coupled = static_cast<uint8_t>(std::clamp(int_field(caps, "coupled-count", 0), 0, 255));
  const GValue* mapping = gst_structure_get_value(caps, "channel-mapping");
  for (uint8_t channel = 0; channel < opus.channels; ++channel) {
    const bool is_said =
        mapping && GST_VALUE_HOLDS_ARRAY(mapping) && channel < gst_value_array_get_size(mapping);
    const GValue* value = is_said ? gst_value_array_get_value(mapping, channel) : nullptr;
    const bool is_number = value && G_VALUE_HOLDS_INT(value);
    opus.mapping.push_back(is_number ? static_cast<uint8_t>(g_value_get_int(value)) : channel);
  }
  return opus;
}

}  // namespace

Status read_mpeg_audio(const GstStructure* caps, TrackCaps& result) {
  return int_field(caps, "mpegversion", 4) == 1 ? read_mpeg1_audio(caps, result)
                                                : read_aac(caps, result);
}

// The stream's own header is in the caps where an encoder or a file is the source; from RTP it is
// not known what decoders need to settle, and nothing is clipped.
Status read_opus(const GstStructure* caps, TrackCaps& result) {
  constexpr uint32_t kUsualPacket = kOpusRate / 50;
  const auto head = mp4::parse_opus_head(buffer_field(caps, "streamheader"));
  const mp4::OpusSpecific opus = head ? *head : opus_of_caps(caps);
  if (!mp4::is_valid(opus))
    return invalid(
        "The Opus caps do not say how its channels are coded; put an opusparse before it.");
  mp4::TrackConfig& config = result.config;
  config.format = "Opus"_4cc;
  config.timescale = {kOpusRate};
  config.codec_config = mp4::opus_specific_box(opus);
  config.audio = {.channels = opus.channels, .rate = kOpusRate, .frame_ticks = kUsualPacket};
  result.clip = opus.pre_skip;
  return {};
}

Status read_alaw(const GstStructure* caps, TrackCaps& result) {
  return read_pcm("alaw"_4cc, 0xd5, caps, result);
}

Status read_mulaw(const GstStructure* caps, TrackCaps& result) {
  return read_pcm("ulaw"_4cc, 0xff, caps, result);
}

Status read_raw_audio(const GstStructure* caps, TrackCaps& result) {
  const char* name = gst_structure_get_string(caps, "format");
  const auto format =
      std::find_if(std::begin(kRawFormats), std::end(kRawFormats),
                   [&](const RawFormat& row) { return g_strcmp0(row.name, name) == 0; });
  if (format == std::end(kRawFormats))
    return invalid("Sound in this format cannot be recorded; put an audioconvert before it.");
  if (g_strcmp0(gst_structure_get_string(caps, "layout"), "non-interleaved") == 0)
    return invalid("The channels are not interleaved; put an audioconvert before it.");
  result.config.audio.bits = format->bits;
  return read_pcm(format->format, 0, caps, result);
}

Status read_ac3(const GstStructure* caps, TrackCaps& result) {
  result.config.format = "ac-3"_4cc;
  result.config.audio.frame_ticks = kAc3FrameTicks;
  return read_sound(caps, "AC-3", result);
}

Status read_eac3(const GstStructure* caps, TrackCaps& result) {
  result.config.format = "ec-3"_4cc;
  result.config.audio.frame_ticks = kAc3FrameTicks;
  return read_sound(caps, "E-AC-3", result);
}

Status read_flac(const GstStructure* caps, TrackCaps& result) {
  const auto flac = mp4::parse_streaminfo(buffer_field(caps, "streamheader"));
  if (!flac) return invalid("The FLAC caps have no streamheader; put a flacparse before it.");
  mp4::TrackConfig& config = result.config;
  config.format = "fLaC"_4cc;
  config.timescale = {flac->rate};
  config.codec_config = mp4::flac_specific_box(flac->streaminfo);
  config.audio = {.channels = flac->channels,
                  .rate = flac->rate,
                  .bits = flac->bits,
                  .frame_ticks = flac->block_size ? flac->block_size : 4096u};
  return {};
}

// The codec_data is the box that decoders want, header and all (ALAC's "magic cookie").
Status read_alac(const GstStructure* caps, TrackCaps& result) {
  constexpr std::size_t kHeader = 8, kCookie = 36, kFrameLength = 12, kBits = 17, kChannels = 21,
                        kRate = 32;
  const std::vector<uint8_t> cookie = buffer_field(caps, "codec_data");
  if (cookie.size() < kCookie) return invalid("The ALAC caps have no codec_data.");
  const auto number = [&](std::size_t at) {
    return static_cast<uint32_t>(cookie[at] << 24 | cookie[at + 1] << 16 | cookie[at + 2] << 8 |
                                 cookie[at + 3]);
  };
  const uint32_t rate = number(kRate), frame_ticks = number(kFrameLength);
  if (rate == 0 || rate > kHighestRate || frame_ticks == 0 || frame_ticks > UINT16_MAX ||
      cookie[kChannels] == 0)
    return invalid("The ALAC codec_data is damaged.");
  mp4::TrackConfig& config = result.config;
  config.format = "alac"_4cc;
  config.timescale = {rate};
  config.codec_config.assign(cookie.begin() + kHeader, cookie.end());
  config.audio = {.channels = cookie[kChannels],
                  .rate = rate,
                  .bits = cookie[kBits],
                  .frame_ticks = frame_ticks};
  return {};
}

Status refuse_adpcm(const GstStructure*, TrackCaps&) {
  return invalid(
      "Players do not find ADPCM (G.726) in an MP4 file; put avdec_g726 ! audioconvert ! mulawenc, "
      "or another encoder, before it.");
}

Status refuse_g722(const GstStructure*, TrackCaps&) {
  return invalid(
      "Players do not find G.722 in an MP4 file; put avdec_g722 ! audioconvert ! avenc_aac, or "
      "another encoder, before it.");
}

}  // namespace trailingmp4
