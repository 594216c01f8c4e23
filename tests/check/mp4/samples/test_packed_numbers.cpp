// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of packed lists: what is read is what was appended, whatever the numbers are, and cameras'
// numbers take few bytes.
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "mp4/samples/packed_numbers.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::PackedNumbers;
using mp4::PackedRuns;
using Numbers = std::vector<int64_t>;
using Runs = std::vector<std::pair<uint32_t, int64_t>>;

PackedNumbers packed(const Numbers& numbers) {
  PackedNumbers list;
  for (int64_t number : numbers) list.push_back(number);
  return list;
}

void expect_read_back(const Numbers& numbers) {
  const PackedNumbers list = packed(numbers);
  fail_unless_equals_uint64(list.size(), numbers.size());
  PackedNumbers::Reader reader(list);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int64_t found = reader.next();
    fail_unless(found == numbers[i], "number %zu is %" G_GINT64_FORMAT " and not %" G_GINT64_FORMAT,
                i, found, numbers[i]);
  }
}

Runs runs_of(const PackedRuns& packed, const PackedRuns::Mark& mark) {
  Runs runs;
  packed.each(mark, [&](uint32_t count, int64_t value) { runs.emplace_back(count, value); });
  return runs;
}

double bytes_each(const Numbers& numbers) {
  return static_cast<double>(packed(numbers).bytes() - PackedNumbers().bytes()) /
         static_cast<double>(numbers.size());
}

}  // namespace

GST_START_TEST(numbers_of_any_width_are_read_back) {
  std::mt19937_64 random(1);
  for (unsigned bits = 0; bits <= 64; ++bits) {
    Numbers numbers;
    for (int i = 0; i < 1'000; ++i)
      numbers.push_back(static_cast<int64_t>(bits == 0 ? 0 : random() >> (64 - bits)));
    expect_read_back(numbers);
    for (int64_t& number : numbers)
      number = static_cast<int64_t>(-static_cast<uint64_t>(number) + 17);
    expect_read_back(numbers);
  }
}
GST_END_TEST;

GST_START_TEST(numbers_far_from_the_others_are_read_back) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  expect_read_back(Numbers(640, kLeast));
  expect_read_back(Numbers(640, kMost));
  for (std::size_t far : {1, 2, 3, 7, 32, 63, 64}) {
    Numbers numbers;
    for (std::size_t i = 0; i < 1'000; ++i)
      numbers.push_back(i % far == 0 ? (i % 2 ? kMost : kLeast) : static_cast<int64_t>(i));
    expect_read_back(numbers);
  }
}
GST_END_TEST;

GST_START_TEST(a_list_of_any_length_is_read_back) {
  std::mt19937 random(2);
  Numbers numbers;
  for (int i = 0; i < 300; ++i) {
    expect_read_back(numbers);
    numbers.push_back(random() % (i % 40 == 0 ? 1'000'000 : 6'000));
  }
}
GST_END_TEST;

GST_START_TEST(runs_are_read_up_to_any_mark) {
  std::mt19937 random(3);
  PackedRuns packed;
  std::vector<std::pair<PackedRuns::Mark, Runs>> moments{{packed.mark(), {}}};
  Runs runs;
  for (int i = 0; i < 2'000; ++i) {
    const int64_t value = 3'000 + static_cast<int64_t>(random() % 3);
    const uint32_t count = random() % 4;  // of 0 there is nothing to add
    packed.add(value, count);
    if (count > 0 && !runs.empty() && runs.back().second == value)
      runs.back().first += count;
    else if (count > 0)
      runs.emplace_back(count, value);
    moments.emplace_back(packed.mark(), runs);
  }
  for (const auto& [mark, expected] : moments) {
    fail_unless(runs_of(packed, mark) == expected);
    fail_unless_equals_uint64(mark.runs, expected.size());
  }
}
GST_END_TEST;

// A picture of 2 to 8 kB has 13 bits, and one sync sample in each second or two does not change
// that. Durations with jitter have 11, equal ones next to nothing.
GST_START_TEST(what_cameras_send_takes_few_bytes) {
  std::mt19937 random(4);
  Numbers sizes, durations;
  PackedRuns same;
  for (int i = 0; i < 100'000; ++i) {
    sizes.push_back(i % 60 == 0 ? 667'339 : 2'000 + random() % 6'000);
    durations.push_back(2'460 + random() % 1'080);
    same.add(1'024);
  }
  fail_unless(bytes_each(sizes) < 1.9, "%f bytes a size", bytes_each(sizes));
  fail_unless(bytes_each(durations) < 1.6, "%f bytes a duration", bytes_each(durations));
  fail_unless(bytes_each(Numbers(100'000, 7)) < 0.1);
  fail_unless_equals_uint64(same.bytes(), PackedRuns().bytes());
}
GST_END_TEST;

static Suite* packed_numbers_suite(void) {
  Suite* suite = suite_create("packed_numbers");
  TCase* tcase = tcase_create("packed_numbers");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, numbers_of_any_width_are_read_back);
  tcase_add_test(tcase, numbers_far_from_the_others_are_read_back);
  tcase_add_test(tcase, a_list_of_any_length_is_read_back);
  tcase_add_test(tcase, runs_are_read_up_to_any_mark);
  tcase_add_test(tcase, what_cameras_send_takes_few_bytes);
  return suite;
}

GST_CHECK_MAIN(packed_numbers)
