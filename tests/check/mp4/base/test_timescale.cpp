// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of ticks and narrow integers: rounding never adds up, nothing wraps.
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "mp4/base/narrow.h"
#include "mp4/base/timescale.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::fits;
using mp4::multiply_divide;
using mp4::narrow;
using mp4::Ticks;
using mp4::Timescale;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

}  // namespace

GST_START_TEST(a_day_of_29_97_frames_per_second_ends_within_a_tick) {
  constexpr Timescale kScale{90'000};
  constexpr int64_t kFrames = int64_t{86'400} * 30'000 / 1'001;
  int64_t ns = 0;
  Ticks sum = 0, previous = 0;
  for (int64_t frame = 1; frame <= kFrames; ++frame) {
    ns = gst_util_uint64_scale(frame, 1'001 * GST_SECOND, 30'000);
    const Ticks ticks = kScale.from_ns(ns);
    if (ticks - previous != 3003) fail("frame %lld", static_cast<long long>(frame));
    sum += ticks - previous;
    previous = ticks;
  }
  fail_unless_equals_int64(sum, kFrames * 3003);
  fail_unless(std::llabs(kScale.to_ns(sum) - ns) <= 11'112);
}
GST_END_TEST;

GST_START_TEST(rounds_to_the_nearest_tick_on_both_sides_of_zero) {
  constexpr Timescale kMilliseconds{1'000};
  fail_unless_equals_int64(kMilliseconds.from_ns(499'999), 0);
  fail_unless_equals_int64(kMilliseconds.from_ns(500'000), 1);
  fail_unless_equals_int64(kMilliseconds.from_ns(1'499'999), 1);
  fail_unless_equals_int64(kMilliseconds.from_ns(-499'999), 0);
  fail_unless_equals_int64(kMilliseconds.from_ns(-500'000), -1);
  fail_unless_equals_int64(kMilliseconds.from_ns(-1'499'999), -1);
  for (int64_t ns = -3'000'000; ns < 3'000'000; ns += 1'009)
    fail_unless_equals_int64(kMilliseconds.from_ns(-ns), -kMilliseconds.from_ns(ns));
}
GST_END_TEST;

GST_START_TEST(ticks_come_back_from_nanoseconds_unchanged) {
  for (uint32_t rate : {1u, 8'000u, 44'100u, 48'000u, 90'000u, 192'000u, 1'000'000'000u}) {
    const Timescale scale{rate};
    for (Ticks ticks :
         {Ticks{-5}, Ticks{0}, Ticks{1}, Ticks{1'023}, Ticks{4'294'967'296}, Ticks{9'000'000'000}})
      fail_unless_equals_int64(scale.from_ns(scale.to_ns(ticks)), ticks);
  }
}
GST_END_TEST;

GST_START_TEST(conversion_between_timescales_is_within_half_a_tick) {
  constexpr Timescale kAudio{44'100};
  for (Ticks ticks = 0; ticks < 10'000'000; ticks += 10'240) {
    const Ticks movie = kAudio.to(mp4::kMovieTimescale, ticks);
    // |movie / 90000 - ticks / 44100| <= 1 / 180000
    fail_unless(std::llabs(movie * 44'100 - ticks * 90'000) * 2 <= 44'100);
  }
}
GST_END_TEST;

GST_START_TEST(conversion_stops_at_the_ends_instead_of_wrapping) {
  constexpr Timescale kNanoseconds{1'000'000'000};
  fail_unless_equals_int64(kNanoseconds.from_ns(kMost), kMost);
  fail_unless_equals_int64(kNanoseconds.from_ns(kLeast), kLeast);
  fail_unless_equals_int64(multiply_divide(kMost, kMost, 1), kMost);
  fail_unless_equals_int64(multiply_divide(kLeast, kMost, 1), kLeast);
  fail_unless_equals_int64(multiply_divide(kLeast, kLeast, 1), kMost);
  fail_unless_equals_int64(multiply_divide(kMost, kMost, kMost), kMost);
  fail_unless_equals_int64(Timescale{1}.to_ns(kMost), kMost);
  fail_unless_equals_int64(Timescale{UINT32_MAX}.from_ns(kMost), kMost);
}
GST_END_TEST;

// Numbers that 64 bits do not hold the product of, calculated with Python's integers.
GST_START_TEST(products_of_more_than_64_bits_are_exact) {
  struct Case {
    int64_t a, b, c, result;
  };
  constexpr Case kCases[] = {
      {123'456'789'012'345'678, 987'654'321'098'765'432, 1'000'000'000'000'000'000,
       121'932'631'137'021'794},
      {-123'456'789'012'345'678, 987'654'321'098'765'432, 1'000'000'000'000'000'000,
       -121'932'631'137'021'794},
      {kMost, 4'294'967'297, 8'589'934'592, 4'611'686'019'501'129'727},
      {4'611'686'018'427'400'249, 1'099'511'627'783, 2'199'023'255'551, 2'305'843'009'229'428'765},
      {3, 4'611'686'018'427'387'904, kMost, 2},
      {1, 4'611'686'018'427'387'903, kMost, 0},
      {-500'000'000'000'000'000, 3, 2'000'000'000'000'000'000, -1},
      {kMost, kMost - 1, kMost, kMost - 1},
      {0xfedcba987654321, 0x123456789abcdef, 0x7fffffff00000001, 10'202'643'640'580'456},
  };
  for (const auto& [a, b, c, result] : kCases)
    fail_unless_equals_int64(multiply_divide(a, b, c), result);
}
GST_END_TEST;

GST_START_TEST(a_narrow_integer_is_held_at_the_end_of_its_range) {
  fail_unless_equals_int(narrow<uint8_t>(255), 255);
  fail_unless_equals_int(narrow<uint8_t>(256), 255);
  fail_unless_equals_int(narrow<uint8_t>(-1), 0);
  fail_unless_equals_int(narrow<int8_t>(-200), -128);
  fail_unless_equals_int64(narrow<uint32_t>(kMost), UINT32_MAX);
  fail_unless_equals_int64(narrow<uint32_t>(kLeast), 0);
  fail_unless_equals_int64(narrow<int32_t>(uint64_t{1} << 40), INT32_MAX);
  fail_unless_equals_int64(narrow<int64_t>(UINT64_MAX), kMost);
  fail_unless_equals_uint64(narrow<uint64_t>(int64_t{-7}), 0);
  fail_unless_equals_int64(narrow<int32_t>(-7), -7);
}
GST_END_TEST;

GST_START_TEST(fits_says_whether_narrowing_keeps_the_value) {
  fail_unless(fits<uint32_t>(uint64_t{UINT32_MAX}));
  fail_if(fits<uint32_t>(uint64_t{UINT32_MAX} + 1));
  fail_if(fits<uint32_t>(int64_t{-1}));
  fail_unless(fits<int32_t>(int64_t{INT32_MIN}));
  fail_if(fits<int32_t>(int64_t{INT32_MIN} - 1));
  fail_if(fits<uint16_t>(65'536u));
}
GST_END_TEST;

static Suite* timescale_suite() {
  Suite* suite = suite_create("timescale");
  TCase* ticks = tcase_create("ticks");
  suite_add_tcase(suite, ticks);
  tcase_add_test(ticks, a_day_of_29_97_frames_per_second_ends_within_a_tick);
  tcase_add_test(ticks, rounds_to_the_nearest_tick_on_both_sides_of_zero);
  tcase_add_test(ticks, ticks_come_back_from_nanoseconds_unchanged);
  tcase_add_test(ticks, conversion_between_timescales_is_within_half_a_tick);
  tcase_add_test(ticks, conversion_stops_at_the_ends_instead_of_wrapping);
  tcase_add_test(ticks, products_of_more_than_64_bits_are_exact);
  tcase_add_test(ticks, a_narrow_integer_is_held_at_the_end_of_its_range);
  tcase_add_test(ticks, fits_says_whether_narrowing_keeps_the_value);
  return suite;
}

GST_CHECK_MAIN(timescale)
