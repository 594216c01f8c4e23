// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parsers of pictures that are no H.264 or H.265: VP8, VP9, JPEG and H.266.
// AV1 and MPEG-4 Visual have their own.
#include <cstdint>
#include <vector>

#include "bit_writer.h"
#include "mp4/codecs/vvc.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include "codec_samples.h"
// clang-format on

namespace {

using namespace mp4::literals;
using mp4_test::BitWriter;
using mp4_test::CodecName;
using mp4_test::config_of;
using mp4_test::look_sanely;
using Bytes = std::vector<uint8_t>;

constexpr CodecName kVp8{"vp08"_4cc}, kVp9{"vp09"_4cc};
constexpr CodecName kJpeg{"mp4v"_4cc, mp4::kObjectTypeJpeg};
constexpr CodecName kVvc{"vvc1"_4cc};

mp4::AccessUnit look_at(const CodecName& codec, const Bytes& sample) {
  auto config = config_of(codec);
  return look_sanely(sample, config);
}

template <typename... Parts>
Bytes joined(const Parts&... parts) {
  Bytes bytes;
  (bytes.insert(bytes.end(), parts.begin(), parts.end()), ...);
  return bytes;
}

void expect_size(const mp4::TrackConfig& config, int width, int height) {
  fail_unless_equals_int(config.video.width, width);
  fail_unless_equals_int(config.video.height, height);
}

// RFC 6386, 9.1: shown, the first partition has 100 bytes; scales stand above the sizes
Bytes vp8_key_frame(uint16_t width, uint16_t height, unsigned version = 0) {
  const auto low = [](uint16_t value) { return static_cast<uint8_t>(value & 0xff); };
  const auto high = [](uint16_t value) { return static_cast<uint8_t>(value >> 8); };
  return {static_cast<uint8_t>(version << 1 | 0x10),
          0x0c,
          0,
          0x9d,
          0x01,
          0x2a,
          low(width),
          high(width),
          low(height),
          high(height),
          0,
          0};
}

struct Vp9 {
  unsigned profile = 0, color_space = 0, range = 0;
  unsigned deep = 0;                              // profiles 2 and 3: 12 bits
  unsigned subsampling_x = 0, subsampling_y = 0;  // profiles 1 and 3
  uint32_t width = 640, height = 480;
};

Bytes vp9_key_frame(const Vp9& frame) {  // 6.2
  constexpr unsigned kSrgb = 7;
  const bool says_subsampling = frame.profile % 2 == 1;
  BitWriter w;
  w.bits(2, 2).bits(frame.profile & 1, 1).bits(frame.profile >> 1, 1);
  if (frame.profile == 3) w.bits(0, 1);
  w.bits(0, 1).bits(0, 1).bits(1, 1).bits(0, 1).bits(0x498342, 24);
  if (frame.profile >= 2) w.bits(frame.deep, 1);
  w.bits(frame.color_space, 3);
  if (frame.color_space != kSrgb) {
    w.bits(frame.range, 1);
    if (says_subsampling) w.bits(frame.subsampling_x, 1).bits(frame.subsampling_y, 1).bits(0, 1);
  } else if (says_subsampling) {
    w.bits(0, 1);
  }
  w.bits(frame.width - 1, 16).bits(frame.height - 1, 16).bits(0, 1);
  Bytes bytes = w.bytes();
  bytes.resize(bytes.size() + 10);
  return bytes;
}

Bytes vpcc_of(const CodecName& codec, const Bytes& sample) {
  auto config = config_of(codec);
  look_sanely(sample, config);
  return config.codec_config;
}

// T.81, B.1.1.4: marker and what belongs to it
Bytes segment(uint8_t marker, const Bytes& content) {
  const Bytes begin{0xff, marker, 0, static_cast<uint8_t>(content.size() + 2)};
  return joined(begin, content);
}
const Bytes kStart{0xff, 0xd8};
const Bytes kFrameHeader = segment(0xc0, {8, 0x01, 0xe0, 0x02, 0x80, 1, 1, 0x11, 0});
const Bytes kScan = joined(segment(0xda, {1, 1, 0, 0, 63, 0}), Bytes{1, 2, 3, 0xff, 0xd9});

// The box: version and flags, then a record of which only LengthSizeMinusOne is looked at.
mp4::TrackConfig vvc_config(unsigned length_size) {
  auto config = config_of(kVvc);
  config.codec_config = {0, 0, 0, 0, static_cast<uint8_t>(0xf8 | (length_size - 1) << 1), 0};
  return config;
}

Bytes vvc_nal(unsigned type, size_t size = 6) {
  Bytes nal{0, static_cast<uint8_t>(type << 3 | 1)};
  nal.resize(size, 0x55);
  return nal;
}

constexpr unsigned kDelimiter = 20, kSequence = 15, kPicture = 16, kPictureHeader = 19;

}  // namespace

