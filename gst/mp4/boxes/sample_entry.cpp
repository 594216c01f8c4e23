// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/sample_entry.h"

#include <bit>

#include "mp4/base/narrow.h"
#include "mp4/codecs/codec.h"

namespace mp4 {
namespace {

constexpr uint32_t kFixedOne = 0x00010000;         // 1.0 in 16.16
constexpr uint32_t kResolution72Dpi = 0x00480000;  // 16.16
constexpr uint16_t kDepthColourNoAlpha = 0x0018;

// ISO/IEC 14496-1, 7.2.2.1 and table 5, 6
constexpr uint8_t kEsDescriptorTag = 0x03;
constexpr uint8_t kDecoderConfigDescriptorTag = 0x04;
constexpr uint8_t kDecoderSpecificInfoTag = 0x05;
constexpr uint8_t kSlConfigDescriptorTag = 0x06;
constexpr uint8_t kStreamTypeVisual = 0x04;
constexpr uint8_t kStreamTypeAudio = 0x05;
constexpr std::size_t kDescriptorHeader = 5;  // tag and a length of four bytes

void write_pasp(BoxWriter& w, const PixelAspectRatio& aspect) {  // 12.1.4.2
  Box box(w, "pasp"_4cc);
  w.u32(aspect.horizontal);  // hSpacing
  w.u32(aspect.vertical);    // vSpacing
}

void write_colr(BoxWriter& w, const Colour& colour) {  // 12.1.5.2
  Box box(w, "colr"_4cc);
  w.fourcc("nclx"_4cc);                   // colour_type
  w.u16(colour.primaries);                // colour_primaries
  w.u16(colour.transfer);                 // transfer_characteristics
  w.u16(colour.matrix);                   // matrix_coefficients
  w.u8(colour.full_range ? 0x80 : 0x00);  // full_range_flag, reserved
}

void write_btrt(BoxWriter& w, const BitRates& rates) {  // 8.5.2.2
  if (rates.max_bitrate == 0) return;                   // not known yet
  Box box(w, "btrt"_4cc);
  w.u32(rates.buffer_size);  // bufferSizeDB
  w.u32(rates.max_bitrate);  // maxBitrate
  w.u32(rates.avg_bitrate);  // avgBitrate
}

// QuickTime File Format, 'fiel': which of the interleaved fields is shown first.
void write_fiel(BoxWriter& w, FieldOrder order) {
  constexpr uint8_t kTopFirst = 9, kBottomFirst = 14;
  if (order == FieldOrder::kProgressive) return;
  Box box(w, "fiel"_4cc);
  w.u8(2);                                                          // fields
  w.u8(order == FieldOrder::kTopFirst ? kTopFirst : kBottomFirst);  // detail
}

void write_mdcv(BoxWriter& w, const MasteringDisplay& display) {  // 12.1.7
  Box box(w, "mdcv"_4cc);
  for (const auto& [x, y] : {display.green, display.blue, display.red, display.white})
    w.u16(x), w.u16(y);          // display_primaries_x, _y; white_point_x, _y
  w.u32(display.max_luminance);  // max_display_mastering_luminance
  w.u32(display.min_luminance);  // min_display_mastering_luminance
}

void write_clli(BoxWriter& w, const ContentLight& light) {  // 12.1.6
  Box box(w, "clli"_4cc);
  w.u16(light.max_content);          // max_content_light_level
  w.u16(light.max_picture_average);  // max_pic_average_light_level
}

void write_sample_entry_header(BoxWriter& w) {  // 8.5.2.2 SampleEntry
  w.zeros(6);                                   // reserved
  w.u16(1);                                     // data_reference_index
}

// 14496-1, 8.3.3: the length in four groups of seven bits, so that its own size is constant.
void write_descriptor_header(BoxWriter& w, uint8_t tag, std::size_t length) {
  w.u8(tag);
  for (int shift = 21; shift > 0; shift -= 7)
    w.u8(static_cast<uint8_t>(0x80 | (length >> shift & 0x7f)));
  w.u8(static_cast<uint8_t>(length & 0x7f));
}

// Left out where there is nothing to say.
void write_specific_info(BoxWriter& w, std::span<const uint8_t> specific) {  // 7.2.6.7
  if (specific.empty()) return;
  write_descriptor_header(w, kDecoderSpecificInfoTag, specific.size());
  w.raw(specific);
}

void write_esds(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {  // 14496-14, 5.6
  const std::size_t specific_length = config.codec_config.size();
  const std::size_t config_length =
      13 + (specific_length ? kDescriptorHeader + specific_length : 0);
  const std::size_t sl_length = 1;
  const std::size_t es_length =
      3 + kDescriptorHeader + config_length + kDescriptorHeader + sl_length;
  const uint8_t stream_type =
      config.kind == TrackKind::kVideo ? kStreamTypeVisual : kStreamTypeAudio;
  FullBox box(w, "esds"_4cc, 0, 0);
  write_descriptor_header(w, kEsDescriptorTag, es_length);  // 14496-1, 7.2.6.5
  w.u16(0);                                                 // ES_ID: 0 in a file
  w.u8(0);                                                  // no dependence, URL, OCR; priority 0
  write_descriptor_header(w, kDecoderConfigDescriptorTag, config_length);  // 7.2.6.6
  w.u8(config.object_type);                                                // objectTypeIndication
  w.u8(static_cast<uint8_t>(stream_type << 2 | 0x01));  // streamType, upStream 0, reserved 1
  w.u24(rates.buffer_size);                             // bufferSizeDB
  w.u32(rates.max_bitrate);                             // maxBitrate
  w.u32(rates.avg_bitrate);                             // avgBitrate
  write_specific_info(w, config.codec_config);
  write_descriptor_header(w, kSlConfigDescriptorTag, sl_length);  // 7.2.6.8
  w.u8(0x02);  // predefined: reserved for use in MP4 files
}

// What decoders need, in the box that the codec's binding names for it.
void write_configuration(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {
  const FourCC type = codec_of(config).configuration;
  if (type == "esds"_4cc) return write_esds(w, config, rates);
  if (type == FourCC{}) return;
  Box box(w, type);
  w.raw(config.codec_config);
}

void write_visual(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {  // 12.1.3.2
  Box box(w, config.format);
  write_sample_entry_header(w);
  w.zeros(16);                 // pre_defined, reserved
  w.u16(config.video.width);   // width
  w.u16(config.video.height);  // height
  w.u32(kResolution72Dpi);     // horizresolution
  w.u32(kResolution72Dpi);     // vertresolution
  w.zeros(4);                  // reserved
  w.u16(1);                    // frame_count
  w.zeros(32);                 // compressorname
  w.u16(kDepthColourNoAlpha);  // depth
  w.i16(-1);                   // pre_defined
  write_configuration(w, config, rates);
  if (config.video.colour) write_colr(w, *config.video.colour);
  write_pasp(w, config.video.aspect);
  write_fiel(w, config.video.fields);
  if (config.video.mastering) write_mdcv(w, *config.video.mastering);
  if (config.video.light) write_clli(w, *config.video.light);
  write_btrt(w, rates);
}

// Core Audio File specification, "Channel Layout": without it readers guess.
void write_chan(BoxWriter& w, uint32_t layout) {
  constexpr uint32_t kByBitmap = 1 << 16;
  if (layout == 0) return;
  FullBox box(w, "chan"_4cc, 0, 0);
  w.u32(kByBitmap);  // mChannelLayoutTag
  w.u32(layout);     // mChannelBitmap
  w.u32(0);          // mNumberChannelDescriptions
}

// PCM has no configuration that could say a rate of more than 16 bits, and GStreamer opens none
// without. G.711 is never that fast.
bool is_fast_pcm(const TrackConfig& config) {
  return codec_of(config).pcm_bytes > 1 && !fits<uint16_t>(config.audio.rate);
}

// QuickTime File Format, "Sound Sample Description (Version 2)", with the flags of 'lpcm'.
void write_lpcm(BoxWriter& w, const AudioDescription& audio, FourCC format) {
  constexpr uint32_t kFloat = 1, kBigEndian = 2, kSigned = 4, kPacked = 8;
  const bool is_float = format == "fl32"_4cc || format == "fl64"_4cc;
  const uint32_t order = format == "sowt"_4cc ? 0 : kBigEndian;
  w.u16(2);                                                // version
  w.zeros(6);                                              // revision level, vendor
  w.u16(3), w.u16(16), w.i16(-2), w.u16(0);                // as they always are
  w.u32(kFixedOne);                                        // the same
  w.u32(72);                                               // sizeOfStructOnly
  w.u64(std::bit_cast<uint64_t>(double(audio.rate)));      // audioSampleRate
  w.u32(audio.channels);                                   // numAudioChannels
  w.u32(0x7f000000);                                       // as it always is
  w.u32(audio.bits);                                       // constBitsPerChannel
  w.u32(kPacked | order | (is_float ? kFloat : kSigned));  // formatSpecificFlags
  w.u32(uint32_t{audio.channels} * audio.bits / 8);        // constBytesPerAudioPacket
  w.u32(1);                                                // constLPCMFramesPerAudioPacket
}

// In whole Hz. A rate that does not fit stands in the decoder configuration alone; beside that of
// FLAC, its greatest regular division (Encapsulation of FLAC in ISO Base Media File Format, 3.3.1).
uint32_t entry_rate(const TrackConfig& config) {
  const uint32_t rate = config.audio.rate;
  if (fits<uint16_t>(rate)) return rate;
  if (config.format != "fLaC"_4cc) return 0;
  uint32_t half = rate;  // and half of it again: 48 kHz for 192 kHz
  while (!fits<uint16_t>(half) && half % 2 == 0) half /= 2;
  return fits<uint16_t>(half) ? half : 0;
}

void write_audio_fields(BoxWriter& w, const TrackConfig& config) {  // 12.2.3.2
  if (is_fast_pcm(config)) return write_lpcm(w, config.audio, config.format);
  w.zeros(8);                       // reserved
  w.u16(config.audio.channels);     // channelcount
  w.u16(config.audio.bits);         // samplesize
  w.zeros(4);                       // pre_defined, reserved
  w.u32(entry_rate(config) << 16);  // samplerate, 16.16
}

void write_audio(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {
  Box box(w, is_fast_pcm(config) ? "lpcm"_4cc : config.format);
  write_sample_entry_header(w);
  write_audio_fields(w, config);
  write_configuration(w, config, rates);
  write_chan(w, config.audio.layout);
  write_btrt(w, rates);
}

// Metadata (12.3.3.2) and timed text (3GPP TS 26.245, 5.16).
void write_other(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {
  Box box(w, config.format);
  write_sample_entry_header(w);
  w.raw(config.codec_config);
  write_btrt(w, rates);
}

}  // namespace

void write_sample_entry(BoxWriter& writer, const TrackConfig& config, const BitRates& rates) {
  switch (config.kind) {
    case TrackKind::kVideo:
      return write_visual(writer, config, rates);
    case TrackKind::kAudio:
      return write_audio(writer, config, rates);
    case TrackKind::kMetadata:
    case TrackKind::kText:
      return write_other(writer, config, rates);
  }
}

}  // namespace mp4
