// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parsers of AC-3 and E-AC-3 frames (ETSI TS 102 366), with frames that encoders
// seldom write. What they do write is in test_codec_encoders.
#include <cstdint>
#include <vector>

#include "bit_writer.h"
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

constexpr CodecName kAc3{"ac-3"_4cc}, kEac3{"ec-3"_4cc};

mp4::AccessUnit look_at(const CodecName& codec, const Bytes& sample) {
  auto config = config_of(codec);
  return look_sanely(sample, config);
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

struct Ac3 {
  unsigned rate_code = 0, size_code = 12;
  unsigned bsid = 8, bsmod = 0, acmod = 2, lfeon = 0;
};

Bytes ac3_frame(const Ac3& frame, size_t size) {
  BitWriter w;
  w.bits(0x0b77, 16).bits(0xabcd, 16).bits(frame.rate_code, 2).bits(frame.size_code, 6);
  w.bits(frame.bsid, 5).bits(frame.bsmod, 3).bits(frame.acmod, 3);
  if (frame.acmod & 1 && frame.acmod != 1) w.bits(3, 2);
  if (frame.acmod & 4) w.bits(3, 2);
  if (frame.acmod == 2) w.bits(3, 2);
  w.bits(frame.lfeon, 1);
  Bytes bytes = w.bytes();
  bytes.resize(size);
  return bytes;
}

struct Eac3 {
  unsigned type = 0, substream = 0, size = 256;
  unsigned rate_code = 0, blocks_code = 3;
  unsigned acmod = 2, lfeon = 0, bsid = 16;
  unsigned channel_map = 0;
};

Bytes eac3_frame(const Eac3& frame) {
  BitWriter w;
  w.bits(0x0b77, 16).bits(frame.type, 2).bits(frame.substream, 3).bits(frame.size / 2 - 1, 11);
  w.bits(frame.rate_code, 2).bits(frame.blocks_code, 2).bits(frame.acmod, 3).bits(frame.lfeon, 1);
  w.bits(frame.bsid, 5).bits(31, 5).bits(1, 1).bits(0xaa, 8);  // dialnorm, compre, compr
  if (frame.type == 1) w.bits(frame.channel_map != 0, 1).bits(frame.channel_map, 16);
  Bytes bytes = w.bytes();
  bytes.resize(frame.size);
  return bytes;
}

Bytes dec3_of(const Bytes& sample) {
  auto config = config_of(kEac3);
  look_sanely(sample, config);
  return config.codec_config;
}

}  // namespace

