// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_entry.h"

#include "narrow.h"

namespace mp4 {
namespace {

constexpr uint32_t kResolution72Dpi = 0x00480000;  // 16.16
constexpr uint16_t kDepthColourNoAlpha = 0x0018;

// ISO/IEC 14496-1, 7.2.2.1 and table 5, 6
constexpr uint8_t kEsDescriptorTag = 0x03;
constexpr uint8_t kDecoderConfigDescriptorTag = 0x04;
constexpr uint8_t kDecoderSpecificInfoTag = 0x05;
constexpr uint8_t kSlConfigDescriptorTag = 0x06;
constexpr uint8_t kObjectTypeAudioMpeg4 = 0x40;
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

// 14496-15, 5.3.3.1 and 8.3.3.1: the decoder configuration record
void write_nal_configuration(BoxWriter& w, const TrackConfig& config) {
  const bool hevc = config.format == "hvc1"_4cc || config.format == "hev1"_4cc;
  Box box(w, hevc ? "hvcC"_4cc : "avcC"_4cc);
  w.raw(config.codec_config);
}

void write_sample_entry_header(BoxWriter& w) {  // 8.5.2.2 SampleEntry
  w.zeros(6);                                   // reserved
  w.u16(1);                                     // data_reference_index
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
  write_nal_configuration(w, config);
  if (config.video.colour) write_colr(w, *config.video.colour);
  write_pasp(w, config.video.aspect);
  write_btrt(w, rates);
}

// 14496-1, 8.3.3: the length in four groups of seven bits, so that its own size is constant.
void write_descriptor_header(BoxWriter& w, uint8_t tag, std::size_t length) {
  w.u8(tag);
  for (int shift = 21; shift > 0; shift -= 7)
    w.u8(static_cast<uint8_t>(0x80 | (length >> shift & 0x7f)));
  w.u8(static_cast<uint8_t>(length & 0x7f));
}

void write_esds(BoxWriter& w, const std::vector<uint8_t>& specific, const BitRates& rates) {
  const std::size_t specific_length = specific.size();  // 14496-14, 5.6
  const std::size_t config_length = 13 + kDescriptorHeader + specific_length;
  const std::size_t sl_length = 1;
  const std::size_t es_length =
      3 + kDescriptorHeader + config_length + kDescriptorHeader + sl_length;
  FullBox box(w, "esds"_4cc, 0, 0);
  write_descriptor_header(w, kEsDescriptorTag, es_length);  // 14496-1, 7.2.6.5
  w.u16(0);                                                 // ES_ID: 0 in a file
  w.u8(0);                                                  // no dependence, URL, OCR; priority 0
  write_descriptor_header(w, kDecoderConfigDescriptorTag, config_length);  // 7.2.6.6
  w.u8(kObjectTypeAudioMpeg4);                                             // objectTypeIndication
  w.u8(kStreamTypeAudio << 2 | 0x01);  // streamType, upStream 0, reserved 1
  w.u24(rates.buffer_size);            // bufferSizeDB
  w.u32(rates.max_bitrate);            // maxBitrate
  w.u32(rates.avg_bitrate);            // avgBitrate
  write_descriptor_header(w, kDecoderSpecificInfoTag, specific_length);  // 7.2.6.7
  w.raw(specific);                                                       // AudioSpecificConfig
  write_descriptor_header(w, kSlConfigDescriptorTag, sl_length);         // 7.2.6.8
  w.u8(0x02);  // predefined: reserved for use in MP4 files
}

void write_audio(BoxWriter& w, const TrackConfig& config, const BitRates& rates) {  // 12.2.3.2
  Box box(w, config.format);
  write_sample_entry_header(w);
  w.zeros(8);                    // reserved
  w.u16(config.audio.channels);  // channelcount
  w.u16(16);                     // samplesize
  w.zeros(4);                    // pre_defined, reserved
  // samplerate, 16.16; a rate that does not fit stands in the decoder configuration alone
  w.u32(fits<uint16_t>(config.audio.rate) ? config.audio.rate << 16 : 0);
  write_esds(w, config.codec_config, rates);
  write_btrt(w, rates);
}

}  // namespace

void write_sample_entry(BoxWriter& writer, const TrackConfig& config, const BitRates& rates) {
  if (config.kind == TrackKind::kVideo)
    write_visual(writer, config, rates);
  else
    write_audio(writer, config, rates);
}

}  // namespace mp4
