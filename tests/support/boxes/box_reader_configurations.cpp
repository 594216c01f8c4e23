// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Decoder configurations: avcC, hvcC, and the descriptors of esds.
#include "movie_reading.h"

namespace boxes {
namespace {

constexpr uint8_t kAvcSps = 7;
constexpr uint8_t kAvcPps = 8;
constexpr uint8_t kAvcSpsExtension = 13;

// `count` NAL units of `nal_type`, each after its 16-bit length. Answers the first one.
std::vector<uint8_t> read_avc_sets(BoxCursor& cursor, int count, uint8_t nal_type) {
  std::vector<uint8_t> first;
  for (int i = 0; i < count; i++) {
    const uint16_t length = cursor.u16();
    if (length > cursor.left()) {
      cursor.problem(text("parameter set of %u bytes, %zu are left", length, cursor.left()));
      cursor.abandon();
      return first;
    }
    std::vector<uint8_t> nal = cursor.bytes(length);
    if (nal.empty() || (nal[0] & 0x9f) != nal_type) {
      cursor.problem(text("parameter set %d is not a NAL unit of type %u", i + 1, nal_type));
    }
    if (i == 0) first = std::move(nal);
  }
  return first;
}

// Whose records end with the chroma format: 2010's edition names four, later ones all but three, so
// that for some profiles both are right.
bool must_have_high_fields(uint8_t profile) {
  return profile == 100 || profile == 110 || profile == 122 || profile == 144;
}

bool may_have_high_fields(uint8_t profile) {
  return profile != 66 && profile != 77 && profile != 88;
}

void read_avc_high_fields(BoxCursor& cursor) {
  if (cursor.left() == 0)
    return cursor.problem("high profile without chroma_format and bit depths");
  if ((cursor.u8() & 0xfc) != 0xfc) cursor.problem("reserved bits before chroma_format");
  if ((cursor.u8() & 0xf8) != 0xf8) cursor.problem("reserved bits before bit_depth_luma");
  if ((cursor.u8() & 0xf8) != 0xf8) cursor.problem("reserved bits before bit_depth_chroma");
  read_avc_sets(cursor, cursor.u8(), kAvcSpsExtension);
}

// One descriptor header of 14496-1 8.3.3: tag, then a length of 1 to 4 bytes of seven bits.
// Answers the body's length; a wrong tag or a length beyond the parent is a problem.
size_t read_descriptor(BoxCursor& cursor, uint8_t wanted_tag) {
  const uint8_t tag = cursor.u8();
  if (tag != wanted_tag) cursor.problem(text("descriptor tag %u, not %u", tag, wanted_tag));
  uint32_t length = 0;
  int bytes = 0;
  uint8_t byte = 0x80;
  while ((byte & 0x80) && bytes < 4) {
    byte = cursor.u8();
    length = length << 7 | (byte & 0x7f);
    bytes++;
  }
  if (byte & 0x80) cursor.problem("descriptor length of more than 4 bytes");
  if (length > cursor.left()) {
    cursor.problem(text("descriptor %u of %u bytes, %zu are left", tag, length, cursor.left()));
  }
  return length;
}

// 14496-1 7.2.6.6 DecoderConfigDescriptor with its DecoderSpecificInfo
void read_decoder_config(BoxCursor& cursor, SampleEntry& entry) {
  BoxCursor body = cursor.nested(read_descriptor(cursor, 4));
  entry.object_type = body.u8();
  const uint8_t stream = body.u8();
  entry.stream_type = stream >> 2;
  if ((stream & 1) == 0) body.problem("reserved bit after upStream is not 1");
  entry.buffer_size = body.u24();
  entry.max_bitrate = body.u32();
  entry.avg_bitrate = body.u32();
  if (body.left() == 0) return;
  BoxCursor specific = body.nested(read_descriptor(body, 5));
  entry.config = specific.rest();
}

// 14496-3 1.6.2.1, only as far as plain AAC LC says its rate by index.
void check_audio_config(BoxCursor& cursor, const SampleEntry& entry) {
  constexpr uint32_t kRates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                 22050, 16000, 12000, 11025, 8000,  7350};
  if (entry.object_type != 0x40) return;
  if (entry.stream_type != 5) cursor.problem("streamType is not audio");
  if (entry.config.size() < 2) return cursor.problem("AudioSpecificConfig is less than 2 bytes");
  const int object = entry.config[0] >> 3;
  const size_t index = (entry.config[0] & 7u) << 1 | entry.config[1] >> 7;
  if (object != 2 || index >= std::size(kRates) || kRates[index] > UINT16_MAX) return;
  if (kRates[index] != entry.sample_rate) {
    cursor.problem(text("AudioSpecificConfig says %u Hz, the sample entry %u", kRates[index],
                        entry.sample_rate));
  }
}

}  // namespace

