// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_entry_view.h"

#include <algorithm>

#include "mp4/aac.h"
#include "mp4/narrow.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using Bytes = std::span<const uint8_t>;

// ISO/IEC 14496-1, table 1
constexpr uint8_t kEsDescriptorTag = 0x03;
constexpr uint8_t kDecoderConfigDescriptorTag = 0x04;
constexpr uint8_t kDecoderSpecificInfoTag = 0x05;
constexpr int16_t kAacRollDistance = -1;

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

bool read_visual(const BoxView& entry, mp4::TrackConfig& config) {  // 12.1.3.2
  const mp4::NalCodec codec = nal_codec_of(config.format);
  if (codec == mp4::NalCodec::kNone) return false;
  Fields fields(entry.body);
  fields.skip(24);  // SampleEntry, pre_defined, reserved
  config.video.width = fields.u16();
  config.video.height = fields.u16();
  fields.skip(50);  // resolution, reserved, frame_count, compressorname, depth, pre_defined
  const Bytes boxes = fields.rest();
  read_pasp(find_box(boxes, "pasp"_4cc).body, config.video);
  read_colr(find_box(boxes, "colr"_4cc).body, config.video);
  const bool hevc = codec == mp4::NalCodec::kHevc;
  config.codec_config = copy(find_box(boxes, hevc ? "hvcC"_4cc : "avcC"_4cc).body);
  return !config.codec_config.empty();
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

Bytes read_esds(Bytes body) {  // ISO/IEC 14496-14, 5.6
  Fields fields(body);
  fields.skip(4);  // version, flags
  Fields es(next_descriptor(fields, kEsDescriptorTag));
  es.skip(3);  // ES_ID, flags
  Fields decoder(next_descriptor(es, kDecoderConfigDescriptorTag));
  decoder.skip(13);  // object type, stream type, buffer size, bit rates
  return next_descriptor(decoder, kDecoderSpecificInfoTag);
}

bool read_audio(const BoxView& entry, mp4::TrackConfig& config) {  // 12.2.3.2
  Fields fields(entry.body);
  fields.skip(16);  // SampleEntry, reserved
  const uint16_t channels = fields.u16();
  fields.skip(10);  // samplesize, pre_defined, reserved, samplerate
  config.codec_config = copy(read_esds(find_box(fields.rest(), "esds"_4cc).body));
  const auto aac = mp4::parse_audio_specific_config(config.codec_config);
  if (!aac || config.format != "mp4a"_4cc) return false;
  config.audio = {channels, aac->rate, aac->frame_ticks, kAacRollDistance};
  return true;
}

}  // namespace

bool read_sample_entry(const BoxView& entry, mp4::TrackConfig& config) {
  config.format = entry.type;
  return config.kind == mp4::TrackKind::kVideo ? read_visual(entry, config)
                                               : read_audio(entry, config);
}

mp4::NalCodec nal_codec_of(mp4::FourCC format) {
  if (format == "avc1"_4cc || format == "avc3"_4cc) return mp4::NalCodec::kAvc;
  if (format == "hvc1"_4cc || format == "hev1"_4cc) return mp4::NalCodec::kHevc;
  return mp4::NalCodec::kNone;
}

}  // namespace finalize
