// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the look into access units: what a sample begins with, whatever its lengths claim.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "memory_source.h"
#include "mp4/codecs/nal.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4_test::join_nals;
using mp4_test::MemorySource;
using Bytes = std::vector<uint8_t>;

const Bytes kAud{0x09, 0xf0};
const Bytes kSps{0x67, 66, 0, 31, 1};
const Bytes kPps{0x68, 0xce};
const Bytes kIdr{0x65, 0x88, 0x80, 0x40};
const Bytes kNonIdr{0x41, 0x9a, 0x00};
const Bytes kPartition{0x22, 0x9a, 0x00};
const Bytes kRecoveryPoint{0x06, 0x06, 0x01, 0x84, 0x80};
const Bytes kUserData{0x06, 0x05, 0x04, 1, 2, 3, 4, 0x80};

struct Found {
  bool has_media, idr, recovery_point;
};

Found scan(const Bytes& sample, unsigned length_size = 4) {
  const auto unit = mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), length_size);
  return {unit.has_media, unit.access.sync, unit.access.open_gop || unit.access.roll_distance != 0};
}

}  // namespace

GST_START_TEST(tells_idr_from_other_slices_with_every_length_size) {
  for (unsigned size : {1u, 2u, 4u}) {
    const auto idr = scan(join_nals({kAud, kSps, kPps, kIdr}, size), size);
    fail_unless(idr.has_media && idr.idr && !idr.recovery_point);
    const auto other = scan(join_nals({kAud, kNonIdr}, size), size);
    fail_unless(other.has_media && !other.idr && !other.recovery_point);
    const auto partition = scan(join_nals({kPartition}, size), size);
    fail_unless(partition.has_media && !partition.idr);
  }
}
GST_END_TEST;

GST_START_TEST(finds_a_recovery_point_before_the_slice_only) {
  const auto before = scan(join_nals({kAud, kSps, kUserData, kRecoveryPoint, kNonIdr}));
  fail_unless(before.has_media && !before.idr && before.recovery_point);
  const auto after = scan(join_nals({kNonIdr, kRecoveryPoint}));
  fail_unless(after.has_media && !after.recovery_point);
  const auto user_data = scan(join_nals({kUserData, kNonIdr}));
  fail_unless(user_data.has_media && !user_data.recovery_point);
}
GST_END_TEST;

GST_START_TEST(finds_a_recovery_point_behind_other_messages_of_one_sei) {
  Bytes sei{0x06, 0x05, 0x20};
  sei.resize(3 + 0x20, 0xaa);
  sei.insert(sei.end(), {0x06, 0x01, 0x84, 0x80});
  fail_unless(scan(join_nals({sei, kNonIdr})).recovery_point);
  Bytes extended{0x06, 0xff, 0x05, 0x02, 1, 2, 0x06, 0x01, 0x84, 0x80};  // type 260
  fail_unless(scan(join_nals({extended, kNonIdr})).recovery_point);
  Bytes content{0x06, 0x05, 0x03, 0x06, 0x01, 0x84, 0x80};  // looks like one, inside user data
  fail_if(scan(join_nals({content, kNonIdr})).recovery_point);
}
GST_END_TEST;

GST_START_TEST(reads_an_sei_without_its_emulation_prevention) {
  const Bytes sei{0x06, 0x05, 0x04, 0, 0, 3, 0, 1, 0x06, 0x01, 0x84, 0x80};
  fail_unless(scan(join_nals({sei, kNonIdr})).recovery_point);
}
GST_END_TEST;

GST_START_TEST(a_sample_without_a_slice_has_none) {
  for (const Bytes& sample :
       {Bytes{}, join_nals({kAud}), join_nals({kSps, kPps}), join_nals({kRecoveryPoint})}) {
    const auto unit = scan(sample);
    fail_unless(!unit.has_media && !unit.idr);
  }
}
GST_END_TEST;

