// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parser of AVCDecoderConfigurationRecord and sequence parameter set: sets made here
// with every field set at random, and hostile ones.
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "mp4/codecs/parameter_sets.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4_test::BitWriter;
using Bytes = std::vector<uint8_t>;

// The fields of a sequence parameter set (7.3.2.1.1) that tests choose.
struct Sps {
  uint32_t profile = 66;
  uint32_t chroma = 1;
  bool separate_planes = false;
  bool scaling_lists = false;
  uint32_t poc_type = 0;
  uint32_t mbs_wide = 20, map_units_high = 15;
  bool frames_only = true;
  std::optional<uint32_t> crop[4];  // left, right, top, bottom: all or none
  std::optional<uint32_t> aspect_index;
  uint32_t sar_width = 0, sar_height = 0;
  bool overscan = false;
  std::optional<mp4::Colour> colour;
  bool says_primaries = true;
  uint32_t set_id = 0;
  uint32_t constraints = 0;  // constraint_set0_flag is the highest bit
  uint32_t references = 2;
  bool hrd = false;
  std::optional<uint32_t> reordered;  // max_num_reorder_frames
};

bool is_high(uint32_t profile) {
  return profile == 100 || profile == 110 || profile == 122 || profile == 244 || profile == 44;
}

void write_scaling_lists(BitWriter& w, uint32_t chroma) {
  for (unsigned list = 0; list < (chroma == 3 ? 12u : 8u); ++list) {
    if (list % 3 == 2) {
      w.bits(0, 1);  // not present
      continue;
    }
    w.bits(1, 1);
    if (list % 3 == 1) {
      w.se(-8);  // next_scale 0: the default list
      continue;
    }
    for (unsigned i = 0; i < (list < 6 ? 16u : 64u); ++i) w.se(i % 2 ? 3 : -2);
  }
}

void write_poc(BitWriter& w, uint32_t type) {
  w.ue(type);
  if (type == 0) w.ue(4);
  if (type != 1) return;
  w.bits(1, 1).se(-1'000'000'000).se(900'000'000).ue(5);  // long runs of zeros
  for (int i = 0; i < 5; ++i) w.se(i * 1'000 - 2'500);
}

void write_hrd(BitWriter& w) {
  w.ue(2).bits(0x34, 8);
  for (uint32_t i = 0; i < 3; ++i) w.ue(1'000 + i).ue(70'000).bits(i, 1);
  w.bits(0x5a5a5, 20);
}

void write_vui(BitWriter& w, const Sps& sps) {
  w.bits(sps.aspect_index.has_value(), 1);
  if (sps.aspect_index) {
    w.bits(*sps.aspect_index, 8);
    if (*sps.aspect_index == 255) w.bits(sps.sar_width, 16).bits(sps.sar_height, 16);
  }
  w.bits(sps.overscan, 1);
  if (sps.overscan) w.bits(1, 1);
  w.bits(sps.colour.has_value(), 1);
  if (sps.colour) {
    w.bits(5, 3).bits(sps.colour->full_range, 1).bits(sps.says_primaries, 1);
    if (sps.says_primaries)
      w.bits(sps.colour->primaries, 8).bits(sps.colour->transfer, 8).bits(sps.colour->matrix, 8);
  }
  w.bits(0, 1);                                      // chroma_loc
  w.bits(1, 1).bits(1, 32).bits(60, 32).bits(1, 1);  // timing
  for (int i = 0; i < 2; ++i) {
    w.bits(sps.hrd, 1);
    if (sps.hrd) write_hrd(w);
  }
  if (sps.hrd) w.bits(1, 1);  // low_delay_hrd_flag
  w.bits(1, 1);               // pic_struct_present_flag
  w.bits(sps.reordered.has_value(), 1);
  if (sps.reordered) w.bits(1, 1).ue(2).ue(1).ue(16).ue(15).ue(*sps.reordered).ue(4);
}

Bytes make_sps(const Sps& sps) {
  BitWriter w;
  w.bits(sps.profile, 8).bits(sps.constraints, 8).bits(31, 8).ue(sps.set_id);
  if (is_high(sps.profile)) {
    w.ue(sps.chroma);
    if (sps.chroma == 3) w.bits(sps.separate_planes, 1);
    w.ue(0).ue(0).bits(0, 1).bits(sps.scaling_lists, 1);
    if (sps.scaling_lists) write_scaling_lists(w, sps.chroma);
  }
  w.ue(0);
  write_poc(w, sps.poc_type);
  w.ue(sps.references)
      .bits(0, 1)
      .ue(sps.mbs_wide - 1)
      .ue(sps.map_units_high - 1)
      .bits(sps.frames_only, 1);
  if (!sps.frames_only) w.bits(1, 1);
  w.bits(1, 1).bits(sps.crop[0].has_value(), 1);
  if (sps.crop[0])
    for (const auto& side : sps.crop) w.ue(*side);
  const bool vui = sps.aspect_index || sps.overscan || sps.colour || sps.reordered || sps.hrd;
  w.bits(vui, 1);
  if (vui) write_vui(w, sps);
  w.bits(1, 1);  // rbsp_trailing_bits
  Bytes nal = mp4_test::with_emulation_prevention(w.bytes());
  nal.insert(nal.begin(), 0x67);
  return nal;
}

Bytes make_record(const Bytes& sps, unsigned length_size = 4) {
  Bytes record{1, 66, 0, 31, static_cast<uint8_t>(0xfc | (length_size - 1)), 0xe1};
  record.push_back(static_cast<uint8_t>(sps.size() >> 8));
  record.push_back(static_cast<uint8_t>(sps.size()));
  record.insert(record.end(), sps.begin(), sps.end());
  record.insert(record.end(), {1, 0, 4, 0x68, 0xce, 0x38, 0x80});
  return record;
}

struct Config {
  unsigned nal_length_size;
  std::optional<mp4::SequenceInfo> sequence;
};

std::optional<Config> parse_avc_config(std::span<const uint8_t> record) {
  const auto sets = mp4::ParameterSets::from_record(mp4::NalCodec::kAvc, record);
  if (!sets) return std::nullopt;
  return Config{sets->nal_length_size(), sets->sequence()};
}

mp4::SequenceInfo sequence_of(const Sps& sps) {
  const auto config = parse_avc_config(make_record(make_sps(sps)));
  fail_unless(config.has_value());
  fail_unless(config->sequence.has_value());
  return *config->sequence;
}

void expect_size(const Sps& sps, uint32_t width, uint32_t height) {
  const mp4::SequenceInfo sequence = sequence_of(sps);
  fail_unless_equals_int(sequence.width, width);
  fail_unless_equals_int(sequence.height, height);
}

Sps cropped(Sps sps, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom) {
  sps.crop[0] = left, sps.crop[1] = right, sps.crop[2] = top, sps.crop[3] = bottom;
  return sps;
}

}  // namespace

