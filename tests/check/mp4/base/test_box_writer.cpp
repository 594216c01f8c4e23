// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the box writer and of four-character codes, byte for byte.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mp4/base/box_writer.h"
#include "mp4/base/fourcc.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Box;
using mp4::BoxWriter;
using mp4::FullBox;
using namespace mp4::literals;
using Bytes = std::vector<uint8_t>;

}  // namespace

GST_START_TEST(numbers_are_big_endian) {
  BoxWriter w;
  w.u8(0x01);
  w.u16(0x0203);
  w.u24(0x040506);
  w.u32(0x0708090a);
  w.u64(0x0b0c0d0e0f101112);
  w.i16(-2);
  w.i32(-3);
  const Bytes wanted{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
                     0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfd};
  fail_unless(w.bytes() == wanted);
  fail_unless_equals_uint64(w.size(), wanted.size());
}
GST_END_TEST;

GST_START_TEST(a_box_gets_its_size_when_its_scope_ends) {
  BoxWriter w;
  w.u8(0xee);
  {
    Box outer(w, "outr"_4cc);
    w.u8(0xaa);
    { Box empty(w, "void"_4cc); }
    FullBox inner(w, "innr"_4cc, 1, 0x020304);
    w.zeros(2);
  }
  w.u8(0xff);
  const Bytes wanted{0xee, 0, 0, 0, 31, 'o', 'u', 't', 'r', 0xaa, 0, 0, 0, 8, 'v', 'o', 'i',
                     'd',  0, 0, 0, 14, 'i', 'n', 'n', 'r', 1,    2, 3, 4, 0, 0,   0xff};
  fail_unless(w.bytes() == wanted);
}
GST_END_TEST;

GST_START_TEST(a_time_has_64_bits_in_version_1_and_is_not_cut_in_version_0) {
  BoxWriter w;
  w.time(0, 0x11223344);
  w.time(1, 0x11223344);
  w.time(0, uint64_t{UINT32_MAX} + 1);
  w.time(1, uint64_t{UINT32_MAX} + 1);
  const Bytes wanted{0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44,
                     0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0,    0,    0,    0};
  fail_unless(w.bytes() == wanted);
}
GST_END_TEST;

GST_START_TEST(a_c_string_ends_at_the_first_nul_and_with_one) {
  BoxWriter w;
  w.c_string("abc");
  w.c_string("");
  w.c_string(std::string_view("d\0e", 3));
  const Bytes wanted{'a', 'b', 'c', 0, 0, 'd', 0};
  fail_unless(w.bytes() == wanted);
}
GST_END_TEST;

GST_START_TEST(text_and_raw_bytes_are_written_as_they_are) {
  BoxWriter w;
  w.text(std::string_view("a\0\xc3\xa4", 4));
  w.raw(Bytes{1, 0, 2});
  w.raw({});
  const Bytes wanted{'a', 0, 0xc3, 0xa4, 1, 0, 2};
  fail_unless(w.bytes() == wanted);
  fail_unless(w.take() == wanted);
}
GST_END_TEST;

GST_START_TEST(a_patched_number_changes_four_bytes) {
  BoxWriter w;
  w.u64(0x0101010101010101);
  w.patch_u32(2, 0xa1b2c3d4);
  const Bytes wanted{1, 1, 0xa1, 0xb2, 0xc3, 0xd4, 1, 1};
  fail_unless(w.bytes() == wanted);
}
GST_END_TEST;

GST_START_TEST(a_four_character_code_keeps_any_four_bytes) {
  fail_unless_equals_int64("mp4a"_4cc.value, 0x6d703461);
  fail_unless_equals_int64("\xa9nam"_4cc.value, 0xa96e616d);
  fail_unless_equals_int64("\0\xff \x7f"_4cc.value, 0x00ff207f);
  fail_unless("avc1"_4cc == "avc1"_4cc);
  fail_if("avc1"_4cc == "avc3"_4cc);
  BoxWriter w;
  w.fourcc("\xa9nam"_4cc);
  const Bytes wanted{0xa9, 'n', 'a', 'm'};
  fail_unless(w.bytes() == wanted);
}
GST_END_TEST;

