// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what is read of H.265: sequence parameter sets made here, with everything a parser must
// get past, hostile ones, and samples.
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "memory_source.h"
#include "mp4/codecs/hevc.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4_test::BitWriter;
using mp4_test::join_nals;
using mp4_test::MemorySource;
using Bytes = std::vector<uint8_t>;

// The fields of a sequence parameter set (7.3.2.2.1) that tests choose.
struct Sps {
  uint32_t sub_layers = 1;
  uint32_t set_id = 0;
  uint32_t chroma = 1;
  bool separate_planes = false;
  uint32_t width = 320, height = 240;
  std::optional<uint32_t> window[4];  // left, right, top, bottom: all or none
  uint32_t luma_depth = 8, chroma_depth = 8;
  std::vector<uint32_t> reordered{0};  // of each sub-layer, or of the highest alone
  bool scaling_lists = false;
  bool pcm = false;
  uint32_t reference_sets = 0;
  uint32_t pictures = 2;  // of each explicit set, before and after
  bool predicted_sets = false;
  uint32_t long_term = 0;
  bool vui = true;
  mp4::PixelAspectRatio aspect{16, 11};
  mp4::Colour colour{9, 16, 9, true};
};

void write_profile_tier_level(BitWriter& w, uint32_t sub_layers) {  // 7.3.3
  w.bits(1, 8).bits(0x60000000, 32).bits(0x90000000, 32).bits(0, 16).bits(93, 8);
  for (uint32_t i = 0; i + 1 < sub_layers; ++i) w.bits(i % 2, 1).bits(i < 3, 1);
  if (sub_layers > 1) w.bits(0, 2 * (9 - sub_layers));
  for (uint32_t i = 0; i + 1 < sub_layers; ++i) {
    if (i % 2) w.bits(0xffffffff, 32).bits(0xffffffff, 32).bits(0xffffff, 24);
    if (i < 3) w.bits(0xff, 8);
  }
}

void write_scaling_lists(BitWriter& w) {  // 7.3.4
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      const bool explicit_list = matrix != 1;
      w.bits(explicit_list, 1);
      if (!explicit_list) {
        w.ue(1);
        continue;
      }
      if (size > 1) w.se(-7);
      for (unsigned i = 0; i < (size == 0 ? 16u : 64u); ++i) w.se(i % 2 ? 5 : -4);
    }
  }
}

void write_reference_sets(BitWriter& w, const Sps& sps) {  // 7.3.7
  w.ue(sps.reference_sets);
  uint32_t before = 0;
  for (uint32_t i = 0; i < sps.reference_sets; ++i) {
    const bool predicted = sps.predicted_sets && i % 3;
    if (i > 0) w.bits(predicted, 1);
    if (!predicted) {
      w.ue(sps.pictures).ue(sps.pictures);
      for (uint32_t j = 0; j < 2 * sps.pictures; ++j) w.ue(j).bits(j, 1);
      before = 2 * sps.pictures;
      continue;
    }
    w.bits(1, 1).ue(3);
    // By turns used, unused but kept, left out.
    uint32_t kept = 0;
    for (uint32_t j = 0; j <= before; ++j) {
      w.bits(j % 3 == 0, 1);
      if (j % 3) w.bits(j % 3 == 1, 1);
      kept += j % 3 < 2;
    }
    before = kept;
  }
}

void write_vui(BitWriter& w, const Sps& sps) {
  w.bits(1, 1).bits(255, 8).bits(sps.aspect.horizontal, 16).bits(sps.aspect.vertical, 16);
  w.bits(3, 2);  // overscan
  w.bits(1, 1).bits(5, 3).bits(sps.colour.full_range, 1).bits(1, 1);
  w.bits(sps.colour.primaries, 8).bits(sps.colour.transfer, 8).bits(sps.colour.matrix, 8);
  w.bits(0, 32);
}