GST_START_TEST(size_in_macroblocks_and_cropping_by_chroma_format) {
  expect_size({}, 320, 240);
  const Sps hd{.profile = 100, .mbs_wide = 120, .map_units_high = 68};
  expect_size(cropped(hd, 0, 0, 0, 4), 1920, 1080);
  expect_size(cropped(hd, 1, 2, 3, 4), 1914, 1074);
  Sps other = hd;
  other.chroma = 0;
  expect_size(cropped(other, 1, 2, 3, 5), 1917, 1080);
  other.chroma = 2;
  expect_size(cropped(other, 1, 2, 3, 5), 1914, 1080);
  other.profile = 244, other.chroma = 3;
  expect_size(cropped(other, 1, 2, 3, 5), 1917, 1080);
  other.separate_planes = true;
  expect_size(cropped(other, 1, 2, 3, 5), 1917, 1080);
}
GST_END_TEST;

GST_START_TEST(interlaced_map_units_are_pairs_of_lines) {
  const Sps fields{.profile = 100, .mbs_wide = 120, .map_units_high = 34, .frames_only = false};
  expect_size(fields, 1920, 1088);
  expect_size(cropped(fields, 0, 0, 0, 2), 1920, 1080);
}
GST_END_TEST;

GST_START_TEST(every_aspect_of_the_table) {
  constexpr uint32_t kAspects[][2] = {{1, 1},    {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11},
                                      {20, 11},  {32, 11}, {80, 33}, {18, 11}, {15, 11}, {64, 33},
                                      {160, 99}, {4, 3},   {3, 2},   {2, 1}};
  for (uint32_t i = 1; i <= std::size(kAspects); ++i) {
    const auto aspect = sequence_of({.aspect_index = i}).aspect;
    fail_unless(aspect == mp4::PixelAspectRatio({kAspects[i - 1][0], kAspects[i - 1][1]}), "%u", i);
  }
  for (uint32_t unknown : {0u, 17u, 254u})
    fail_if(sequence_of({.aspect_index = unknown}).aspect.has_value());
}
GST_END_TEST;

