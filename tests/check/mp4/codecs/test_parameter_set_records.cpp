// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parameter sets in force: records read and written anew, sets that samples bring,
// what a sample lacks, and hostile records.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "memory_source.h"
#include "mp4/codecs/parameter_sets.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::NalCodec;
using mp4::ParameterSets;
using mp4_test::BitWriter;
using mp4_test::join_nals;
using Bytes = std::vector<uint8_t>;

Bytes nal_of(const BitWriter& w, Bytes header) {
  const Bytes payload = mp4_test::with_emulation_prevention(w.bytes());
  header.insert(header.end(), payload.begin(), payload.end());
  return header;
}

Bytes avc_sps(uint32_t id, uint32_t macroblocks, uint8_t profile = 77, uint8_t level = 31,
              uint32_t depth = 8) {
  BitWriter w;
  w.bits(profile, 8).bits(0x40, 8).bits(level, 8).ue(id);
  if (profile == 100) w.ue(2).ue(depth - 8).ue(depth - 8).bits(0, 2);
  w.ue(0).ue(0).ue(4).ue(2).bits(0, 1).ue(macroblocks - 1).ue(14).bits(1, 1).bits(1, 1);
  return nal_of(w.bits(0, 2).bits(1, 1), {0x67});
}

Bytes avc_pps(uint32_t id, uint32_t content = 0) {
  BitWriter w;
  return nal_of(w.ue(id).ue(0).bits(content, 16).bits(0x5555, 16), {0x68});
}

Bytes hevc_vps(uint8_t id, uint8_t content = 0) {
  return {0x40, 1, static_cast<uint8_t>(id << 4 | 0xc), 1, 0xff, content};
}

Bytes hevc_sps(uint32_t id, uint32_t width, uint8_t level = 93, uint8_t layer = 0) {
  BitWriter w;
  w.bits(0, 4).bits(0, 3).bits(1, 1);
  w.bits(0x22, 8).bits(0x20000000, 32).bits(0xb00000000000, 48).bits(level, 8);
  w.ue(id).ue(2).ue(width).ue(240).bits(0, 1).ue(2).ue(1).ue(4).bits(1, 1).ue(4).ue(2).ue(0);
  return nal_of(w.ue(0).ue(3).bits(0xffff, 16), {0x42, static_cast<uint8_t>(layer << 3 | 1)});
}

Bytes hevc_pps(uint32_t id, uint32_t content = 0) {
  BitWriter w;
  return nal_of(w.ue(id).ue(0).bits(content, 16).bits(0x5555, 16), {0x44, 1});
}

void append(Bytes& record, const Bytes& nal) {
  const Bytes with_length = join_nals({nal}, 2);
  record.insert(record.end(), with_length.begin(), with_length.end());
}

Bytes avc_record(const std::vector<Bytes>& sps, const std::vector<Bytes>& pps,
                 const Bytes& tail = {}) {
  Bytes record{1, 77, 0x40, 31, 0xff, static_cast<uint8_t>(0xe0 | sps.size())};
  if (!sps.empty()) std::copy_n(sps[0].begin() + 1, 3, record.begin() + 1);
  for (const Bytes& nal : sps) append(record, nal);
  record.push_back(static_cast<uint8_t>(pps.size()));
  for (const Bytes& nal : pps) append(record, nal);
  record.insert(record.end(), tail.begin(), tail.end());
  return record;
}

struct Array {
  uint8_t first_byte;  // array_completeness and NAL_unit_type
  std::vector<Bytes> nals;
};

Bytes hevc_record(const std::vector<Array>& arrays) {
  Bytes record{1, 0x22, 0x20, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93};  // profile and level
  record.insert(record.end(), {0xf0, 0x12, 0xfd, 0xfe, 0xfa, 0xf9, 0x19, 0, 0x4f});
  record.push_back(static_cast<uint8_t>(arrays.size()));
  for (const Array& array : arrays) {
    record.push_back(array.first_byte);
    record.insert(record.end(), {static_cast<uint8_t>(array.nals.size() >> 8),
                                 static_cast<uint8_t>(array.nals.size())});
    for (const Bytes& nal : array.nals) append(record, nal);
  }
  return record;
}

constexpr uint8_t kVps = 32, kSps = 33, kPps = 34, kSei = 39, kComplete = 0x80;
const Bytes kSeiNal{0x4e, 1, 5, 1, 7, 0x80};

ParameterSets read(NalCodec codec, const Bytes& record) {
  const auto sets = ParameterSets::from_record(codec, record);
  fail_unless(sets.has_value());
  return *sets;
}

void expect_round_trip(NalCodec codec, const Bytes& record) {
  fail_unless(read(codec, record).record() == record);
}

