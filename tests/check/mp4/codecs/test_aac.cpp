// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the AudioSpecificConfig parser (ISO/IEC 14496-3, 1.6.2.1), with what encoders write and
// with what nobody should.
#include <cstdint>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "mp4/codecs/aac.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::parse_audio_specific_config;
using mp4_test::BitWriter;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kLc = 2, kSbr = 5, kLd = 23, kPs = 29;

struct Wanted {
  uint32_t rate;
  unsigned channels;
  uint32_t frame_ticks = 1024;
};

void expect(const Bytes& config, const Wanted& wanted) {
  const auto found = parse_audio_specific_config(config);
  fail_unless(found.has_value());
  fail_unless_equals_int(found->rate, wanted.rate);
  fail_unless_equals_int(found->channels, wanted.channels);
  fail_unless_equals_int(found->frame_ticks, wanted.frame_ticks);
}

BitWriter& object_type(BitWriter& w, uint32_t type) {
  return type < 31 ? w.bits(type, 5) : w.bits(31, 5).bits(type - 32, 6);
}

// Object type, index of the rate, channel configuration and an empty GASpecificConfig.
Bytes config_of(uint32_t type, unsigned rate_index, unsigned channels, unsigned short_frames = 0) {
  BitWriter w;
  object_type(w, type).bits(rate_index, 4).bits(channels, 4).bits(short_frames, 1).bits(0, 2);
  return w.bytes();
}

}  // namespace