GST_START_TEST(an_aspect_of_its_own_or_of_zero) {
  const auto aspect = [](uint32_t width, uint32_t height) {
    return sequence_of({.aspect_index = 255, .sar_width = width, .sar_height = height}).aspect;
  };
  fail_unless(aspect(65'535, 1) == mp4::PixelAspectRatio({65'535, 1}));
  fail_unless(aspect(1, 256) == mp4::PixelAspectRatio({1, 256}));
  fail_if(aspect(0, 1).has_value());
  fail_if(aspect(1, 0).has_value());
}
GST_END_TEST;

GST_START_TEST(colour_is_told_from_range_alone) {
  const mp4::Colour colour{9, 16, 10, true};
  const auto with = sequence_of({.overscan = true, .colour = colour});
  fail_unless(with.colour == colour);
  const auto range = sequence_of({.colour = colour, .says_primaries = false});
  fail_unless(range.colour == mp4::Colour({2, 2, 2, true}));
  fail_if(sequence_of({.aspect_index = 1}).colour.has_value());
}
GST_END_TEST;

GST_START_TEST(any_mixture_of_fields_is_read_past) {
  std::minstd_rand random(3);
  const auto upto = [&](uint32_t most) { return static_cast<uint32_t>(random() % (most + 1)); };
  constexpr uint32_t kProfiles[] = {66, 77, 100, 122, 244};
  for (int round = 0; round < 20'000; ++round) {
    Sps sps;
    sps.profile = kProfiles[upto(4)];
    sps.chroma = is_high(sps.profile) ? upto(3) : 1;
    sps.scaling_lists = upto(1);
    sps.poc_type = upto(2);
    sps.set_id = upto(31);
    sps.mbs_wide = 1 + upto(500), sps.map_units_high = 1 + upto(500);
    sps.frames_only = upto(1);
    if (upto(1)) sps = cropped(sps, upto(1), upto(1), 0, upto(1));
    sps.aspect_index = 255, sps.sar_width = 1 + upto(600), sps.sar_height = 1 + upto(600);
    sps.colour = mp4::Colour{1, static_cast<uint16_t>(upto(20)), 0, upto(1) == 1};
    const auto found = sequence_of(sps);
    const bool half = sps.chroma == 1 || sps.chroma == 2;
    const uint32_t x = sps.crop[0] ? (*sps.crop[0] + *sps.crop[1]) * (half ? 2 : 1) : 0;
    const uint32_t lines = (sps.chroma == 1 ? 2 : 1) * (sps.frames_only ? 1 : 2);
    const uint32_t y = sps.crop[0] ? (*sps.crop[2] + *sps.crop[3]) * lines : 0;
    fail_unless_equals_int(found.width, sps.mbs_wide * 16 - x);
    fail_unless_equals_int(found.height, sps.map_units_high * (sps.frames_only ? 16 : 32) - y);
    fail_unless(found.aspect == mp4::PixelAspectRatio({sps.sar_width, sps.sar_height}));
    fail_unless(found.colour == sps.colour);
  }
}
GST_END_TEST;

GST_START_TEST(length_sizes_1_2_4_but_not_3) {
  const Bytes sps = make_sps({});
  for (unsigned size : {1u, 2u, 4u})
    fail_unless_equals_int(parse_avc_config(make_record(sps, size))->nal_length_size, size);
  fail_if(parse_avc_config(make_record(sps, 3)).has_value());
}
GST_END_TEST;

GST_START_TEST(the_first_sequence_that_parses_counts) {
  const Bytes broken{0x67, 66, 0, 31};
  const Bytes good = make_sps({});
  Bytes record{1, 66, 0, 31, 0xff, 0xe2, 0, 4};
  record.insert(record.end(), broken.begin(), broken.end());
  record.insert(record.end(), {0, static_cast<uint8_t>(good.size())});
  record.insert(record.end(), good.begin(), good.end());
  record.push_back(0);
  const auto config = parse_avc_config(record);
  fail_unless(config && config->sequence && config->sequence->width == 320);
}
GST_END_TEST;

GST_START_TEST(a_record_without_parameter_sets_has_no_sequence) {  // avc3
  const Bytes record{1, 66, 0, 31, 0xff, 0xe0, 0};
  const auto config = parse_avc_config(record);
  fail_unless(config.has_value());
  fail_if(config->sequence.has_value());
}
GST_END_TEST;

