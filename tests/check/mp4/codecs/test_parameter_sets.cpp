// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parameter sets in force: which set replaces which, the record that is made of them,
// and what a sample lacks. And of the look into H.265 access units.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "mp4/codecs/parameter_sets.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::NalCodec;
using mp4::ParameterSets;
using Bytes = std::vector<uint8_t>;

class Memory final : public mp4::ByteSource {
 public:
  explicit Memory(const Bytes& bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override {
    if (offset >= bytes_.size()) return 0;
    const std::size_t count = std::min<std::size_t>(destination.size(), bytes_.size() - offset);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, destination.begin());
    return count;
  }

 private:
  const Bytes& bytes_;
};

Bytes join(const std::vector<Bytes>& nals, unsigned length_size = 4) {
  Bytes sample;
  for (const Bytes& nal : nals) {
    for (unsigned i = length_size; i-- > 0;)
      sample.push_back(static_cast<uint8_t>(uint64_t{nal.size()} >> 8 * i));
    sample.insert(sample.end(), nal.begin(), nal.end());
  }
  return sample;
}

// 320x240 Baseline; the id is the first ue(v) after the level.
const Bytes kSps{0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xec, 0x04, 0x40, 0x00,
                 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0c, 0x83, 0xc5, 0x8b, 0xa8};
const Bytes kPps{0x68, 0xce, 0x38, 0x80};        // id 0
const Bytes kOtherPps{0x68, 0xce, 0x0f, 0xc8};   // id 0 too
const Bytes kSecondPps{0x68, 0x5c, 0x38, 0x80};  // id 1

Bytes record_of(const std::vector<Bytes>& sps, const std::vector<Bytes>& pps,
                unsigned length_size = 4) {
  Bytes record{1,
               0x42,
               0xc0,
               0x1e,
               static_cast<uint8_t>(0xfc | (length_size - 1)),
               static_cast<uint8_t>(0xe0 | sps.size())};
  const Bytes first = join(sps, 2), second = join(pps, 2);
  record.insert(record.end(), first.begin(), first.end());
  record.push_back(static_cast<uint8_t>(pps.size()));
  record.insert(record.end(), second.begin(), second.end());
  return record;
}

ParameterSets sets_of(const std::vector<Bytes>& sps, const std::vector<Bytes>& pps,
                      unsigned length_size = 4) {
  auto sets = ParameterSets::from_record(NalCodec::kAvc, record_of(sps, pps, length_size));
  fail_unless(sets.has_value());
  return *sets;
}

mp4::AccessUnit scan_hevc(const std::vector<Bytes>& nals) {
  const Bytes sample = join(nals);
  return mp4::scan_access_unit(NalCodec::kHevc, Memory(sample), 4);
}

Bytes hevc_nal(unsigned type, const Bytes& payload = {0x80, 0x12, 0x34}) {
  Bytes nal{static_cast<uint8_t>(type << 1), 1};
  nal.insert(nal.end(), payload.begin(), payload.end());
  return nal;
}

}  // namespace

GST_START_TEST(a_set_replaces_the_one_of_its_id_and_only_news_is_a_change) {
  ParameterSets sets = sets_of({kSps}, {kPps});
  fail_if(sets.put(kSps));
  fail_if(sets.put(kPps));
  fail_unless(sets.put(kOtherPps));
  fail_if(sets.put(kOtherPps));
  fail_unless(sets.record() == record_of({kSps}, {kOtherPps}));
  fail_unless(sets.put(kSecondPps));
  fail_unless(sets.record() == record_of({kSps}, {kOtherPps, kSecondPps}));
  fail_unless(sets.put(kPps));
  fail_unless(sets.record() == record_of({kSps}, {kPps, kSecondPps}));
}
GST_END_TEST;

GST_START_TEST(profile_and_level_of_the_record_are_those_of_the_set) {
  ParameterSets sets = sets_of({kSps}, {kPps});
  Bytes other = kSps;
  other[1] = 0x4d, other[2] = 0x40, other[3] = 0x28;
  fail_unless(sets.put(other));
  const Bytes record = sets.record();
  fail_unless(record[1] == 0x4d && record[2] == 0x40 && record[3] == 0x28);
}
GST_END_TEST;

