// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the look into access units: what a sample begins with, whatever its lengths claim.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "mp4/nal.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using Bytes = std::vector<uint8_t>;

class Memory final : public mp4::ByteSource {
 public:
  explicit Memory(const Bytes& bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override {
    if (offset >= bytes_.size()) return 0;
    const std::size_t count = std::min(destination.size(), bytes_.size() - offset);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, destination.begin());
    return count;
  }

 private:
  const Bytes& bytes_;
};

const Bytes kAud{0x09, 0xf0};
const Bytes kSps{0x67, 66, 0, 31, 1};
const Bytes kPps{0x68, 0xce};
const Bytes kIdr{0x65, 0x88, 0x80, 0x40};
const Bytes kNonIdr{0x41, 0x9a, 0x00};
const Bytes kPartition{0x22, 0x9a, 0x00};
const Bytes kRecoveryPoint{0x06, 0x06, 0x01, 0x84, 0x80};
const Bytes kUserData{0x06, 0x05, 0x04, 1, 2, 3, 4, 0x80};

Bytes join(const std::vector<Bytes>& nals, unsigned length_size = 4) {
  Bytes sample;
  for (const Bytes& nal : nals) {
    for (unsigned i = length_size; i-- > 0;)
      sample.push_back(static_cast<uint8_t>(uint64_t{nal.size()} >> 8 * i));
    sample.insert(sample.end(), nal.begin(), nal.end());
  }
  return sample;
}

struct Found {
  bool has_slice, idr, recovery_point;
};

Found scan(const Bytes& sample, unsigned length_size = 4) {
  const auto unit = mp4::scan_access_unit(mp4::NalCodec::kAvc, Memory(sample), length_size);
  return {unit.has_slice, unit.access.sync, unit.access.open_gop || unit.access.roll_distance != 0};
}

}  // namespace

GST_START_TEST(tells_idr_from_other_slices_with_every_length_size) {
  for (unsigned size : {1u, 2u, 4u}) {
    const auto idr = scan(join({kAud, kSps, kPps, kIdr}, size), size);
    fail_unless(idr.has_slice && idr.idr && !idr.recovery_point);
    const auto other = scan(join({kAud, kNonIdr}, size), size);
    fail_unless(other.has_slice && !other.idr && !other.recovery_point);
    const auto partition = scan(join({kPartition}, size), size);
    fail_unless(partition.has_slice && !partition.idr);
  }
}
GST_END_TEST;

GST_START_TEST(finds_a_recovery_point_before_the_slice_only) {
  const auto before = scan(join({kAud, kSps, kUserData, kRecoveryPoint, kNonIdr}));
  fail_unless(before.has_slice && !before.idr && before.recovery_point);
  const auto after = scan(join({kNonIdr, kRecoveryPoint}));
  fail_unless(after.has_slice && !after.recovery_point);
  const auto user_data = scan(join({kUserData, kNonIdr}));
  fail_unless(user_data.has_slice && !user_data.recovery_point);
}
GST_END_TEST;

GST_START_TEST(finds_a_recovery_point_behind_other_messages_of_one_sei) {
  Bytes sei{0x06, 0x05, 0x20};
  sei.resize(3 + 0x20, 0xaa);
  sei.insert(sei.end(), {0x06, 0x01, 0x84, 0x80});
  fail_unless(scan(join({sei, kNonIdr})).recovery_point);
  Bytes extended{0x06, 0xff, 0x05, 0x02, 1, 2, 0x06, 0x01, 0x84, 0x80};  // type 260
  fail_unless(scan(join({extended, kNonIdr})).recovery_point);
  Bytes content{0x06, 0x05, 0x03, 0x06, 0x01, 0x84, 0x80};  // looks like one, inside user data
  fail_if(scan(join({content, kNonIdr})).recovery_point);
}
GST_END_TEST;

GST_START_TEST(reads_an_sei_without_its_emulation_prevention) {
  const Bytes sei{0x06, 0x05, 0x04, 0, 0, 3, 0, 1, 0x06, 0x01, 0x84, 0x80};
  fail_unless(scan(join({sei, kNonIdr})).recovery_point);
}
GST_END_TEST;

GST_START_TEST(a_sample_without_a_slice_has_none) {
  for (const Bytes& sample : {Bytes{}, join({kAud}), join({kSps, kPps}), join({kRecoveryPoint})}) {
    const auto unit = scan(sample);
    fail_unless(!unit.has_slice && !unit.idr);
  }
}
GST_END_TEST;

GST_START_TEST(empty_nal_units_are_passed_over) {
  for (unsigned size : {1u, 2u, 4u}) {
    const auto unit = scan(join({{}, {}, kAud, {}, kIdr, {}}, size), size);
    fail_unless(unit.has_slice && unit.idr);
    fail_if(scan(join({{}, {}}, size), size).has_slice);
  }
  fail_if(scan(Bytes(1 << 20, 0)).has_slice);
}
GST_END_TEST;

GST_START_TEST(a_length_beyond_the_sample_ends_the_look) {
  Bytes sample = join({kAud, kIdr});
  sample[0] = 0xff;
  fail_if(scan(sample).has_slice);
  Bytes slice = join({kIdr});
  slice[0] = 0xff;  // the slice is there, if not all of it
  fail_unless(scan(slice).idr);
  Bytes sei = join({kRecoveryPoint, kIdr});
  sei[0] = sei[1] = sei[2] = sei[3] = 0xff;
  const auto unit = scan(sei);
  fail_unless(unit.recovery_point && !unit.has_slice);
}
GST_END_TEST;

GST_START_TEST(a_sample_cut_anywhere_is_looked_at_as_far_as_it_goes) {
  const Bytes sample = join({kAud, kRecoveryPoint, kUserData, kIdr});
  const std::size_t slice_begins = sample.size() - kIdr.size();
  for (std::size_t length = 0; length <= sample.size(); ++length) {
    const auto unit = scan(Bytes(sample.begin(), sample.begin() + static_cast<long>(length)));
    fail_unless_equals_int(unit.has_slice, length > slice_begins);
    fail_unless_equals_int(unit.idr, unit.has_slice);
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
    fail_unless(unit.has_slice || !unit.idr);
    slices += unit.has_slice;
  }
  fail_unless(slices > 1'000);
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
  return suite;
}

GST_CHECK_MAIN(avc_access_unit)