Bytes some_avc_record() {
  return avc_record({avc_sps(0, 20, 100), avc_sps(3, 40, 100)}, {avc_pps(0), avc_pps(255)},
                    {0xfe, 0xf8, 0xf8, 1, 0, 3, 0x6d, 1, 2});
}

Bytes some_hevc_record() {
  return hevc_record({{kComplete | kVps, {hevc_vps(0)}},
                      {kSps, {hevc_sps(0, 320), hevc_sps(15, 640)}},
                      {kComplete | kPps, {hevc_pps(0), hevc_pps(63)}},
                      {kSei, {kSeiNal, kSeiNal}}});
}

}  // namespace

GST_START_TEST(a_record_is_written_as_it_was_read) {
  expect_round_trip(NalCodec::kAvc, avc_record({avc_sps(0, 20)}, {avc_pps(0)}));
  expect_round_trip(NalCodec::kAvc, some_avc_record());
  expect_round_trip(NalCodec::kHevc, some_hevc_record());
}
GST_END_TEST;

GST_START_TEST(a_record_without_sets_keeps_its_header) {
  expect_round_trip(NalCodec::kAvc, avc_record({}, {}));
  Bytes high = avc_record({}, {}, {0xfd, 0xf8, 0xfa, 0});
  high[1] = 100;
  expect_round_trip(NalCodec::kAvc, high);
  expect_round_trip(NalCodec::kHevc, hevc_record({}));
  fail_if(read(NalCodec::kHevc, hevc_record({})).sequence().has_value());
}
GST_END_TEST;

GST_START_TEST(a_record_cut_anywhere_is_refused_or_has_lost_its_tail) {
  for (const Bytes& record : {some_hevc_record(), avc_record({avc_sps(0, 20)}, {avc_pps(0)})}) {
    const auto codec = record[1] == 77 ? NalCodec::kAvc : NalCodec::kHevc;
    for (size_t length = 0; length < record.size(); ++length)
      fail_if(ParameterSets::from_record(codec, std::span(record).first(length)), "%zu", length);
  }
  const Bytes high = avc_record({avc_sps(0, 20, 100)}, {avc_pps(0)}, {0xfe, 0xf8, 0xf8, 0});
  for (size_t lost = 0; lost <= 4; ++lost) {
    const Bytes cut(high.begin(), high.end() - static_cast<long>(lost));
    fail_unless(read(NalCodec::kAvc, cut).record() == high);
  }
}
GST_END_TEST;

GST_START_TEST(length_sizes_1_2_4_but_not_3) {
  Bytes hevc = some_hevc_record(), avc = some_avc_record();
  for (unsigned size : {1u, 2u, 4u}) {
    avc[4] = hevc[21] = static_cast<uint8_t>(0xfc | (size - 1));
    fail_unless_equals_int(read(NalCodec::kAvc, avc).nal_length_size(), size);
    fail_unless_equals_int(read(NalCodec::kHevc, hevc).nal_length_size(), size);
  }
  avc[4] = hevc[21] = 0xfe;
  fail_if(ParameterSets::from_record(NalCodec::kAvc, avc).has_value());
  fail_if(ParameterSets::from_record(NalCodec::kHevc, hevc).has_value());
}
GST_END_TEST;

GST_START_TEST(a_set_is_put_by_its_type_and_id) {
  auto avc = read(NalCodec::kAvc, avc_record({avc_sps(0, 20)}, {avc_pps(0)}));
  fail_if(avc.put(avc_sps(0, 20)) || avc.put(avc_pps(0)));
  fail_unless(avc.put(avc_sps(0, 40)));
  fail_if(avc.put(avc_sps(0, 40)));
  fail_unless_equals_int(avc.sequence()->width, 640);
  fail_unless(avc.put(avc_pps(7)) && avc.put(avc_pps(0, 1)));
  fail_unless(avc.record() == avc_record({avc_sps(0, 40)}, {avc_pps(0, 1), avc_pps(7)}));

  auto hevc = read(NalCodec::kHevc, hevc_record({}));
  fail_unless(hevc.put(hevc_pps(63)) && hevc.put(hevc_sps(0, 320)) && hevc.put(hevc_vps(15)));
  fail_if(hevc.put(hevc_pps(63)) || hevc.put(hevc_sps(0, 320)) || hevc.put(hevc_vps(15)));
  fail_unless(hevc.put(hevc_sps(0, 640)) && hevc.put(hevc_vps(15, 1)));
  fail_unless_equals_int(hevc.sequence()->width, 640);
  fail_unless(hevc.sequence()->reorder_depth == 2u);
}
GST_END_TEST;