GST_START_TEST(empty_nal_units_are_passed_over) {
  for (unsigned size : {1u, 2u, 4u}) {
    const auto unit = scan(join_nals({{}, {}, kAud, {}, kIdr, {}}, size), size);
    fail_unless(unit.has_media && unit.idr);
    fail_if(scan(join_nals({{}, {}}, size), size).has_media);
  }
  fail_if(scan(Bytes(1 << 20, 0)).has_media);
}
GST_END_TEST;

GST_START_TEST(a_length_beyond_the_sample_ends_the_look) {
  Bytes sample = join_nals({kAud, kIdr});
  sample[0] = 0xff;
  fail_if(scan(sample).has_media);
  Bytes slice = join_nals({kIdr});
  slice[0] = 0xff;  // the slice is there, if not all of it
  fail_unless(scan(slice).idr);
  Bytes sei = join_nals({kRecoveryPoint, kIdr});
  sei[0] = sei[1] = sei[2] = sei[3] = 0xff;
  const auto unit = scan(sei);
  fail_unless(unit.recovery_point && !unit.has_media);
}
GST_END_TEST;

GST_START_TEST(a_sample_cut_anywhere_is_looked_at_as_far_as_it_goes) {
  const Bytes sample = join_nals({kAud, kRecoveryPoint, kUserData, kIdr});
  const std::size_t slice_begins = sample.size() - kIdr.size();
  for (std::size_t length = 0; length <= sample.size(); ++length) {
    const auto unit = scan(Bytes(sample.begin(), sample.begin() + static_cast<long>(length)));
    fail_unless_equals_int(unit.has_media, length > slice_begins);
    fail_unless_equals_int(unit.idr, unit.has_media);
  }
}
GST_END_TEST;

GST_START_TEST(random_bytes_are_looked_at_without_harm) {
  std::minstd_rand random(5);
  int slices = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes sample(random() % 80);
    for (uint8_t& byte : sample)
      byte = random() % 3 ? static_cast<uint8_t>(random() % 16) : static_cast<uint8_t>(random());
    constexpr unsigned kSizes[] = {1, 2, 4};
    const auto unit = scan(sample, kSizes[random() % 3]);
    fail_unless(unit.has_media || !unit.idr);
    slices += unit.has_media;
  }
  fail_unless(slices > 1'000);
}
GST_END_TEST;

GST_START_TEST(a_b_slice_is_told_by_its_type) {
  const auto bidirectional = [](uint32_t slice_type, uint8_t first_byte) {
    mp4_test::BitWriter w;
    w.bits(first_byte, 8).ue(1'000).ue(slice_type).ue(0).bits(0xffff, 16);
    const Bytes sample = join_nals({kAud, w.bytes()});
    return mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), 4).bidirectional;
  };
  for (uint32_t type = 0; type < 10; ++type)
    fail_unless_equals_int(bidirectional(type, 0x01), type % 5 == 1);
  fail_unless(bidirectional(1, 0x02));  // data partition A
}
GST_END_TEST;

GST_START_TEST(a_recovery_point_says_at_once_or_after_so_many) {
  const auto access = [](uint32_t frames, const Bytes& slice) {
    mp4_test::BitWriter w;
    w.ue(frames).bits(0, 4).bits(1, 1);
    Bytes sei{0x06, 0x06, static_cast<uint8_t>(w.bytes().size())};
    sei.insert(sei.end(), w.bytes().begin(), w.bytes().end());
    sei.push_back(0x80);
    const Bytes sample = join_nals({sei, slice});
    return mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), 4).access;
  };
  fail_unless(access(0, kNonIdr) == mp4::RandomAccess{.open_gop = true});
  fail_unless(access(24, kNonIdr) == mp4::RandomAccess{.roll_distance = 24});
  fail_unless(access(65'535, kNonIdr) == mp4::RandomAccess{.roll_distance = INT16_MAX});
  fail_unless(access(0, kIdr) == mp4::RandomAccess{.sync = true});
  fail_unless(access(24, kIdr) == mp4::RandomAccess{.sync = true});
}
GST_END_TEST;

GST_START_TEST(parameter_sets_before_the_slice_are_found_where_they_are) {
  for (unsigned size : {1u, 2u, 4u}) {
    const Bytes sample = join_nals({kAud, kSps, kUserData, kPps, kIdr, kPps}, size);
    const auto unit = mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), size);
    fail_unless_equals_uint64(unit.sets_position, size + kAud.size());
    fail_unless_equals_int(unit.parameter_sets.size(), 2);
    const Bytes* const kSets[] = {&kSps, &kPps};
    for (int i = 0; i < 2; ++i) {
      const auto [offset, length] = unit.parameter_sets[i];
      fail_unless_equals_uint64(length, kSets[i]->size());
      fail_unless(std::equal(kSets[i]->begin(), kSets[i]->end(), sample.begin() + long(offset)));
    }
  }
}
GST_END_TEST;

