// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sample entries of video and sound, and the small boxes in them.
#include <algorithm>

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

// 12.2.3 AudioSampleEntry; the first field is QuickTime's version, zero here.
size_t read_audio_fields(BoxCursor& cursor, SampleEntry& entry) {
  const uint16_t version = cursor.u16();
  if (version != 0) cursor.problem(text("QuickTime sound version %u", version));
  cursor.zeros(6, "reserved");
  entry.channels = cursor.u16();
  if (entry.channels == 0) cursor.problem("channelcount is 0");
  cursor.expect("samplesize", cursor.u16(), 16);
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
    if (type == "avcC") read_avcc(reading, child);
    if (type == "hvcC") read_hvcc(reading, child);
    if (type == "esds") read_esds(reading, child, entry);
    const bool whole =
        type == "avcC" || type == "hvcC" || type == "av1C" || type == "vpcC" || type == "dOps";
    if (whole) entry.config.assign(child.payload().begin(), child.payload().end());
    if ((whole || type == "esds") && ++configurations > 1) {
      reading.problems.at(child, "is a second decoder configuration");
    }
    if (!whole && !is_known(type)) {
      reading.problems.at(child, "unknown in sample entry " + printable(box.type));
    }
  }
}

void check_configuration(Reading& reading, const Box& box) {
  struct Wanted {
    const char* format;
    const char* configuration;
  };
  constexpr Wanted kWanted[] = {{"avc1", "avcC"}, {"avc3", "avcC"}, {"hvc1", "hvcC"},
                                {"hev1", "hvcC"}, {"mp4a", "esds"}, {"mp4v", "esds"},
                                {"av01", "av1C"}, {"vp09", "vpcC"}, {"Opus", "dOps"}};
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
    BoxCursor cursor(box, reading.problems, prefix);
    cursor.zeros(6, "reserved");
    const uint16_t reference = cursor.u16();
    const uint32_t references = reading.facts.back().data_reference_count;
    if (reference == 0 || reference > references) {
      cursor.problem(text("data_reference_index %u of %u", reference, references));
    }
    if (visual) read_visual_fields(cursor, entry);
    if (audio) prefix += read_audio_fields(cursor, entry);
  }
  if (!visual && !audio) return entry;
  reading.tree.split(box, prefix);
  read_children(reading, box, entry);
  check_configuration(reading, box);
  return entry;
}

}  // namespace boxes