namespace {

// A box with a table of so many numbers between two others.
mp4::Boxes boxes_with_table(uint32_t count) {
  BoxWriter w;
  {
    mp4::Box outer(w, "moov"_4cc);
    w.u32(1);
    {
      mp4::FullBox table(w, "stsz"_4cc, 0, 0);
      w.later(uint64_t{4} * count, [count](mp4::TableWriter& table) {
        for (uint32_t i = 0; i < count; ++i) table.u32(i);
      });
    }
    mp4::Box last(w, "free"_4cc);
    const std::size_t position = w.position();
    w.u32(0);
    w.patch_u32(position, 2);
  }
  return w.take_boxes();
}

}  // namespace

GST_START_TEST(a_table_that_comes_later_is_in_the_sizes_and_in_its_place) {
  const mp4::Boxes boxes = boxes_with_table(3);
  const Bytes wanted{0,   0,   0,   48,  'm', 'o', 'o', 'v', 0,   0,   0,   1,   0, 0, 0, 24,
                     's', 't', 's', 'z', 0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0, 1,
                     0,   0,   0,   2,   0,   0,   0,   12,  'f', 'r', 'e', 'e', 0, 0, 0, 2};
  fail_unless_equals_uint64(boxes.size(), wanted.size());
  fail_unless(boxes.whole() == wanted);
}
GST_END_TEST;

GST_START_TEST(what_is_large_comes_in_slices) {
  constexpr uint32_t kCount = 1'000'000;
  const mp4::Boxes boxes = boxes_with_table(kCount);
  Bytes whole;
  std::size_t largest = 0;
  const mp4::Status status = boxes.write_to([&](std::span<const uint8_t> slice) {
    largest = std::max(largest, slice.size());
    whole.insert(whole.end(), slice.begin(), slice.end());
    return mp4::Status();
  });
  fail_unless(status.ok());
  fail_unless(largest <= mp4::TableWriter::kSlice);
  fail_unless_equals_uint64(whole.size(), boxes.size());
  fail_unless(whole == boxes.whole());
  constexpr std::size_t kTable = 24;
  for (uint32_t i = 0; i < kCount; ++i) {
    const uint8_t* at = &whole[kTable + std::size_t{4} * i];
    fail_unless_equals_uint64(at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3], i);
  }
}
GST_END_TEST;

GST_START_TEST(nothing_is_written_behind_a_slice_that_failed) {
  int slices = 0;
  const mp4::Status status = boxes_with_table(1'000'000).write_to([&](std::span<const uint8_t>) {
    return ++slices == 2 ? mp4::Status(mp4::StatusCode::kNoSpace, "full", 28) : mp4::Status();
  });
  fail_unless(status.code() == mp4::StatusCode::kNoSpace);
  fail_unless_equals_int(slices, 2);
}
GST_END_TEST;

static Suite* box_writer_suite() {
  Suite* suite = suite_create("box_writer");
  TCase* bytes = tcase_create("bytes");
  suite_add_tcase(suite, bytes);
  tcase_add_test(bytes, numbers_are_big_endian);
  tcase_add_test(bytes, a_box_gets_its_size_when_its_scope_ends);
  tcase_add_test(bytes, a_time_has_64_bits_in_version_1_and_is_not_cut_in_version_0);
  tcase_add_test(bytes, a_c_string_ends_at_the_first_nul_and_with_one);
  tcase_add_test(bytes, text_and_raw_bytes_are_written_as_they_are);
  tcase_add_test(bytes, a_patched_number_changes_four_bytes);
  tcase_add_test(bytes, a_four_character_code_keeps_any_four_bytes);
  tcase_add_test(bytes, a_table_that_comes_later_is_in_the_sizes_and_in_its_place);
  tcase_add_test(bytes, what_is_large_comes_in_slices);
  tcase_add_test(bytes, nothing_is_written_behind_a_slice_that_failed);
  return suite;
}

GST_CHECK_MAIN(box_writer)