GST_START_TEST(a_record_cut_anywhere_is_refused) {
  const Bytes record = make_record(make_sps({.profile = 100, .scaling_lists = true}));
  fail_unless(parse_avc_config(record).has_value());
  for (size_t length = 0; length < record.size(); ++length)
    fail_if(parse_avc_config(std::span(record).first(length)).has_value(), "%zu", length);
  Bytes version = record;
  version[0] = 0;
  fail_if(parse_avc_config(version).has_value());
}
GST_END_TEST;

GST_START_TEST(a_sequence_cut_anywhere_gives_none_or_its_size) {
  const Sps sps{.profile = 100,
                .scaling_lists = true,
                .poc_type = 1,
                .aspect_index = 255,
                .sar_width = 1,
                .sar_height = 256,
                .colour = mp4::Colour{}};
  const Bytes nal = make_sps(sps);
  for (size_t length = 1; length < nal.size(); ++length) {
    const auto config = parse_avc_config(make_record(Bytes(nal.begin(), nal.begin() + length)));
    fail_unless(config.has_value());
    if (!config->sequence) continue;
    fail_unless_equals_int(config->sequence->width, 320);
    fail_unless_equals_int(config->sequence->height, 240);
    const auto& [aspect, colour] = std::tie(config->sequence->aspect, config->sequence->colour);
    fail_unless(!aspect || aspect == mp4::PixelAspectRatio({1, 256}));
    fail_unless(!colour || colour == mp4::Colour{});
  }
}
GST_END_TEST;