GST_START_TEST(what_is_no_set_is_left_out) {
  auto avc = read(NalCodec::kAvc, avc_record({}, {}));
  auto hevc = read(NalCodec::kHevc, hevc_record({}));
  Bytes large = avc_pps(1);
  large.resize(65'536, 1);
  for (const Bytes& nal : {Bytes{}, Bytes{0x67}, Bytes{0x68, 0, 0, 0}, Bytes{0x65, 1, 2, 3, 4},
                           Bytes{0x67, 66, 0, 31}, avc_sps(32, 20), avc_pps(256), large})
    fail_if(avc.put(nal));
  large = hevc_pps(1);
  large.resize(65'536, 1);
  Bytes of_layer = hevc_pps(1);
  of_layer[1] = 9;
  for (const Bytes& nal : {Bytes{}, Bytes{0x42, 1}, Bytes{0x42, 1, 1, 1, 1}, kSeiNal, large,
                           hevc_sps(16, 320), hevc_sps(0, 320, 93, 1), hevc_sps(0, 0), of_layer,
                           hevc_pps(64), Bytes{0x44, 1, 0, 0, 0, 0}})
    fail_if(hevc.put(nal));
  fail_unless(avc.record() == avc_record({}, {}));
  fail_unless(hevc.record() == hevc_record({}));
  large.pop_back();
  fail_unless(hevc.put(large));
}
GST_END_TEST;

GST_START_TEST(the_record_says_what_its_sps_says) {
  auto avc = read(NalCodec::kAvc, avc_record({avc_sps(0, 20)}, {avc_pps(0)}));
  avc.put(avc_sps(0, 20, 100, 42, 10));
  fail_unless(avc.record() ==
              avc_record({avc_sps(0, 20, 100, 42, 10)}, {avc_pps(0)}, {0xfe, 0xfa, 0xfa, 0}));
  auto hevc = read(NalCodec::kHevc, hevc_record({}));
  hevc.put(hevc_sps(0, 320, 153));
  const Bytes record = hevc.record();
  fail_unless_equals_int(record[1], 0x22);
  fail_unless_equals_int(record[6], 0xb0);
  fail_unless_equals_int(record[12], 153);
  fail_unless_equals_int(record[16], 0xfe);
  fail_unless_equals_int(record[17], 0xfa);
  fail_unless_equals_int(record[18], 0xf9);
}
GST_END_TEST;

GST_START_TEST(arrays_are_as_complete_as_the_record_said) {
  const auto first_bytes = [](ParameterSets sets) {
    sets.put(hevc_vps(0));
    sets.put(hevc_pps(0));
    const Bytes record = sets.record();
    Bytes found;
    size_t at = 23;
    for (int arrays = record[22]; arrays > 0; --arrays) {
      found.push_back(record[at]);
      fail_unless_equals_int(record[at + 1] << 8 | record[at + 2], 1);
      at += 5 + static_cast<size_t>(record[at + 3] << 8 | record[at + 4]);
    }
    return found;
  };
  const auto with = [](uint8_t first_byte) {
    return read(NalCodec::kHevc, hevc_record({{first_byte, {hevc_sps(0, 320)}}}));
  };
  fail_unless(first_bytes(with(kComplete | kSps)) ==
              Bytes({kComplete | kVps, kComplete | kSps, kComplete | kPps}));
  fail_unless(first_bytes(with(kSps)) == Bytes({kVps, kSps, kPps}));
  fail_unless(first_bytes(read(NalCodec::kHevc, hevc_record({}))) == Bytes({kVps, kPps}));
}
GST_END_TEST;

GST_START_TEST(sets_of_other_layers_stay_in_the_record) {
  const Bytes record =
      hevc_record({{kComplete | kSps, {hevc_sps(0, 320), hevc_sps(1, 64, 93, 1)}}});
  expect_round_trip(NalCodec::kHevc, record);
  fail_unless(read(NalCodec::kHevc, record).missing_from({}) == join_nals({hevc_sps(0, 320)}));
}
GST_END_TEST;

GST_START_TEST(a_sample_is_given_what_it_lacks_in_order) {
  const Bytes vps = hevc_vps(0), sps = hevc_sps(0, 320), pps = hevc_pps(0), other = hevc_pps(5);
  auto hevc = read(NalCodec::kHevc, hevc_record({}));
  for (const Bytes& nal : {other, pps, sps, vps}) hevc.put(nal);
  fail_unless(hevc.missing_from({}) == join_nals({vps, sps, pps, other}));
  const std::vector<Bytes> some{other, sps}, all{vps, sps, pps, other};
  fail_unless(hevc.missing_from(some) == join_nals({vps, pps}));
  fail_unless(hevc.missing_from(all).empty());
  Bytes record = avc_record({avc_sps(0, 20)}, {avc_pps(0)});
  record[4] = 0xfd;
  const std::vector<Bytes> picture{avc_pps(0)};
  fail_unless(read(NalCodec::kAvc, record).missing_from(picture) == join_nals({avc_sps(0, 20)}, 2));
}
GST_END_TEST;

GST_START_TEST(a_set_too_long_for_the_length_is_not_given) {
  Bytes record = avc_record({avc_sps(0, 20)}, {avc_pps(0)});
  record[4] = 0xfc;
  auto avc = read(NalCodec::kAvc, record);
  Bytes large = avc_pps(1);
  large.resize(256, 1);
  fail_unless(avc.put(large));
  fail_unless(avc.missing_from({}) == join_nals({avc_sps(0, 20), avc_pps(0)}, 1));
}
GST_END_TEST;

GST_START_TEST(a_record_holds_no_more_than_it_can_count) {
  auto avc = read(NalCodec::kAvc, avc_record({}, {}));
  for (uint32_t id = 0; id < 32; ++id) fail_unless(avc.put(avc_sps(id, 20 + id)));
  for (uint32_t id = 0; id < 256; ++id) fail_unless(avc.put(avc_pps(id)));
  const Bytes record = avc.record();
  fail_unless_equals_int(record[5] & 0x1f, 31);
  const auto again = read(NalCodec::kAvc, record);
  fail_unless(again.record() == record);
  fail_unless_equals_int(again.sequence()->width, 320);
}
GST_END_TEST;

GST_START_TEST(the_last_of_two_with_one_id_counts) {
  const auto avc = read(NalCodec::kAvc, avc_record({avc_sps(0, 20), avc_sps(0, 40)}, {avc_pps(0)}));
  fail_unless_equals_int(avc.sequence()->width, 640);
  fail_unless(avc.record() == avc_record({avc_sps(0, 40)}, {avc_pps(0)}));
  const Array duplicates{kSps, std::vector<Bytes>(5'000, hevc_sps(0, 320))};
  const auto hevc = read(NalCodec::kHevc, hevc_record({duplicates, duplicates}));
  fail_unless(hevc.record() == hevc_record({{kSps, {hevc_sps(0, 320)}}}));
  const Array messages{kSei, std::vector<Bytes>(60'000, kSeiNal)};
  fail_unless(read(NalCodec::kHevc, hevc_record({messages})).record().size() < 4'096);
}
GST_END_TEST;

GST_START_TEST(damaged_records_do_no_harm) {
  const std::pair<NalCodec, Bytes> kRecords[] = {{NalCodec::kAvc, some_avc_record()},
                                                 {NalCodec::kHevc, some_hevc_record()}};
  std::minstd_rand random(8);
  for (const auto& [codec, whole] : kRecords) {
    const auto look = [codec = codec](const Bytes& record) {
      const auto sets = ParameterSets::from_record(codec, record);
      if (!sets) return;
      const Bytes anew = sets->record();
      fail_unless(read(codec, anew).record() == anew);
      sets->missing_from({});
    };
    for (size_t at = 0; at < whole.size(); ++at) {
      look(Bytes(whole.begin(), whole.begin() + static_cast<long>(at)));
      for (int value : {0, 1, 255}) {
        Bytes changed = whole;
        changed[at] = static_cast<uint8_t>(value);
        look(changed);
      }
    }
    for (int round = 0; round < 20'000; ++round) {
      Bytes changed = whole;
      for (int i = 0; i < 4; ++i)
        changed[random() % changed.size()] = static_cast<uint8_t>(random() >> 8);
      look(changed);
    }
  }
}
GST_END_TEST;

static Suite* parameter_set_records_suite() {
  Suite* suite = suite_create("parameter_set_records");
  TCase* sets = tcase_create("sets");
  suite_add_tcase(suite, sets);
  tcase_add_test(sets, a_record_is_written_as_it_was_read);
  tcase_add_test(sets, a_record_without_sets_keeps_its_header);
  tcase_add_test(sets, a_record_cut_anywhere_is_refused_or_has_lost_its_tail);
  tcase_add_test(sets, length_sizes_1_2_4_but_not_3);
  tcase_add_test(sets, a_set_is_put_by_its_type_and_id);
  tcase_add_test(sets, what_is_no_set_is_left_out);
  tcase_add_test(sets, the_record_says_what_its_sps_says);
  tcase_add_test(sets, arrays_are_as_complete_as_the_record_said);
  tcase_add_test(sets, sets_of_other_layers_stay_in_the_record);
  tcase_add_test(sets, a_sample_is_given_what_it_lacks_in_order);
  tcase_add_test(sets, a_set_too_long_for_the_length_is_not_given);
  tcase_add_test(sets, a_record_holds_no_more_than_it_can_count);
  tcase_add_test(sets, the_last_of_two_with_one_id_counts);
  tcase_add_test(sets, damaged_records_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(parameter_set_records)