GST_START_TEST(sets_go_to_the_front_unless_a_delimiter_is_first) {
  for (const Bytes& sample : {join_nals({kIdr}), join_nals({kSps, kAud, kIdr})})
    fail_unless_equals_uint64(
        mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), 4).sets_position, 0);
}
GST_END_TEST;

GST_START_TEST(too_many_too_large_and_cut_sets_are_passed_over) {
  const auto found = [](const Bytes& sample) {
    return mp4::scan_access_unit(mp4::NalCodec::kAvc, MemorySource(sample), 4);
  };
  fail_unless_equals_int(found(join_nals(std::vector<Bytes>(10'000, kPps))).parameter_sets.size(),
                         64);
  Bytes large(65'536, 0x68);
  fail_unless(found(join_nals({large, kIdr})).parameter_sets.empty());
  large.pop_back();
  fail_unless_equals_int(found(join_nals({large, kIdr})).parameter_sets.size(), 1);
  Bytes cut = join_nals({kAud, kSps});
  cut.pop_back();
  fail_unless(found(cut).parameter_sets.empty());
  cut.resize(5);
  fail_unless_equals_uint64(found(cut).sets_position, 0);
}
GST_END_TEST;

GST_START_TEST(only_headers_are_read) {
  Bytes slice(1 << 20, 0xaa), user_data(1 << 20, 0xaa);
  slice[0] = 0x65, user_data[0] = 0x06;
  const Bytes sample = join_nals({user_data, slice});
  const MemorySource source(sample);
  fail_unless(mp4::scan_access_unit(mp4::NalCodec::kAvc, source, 4).has_media);
  fail_unless(source.bytes_read < 1'000);
}
GST_END_TEST;

static Suite* avc_access_unit_suite() {
  Suite* suite = suite_create("avc_access_unit");
  TCase* look = tcase_create("look");
  suite_add_tcase(suite, look);
  tcase_add_test(look, tells_idr_from_other_slices_with_every_length_size);
  tcase_add_test(look, finds_a_recovery_point_before_the_slice_only);
  tcase_add_test(look, finds_a_recovery_point_behind_other_messages_of_one_sei);
  tcase_add_test(look, reads_an_sei_without_its_emulation_prevention);
  tcase_add_test(look, a_sample_without_a_slice_has_none);
  tcase_add_test(look, empty_nal_units_are_passed_over);
  tcase_add_test(look, a_length_beyond_the_sample_ends_the_look);
  tcase_add_test(look, a_sample_cut_anywhere_is_looked_at_as_far_as_it_goes);
  tcase_add_test(look, random_bytes_are_looked_at_without_harm);
  tcase_add_test(look, a_b_slice_is_told_by_its_type);
  tcase_add_test(look, a_recovery_point_says_at_once_or_after_so_many);
  tcase_add_test(look, parameter_sets_before_the_slice_are_found_where_they_are);
  tcase_add_test(look, sets_go_to_the_front_unless_a_delimiter_is_first);
  tcase_add_test(look, too_many_too_large_and_cut_sets_are_passed_over);
  tcase_add_test(look, only_headers_are_read);
  return suite;
}

GST_CHECK_MAIN(avc_access_unit)