GST_START_TEST(absurd_sizes_are_no_sequence) {
  const auto is_refused = [](const Sps& sps) {
    const auto config = parse_avc_config(make_record(make_sps(sps)));
    return config && !config->sequence;
  };
  fail_unless(is_refused({.mbs_wide = 4'096}));
  fail_unless(is_refused({.mbs_wide = UINT32_MAX - 1}));
  fail_unless(is_refused({.map_units_high = UINT32_MAX - 1}));
  fail_unless(is_refused({.map_units_high = 2'048, .frames_only = false}));
  fail_unless(is_refused(cropped({}, 80, 80, 0, 0)));
  fail_unless(is_refused(cropped({}, 0, 0, 120, 0)));
  fail_unless(is_refused(cropped({}, UINT32_MAX - 2, UINT32_MAX - 2, UINT32_MAX - 2, 5)));
  expect_size({.mbs_wide = 4'095, .map_units_high = 4'095}, 65'520, 65'520);
}
GST_END_TEST;

GST_START_TEST(random_bytes_give_a_sane_answer_or_none) {
  std::minstd_rand random(4);
  const Bytes good = make_sps({.profile = 100, .scaling_lists = true, .colour = mp4::Colour{}});
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes sps = good;
    if (round % 2) sps.resize(1 + random() % 60);
    const unsigned changes = round % 2 ? 60 : 3;
    for (unsigned i = 0; i < changes && sps.size() > 1; ++i)
      sps[1 + random() % (sps.size() - 1)] = static_cast<uint8_t>(random() >> 8);
    Bytes record = make_record(sps);
    if (round % 5 == 0) record[random() % record.size()] = static_cast<uint8_t>(random() >> 8);
    const auto config = parse_avc_config(record);
    if (!config || !config->sequence) continue;
    ++accepted;
    const auto& sequence = *config->sequence;
    fail_unless(sequence.width > 0 && sequence.width <= 65'535);
    fail_unless(sequence.height > 0 && sequence.height <= 65'535);
    fail_unless(!sequence.aspect || (sequence.aspect->horizontal && sequence.aspect->vertical));
  }
  fail_unless(accepted > 1'000);
}
GST_END_TEST;

GST_START_TEST(the_depth_of_reordering_is_what_the_restriction_says) {
  for (bool hrd : {false, true}) {
    for (uint32_t depth : {0u, 1u, 2u, 16u}) {
      const Sps sps{
          .profile = 100, .chroma = 1, .colour = mp4::Colour{}, .hrd = hrd, .reordered = depth};
      const auto found = sequence_of(sps);
      fail_unless(found.reorder_depth == depth, "%u", depth);
      fail_unless(found.colour == mp4::Colour{});
    }
  }
  fail_unless(sequence_of({.profile = 66, .reordered = 2}).reorder_depth == 2u);
  fail_if(sequence_of({.profile = 77, .reordered = 17}).reorder_depth.has_value());
  fail_if(sequence_of({.profile = 77, .reordered = UINT32_MAX - 1}).reorder_depth.has_value());
}
GST_END_TEST;

GST_START_TEST(the_depth_of_reordering_follows_from_what_the_profile_forbids) {
  constexpr uint32_t kSet3 = 0x10;
  fail_unless(sequence_of({.profile = 66}).reorder_depth == 0u);
  fail_unless(sequence_of({.profile = 77, .poc_type = 2}).reorder_depth == 0u);
  fail_unless(sequence_of({.profile = 100, .references = 0}).reorder_depth == 0u);
  fail_unless(sequence_of({.profile = 44}).reorder_depth == 0u);
  for (uint32_t profile : {100u, 110u, 122u, 244u}) {
    fail_unless(sequence_of({.profile = profile, .constraints = kSet3}).reorder_depth == 0u);
    fail_if(sequence_of({.profile = profile, .constraints = 0xe8}).reorder_depth.has_value());
  }
  fail_if(sequence_of({.profile = 77, .constraints = kSet3}).reorder_depth.has_value());
  fail_if(sequence_of({.profile = 77, .poc_type = 1, .hrd = true}).reorder_depth.has_value());
}
GST_END_TEST;

GST_START_TEST(a_vui_cut_short_says_what_stands_before_the_cut) {
  const Sps sps{.profile = 77,
                .aspect_index = 4,
                .colour = mp4::Colour{9, 16, 9},
                .hrd = true,
                .reordered = 3};
  const Bytes nal = make_sps(sps);
  bool aspect_alone = false, without_depth = false;
  for (size_t length = 1; length < nal.size(); ++length) {
    const auto config = parse_avc_config(make_record(Bytes(nal.begin(), nal.begin() + length)));
    if (!config->sequence) continue;
    const auto& found = *config->sequence;
    aspect_alone = aspect_alone || (found.aspect && !found.colour);
    without_depth = without_depth || (found.colour && !found.reorder_depth);
    fail_unless(!found.reorder_depth || (found.reorder_depth == 3u && found.colour));
  }
  fail_unless(aspect_alone && without_depth);
}
GST_END_TEST;

GST_START_TEST(codes_out_of_their_range_are_no_sequence) {
  const auto is_refused = [](const Sps& sps) {
    const auto config = parse_avc_config(make_record(make_sps(sps)));
    return config && !config->sequence;
  };
  fail_unless(is_refused({.profile = 100, .chroma = 4}));
  fail_unless(is_refused({.poc_type = 3}));
  fail_unless(is_refused({.set_id = 32}));
}
GST_END_TEST;

static Suite* avc_suite() {
  Suite* suite = suite_create("avc");
  TCase* sequence = tcase_create("sequence");
  suite_add_tcase(suite, sequence);
  tcase_add_test(sequence, size_in_macroblocks_and_cropping_by_chroma_format);
  tcase_add_test(sequence, interlaced_map_units_are_pairs_of_lines);
  tcase_add_test(sequence, every_aspect_of_the_table);
  tcase_add_test(sequence, an_aspect_of_its_own_or_of_zero);
  tcase_add_test(sequence, colour_is_told_from_range_alone);
  tcase_add_test(sequence, any_mixture_of_fields_is_read_past);
  tcase_add_test(sequence, absurd_sizes_are_no_sequence);
  tcase_add_test(sequence, the_depth_of_reordering_is_what_the_restriction_says);
  tcase_add_test(sequence, the_depth_of_reordering_follows_from_what_the_profile_forbids);
  tcase_add_test(sequence, a_vui_cut_short_says_what_stands_before_the_cut);
  tcase_add_test(sequence, codes_out_of_their_range_are_no_sequence);

  tcase_add_test(sequence, a_sequence_cut_anywhere_gives_none_or_its_size);
  TCase* record = tcase_create("record");
  suite_add_tcase(suite, record);
  tcase_add_test(record, length_sizes_1_2_4_but_not_3);
  tcase_add_test(record, the_first_sequence_that_parses_counts);
  tcase_add_test(record, a_record_without_parameter_sets_has_no_sequence);
  tcase_add_test(record, a_record_cut_anywhere_is_refused);
  tcase_add_test(record, random_bytes_give_a_sane_answer_or_none);
  return suite;
}

GST_CHECK_MAIN(avc)