Bytes make_sps(const Sps& sps, uint8_t layer = 0) {
  BitWriter w;
  w.bits(0, 4).bits(sps.sub_layers - 1, 3).bits(1, 1);
  write_profile_tier_level(w, sps.sub_layers);
  w.ue(sps.set_id).ue(sps.chroma);
  if (sps.chroma == 3) w.bits(sps.separate_planes, 1);
  w.ue(sps.width).ue(sps.height).bits(sps.window[0].has_value(), 1);
  if (sps.window[0])
    for (const auto& side : sps.window) w.ue(*side);
  w.ue(sps.luma_depth - 8).ue(sps.chroma_depth - 8).ue(4);
  w.bits(sps.reordered.size() > 1 || sps.sub_layers == 1, 1);
  for (uint32_t depth : sps.reordered) w.ue(depth + 1).ue(depth).ue(0);
  for (uint32_t i = 0; i < 6; ++i) w.ue(i);
  w.bits(sps.scaling_lists, 1);
  if (sps.scaling_lists) {
    w.bits(1, 1);
    write_scaling_lists(w);
  }
  w.bits(1, 2).bits(sps.pcm, 1);
  if (sps.pcm) w.bits(0x77, 8).ue(1).ue(2).bits(1, 1);
  write_reference_sets(w, sps);
  w.bits(sps.long_term > 0, 1);
  if (sps.long_term > 0) w.ue(sps.long_term);
  for (uint32_t i = 0; i < sps.long_term; ++i) w.bits(i, 8).bits(1, 1);
  w.bits(3, 2).bits(sps.vui, 1);
  if (sps.vui) write_vui(w, sps);
  w.bits(0, 1).bits(1, 1);
  Bytes nal = mp4_test::with_emulation_prevention(w.bytes());
  nal.insert(nal.begin(), {0x42, static_cast<uint8_t>(layer << 3 | 1)});
  return nal;
}

mp4::SequenceInfo sequence_of(const Sps& sps) {
  const auto found = mp4::parse_hevc_sps(make_sps(sps));
  fail_unless(found.has_value());
  fail_unless_equals_int(found->id, sps.set_id);
  return found->sequence;
}

void expect_size(const Sps& sps, uint32_t width, uint32_t height) {
  const mp4::SequenceInfo sequence = sequence_of(sps);
  fail_unless_equals_int(sequence.width, width);
  fail_unless_equals_int(sequence.height, height);
}

// Everything behind what may be hard to get past.
void expect_all(const Sps& sps) {
  const mp4::SequenceInfo sequence = sequence_of(sps);
  fail_unless_equals_int(sequence.width, sps.width);
  fail_unless_equals_int(sequence.height, sps.height);
  fail_unless_equals_int(sequence.chroma_format, sps.chroma);
  fail_unless_equals_int(sequence.luma_depth, sps.luma_depth);
  fail_unless_equals_int(sequence.chroma_depth, sps.chroma_depth);
  fail_unless(sequence.reorder_depth == sps.reordered.back());
  fail_unless(sequence.aspect == (sps.vui ? std::optional(sps.aspect) : std::nullopt));
  fail_unless(sequence.colour == (sps.vui ? std::optional(sps.colour) : std::nullopt));
}

Sps windowed(Sps sps, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom) {
  sps.window[0] = left, sps.window[1] = right, sps.window[2] = top, sps.window[3] = bottom;
  return sps;
}

bool is_refused(const Sps& sps) { return !mp4::parse_hevc_sps(make_sps(sps)).has_value(); }

Bytes nal(uint8_t type) { return {static_cast<uint8_t>(type << 1), 1, 0x80, 0x40}; }

mp4::AccessUnit scan(const Bytes& sample, unsigned length_size = 4) {
  return mp4::scan_access_unit(mp4::NalCodec::kHevc, MemorySource(sample), length_size);
}

constexpr uint8_t kTrail = 1, kIdr = 19, kCra = 21, kVps = 32, kSps = 33, kPps = 34,
                  kDelimiter = 35, kPrefixSei = 39, kSuffixSei = 40;

Bytes recovery_point(int32_t pictures, uint8_t type = kPrefixSei) {
  BitWriter w;
  w.se(pictures).bits(0, 2).bits(1, 1);
  Bytes sei{static_cast<uint8_t>(type << 1), 1, 6, static_cast<uint8_t>(w.bytes().size())};
  sei.insert(sei.end(), w.bytes().begin(), w.bytes().end());
  sei.push_back(0x80);
  return sei;
}

}  // namespace