GST_START_TEST(low_complexity_as_encoders_write_it) {
  expect({0x12, 0x10}, {44'100, 2});
  expect({0x11, 0x88}, {48'000, 1});
  expect({0x14, 0x08}, {16'000, 1});
  expect({0x15, 0x88}, {8'000, 1});
  expect({0x12, 0x10, 0x56, 0xe5, 0x00}, {44'100, 2});  // ffmpeg: "no SBR" said behind it
}
GST_END_TEST;

GST_START_TEST(every_rate_of_the_table) {
  constexpr uint32_t kRates[] = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000, 24'000,
                                 22'050, 16'000, 12'000, 11'025, 8'000,  7'350};
  for (unsigned i = 0; i < std::size(kRates); ++i) expect(config_of(kLc, i, 2), {kRates[i], 2});
  fail_if(parse_audio_specific_config(config_of(kLc, 13, 2)).has_value());
  fail_if(parse_audio_specific_config(config_of(kLc, 14, 2)).has_value());
}
GST_END_TEST;

GST_START_TEST(every_channel_configuration) {
  constexpr int kChannels[] = {0, 1, 2, 3, 4, 5, 6, 8, -1, -1, -1, 7, 8, 24, 8, -1};
  for (unsigned i = 0; i < 16; ++i) {
    if (kChannels[i] < 0)
      fail_if(parse_audio_specific_config(config_of(kLc, 3, i)).has_value(), "%u", i);
    else
      expect(config_of(kLc, 3, i), {48'000, static_cast<unsigned>(kChannels[i])});
  }
}
GST_END_TEST;

GST_START_TEST(frames_of_960) {
  expect(config_of(kLc, 3, 2, 1), {48'000, 2, 960});
  expect(config_of(1, 3, 2, 1), {48'000, 2, 960});   // Main
  expect(config_of(17, 3, 2, 1), {48'000, 2, 960});  // error resilient LC
}
GST_END_TEST;

GST_START_TEST(low_delay_frames_are_half_as_long) {  // 14496-3, 4.5.1.1: frameLengthFlag
  expect(config_of(kLd, 3, 2, 0), {48'000, 2, 512});
  expect(config_of(kLd, 3, 2, 1), {48'000, 2, 480});
}
GST_END_TEST;

GST_START_TEST(a_rate_that_is_not_in_the_table) {
  BitWriter w;
  w.bits(kLc, 5).bits(15, 4).bits(37'800, 24).bits(2, 4).bits(0, 3);
  expect(w.bytes(), {37'800, 2});
  for (uint32_t rate : {0u, 192'001u, 0xffffffu}) {
    BitWriter wrong;
    wrong.bits(kLc, 5).bits(15, 4).bits(rate, 24).bits(2, 4).bits(0, 3);
    fail_if(parse_audio_specific_config(wrong.bytes()).has_value(), "%u", rate);
  }
}
GST_END_TEST;

// As ffmpeg writes 5.0 with side channels, and six in a hexagon.
GST_START_TEST(a_program_config_element_gives_the_channels) {
  const Bytes side{0x11, 0x80, 0x04, 0xc8, 0x40, 0x00, 0x20, 0x08, 0x80, 0x0d, 0x4c};
  const Bytes hexagon{0x11, 0x80, 0x04, 0xc8, 0x08, 0x00, 0x20, 0x08, 0x84, 0x0d, 0x4c};
  expect(side, {48'000, 5});
  expect(hexagon, {48'000, 6});
  for (size_t size = 2; size < 8; ++size)  // it may be in the samples alone
    expect(Bytes(side.begin(), side.begin() + static_cast<std::ptrdiff_t>(size)), {48'000, 0});
}
GST_END_TEST;

GST_START_TEST(high_efficiency_counts_in_samples_of_the_core) {
  for (uint32_t type : {kSbr, kPs}) {
    BitWriter w;
    w.bits(type, 5).bits(6, 4).bits(1, 4);  // 24 kHz, mono
    w.bits(3, 4).bits(kLc, 5).bits(0, 3);   // becomes 48 kHz
    expect(w.bytes(), {24'000, 1});
    BitWriter short_frames;
    short_frames.bits(type, 5).bits(6, 4).bits(1, 4).bits(3, 4).bits(kLc, 5).bits(1, 1).bits(0, 2);
    expect(short_frames.bytes(), {24'000, 1, 960});
    BitWriter explicit_rate;
    explicit_rate.bits(type, 5).bits(6, 4).bits(2, 4);
    explicit_rate.bits(15, 4).bits(48'000, 24).bits(kLc, 5).bits(0, 3);
    expect(explicit_rate.bytes(), {24'000, 2});
  }
}
GST_END_TEST;

GST_START_TEST(object_types_behind_the_escape) {
  expect(config_of(32 + 10, 3, 2), {48'000, 2});  // USAC
  fail_if(parse_audio_specific_config(config_of(0, 3, 2)).has_value());
}
GST_END_TEST;

GST_START_TEST(a_config_that_is_cut_off_is_refused) {
  BitWriter w;
  w.bits(31, 5).bits(kLc, 6).bits(15, 4).bits(44'100, 24).bits(2, 4);
  w.bits(0, 5);
  fail_unless(parse_audio_specific_config(w.bytes()).has_value());
  const Bytes high{0x2b, 0x09, 0x88, 0x00};
  fail_unless(parse_audio_specific_config(high).has_value());
  for (size_t length = 0; length < w.bytes().size() - 1; ++length)
    fail_if(parse_audio_specific_config(std::span(w.bytes()).first(length)).has_value());
  for (size_t length = 0; length < 3; ++length)
    fail_if(parse_audio_specific_config(std::span(high).first(length)).has_value());
}
GST_END_TEST;

GST_START_TEST(random_bytes_give_a_sane_answer_or_none) {
  std::minstd_rand random(2);
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes bytes(random() % 12);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() >> 8);
    const auto found = parse_audio_specific_config(bytes);
    if (!found) continue;
    ++accepted;
    fail_unless(found->rate > 0 && found->rate <= 192'000);
    fail_unless(found->channels <= 24);
    fail_unless(found->frame_ticks >= 480 && found->frame_ticks <= 1024);
  }
  fail_unless(accepted > 1'000);
}
GST_END_TEST;

static Suite* aac_suite() {
  Suite* suite = suite_create("aac");
  TCase* config = tcase_create("config");
  suite_add_tcase(suite, config);
  tcase_add_test(config, low_complexity_as_encoders_write_it);
  tcase_add_test(config, every_rate_of_the_table);
  tcase_add_test(config, every_channel_configuration);
  tcase_add_test(config, frames_of_960);
  tcase_add_test(config, a_program_config_element_gives_the_channels);
  tcase_add_test(config, low_delay_frames_are_half_as_long);
  tcase_add_test(config, a_rate_that_is_not_in_the_table);
  tcase_add_test(config, high_efficiency_counts_in_samples_of_the_core);
  tcase_add_test(config, object_types_behind_the_escape);
  tcase_add_test(config, a_config_that_is_cut_off_is_refused);
  tcase_add_test(config, random_bytes_give_a_sane_answer_or_none);
  return suite;
}

GST_CHECK_MAIN(aac)