GST_START_TEST(what_is_no_set_changes_nothing) {
  ParameterSets sets = sets_of({kSps}, {kPps});
  const Bytes record = sets.record();
  for (const Bytes& nal : {Bytes{}, Bytes{0x68}, Bytes{0x68, 0, 0, 0, 0}, Bytes{0x65, 1, 2, 3, 4},
                           Bytes{0x67, 66, 0, 31}, Bytes(70'000, 0x68)})
    fail_if(sets.put(nal));
  fail_unless(sets.record() == record);
}
GST_END_TEST;

GST_START_TEST(a_sample_lacks_what_it_does_not_bring) {
  for (unsigned size : {1u, 2u, 4u}) {
    ParameterSets sets = sets_of({kSps}, {kPps, kSecondPps}, size);
    fail_unless(sets.missing_from({}) == join({kSps, kPps, kSecondPps}, size));
    const std::vector<Bytes> some{kPps};
    fail_unless(sets.missing_from(some) == join({kSps, kSecondPps}, size));
    const std::vector<Bytes> all{kSecondPps, kSps, kPps};
    fail_unless(sets.missing_from(all).empty());
  }
}
GST_END_TEST;

GST_START_TEST(a_set_too_long_for_the_length_field_is_not_put_into_samples) {
  Bytes pps = kSecondPps;
  pps.resize(300, 0x55);
  ParameterSets sets = sets_of({kSps}, {kPps}, 1);
  fail_unless(sets.put(pps));
  fail_unless(sets.missing_from({}) == join({kSps, kPps}, 1));
}
GST_END_TEST;

GST_START_TEST(the_look_says_where_sets_are_and_where_they_may_be_put) {
  const Bytes aud{0x09, 0xf0}, slice{0x65, 0x88, 0x80, 0x40};
  Bytes sample = join({aud, kSps, kPps, slice});
  auto unit = mp4::scan_access_unit(NalCodec::kAvc, Memory(sample), 4);
  fail_unless_equals_uint64(unit.sets_position, 4 + aud.size());
  fail_unless_equals_uint64(unit.parameter_sets.size(), 2);
  fail_unless_equals_uint64(unit.parameter_sets[1].offset, 4 + aud.size() + 4 + kSps.size() + 4);
  fail_unless_equals_uint64(unit.parameter_sets[1].size, kPps.size());
  sample = join({kSps, aud, slice});  // a delimiter that begins nothing
  unit = mp4::scan_access_unit(NalCodec::kAvc, Memory(sample), 4);
  fail_unless_equals_uint64(unit.sets_position, 0);
  sample = join({slice, kPps});  // behind the slice: of no concern
  unit = mp4::scan_access_unit(NalCodec::kAvc, Memory(sample), 4);
  fail_unless(unit.parameter_sets.empty());
}
GST_END_TEST;

GST_START_TEST(tells_b_slices_and_recovery_points) {
  const Bytes p{0x41, 0x9a, 0x00}, b{0x01, 0xa8, 0x00}, b6{0x01, 0x9e, 0x00};  // types 5, 1, 6
  const auto look = [](const std::vector<Bytes>& nals) {
    const Bytes sample = join(nals);
    return mp4::scan_access_unit(NalCodec::kAvc, Memory(sample), 4);
  };
  fail_if(look({p}).bidirectional);
  fail_unless(look({b}).bidirectional);
  fail_unless(look({b6}).bidirectional);
  const Bytes now{0x06, 0x06, 0x01, 0x84, 0x80};          // recovery_frame_cnt 0
  const Bytes later{0x06, 0x06, 0x02, 0x0a, 0x40, 0x80};  // 19
  fail_unless(look({now, p}).access == mp4::RandomAccess({.open_gop = true}));
  const auto access = look({later, p}).access;
  fail_unless(!access.sync && !access.open_gop && access.roll_distance == 19, "%d",
              access.roll_distance);
}
GST_END_TEST;

GST_START_TEST(h265_pictures_by_type) {
  for (unsigned type = 0; type < 32; ++type) {
    const auto unit = scan_hevc({hevc_nal(35, {0x50}), hevc_nal(type)});
    const bool slice = type <= 9 || (type >= 16 && type <= 21);
    fail_unless_equals_int(unit.has_media, slice);
    fail_unless_equals_int(unit.access.sync, type >= 16 && type <= 21);
    fail_unless_equals_int(unit.access.open_gop, type == 21);
    fail_unless_equals_int(unit.leading, type >= 6 && type <= 9);
  }
  const auto unit = scan_hevc({hevc_nal(35, {0x50}), hevc_nal(32), hevc_nal(33), hevc_nal(34),
                               hevc_nal(39, {6, 1, 0x40, 0x80}), hevc_nal(1)});
  fail_unless_equals_uint64(unit.sets_position, 4 + 3);
  fail_unless_equals_uint64(unit.parameter_sets.size(), 3);
  fail_unless_equals_int(unit.access.roll_distance, 1);
}
GST_END_TEST;

GST_START_TEST(random_h265_samples_are_looked_at_without_harm) {
  std::minstd_rand random(5);
  int slices = 0;
  for (int round = 0; round < 50'000; ++round) {
    Bytes sample(random() % 80);
    for (uint8_t& byte : sample)
      byte = random() % 3 ? static_cast<uint8_t>(random() % 8) : static_cast<uint8_t>(random());
    constexpr unsigned kSizes[] = {1, 2, 4};
    slices +=
        mp4::scan_access_unit(NalCodec::kHevc, Memory(sample), kSizes[random() % 3]).has_media;
  }
  fail_unless(slices > 1'000);
}
GST_END_TEST;

static Suite* parameter_sets_suite() {
  Suite* suite = suite_create("parameter_sets");
  TCase* sets = tcase_create("sets");
  suite_add_tcase(suite, sets);
  tcase_add_test(sets, a_set_replaces_the_one_of_its_id_and_only_news_is_a_change);
  tcase_add_test(sets, profile_and_level_of_the_record_are_those_of_the_set);
  tcase_add_test(sets, what_is_no_set_changes_nothing);
  tcase_add_test(sets, a_sample_lacks_what_it_does_not_bring);
  tcase_add_test(sets, a_set_too_long_for_the_length_field_is_not_put_into_samples);
  tcase_add_test(sets, the_look_says_where_sets_are_and_where_they_may_be_put);
  tcase_add_test(sets, tells_b_slices_and_recovery_points);
  tcase_add_test(sets, h265_pictures_by_type);
  tcase_add_test(sets, random_h265_samples_are_looked_at_without_harm);
  return suite;
}

GST_CHECK_MAIN(parameter_sets)