GST_START_TEST(the_conformance_window_is_counted_in_chroma_samples) {
  const Sps hd{.width = 1920, .height = 1088};
  expect_size(hd, 1920, 1088);
  expect_size(windowed(hd, 0, 0, 0, 4), 1920, 1080);
  expect_size(windowed(hd, 1, 2, 3, 5), 1914, 1072);
  Sps other = hd;
  other.chroma = 0;
  expect_size(windowed(other, 1, 2, 3, 5), 1917, 1080);
  other.chroma = 2;
  expect_size(windowed(other, 1, 2, 3, 5), 1914, 1080);
  other.chroma = 3;
  expect_size(windowed(other, 1, 2, 3, 5), 1917, 1080);
  other.separate_planes = true;
  expect_size(windowed(other, 1, 2, 3, 5), 1917, 1080);
}
GST_END_TEST;

GST_START_TEST(sub_layers_are_read_past_and_the_highest_counts) {
  expect_all({.reordered = {3}});
  for (uint32_t layers = 2; layers <= 7; ++layers) {
    expect_all({.sub_layers = layers, .reordered = {5}});  // said of the highest alone
    Sps each{.sub_layers = layers, .reordered = {}};
    for (uint32_t i = 0; i < layers; ++i) each.reordered.push_back(i);
    expect_all(each);
  }
}
GST_END_TEST;

GST_START_TEST(everything_before_the_vui_is_read_past) {
  expect_all({.scaling_lists = true});
  expect_all({.pcm = true});
  expect_all({.reference_sets = 64, .pictures = 8});
  expect_all({.reference_sets = 64, .pictures = 3, .predicted_sets = true});
  expect_all({.long_term = 32});
  expect_all({.set_id = 15, .chroma = 3, .luma_depth = 16, .chroma_depth = 12});
  expect_all({.vui = false});
}
GST_END_TEST;

GST_START_TEST(any_mixture_of_fields_is_read_past) {
  std::minstd_rand random(6);
  const auto upto = [&](uint32_t most) { return static_cast<uint32_t>(random() % (most + 1)); };
  for (int round = 0; round < 5'000; ++round) {
    Sps sps{.sub_layers = 1 + upto(6), .set_id = upto(15), .chroma = upto(3)};
    sps.width = 1 + upto(8'000), sps.height = 1 + upto(8'000);
    sps.luma_depth = 8 + upto(8), sps.chroma_depth = 8 + upto(8);
    sps.reordered.resize(upto(1) ? sps.sub_layers : 1);
    for (uint32_t& depth : sps.reordered) depth = upto(15);
    sps.scaling_lists = upto(1), sps.pcm = upto(1), sps.predicted_sets = upto(1);
    sps.reference_sets = upto(12), sps.pictures = upto(8), sps.long_term = upto(5);
    sps.vui = upto(3) > 0;
    sps.aspect = {1 + upto(65'534), 1 + upto(65'534)};
    expect_all(sps);
  }
}
GST_END_TEST;