GST_START_TEST(ac3_frames_make_their_box) {
  auto config = config_of(kAc3);
  const auto unit = look_sanely(ac3_frame({}, 384), config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  fail_unless_equals_int(unit.duration, 1536);
  fail_unless(config.codec_config == Bytes({0x10, 0x10, 0xc0}));  // 96 kbit/s, 2/0
  const Bytes surround = ac3_frame({.size_code = 28, .bsmod = 1, .acmod = 7, .lfeon = 1}, 1536);
  fail_unless(look_sanely(surround, config).described_anew);
  fail_unless(config.codec_config == Bytes({0x10, 0x7d, 0xc0}));  // 384 kbit/s, 3/2 and LFE
}
GST_END_TEST;

GST_START_TEST(ac3_frames_of_one_sample_are_counted) {
  for (unsigned size_code : {12u, 13u}) {
    for (unsigned rate_code : {0u, 1u, 2u}) {
      constexpr size_t kWords[] = {192, 208, 288};
      const size_t odd = rate_code == 1 && size_code == 13 ? 1 : 0;
      const Bytes frame = ac3_frame({.rate_code = rate_code, .size_code = size_code},
                                    2 * (kWords[rate_code] + odd));
      fail_unless_equals_int(look_at(kAc3, joined(frame, frame)).duration, 2 * 1536);
    }
  }
}
GST_END_TEST;

GST_START_TEST(ac3_that_is_not_understood_is_taken_as_it_is) {
  for (const Ac3& frame : {Ac3{.rate_code = 3}, Ac3{.size_code = 38}, Ac3{.bsid = 11}}) {
    const auto unit = look_at(kAc3, ac3_frame(frame, 384));
    fail_unless(unit.has_media && !unit.described_anew);
    fail_unless_equals_int(unit.duration, 0);
  }
  fail_if(look_at(kAc3, {}).has_media);
}
GST_END_TEST;

GST_START_TEST(eac3_frames_make_their_box) {
  auto config = config_of(kEac3);
  const auto unit = look_sanely(eac3_frame({.size = 768, .acmod = 7, .lfeon = 1}), config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  fail_unless_equals_int(unit.duration, 1536);
  fail_unless(config.codec_config == Bytes({0x06, 0x00, 0x20, 0x0f, 0x00}));  // 192 kbit/s
}
GST_END_TEST;

GST_START_TEST(eac3_frames_of_few_blocks_make_one_sample) {
  Bytes sample;
  for (int i = 0; i < 6; ++i) sample = joined(sample, eac3_frame({.size = 64, .blocks_code = 0}));
  auto config = config_of(kEac3);
  fail_unless_equals_int(look_sanely(sample, config).duration, 1536);
  fail_unless(config.codec_config == Bytes({0x03, 0x00, 0x20, 0x04, 0x00}));  // one substream
  fail_unless_equals_int(look_at(kEac3, eac3_frame({.blocks_code = 1})).duration, 512);
  fail_unless_equals_int(look_at(kEac3, eac3_frame({.blocks_code = 2})).duration, 768);
}
GST_END_TEST;

GST_START_TEST(eac3_at_half_the_rate) {
  auto config = config_of(kEac3);  // 24 kHz
  const auto unit =
      look_sanely(eac3_frame({.size = 384, .rate_code = 3, .blocks_code = 0}), config);
  fail_unless_equals_int(unit.duration, 1536);
  fail_unless(config.codec_config == Bytes({0x01, 0x80, 0xe0, 0x04, 0x00}));  // 48 kbit/s
  fail_unless_equals_int(look_at(kEac3, eac3_frame({.rate_code = 3, .blocks_code = 3})).duration,
                         0);
}
GST_END_TEST;

GST_START_TEST(eac3_substreams_are_counted) {
  constexpr unsigned kRearPair = 1 << 9, kLowFrequency2 = 1 << 1;  // E.1.3.1.8
  const Bytes main = eac3_frame({.acmod = 7, .lfeon = 1});
  const Bytes dependent =
      eac3_frame({.type = 1, .acmod = 2, .channel_map = kRearPair | kLowFrequency2});
  // chan_loc, F.6.2.13: Lrs/Rrs, LFE2
  fail_unless(dec3_of(joined(main, dependent)) == Bytes({0x04, 0x00, 0x20, 0x0f, 0x03, 0x02}));
  const Bytes second = eac3_frame({.substream = 1, .acmod = 1});
  fail_unless(dec3_of(joined(main, second)) ==
              Bytes({0x04, 0x01, 0x20, 0x0f, 0x00, 0x20, 0x02, 0x00}));
  fail_unless_equals_int(look_at(kEac3, joined(main, second)).duration, 1536);
  const Bytes gap = eac3_frame({.substream = 7});
  fail_unless(dec3_of(joined(main, gap))[1] == 0);
  fail_unless(dec3_of(dependent).empty());
}
GST_END_TEST;

// ac3parse gives them alone where it is asked for single frames: no sample begins with one (F.1).
GST_START_TEST(eac3_substreams_alone_are_no_samples) {
  fail_if(look_at(kEac3, eac3_frame({.type = 1, .acmod = 2})).has_media);
  fail_if(look_at(kEac3, eac3_frame({.substream = 1, .acmod = 1})).has_media);
}
GST_END_TEST;

GST_START_TEST(eac3_of_varying_rate_is_described_once) {
  auto config = config_of(kEac3);
  fail_unless(look_sanely(eac3_frame({.size = 768}), config).described_anew);
  const Bytes first = config.codec_config;
  fail_if(look_sanely(eac3_frame({.size = 512}), config).described_anew);
  fail_unless(config.codec_config == first);
  fail_unless(look_sanely(eac3_frame({.size = 512, .acmod = 1}), config).described_anew);
}
GST_END_TEST;

GST_START_TEST(damaged_frames_do_no_harm) {
  const Bytes ac3 = ac3_frame({.size_code = 0}, 128);
  mp4_test::damage(kAc3, joined(ac3, ac3));
  mp4_test::damage(kEac3, joined(eac3_frame({.size = 64}),
                                 eac3_frame({.type = 1, .size = 64, .channel_map = 0xffff})));
  const Bytes smallest = eac3_frame({.size = 16, .blocks_code = 0});
  Bytes many;
  for (int i = 0; i < 1'000; ++i) many = joined(many, smallest);
  fail_unless(look_at(kEac3, many).has_media);
}
GST_END_TEST;

static Suite* ac3_suite() {
  Suite* suite = suite_create("ac3");
  TCase* ac3 = tcase_create("ac3");
  suite_add_tcase(suite, ac3);
  tcase_add_test(ac3, ac3_frames_make_their_box);
  tcase_add_test(ac3, ac3_frames_of_one_sample_are_counted);
  tcase_add_test(ac3, ac3_that_is_not_understood_is_taken_as_it_is);
  tcase_add_test(ac3, eac3_frames_make_their_box);
  tcase_add_test(ac3, eac3_frames_of_few_blocks_make_one_sample);
  tcase_add_test(ac3, eac3_at_half_the_rate);
  tcase_add_test(ac3, eac3_substreams_are_counted);
  tcase_add_test(ac3, eac3_substreams_alone_are_no_samples);
  tcase_add_test(ac3, eac3_of_varying_rate_is_described_once);
  tcase_add_test(ac3, damaged_frames_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(ac3)