GST_START_TEST(vp8_key_frames_describe_the_track) {
  auto config = config_of(kVp8);
  const auto unit = look_sanely(vp8_key_frame(640, 480, 1), config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  expect_size(config, 640, 480);
  fail_unless(config.codec_config == Bytes({1, 0, 0, 0, 1, 30, 0x82, 2, 2, 2, 0, 0}));
  fail_unless(look_sanely(vp8_key_frame(320, 240, 1), config).described_anew);
  look_sanely(vp8_key_frame(0x4000 | 176, 0xc000 | 144), config);  // scaled when shown
  expect_size(config, 176, 144);
}
GST_END_TEST;

GST_START_TEST(other_vp8_frames_describe_nothing) {
  Bytes between = vp8_key_frame(640, 480);
  between[0] |= 1;
  Bytes damaged = vp8_key_frame(640, 480);
  damaged[3] = 0;
  for (const Bytes& sample : {between, damaged, vp8_key_frame(0, 480), Bytes{0x10}}) {
    const auto unit = look_at(kVp8, sample);
    fail_unless(unit.has_media && !unit.described_anew);
  }
  fail_if(look_at(kVp8, between).access.sync || look_at(kVp8, damaged).access.sync);
  fail_if(look_at(kVp8, {}).has_media);
}
GST_END_TEST;

GST_START_TEST(vp9_key_frames_describe_the_track) {
  auto config = config_of(kVp9);
  const auto unit = look_sanely(vp9_key_frame({.width = 1920, .height = 1080}), config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  expect_size(config, 1920, 1080);
  fail_if(config.video.colour.has_value());
  fail_unless(config.codec_config == Bytes({1, 0, 0, 0, 0, 40, 0x82, 2, 2, 2, 0, 0}));
}
GST_END_TEST;

GST_START_TEST(vp9_profiles_say_depth_and_subsampling) {
  struct {
    Vp9 frame;
    uint8_t format;
  } const kFormats[] = {{{.profile = 0}, 0x82},
                        {{.profile = 1}, 0x86},
                        {{.profile = 1, .subsampling_x = 1}, 0x84},
                        {{.profile = 1, .subsampling_y = 1}, 0x84},
                        {{.profile = 2}, 0xa2},
                        {{.profile = 2, .deep = 1}, 0xc2},
                        {{.profile = 3}, 0xa6},
                        {{.profile = 3, .deep = 1, .subsampling_x = 1}, 0xc4},
                        {{.profile = 0, .range = 1}, 0x83},
                        {{.profile = 1, .color_space = 7}, 0x87}};
  for (const auto& [frame, format] : kFormats) {
    const Bytes box = vpcc_of(kVp9, vp9_key_frame(frame));
    fail_unless_equals_int(box.size(), 12);
    fail_unless_equals_int(box[4], frame.profile);
    fail_unless_equals_int(box[6], format);
  }
}
GST_END_TEST;

GST_START_TEST(vp9_colours) {
  constexpr mp4::Colour kColours[] = {{2, 2, 2}, {6, 6, 6},  {1, 1, 1}, {6, 6, 6},
                                      {7, 7, 7}, {9, 14, 9}, {2, 2, 2}};
  for (unsigned space = 0; space < std::size(kColours); ++space) {
    auto config = config_of(kVp9);
    look_sanely(vp9_key_frame({.color_space = space}), config);
    const mp4::Colour& colour = kColours[space];
    fail_unless(config.video.colour.value_or(mp4::Colour{}) == colour);
    fail_unless(config.codec_config[7] == colour.primaries &&
                config.codec_config[8] == colour.transfer &&
                config.codec_config[9] == colour.matrix);
  }
  auto known = config_of(kVp9);
  known.video.colour = mp4::Colour{9, 16, 9, true};  // as the caps say
  look_sanely(vp9_key_frame({.color_space = 2}), known);
  fail_unless(known.codec_config == Bytes({1, 0, 0, 0, 0, 30, 0x83, 9, 16, 9, 0, 0}));
}
GST_END_TEST;

GST_START_TEST(vp9_levels_follow_the_size) {
  struct {
    uint32_t width, height;
    uint8_t level;
  } const kLevels[] = {{160, 120, 10},   {320, 240, 20},   {640, 360, 21},   {1280, 720, 31},
                       {1920, 1080, 40}, {3840, 2160, 50}, {7680, 4320, 60}, {65'535, 65'535, 62}};
  for (const auto& [width, height, level] : kLevels)
    fail_unless_equals_int(vpcc_of(kVp9, vp9_key_frame({.width = width, .height = height}))[5],
                           level);
  fail_unless(vpcc_of(kVp9, vp9_key_frame({.width = 65'536})).empty());  // no sample entry for it
}
GST_END_TEST;

GST_START_TEST(other_vp9_frames_describe_nothing) {
  for (const uint8_t first : {0x86, 0x88, 0x42}) {  // between, shown again, no frame marker
    Bytes sample = vp9_key_frame({});
    sample[0] = first;
    const auto unit = look_at(kVp9, sample);
    fail_unless(unit.has_media && !unit.access.sync && !unit.described_anew);
  }
}
GST_END_TEST;

GST_START_TEST(jpeg_says_its_size) {
  auto config = config_of(kJpeg);
  const Bytes sample = joined(kStart, segment(0xe0, Bytes(14)), segment(0xdb, Bytes(65)),
                              segment(0xc4, Bytes(30, 1)), Bytes{0xff, 0xff}, kFrameHeader, kScan);
  const auto unit = look_sanely(sample, config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  expect_size(config, 640, 480);
  fail_unless(config.codec_config.empty());
}
GST_END_TEST;

GST_START_TEST(jpeg_without_a_size_is_taken_as_it_is) {
  for (const Bytes& sample :
       {joined(kStart, kScan), joined(kStart, segment(0xc4, Bytes(30)), kScan), kStart,
        joined(kStart, Bytes{0, 0}, kFrameHeader), joined(kStart, Bytes(2'000, 0xff)),
        joined(kStart, segment(0xc0, {8, 0, 0, 2, 0x80, 1, 1, 0x11, 0}))}) {
    const auto unit = look_at(kJpeg, sample);
    fail_unless(unit.has_media && unit.access.sync && !unit.described_anew);
  }
  fail_if(look_at(kJpeg, kFrameHeader).has_media);
  fail_if(look_at(kJpeg, {0xff}).has_media);
}
GST_END_TEST;

GST_START_TEST(vvc_pictures) {
  struct {
    unsigned type;
    bool sync = false, open_gop = false, leading = false;
  } const kTypes[] = {{.type = 0},
                      {.type = 1},
                      {.type = 2, .leading = true},
                      {.type = 3, .leading = true},
                      {.type = 7, .sync = true},
                      {.type = 8, .sync = true},
                      {.type = 9, .sync = true, .open_gop = true},
                      {.type = 10}};
  for (const auto& wanted : kTypes) {
    for (const unsigned length_size : {1u, 2u, 4u}) {
      auto config = vvc_config(length_size);
      const Bytes sample = mp4_test::join_nals(
          {vvc_nal(kDelimiter, 3), vvc_nal(kSequence, 40), vvc_nal(kPicture, 20),
           vvc_nal(kPictureHeader), vvc_nal(wanted.type), vvc_nal(7)},
          length_size);
      const auto unit = look_sanely(sample, config);
      fail_unless(unit.has_media && !unit.described_anew);
      fail_unless_equals_int(unit.access.sync, wanted.sync);
      fail_unless_equals_int(unit.access.open_gop, wanted.open_gop);
      fail_unless_equals_int(unit.leading, wanted.leading);
    }
  }
}
GST_END_TEST;

GST_START_TEST(vvc_without_a_slice) {
  auto config = vvc_config(4);
  fail_if(
      look_sanely(mp4_test::join_nals({vvc_nal(kSequence), vvc_nal(kPicture)}), config).has_media);
  fail_if(look_sanely({}, config).has_media);
  fail_if(look_sanely({0xff, 0xff, 0xff, 0xff, 0, kSequence << 3 | 1}, config).has_media);
  fail_unless(look_sanely(Bytes(1 << 20), config).has_media);  // too many to look at
  const auto unit = look_sanely(mp4_test::join_nals({{}, vvc_nal(7)}), config);
  fail_unless(unit.has_media && unit.access.sync);  // behind an empty unit
  auto none = config_of(kVvc);
  fail_unless(look_sanely(mp4_test::join_nals({vvc_nal(7)}), none).has_media);
}
GST_END_TEST;

GST_START_TEST(vvc_records_say_how_long_lengths_are) {
  fail_unless_equals_int(mp4::vvc_nal_length_size(Bytes{0xff}), 4);
  fail_unless_equals_int(mp4::vvc_nal_length_size(Bytes{0xfb}), 2);
  fail_unless_equals_int(mp4::vvc_nal_length_size(Bytes{0xf8}), 1);
  fail_unless_equals_int(mp4::vvc_nal_length_size(Bytes{0xfd}), 0);
  fail_unless_equals_int(mp4::vvc_nal_length_size(Bytes{0x07}), 0);
  fail_unless_equals_int(mp4::vvc_nal_length_size({}), 0);
}
GST_END_TEST;

GST_START_TEST(damaged_pictures_do_no_harm) {
  mp4_test::damage(kVp8, vp8_key_frame(640, 480));
  mp4_test::damage(kVp9, vp9_key_frame({.profile = 3, .deep = 1, .subsampling_x = 1}));
  mp4_test::damage(kJpeg, joined(kStart, segment(0xe0, Bytes(14)), kFrameHeader, kScan));
  const Bytes sample = mp4_test::join_nals({vvc_nal(kSequence), vvc_nal(7)});
  for (size_t at = 0; at < sample.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      auto config = vvc_config(4);
      Bytes changed = sample;
      changed[at] = static_cast<uint8_t>(value);
      look_sanely(changed, config);
    }
  }
}
GST_END_TEST;

static Suite* video_codecs_suite() {
  Suite* suite = suite_create("video_codecs");
  TCase* vpx = tcase_create("vpx");
  suite_add_tcase(suite, vpx);
  tcase_add_test(vpx, vp8_key_frames_describe_the_track);
  tcase_add_test(vpx, other_vp8_frames_describe_nothing);
  tcase_add_test(vpx, vp9_key_frames_describe_the_track);
  tcase_add_test(vpx, vp9_profiles_say_depth_and_subsampling);
  tcase_add_test(vpx, vp9_colours);
  tcase_add_test(vpx, vp9_levels_follow_the_size);
  tcase_add_test(vpx, other_vp9_frames_describe_nothing);
  TCase* others = tcase_create("others");
  suite_add_tcase(suite, others);
  tcase_add_test(others, jpeg_says_its_size);
  tcase_add_test(others, jpeg_without_a_size_is_taken_as_it_is);
  tcase_add_test(others, vvc_pictures);
  tcase_add_test(others, vvc_without_a_slice);
  tcase_add_test(others, vvc_records_say_how_long_lengths_are);
  tcase_add_test(others, damaged_pictures_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(video_codecs)