GST_START_TEST(what_cannot_be_a_picture_is_no_sequence) {
  fail_unless(is_refused({.width = 0}));
  fail_unless(is_refused({.height = 0}));
  fail_unless(is_refused({.width = 65'536}));
  fail_unless(is_refused({.height = UINT32_MAX - 1}));
  fail_unless(is_refused(windowed({}, 80, 80, 0, 0)));
  fail_unless(is_refused(windowed({}, 0, 0, 120, 0)));
  fail_unless(is_refused(windowed({}, UINT32_MAX - 2, UINT32_MAX - 2, UINT32_MAX - 2, 5)));
  fail_unless(is_refused({.set_id = 16}));
  fail_unless(is_refused({.chroma = 4}));
  fail_unless(is_refused({.luma_depth = 17}));
  fail_unless(is_refused({.sub_layers = 8}));
  expect_size({.width = 65'535, .height = 65'535}, 65'535, 65'535);
}
GST_END_TEST;

GST_START_TEST(absurd_counts_behind_the_size_leave_the_size) {
  const auto known = [](const Sps& sps) {
    const mp4::SequenceInfo sequence = sequence_of(sps);
    fail_unless_equals_int(sequence.width, 320);
    fail_if(sequence.aspect || sequence.colour);
    return sequence;
  };
  fail_if(known({.reordered = {17}}).reorder_depth.has_value());
  fail_if(known({.reordered = {UINT32_MAX - 2}}).reorder_depth.has_value());
  fail_unless(known({.reordered = {2}, .reference_sets = 65}).reorder_depth == 2u);
  fail_unless(known({.reordered = {2}, .reference_sets = 1, .pictures = 9}).reorder_depth == 2u);
  fail_unless(known({.reordered = {2}, .long_term = 33}).reorder_depth == 2u);
}
GST_END_TEST;

GST_START_TEST(a_set_cut_anywhere_gives_none_or_what_stands_before) {
  const Sps sps{.sub_layers = 4,
                .reordered = {3},
                .scaling_lists = true,
                .pcm = true,
                .reference_sets = 9,
                .predicted_sets = true,
                .long_term = 3};
  const Bytes whole = make_sps(sps);
  bool size_alone = false, without_colour = false;
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto found = mp4::parse_hevc_sps(std::span(whole).first(length));
    if (!found) continue;
    const mp4::SequenceInfo& sequence = found->sequence;
    fail_unless(sequence.width == 320 && sequence.height == 240);
    fail_unless(!sequence.reorder_depth || sequence.reorder_depth == 3u);
    fail_unless(!sequence.aspect || sequence.aspect == sps.aspect);
    fail_unless(!sequence.colour || sequence.colour == sps.colour);
    size_alone = size_alone || !sequence.reorder_depth;
    without_colour = without_colour || (sequence.aspect && !sequence.colour);
  }
  fail_unless(size_alone && without_colour);
}
GST_END_TEST;

GST_START_TEST(random_bytes_give_a_sane_answer_or_none) {
  std::minstd_rand random(7);
  const Bytes good = make_sps({.sub_layers = 3, .scaling_lists = true, .reference_sets = 9});
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes sps = good;
    if (round % 2) sps.resize(2 + random() % 80);
    for (unsigned changes = round % 2 ? 60 : 3; changes > 0 && sps.size() > 2; --changes)
      sps[2 + random() % (sps.size() - 2)] = static_cast<uint8_t>(random() >> 8);
    const auto found = mp4::parse_hevc_sps(sps);
    if (!found) continue;
    ++accepted;
    const mp4::SequenceInfo& sequence = found->sequence;
    fail_unless(sequence.width > 0 && sequence.width <= 65'535);
    fail_unless(sequence.height > 0 && sequence.height <= 65'535);
    fail_unless(sequence.reorder_depth.value_or(0) <= 16);
    fail_unless(sequence.chroma_format <= 3 && sequence.luma_depth <= 16);
  }
  fail_unless(accepted > 1'000);
}
GST_END_TEST;

GST_START_TEST(sets_of_enhancement_layers_and_other_types_are_none) {
  Bytes sps = make_sps({});
  fail_unless(mp4::parse_hevc_sps(sps).has_value());
  fail_if(mp4::parse_hevc_sps(make_sps({}, 1)).has_value());
  sps[0] = kPps << 1;
  fail_if(mp4::parse_hevc_sps(sps).has_value());
}
GST_END_TEST;

GST_START_TEST(random_access_and_leading_pictures_by_type) {
  for (uint8_t type = 0; type < 64; ++type) {
    const auto unit = scan(join_nals({nal(kDelimiter), nal(type)}));
    const bool irap = type >= 16 && type <= 21;
    fail_unless_equals_int(unit.has_media, type <= 9 || irap);
    fail_unless_equals_int(unit.access.sync, irap);
    fail_unless_equals_int(unit.access.open_gop, type == kCra);
    fail_unless_equals_int(unit.leading, type >= 6 && type <= 9);
    fail_if(unit.bidirectional);
  }
}
GST_END_TEST;

GST_START_TEST(a_recovery_point_before_the_slice_is_found) {
  const auto access = [](const std::vector<Bytes>& nals) { return scan(join_nals(nals)).access; };
  fail_unless(access({recovery_point(0), nal(kTrail)}) == mp4::RandomAccess{.open_gop = true});
  fail_unless(access({recovery_point(9), nal(kTrail)}) == mp4::RandomAccess{.roll_distance = 9});
  fail_unless(access({recovery_point(9), nal(kIdr)}) == mp4::RandomAccess{.sync = true});
  fail_unless(access({nal(kTrail), recovery_point(9)}) == mp4::RandomAccess{});
  fail_unless(access({recovery_point(-3), nal(kTrail)}) == mp4::RandomAccess{});
  fail_unless(access({recovery_point(9, kSuffixSei), nal(kTrail)}) == mp4::RandomAccess{});
}
GST_END_TEST;

GST_START_TEST(parameter_sets_before_the_slice_are_found_where_they_are) {
  for (unsigned size : {1u, 2u, 4u}) {
    const Bytes sample = join_nals(
        {nal(kDelimiter), nal(kVps), nal(kSps), recovery_point(0), nal(kPps), nal(kIdr), nal(kPps)},
        size);
    const auto unit = scan(sample, size);
    fail_unless(unit.has_media && unit.access.sync);
    fail_unless_equals_uint64(unit.sets_position, size + 4);
    fail_unless_equals_int(unit.parameter_sets.size(), 3);
    for (uint8_t i = 0; i < 3; ++i) {
      fail_unless_equals_int(unit.parameter_sets[i].size, 4);
      fail_unless_equals_int(sample[unit.parameter_sets[i].offset], (kVps + i) << 1);
    }
  }
  fail_unless_equals_uint64(scan(join_nals({nal(kVps), nal(kDelimiter), nal(kIdr)})).sets_position,
                            0);
}
GST_END_TEST;

GST_START_TEST(damaged_samples_are_looked_at_without_harm) {
  const Bytes whole = join_nals(
      {nal(kDelimiter), nal(kVps), make_sps({}), nal(kPps), recovery_point(3), nal(kTrail)});
  for (size_t at = 0; at < whole.size(); ++at) {
    const auto cut = scan(Bytes(whole.begin(), whole.begin() + static_cast<long>(at)));
    fail_unless_equals_int(cut.has_media, at > whole.size() - 4);
    for (uint8_t value : {0, 1, 255}) {
      Bytes changed = whole;
      changed[at] = value;
      for (const auto& [offset, size] : scan(changed).parameter_sets)
        fail_unless(offset + size <= changed.size());
    }
  }
}
GST_END_TEST;

static Suite* hevc_suite() {
  Suite* suite = suite_create("hevc");
  TCase* sequence = tcase_create("sequence");
  suite_add_tcase(suite, sequence);
  tcase_add_test(sequence, the_conformance_window_is_counted_in_chroma_samples);
  tcase_add_test(sequence, sub_layers_are_read_past_and_the_highest_counts);
  tcase_add_test(sequence, everything_before_the_vui_is_read_past);
  tcase_add_test(sequence, any_mixture_of_fields_is_read_past);
  tcase_add_test(sequence, what_cannot_be_a_picture_is_no_sequence);
  tcase_add_test(sequence, absurd_counts_behind_the_size_leave_the_size);
  tcase_add_test(sequence, a_set_cut_anywhere_gives_none_or_what_stands_before);
  tcase_add_test(sequence, random_bytes_give_a_sane_answer_or_none);
  tcase_add_test(sequence, sets_of_enhancement_layers_and_other_types_are_none);
  TCase* look = tcase_create("look");
  suite_add_tcase(suite, look);
  tcase_add_test(look, random_access_and_leading_pictures_by_type);
  tcase_add_test(look, a_recovery_point_before_the_slice_is_found);
  tcase_add_test(look, parameter_sets_before_the_slice_are_found_where_they_are);
  tcase_add_test(look, damaged_samples_are_looked_at_without_harm);
  return suite;
}

GST_CHECK_MAIN(hevc)
