// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sample entries of video and sound, and the small boxes in them.
#include <algorithm>
#include <bit>

#include "movie_reading.h"

namespace boxes {
namespace {

constexpr size_t kEntryFields = 8;
constexpr size_t kVisualFields = kEntryFields + 70;
constexpr size_t kAudioFields = kEntryFields + 20;
constexpr size_t kQuickTimeSound1 = 16;
constexpr size_t kQuickTimeSound2 = 36;

// 12.1.3 VisualSampleEntry
void read_visual_fields(BoxCursor& cursor, SampleEntry& entry) {
  cursor.zeros(2 + 2 + 12, "pre_defined");
  entry.width = cursor.u16();
  entry.height = cursor.u16();
  if (entry.width == 0 || entry.height == 0) cursor.problem("width or height is 0");
  cursor.expect("horizresolution", cursor.u32(), 0x00480000);
  cursor.expect("vertresolution", cursor.u32(), 0x00480000);
  cursor.zeros(4, "reserved");
  cursor.expect("frame_count", cursor.u16(), 1);
  if (cursor.u8() > 31) cursor.problem("compressorname is longer than 31 bytes");
  cursor.bytes(31);
  cursor.expect("depth", cursor.u16(), 0x0018);
  cursor.expect("pre_defined", cursor.u16(), 0xffff);
}

// 16 in all that is decoded; of PCM and lossless sound, the truth.
bool may_have_bits(const std::string& format, uint16_t bits) {
  if (format == "in24") return bits == 24;
  if (format == "in32" || format == "fl32") return bits == 32;
  if (format == "fl64") return bits == 64;
  if (format == "fLaC" || format == "alac") return bits >= 4 && bits <= 32;
  return bits == 16;
}

// QuickTime File Format, "Sound Sample Description (Version 2)", of PCM whose rate needs it.
void read_lpcm(BoxCursor& cursor, SampleEntry& entry) {
  for (const unsigned always : {3u, 16u, 0xfffeu, 0u})
    cursor.expect("always", cursor.u16(), always);
  cursor.expect("always", cursor.u32(), 0x00010000);
  cursor.expect("sizeOfStructOnly", cursor.u32(), 72);
  const auto rate = std::bit_cast<double>(cursor.u64());
  const bool needs_it = rate > 65'535 && rate < 1e7;
  if (!needs_it) cursor.problem("a rate that is not for version 2");
  entry.sample_rate = needs_it ? static_cast<uint32_t>(rate) : 0;
  entry.channels = static_cast<uint16_t>(cursor.u32());
  cursor.expect("always", cursor.u32(), 0x7f000000);
  entry.sample_bits = static_cast<uint16_t>(cursor.u32());
  entry.lpcm_flags = cursor.u32();
  const uint32_t bits = entry.sample_bits;
  if (!(entry.lpcm_flags & 1) == !(entry.lpcm_flags & 4))
    cursor.problem("float and signed, or none");
  if (!(entry.lpcm_flags & 8)) cursor.problem("not packed");
  if (bits % 8 != 0 || bits < 16 || bits > 64)
    cursor.problem(text("constBitsPerChannel is %u", bits));
  cursor.expect("constBytesPerAudioPacket", cursor.u32(), entry.channels * bits / 8);
  cursor.expect("constLPCMFramesPerAudioPacket", cursor.u32(), 1);
}

bool is_lpcm(const Box& box) {
  const auto payload = box.payload();
  return box.type == "lpcm" && payload.size() > kEntryFields + 1 && payload[kEntryFields + 1] == 2;
}

// 12.2.3 AudioSampleEntry; the first field is QuickTime's version, zero but for 'lpcm'.
size_t read_audio_fields(BoxCursor& cursor, const Box& box, SampleEntry& entry) {
  const uint16_t version = cursor.u16();
  if (version != 0 && !is_lpcm(box)) cursor.problem(text("QuickTime sound version %u", version));
  cursor.zeros(6, "reserved");
  if (is_lpcm(box)) {
    read_lpcm(cursor, entry);
    return kQuickTimeSound2;
  }
  entry.channels = cursor.u16();
  if (entry.channels == 0) cursor.problem("channelcount is 0");
  entry.sample_bits = cursor.u16();
  if (!may_have_bits(entry.format, entry.sample_bits))
    cursor.problem(text("samplesize is %u", entry.sample_bits));
  cursor.zeros(4, "pre_defined and reserved");
  entry.sample_rate = cursor.u32() >> 16;
  return version == 1 ? kQuickTimeSound1 : version == 2 ? kQuickTimeSound2 : 0;
}

// 12.1.4.2 PixelAspectRatioBox
void read_pasp(Reading& reading, const Box& box, SampleEntry& entry) {
  BoxCursor cursor(box, reading.problems);
  PixelAspectRatio pasp;
  pasp.h = cursor.u32();
  pasp.v = cursor.u32();
  if (pasp.h == 0 || pasp.v == 0) cursor.problem("spacing is 0");
  entry.pasp = pasp;
}

// 12.1.5 ColourInformationBox; an ICC profile is passed over.
void read_colr(Reading& reading, const Box& box, SampleEntry& entry) {
  BoxCursor cursor(box, reading.problems);
  const std::string type = cursor.fourcc();
  if (type == "rICC" || type == "prof") {
    cursor.rest();
    return;
  }
  if (type == "nclc") cursor.problem("type nclc is QuickTime's");
  if (type != "nclx" && type != "nclc") cursor.problem("unknown type " + printable(type));
  Colour colr;
  colr.primaries = cursor.u16();
  colr.transfer = cursor.u16();
  colr.matrix = cursor.u16();
  if (type == "nclx") {
    const uint8_t range = cursor.u8();
    colr.full_range = range & 0x80;
    if (range & 0x7f) cursor.problem("reserved bits are not zero");
  }
  entry.colr = colr;
}

// 8.5.2.2 BitRateBox
void read_btrt(Reading& reading, const Box& box, SampleEntry& entry) {
  BoxCursor cursor(box, reading.problems);
  BitRate btrt;
  btrt.buffer_size = cursor.u32();
  btrt.max = cursor.u32();
  btrt.avg = cursor.u32();
  if (btrt.max < btrt.avg) cursor.problem("maxBitrate is less than avgBitrate");
  entry.btrt = btrt;
}

// A box that has that many bytes.
void read_whole(Reading& reading, const Box& box, size_t size, std::vector<uint8_t>& payload) {
  BoxCursor cursor(box, reading.problems);
  payload = cursor.bytes(size);
}

bool is_configuration(const std::string& type) {
  constexpr const char* kConfigurations[] = {"avcC", "hvcC", "vvcC", "av1C", "vpcC",
                                             "dOps", "dfLa", "dac3", "dec3", "alac"};
  return std::find(std::begin(kConfigurations), std::end(kConfigurations), type) !=
         std::end(kConfigurations);
}

bool is_known(const std::string& type) {
  constexpr const char* kKnown[] = {"pasp", "colr", "btrt", "esds", "clap", "fiel", "chrm", "chan",
                                    "srat", "mdcv", "clli", "sinf", "free", "skip", "uuid"};
  return std::find(std::begin(kKnown), std::end(kKnown), type) != std::end(kKnown);
}

void read_children(Reading& reading, const Box& box, SampleEntry& entry) {
  int configurations = 0;
  for (const Box& child : box.children) {
    const std::string& type = child.type;
    if (type == "pasp") read_pasp(reading, child, entry);
    if (type == "colr") read_colr(reading, child, entry);
    if (type == "btrt") read_btrt(reading, child, entry);
    if (type == "mdcv") read_whole(reading, child, 24, entry.mdcv);
    if (type == "clli") read_whole(reading, child, 4, entry.clli);
    if (type == "fiel") read_whole(reading, child, 2, entry.fiel);
    if (type == "chan") read_whole(reading, child, 16, entry.chan);
    if (type == "avcC") read_avcc(reading, child);
    if (type == "hvcC") read_hvcc(reading, child);
    if (type == "esds") read_esds(reading, child, entry);
    if (type == "vpcC") read_vpcc(reading, child);
    if (type == "av1C") read_av1c(reading, child);
    if (type == "dOps") read_dops(reading, child, entry);
    if (type == "dfLa") read_dfla(reading, child);
    if (type == "dac3") read_whole(reading, child, 3, entry.config);
    const bool whole = is_configuration(type);
    if (whole) entry.config.assign(child.payload().begin(), child.payload().end());
    if ((whole || type == "esds") && ++configurations > 1) {
      reading.problems.at(child, "is a second decoder configuration");
    }
    if (!whole && !is_known(type)) {
      reading.problems.at(child, "unknown in sample entry " + printable(box.type));
    }
  }
}

// Metadata and text: all but the bit rates, which come last.
void read_other_fields(Reading& reading, const Box& box, SampleEntry& entry) {
  constexpr size_t kBitRateBox = 20;
  std::vector<uint8_t> fields(box.payload().begin() + kEntryFields, box.payload().end());
  if (fields.size() >= kBitRateBox &&
      std::equal(fields.end() - 16, fields.end() - 12, std::begin({'b', 't', 'r', 't'})))
    fields.resize(fields.size() - kBitRateBox);
  const auto strings = std::count(fields.begin(), fields.end(), 0);
  if (box.type == "metx" && strings != 3) reading.problems.at(box, "does not say three strings");
  entry.config = std::move(fields);
}

void check_configuration(Reading& reading, const Box& box) {
  struct Wanted {
    const char* format;
    const char* configuration;
  };
  constexpr Wanted kWanted[] = {
      {"avc1", "avcC"}, {"avc3", "avcC"}, {"hvc1", "hvcC"}, {"hev1", "hvcC"},
      {"mp4a", "esds"}, {"mp4v", "esds"}, {"av01", "av1C"}, {"vp08", "vpcC"},
      {"vp09", "vpcC"}, {"vvc1", "vvcC"}, {"vvi1", "vvcC"}, {"Opus", "dOps"},
      {"fLaC", "dfLa"}, {"ac-3", "dac3"}, {"ec-3", "dec3"}, {"alac", "alac"}};
  for (const Wanted& wanted : kWanted) {
    if (box.type == wanted.format && !box.child(wanted.configuration)) {
      reading.problems.at(box, "has no " + std::string(wanted.configuration));
    }
  }
}

}  // namespace

SampleEntry read_sample_entry(Reading& reading, Box& box, const std::string& handler) {
  SampleEntry entry;
  entry.format = box.type;
  const bool visual = handler == "vide";
  const bool audio = handler == "soun";
  size_t prefix = visual ? kVisualFields : audio ? kAudioFields : kEntryFields;
  {
    BoxCursor cursor(box, reading.problems,
                     prefix + (audio && is_lpcm(box) ? kQuickTimeSound2 : 0));
    cursor.zeros(6, "reserved");
    const uint16_t reference = cursor.u16();
    const uint32_t references = reading.facts.back().data_reference_count;
    if (reference == 0 || reference > references) {
      cursor.problem(text("data_reference_index %u of %u", reference, references));
    }
    if (visual) read_visual_fields(cursor, entry);
    if (audio) prefix += read_audio_fields(cursor, box, entry);
  }
  if (!visual && !audio) {
    if (box.payload().size() > kEntryFields) read_other_fields(reading, box, entry);
    return entry;
  }
  reading.tree.split(box, prefix);
  read_children(reading, box, entry);
  check_configuration(reading, box);
  return entry;
}

}  // namespace boxes
