// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/sample_entry_view.h"

#include <algorithm>

#include "mp4/base/narrow.h"
#include "mp4/codecs/aac.h"
#include "mp4/codecs/codec.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using Bytes = std::span<const uint8_t>;

// ISO/IEC 14496-1, table 1
constexpr uint8_t kEsDescriptorTag = 0x03;
constexpr uint8_t kDecoderConfigDescriptorTag = 0x04;
constexpr uint8_t kDecoderSpecificInfoTag = 0x05;

std::vector<uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

void read_pasp(Bytes body, mp4::VideoDescription& video) {  // 12.1.4.2
  Fields fields(body);
  const uint32_t horizontal = fields.u32(), vertical = fields.u32();
  if (horizontal > 0 && vertical > 0) video.aspect = {horizontal, vertical};
}

void read_colr(Bytes body, mp4::VideoDescription& video) {  // 12.1.5.2
  Fields fields(body);
  if (fields.fourcc() != "nclx"_4cc) return;
  mp4::Colour colour{fields.u16(), fields.u16(), fields.u16(), (fields.u8() & 0x80) != 0};
  if (!fields.exhausted()) video.colour = colour;
}

void read_fiel(Bytes body, mp4::VideoDescription& video) {  // QuickTime File Format, 'fiel'
  constexpr uint8_t kTopFirst = 9, kBottomFirst = 14;
  Fields fields(body);
  if (fields.u8() != 2) return;
  const uint8_t detail = fields.u8();
  if (detail == kTopFirst) video.fields = mp4::FieldOrder::kTopFirst;
  if (detail == kBottomFirst) video.fields = mp4::FieldOrder::kBottomFirst;
}

void read_mdcv(Bytes body, mp4::VideoDescription& video) {  // 12.1.7
  Fields fields(body);
  mp4::MasteringDisplay display;
  for (auto* point : {&display.green, &display.blue, &display.red, &display.white})
    *point = {fields.u16(), fields.u16()};
  display.max_luminance = fields.u32();
  display.min_luminance = fields.u32();
  if (!fields.exhausted()) video.mastering = display;
}

void read_clli(Bytes body, mp4::VideoDescription& video) {  // 12.1.6
  Fields fields(body);
  const mp4::ContentLight light{fields.u16(), fields.u16()};
  if (!fields.exhausted()) video.light = light;
}

// ISO/IEC 14496-1, 8.3.3: takes the descriptor of the tag off the front.
Bytes next_descriptor(Fields& fields, uint8_t tag) {
  if (fields.u8() != tag) return {};
  std::size_t length = 0;
  for (int groups = 0; groups < 4; ++groups) {
    const uint8_t group = fields.u8();
    length = length << 7 | (group & 0x7f);
    if (!(group & 0x80)) break;
  }
  return fields.bytes(length);
}

void read_esds(Bytes body, mp4::TrackConfig& config) {  // ISO/IEC 14496-14, 5.6
  Fields fields(body);
  fields.skip(4);  // version, flags
  Fields es(next_descriptor(fields, kEsDescriptorTag));
  es.skip(3);  // ES_ID, flags
  Fields decoder(next_descriptor(es, kDecoderConfigDescriptorTag));
  config.object_type = decoder.u8();
  decoder.skip(12);  // stream type, buffer size, bit rates
  config.codec_config = copy(next_descriptor(decoder, kDecoderSpecificInfoTag));
}

// The box that holds what decoders need. False: the codec is none of ours, or lacks it.
bool read_configuration(Bytes boxes, mp4::TrackConfig& config) {
  if (const Bytes esds = find_box(boxes, "esds"_4cc).body; !esds.empty()) read_esds(esds, config);
  const mp4::Codec* codec = mp4::find_codec(config.format, config.object_type);
  if (!codec) return false;
  if (codec->configuration == mp4::FourCC{} || codec->configuration == "esds"_4cc) return true;
  config.codec_config = copy(find_box(boxes, codec->configuration).body);
  return !config.codec_config.empty();
}

