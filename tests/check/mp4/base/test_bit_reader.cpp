// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the bit reader: it reads what was written, and the end is an answer, never a crash.
#include <cstdint>
#include <random>
#include <vector>

#include "bit_writer.h"
#include "mp4/base/bit_reader.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::BitReader;
using mp4_test::BitWriter;
using Bytes = std::vector<uint8_t>;

}  // namespace

GST_START_TEST(reads_bits_from_the_highest_on) {
  const Bytes bytes{0xa5, 0x0f, 0x12, 0x34, 0x56, 0x78};
  BitReader reader(bytes);
  fail_unless_equals_int(reader.bit(), 1);
  fail_unless_equals_int(reader.bits(3), 2);
  fail_unless_equals_int(reader.bits(0), 0);
  fail_unless_equals_int(reader.bits(12), 0x50f);
  fail_unless_equals_uint64(reader.bits(32), 0x12345678);
  fail_if(reader.exhausted());
}
GST_END_TEST;

GST_START_TEST(reads_every_exp_golomb_code_that_was_written) {
  std::minstd_rand random(1);
  std::vector<uint32_t> values{0, 1, 2, 254, 255, 65'534, UINT32_MAX - 2, 0x7fffffff};
  for (int i = 0; i < 2'000; ++i)
    values.push_back(static_cast<uint32_t>(random()) >> random() % 31);
  BitWriter writer;
  for (uint32_t value : values) writer.ue(value);
  BitReader reader(writer.bytes());
  for (uint32_t value : values)
    if (value < (uint64_t{1} << 32) - 1) fail_unless_equals_uint64(reader.ue(), value);
  fail_if(reader.exhausted());
}
GST_END_TEST;

GST_START_TEST(reads_every_signed_exp_golomb_code_that_was_written) {
  std::vector<int32_t> values{0, 1, -1, 2, -2, INT32_MAX - 1, -INT32_MAX + 1, INT32_MAX};
  for (int32_t value = -300; value < 300; ++value) values.push_back(value);
  BitWriter writer;
  for (int32_t value : values) writer.se(value);
  BitReader reader(writer.bytes());
  for (int32_t value : values) fail_unless_equals_int64(reader.se(), value);
  fail_if(reader.exhausted());
}
GST_END_TEST;

GST_START_TEST(the_last_bit_is_not_yet_the_end) {
  const Bytes bytes{0x01};
  BitReader reader(bytes);
  reader.bits(7);
  fail_unless_equals_int(reader.bit(), 1);
  fail_if(reader.exhausted());
  fail_unless_equals_int(reader.bit(), 0);
  fail_unless(reader.exhausted());
}
GST_END_TEST;

GST_START_TEST(past_the_end_come_zeros_and_it_stays_exhausted) {
  BitReader nothing({});
  fail_unless_equals_int(nothing.bits(32), 0);
  fail_unless(nothing.exhausted());
  fail_unless_equals_int(nothing.ue(), 0);
  fail_unless_equals_int(nothing.se(), 0);
  fail_unless(nothing.exhausted());
}
GST_END_TEST;

GST_START_TEST(a_code_of_more_than_32_bits_is_the_end) {
  const Bytes zeros(40, 0);
  BitReader reader(zeros);
  fail_unless_equals_int(reader.ue(), 0);
  fail_unless(reader.exhausted());
  BitWriter writer;
  writer.bits(0, 32).bits(1, 1).bits(5, 32);
  BitReader too_long(writer.bytes());
  too_long.ue();
  fail_unless(too_long.exhausted());
}
GST_END_TEST;

GST_START_TEST(a_code_that_is_cut_off_is_the_end) {
  BitWriter writer;
  writer.ue(1'000'000);
  for (size_t length = 0; length < writer.bytes().size(); ++length) {
    BitReader reader(std::span(writer.bytes()).first(length));
    reader.ue();
    fail_unless(reader.exhausted());
  }
}
GST_END_TEST;

static Suite* bit_reader_suite() {
  Suite* suite = suite_create("bit_reader");
  TCase* bits = tcase_create("bits");
  suite_add_tcase(suite, bits);
  tcase_add_test(bits, reads_bits_from_the_highest_on);
  tcase_add_test(bits, reads_every_exp_golomb_code_that_was_written);
  tcase_add_test(bits, reads_every_signed_exp_golomb_code_that_was_written);
  tcase_add_test(bits, the_last_bit_is_not_yet_the_end);
  tcase_add_test(bits, past_the_end_come_zeros_and_it_stays_exhausted);
  tcase_add_test(bits, a_code_of_more_than_32_bits_is_the_end);
  tcase_add_test(bits, a_code_that_is_cut_off_is_the_end);
  return suite;
}

GST_CHECK_MAIN(bit_reader)