// 14496-15 5.3.3.1.2 AVCDecoderConfigurationRecord
void read_avcc(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  cursor.expect("configurationVersion", cursor.u8(), 1);
  const std::vector<uint8_t> profile = cursor.bytes(3);
  const uint8_t lengths = cursor.u8();
  if ((lengths & 0xfc) != 0xfc) cursor.problem("reserved bits before lengthSizeMinusOne");
  if ((lengths & 3) == 2) cursor.problem("lengthSizeMinusOne is 2");
  const uint8_t sps_count = cursor.u8();
  if ((sps_count & 0xe0) != 0xe0) cursor.problem("reserved bits before the SPS count");
  // The parameter sets of an 'avc3' may all be in its samples (5.3.3.1.1).
  const bool needs_sets = box.path.find("/avc3") == std::string::npos;
  if (needs_sets && (sps_count & 0x1f) == 0) cursor.problem("has no SPS");
  const std::vector<uint8_t> sps = read_avc_sets(cursor, sps_count & 0x1f, kAvcSps);
  if (sps.size() >= 4 && !std::equal(profile.begin(), profile.end(), sps.begin() + 1)) {
    cursor.problem("profile and level are not those of the SPS");
  }
  if (!cursor.is_known()) return;
  const uint8_t pps_count = cursor.u8();
  if (needs_sets && pps_count == 0) cursor.problem("has no PPS");
  read_avc_sets(cursor, pps_count, kAvcPps);
  if (!cursor.is_known() || profile.empty() || !may_have_high_fields(profile[0])) return;
  if (cursor.left() == 0 && !must_have_high_fields(profile[0])) return;
  read_avc_high_fields(cursor);
}

// 14496-15 8.3.3.1.2 HEVCDecoderConfigurationRecord
void read_hvcc(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  cursor.expect("configurationVersion", cursor.u8(), 1);
  cursor.bytes(20);  // profile, level, parallelism, chroma, depths, frame rate
  if ((cursor.u8() & 3) == 2) cursor.problem("lengthSizeMinusOne is 2");
  const int arrays = cursor.u8();
  for (int i = 0; i < arrays && cursor.left() > 0; i++) {
    const uint8_t type = cursor.u8() & 0x3f;
    const int count = cursor.u16();
    for (int j = 0; j < count && cursor.left() > 0; j++) {
      const std::vector<uint8_t> nal = cursor.bytes(cursor.u16());
      if (nal.empty() || (nal[0] >> 1 & 0x3f) != type) {
        cursor.problem(text("array %d holds a NAL unit that is not of type %u", i + 1, type));
      }
    }
  }
}

// VP Codec ISO Media File Format Binding, VPCodecConfigurationBox
void read_vpcc(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  cursor.full_header(1);
  if (!cursor.is_known()) return;
  if (cursor.u8() > 3) cursor.problem("profile over 3");
  cursor.u8();  // level
  const uint8_t format = cursor.u8();
  const int depth = format >> 4;
  if (depth != 8 && depth != 10 && depth != 12) cursor.problem(text("bitDepth is %d", depth));
  if ((format >> 1 & 7) > 3) cursor.problem("chromaSubsampling is reserved");
  cursor.bytes(3);  // colour
  cursor.expect("codecInitializationDataSize", cursor.u16(), 0);
}

// AV1 Codec ISO Media File Format Binding, 2.3.3
void read_av1c(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  cursor.expect("marker and version", cursor.u8(), 0x81);
  cursor.bytes(2);
  if (cursor.u8() & 0xe0) cursor.problem("reserved bits are not zero");
  if (cursor.left() > 0) cursor.expect("first OBU: sequence header with size", cursor.u8(), 0x0a);
  cursor.rest();
}

// Encapsulation of Opus in ISO Base Media File Format, 4.3.2
void read_dops(Reading& reading, const Box& box, const SampleEntry& entry) {
  BoxCursor cursor(box, reading.problems);
  cursor.expect("Version", cursor.u8(), 0);
  cursor.expect("OutputChannelCount", cursor.u8(), entry.channels);
  cursor.bytes(8);  // PreSkip, InputSampleRate, OutputGain
  if (cursor.u8() == 0) return;
  cursor.bytes(2 + entry.channels);
}

// Encapsulation of FLAC in ISO Base Media File Format, 3.3.2
void read_dfla(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  cursor.full_header(0);
  if (!cursor.is_known()) return;
  cursor.expect("last block, STREAMINFO", cursor.u8(), 0x80);
  cursor.expect("Length", cursor.u24(), 34);
  cursor.bytes(34);
}

// 14496-14 5.6 ESDBox; 14496-1 7.2.6.5 ES_Descriptor
void read_esds(Reading& reading, const Box& box, SampleEntry& entry) {
  entry.has_esds = true;
  BoxCursor cursor(box, reading.problems);
  cursor.full_header(0);
  if (!cursor.is_known()) return;
  {
    BoxCursor es = cursor.nested(read_descriptor(cursor, 3));
    const uint16_t id = es.u16();
    if (id != 0) es.problem(text("ES_ID %u is not 0", id));
    if (es.u8() & 0xe0) es.problem("ES_Descriptor has flags that files do not use");
    read_decoder_config(es, entry);
    BoxCursor sl = es.nested(read_descriptor(es, 6));
    sl.expect("SLConfigDescriptor predefined", sl.u8(), 2);
  }
  check_audio_config(cursor, entry);
}

}  // namespace boxes