bool read_visual(const BoxView& entry, mp4::TrackConfig& config) {  // 12.1.3.2
  Fields fields(entry.body);
  fields.skip(24);  // SampleEntry, pre_defined, reserved
  config.video.width = fields.u16();
  config.video.height = fields.u16();
  fields.skip(50);  // resolution, reserved, frame_count, compressorname, depth, pre_defined
  const Bytes boxes = fields.rest();
  read_pasp(find_box(boxes, "pasp"_4cc).body, config.video);
  read_colr(find_box(boxes, "colr"_4cc).body, config.video);
  read_fiel(find_box(boxes, "fiel"_4cc).body, config.video);
  read_mdcv(find_box(boxes, "mdcv"_4cc).body, config.video);
  read_clli(find_box(boxes, "clli"_4cc).body, config.video);
  return read_configuration(boxes, config);
}

void read_chan(Bytes body, mp4::AudioDescription& audio) {
  Fields fields(body);
  fields.skip(8);  // version, flags, mChannelLayoutTag
  audio.layout = fields.u32();
}

// QuickTime File Format, "Sound Sample Description (Version 2)", from where all versions differ.
// The rate is the timescale.
void read_lpcm(Fields& fields, mp4::TrackConfig& config) {
  constexpr uint32_t kFloat = 1, kBigEndian = 2;
  fields.skip(24);  // as they always are, sizeOfStructOnly, audioSampleRate
  config.audio.channels = mp4::narrow<uint16_t>(fields.u32());
  fields.skip(4);  // as it always is
  config.audio.bits = mp4::narrow<uint16_t>(fields.u32());
  const uint32_t flags = fields.u32();
  fields.skip(8);  // bytes and frames of a packet
  const bool is_float = flags & kFloat;
  if (config.audio.bits == 16) config.format = flags & kBigEndian ? "twos"_4cc : "sowt"_4cc;
  if (config.audio.bits == 24) config.format = "in24"_4cc;
  if (config.audio.bits == 32) config.format = is_float ? "fl32"_4cc : "in32"_4cc;
  if (config.audio.bits == 64) config.format = "fl64"_4cc;
}

bool read_audio(const BoxView& entry, mp4::TrackConfig& config) {  // 12.2.3.2
  Fields fields(entry.body);
  fields.skip(8);  // SampleEntry
  const uint16_t version = fields.u16();
  fields.skip(6);  // reserved
  if (version == 2 && config.format == "lpcm"_4cc) {
    read_lpcm(fields, config);
  } else {
    config.audio.channels = fields.u16();
    config.audio.bits = fields.u16();
    fields.skip(4);  // pre_defined, reserved
    config.audio.rate = fields.u32() >> 16;
  }
  if (config.audio.rate == 0) config.audio.rate = config.timescale.ticks_per_second;
  read_chan(find_box(fields.rest(), "chan"_4cc).body, config.audio);
  if (!read_configuration(fields.rest(), config) || config.audio.channels == 0) return false;
  if (config.object_type != mp4::kObjectTypeMpeg4Audio) return true;
  const auto aac = mp4::parse_audio_specific_config(config.codec_config);
  if (!aac) return false;
  config.audio.rate = aac->rate;  // which need not fit into the entry
  return true;
}

// Metadata (12.3.3.2) and timed text (3GPP TS 26.245, 5.16): all but the bit rates, which come
// last.
bool read_other(const BoxView& entry, mp4::TrackConfig& config) {
  constexpr std::size_t kBitRateBox = 20;
  if (!mp4::find_codec(config.format, 0)) return false;
  Fields fields(entry.body);
  fields.skip(8);  // SampleEntry
  Bytes rest = fields.rest();
  if (rest.size() >= kBitRateBox) {
    Bytes last = rest.last(kBitRateBox);
    const auto box = next_box(last);
    if (box && box->type == "btrt"_4cc) rest = rest.first(rest.size() - kBitRateBox);
  }
  config.codec_config = copy(rest);
  return !fields.exhausted();
}

}  // namespace

bool read_sample_entry(const BoxView& entry, mp4::TrackConfig& config) {
  config.format = entry.type;
  switch (config.kind) {
    case mp4::TrackKind::kVideo:
      return read_visual(entry, config);
    case mp4::TrackKind::kAudio:
      return read_audio(entry, config);
    case mp4::TrackKind::kMetadata:
    case mp4::TrackKind::kText:
      return read_other(entry, config);
  }
  return false;
}

}  // namespace finalize
