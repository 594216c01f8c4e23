// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of a track's sample tables: what is read back is what was appended, up to any mark, however
// the tables have grown since.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "mp4/samples/track_tracker.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::SampleTimes;
using mp4::Ticks;
using mp4::TrackTracker;
using Mark = TrackTracker::Mark;
using Pairs = std::vector<std::pair<uint64_t, uint64_t>>;

constexpr mp4::Timescale kScale{90'000};
constexpr Ticks kNominal = 3'000;

// All that can be read from a tracker up to a mark.
struct Tables {
  Pairs durations, offsets, chunk_runs;
  std::vector<uint32_t> sync, sizes;
  std::vector<uint64_t> chunks;
  bool operator==(const Tables&) const = default;
};

Tables tables_of(const TrackTracker& tracker, const Mark& mark) {
  Tables tables;
  const auto into = [](Pairs& pairs) {
    return [&pairs](uint32_t a, uint32_t b, uint32_t = 0) { pairs.emplace_back(a, b); };
  };
  tracker.each_duration_run(mark, into(tables.durations));
  tracker.each_offset_run(mark, into(tables.offsets));
  tracker.each_chunk_run(mark, into(tables.chunk_runs));
  tracker.each_sync_sample(mark, [&](uint32_t number) { tables.sync.push_back(number); });
  tracker.each_size(mark, [&](uint32_t size) { tables.sizes.push_back(size); });
  tracker.each_chunk(mark, [&](uint64_t offset) { tables.chunks.push_back(offset); });
  return tables;
}

void expect_sizes_to_fit(const Tables& tables, const Mark& mark) {
  const auto sizes = TrackTracker::sizes(mark);
  fail_unless_equals_uint64(sizes.stts, tables.durations.size());
  fail_unless_equals_uint64(sizes.ctts, mark.has_offsets ? tables.offsets.size() : 0);
  fail_unless_equals_uint64(sizes.stss, mark.all_sync() ? 0 : tables.sync.size());
  fail_unless_equals_uint64(sizes.stsc, tables.chunk_runs.size());
  fail_unless_equals_uint64(sizes.stsz, mark.same_sizes() ? 0 : tables.sizes.size());
  fail_unless_equals_uint64(sizes.chunk_offsets, tables.chunks.size());
}

// Appends samples of the same kind, each with the duration that is known of it.
void append(TrackTracker& tracker, std::initializer_list<Ticks> times, Ticks duration = 0) {
  for (Ticks time : times) tracker.append({time, time, duration}, 10, {.sync = true});
}

uint64_t sum(const Pairs& runs) {
  uint64_t total = 0;
  for (const auto& [count, value] : runs) total += count * value;
  return total;
}

}  // namespace

GST_START_TEST(equal_durations_become_one_run) {
  TrackTracker tracker(kScale, kNominal);
  append(tracker, {0, 3'000, 6'000, 9'500, 12'000, 14'500}, 2'500);
  const Tables tables = tables_of(tracker, tracker.mark());
  fail_unless(tables.durations == Pairs({{2, 3'000}, {1, 3'500}, {3, 2'500}}));
  fail_unless(tables.offsets == Pairs({{6, 0}}));
  fail_if(tracker.mark().has_offsets);
  fail_unless(tracker.mark().same_sizes());
  expect_sizes_to_fit(tables, tracker.mark());
}
GST_END_TEST;

GST_START_TEST(the_last_duration_is_its_own_its_predecessors_or_nominal) {
  TrackTracker alone(kScale, kNominal);
  append(alone, {500});
  fail_unless_equals_int64(alone.mark().last_duration, kNominal);
  TrackTracker known(kScale, kNominal);
  append(known, {500}, 700);
  fail_unless_equals_int64(known.mark().last_duration, 700);
  TrackTracker follower(kScale, kNominal);
  append(follower, {500}, 700);
  append(follower, {1'500});
  fail_unless_equals_int64(follower.mark().last_duration, 1'000);
  append(follower, {2'000}, 800);
  fail_unless_equals_int64(follower.mark().last_duration, 800);
  fail_unless(tables_of(follower, follower.mark()).durations ==
              Pairs({{1, 1'000}, {1, 500}, {1, 800}}));
}
GST_END_TEST;

GST_START_TEST(a_successor_overrules_a_known_duration) {
  TrackTracker tracker(kScale, kNominal);
  append(tracker, {0}, 999'999);
  append(tracker, {100}, 100);
  fail_unless(tables_of(tracker, tracker.mark()).durations == Pairs({{2, 100}}));
  fail_unless_equals_int64(tracker.mark().media_duration(), 200);
}
GST_END_TEST;

GST_START_TEST(offsets_become_runs_and_the_presentation_is_framed_by_them) {
  TrackTracker tracker(kScale, kNominal);
  constexpr Ticks kPts[] = {2, 8, 4, 6, 10};  // I P B B I, in units of 1500 from 0
  for (Ticks i = 0; i < 5; ++i)
    tracker.append({i * 3'000, kPts[i] * 1'500, 3'000}, 10, {.sync = i % 4 == 0});
  const Mark mark = tracker.mark();
  fail_unless(tables_of(tracker, mark).offsets ==
              Pairs({{1, 3'000}, {1, 9'000}, {2, 0}, {1, 3'000}}));
  fail_unless(mark.has_offsets);
  fail_unless_equals_int64(mark.first_pts, 3'000);
  fail_unless_equals_int64(mark.last_pts, 15'000);
  fail_unless_equals_int64(mark.presented_duration(), 15'000);
  fail_unless_equals_int64(mark.media_duration(), 15'000);
}
GST_END_TEST;

GST_START_TEST(pictures_before_the_first_one_are_part_of_the_presentation) {
  TrackTracker tracker(kScale, kNominal);
  constexpr Ticks kPts[] = {9'000, 3'000, 6'000, 12'000};  // an open GOP
  for (Ticks i = 0; i < 4; ++i)
    tracker.append({i * 3'000 - 9'000, kPts[i], 3'000}, 10, {.sync = i == 0});
  fail_unless_equals_int64(tracker.mark().first_pts, 3'000);
  fail_unless_equals_int64(tracker.mark().last_pts, 12'000);
  fail_unless_equals_int64(tracker.mark().presented_duration(), 12'000);
}
GST_END_TEST;

GST_START_TEST(times_may_begin_anywhere_even_below_zero) {
  TrackTracker tracker(kScale, kNominal);
  append(tracker, {-5'000'000'000, -4'999'997'000, -4'999'994'000});
  const Mark mark = tracker.mark();
  fail_unless(tables_of(tracker, mark).durations == Pairs({{3, 3'000}}));
  fail_unless_equals_int64(mark.first_dts, -5'000'000'000);
  fail_unless_equals_int64(mark.media_duration(), 9'000);
}
GST_END_TEST;

GST_START_TEST(chunks_of_as_many_samples_share_an_stsc_entry) {
  TrackTracker tracker(kScale, kNominal);
  Ticks time = 0;
  uint64_t offset = 48;
  for (int samples : {2, 2, 1, 2}) {
    for (int i = 0; i < samples; ++i) append(tracker, {time += 3'000});
    tracker.place_chunk(offset += 100);
  }
  tracker.place_chunk(999);  // of nothing
  const Tables tables = tables_of(tracker, tracker.mark());
  fail_unless(tables.chunk_runs == Pairs({{1, 2}, {3, 1}, {4, 2}}));
  fail_unless(tables.chunks == std::vector<uint64_t>({148, 248, 348, 448}));
  expect_sizes_to_fit(tables, tracker.mark());
}
GST_END_TEST;

GST_START_TEST(wide_offsets_are_needed_from_4_gib_on) {
  TrackTracker tracker(kScale, kNominal);
  append(tracker, {0});
  tracker.place_chunk(UINT32_MAX);
  const Mark below = tracker.mark();
  append(tracker, {3'000});
  tracker.place_chunk(uint64_t{UINT32_MAX} + 1);
  fail_if(TrackTracker::sizes(below).wide_offsets);
  fail_unless(TrackTracker::sizes(tracker.mark()).wide_offsets);
}
GST_END_TEST;

GST_START_TEST(sizes_that_differ_are_noticed) {
  TrackTracker tracker(kScale, kNominal);
  tracker.append({0, 0, 0}, 160, {.sync = true});
  tracker.append({1, 1, 0}, 160, {.sync = true});
  const Mark same = tracker.mark();
  tracker.append({2, 2, 0}, 161, {.sync = true});
  fail_unless(same.same_sizes());
  fail_unless_equals_int64(same.sizes.last_value, 160);
  const Mark mark = tracker.mark();
  fail_if(mark.same_sizes());
  fail_unless_equals_int(mark.largest_size, 161);
  fail_unless_equals_uint64(mark.bytes, 481);
  fail_unless_equals_uint64(TrackTracker::sizes(mark).stsz, 3);
  fail_unless_equals_uint64(TrackTracker::sizes(same).stsz, 0);
}
GST_END_TEST;

GST_START_TEST(only_some_sync_samples_are_listed) {
  TrackTracker tracker(kScale, kNominal);
  for (Ticks i = 0; i < 10; ++i) tracker.append({i, i, 0}, 10, {.sync = i % 4 == 0});
  fail_if(tracker.mark().all_sync());
  fail_unless(tables_of(tracker, tracker.mark()).sync == std::vector<uint32_t>({1, 5, 9}));
}
GST_END_TEST;

// The sample that is presented last need not be the last one, and each lasts as long as it lasts.
GST_START_TEST(presentation_ends_with_the_sample_that_ends_last) {
  TrackTracker tracker(kScale, kNominal);
  tracker.append({0, 5'000, 0}, 10, {.sync = true});
  tracker.append({1'000, 2'000, 3'000}, 10, {});
  fail_unless_equals_int64(tracker.mark().presented_duration(), 6'000 - 2'000);
  tracker.append({2'000, 4'000, 9'000}, 10, {});
  fail_unless_equals_int64(tracker.mark().presented_duration(), 13'000 - 2'000);
  tracker.append({3'000, 6'500, 1'000}, 10, {});
  fail_unless_equals_int64(tracker.mark().presented_duration(), 7'500 - 2'000);
}
GST_END_TEST;

GST_START_TEST(an_empty_table_has_no_entries) {
  const TrackTracker tracker(kScale, kNominal);
  const Mark mark = tracker.mark();
  fail_unless(tables_of(tracker, mark) == Tables());
  expect_sizes_to_fit(Tables(), mark);
  fail_unless_equals_int64(mark.media_duration(), 0);
  fail_unless_equals_int64(mark.presented_duration(), 0);
}
GST_END_TEST;

GST_START_TEST(a_mark_reads_the_same_however_the_tables_grow) {
  std::minstd_rand random(6);
  TrackTracker tracker(kScale, kNominal);
  std::vector<std::pair<Mark, Tables>> marks;
  Ticks time = -1'000;
  for (int fragment = 0; fragment < 300; ++fragment) {
    for (auto i = random() % 4; i > 0; --i) {
      time += 1'000 + static_cast<Ticks>(random() % 2) * 500;
      const Ticks offset = static_cast<Ticks>(random() % 2) * 1'500;
      const Ticks known = static_cast<Ticks>(random() % 3) * 500;
      tracker.append({time, time + offset, known}, static_cast<uint32_t>(random() % 3),
                     {.sync = random() % 3 == 0});
    }
    tracker.place_chunk(static_cast<uint64_t>(fragment) << 26);
    marks.emplace_back(tracker.mark(), tables_of(tracker, tracker.mark()));
  }
  for (const auto& [mark, tables] : marks) {
    fail_unless(tables_of(tracker, mark) == tables);
    expect_sizes_to_fit(tables, mark);
    if (mark.samples == 0) continue;
    fail_unless_equals_uint64(sum(tables.durations), static_cast<uint64_t>(mark.media_duration()));
    fail_unless_equals_uint64(tables.sizes.size(), mark.samples);
    uint64_t bytes = 0;
    for (uint32_t size : tables.sizes) bytes += size;
    fail_unless_equals_uint64(bytes, mark.bytes);
  }
}
GST_END_TEST;

GST_START_TEST(the_peak_is_the_fullest_second) {
  TrackTracker steady(kScale, kNominal);
  for (Ticks i = 0; i < 300; ++i) steady.append({i * 3'000, i * 3'000, 3'000}, 100, {.sync = true});
  fail_unless_equals_uint64(steady.peak_bits_per_second(), 30 * 100 * 8);
  TrackTracker burst(kScale, kNominal);
  for (Ticks i = 0; i < 300; ++i)
    burst.append({i * 3'000, i * 3'000, 3'000}, i / 30 == 5 ? 1'000 : 10, {.sync = true});
  fail_unless_equals_uint64(burst.peak_bits_per_second(), 30 * 1'000 * 8);
}
GST_END_TEST;

// ISO/IEC 14496-12, 8.5.2.2: maxBitrate is that of any window of a second.
GST_START_TEST(a_burst_across_whole_seconds_is_a_peak_too) {
  TrackTracker tracker(kScale, kNominal);
  for (Ticks i = 0; i < 300; ++i)
    tracker.append({i * 3'000, i * 3'000, 3'000}, i >= 165 && i < 195 ? 1'000 : 10, {.sync = true});
  fail_unless_equals_uint64(tracker.peak_bits_per_second(), 30 * 1'000 * 8);
}
GST_END_TEST;

GST_START_TEST(a_pause_does_not_count_as_a_full_second) {
  TrackTracker tracker(kScale, kNominal);
  for (Ticks second = 0; second < 20; ++second) append(tracker, {second * 900'000});
  fail_unless_equals_uint64(tracker.peak_bits_per_second(), 10 * 8);
}
GST_END_TEST;

// Where a file that is to be finished says that all its samples are in one second.
GST_START_TEST(a_second_of_a_million_samples_takes_no_memory_of_each) {
  TrackTracker tracker({1'000'000'000}, 1);
  const std::size_t before = mallinfo2().uordblks;
  for (Ticks i = 0; i < 1'000'000; ++i) tracker.append({i, i, 1}, 1, {.sync = true});
  const std::size_t taken = mallinfo2().uordblks - before;
  fail_unless(taken < 4'000'000, "%zu bytes", taken);
  fail_unless(tracker.peak_bits_per_second() >= 60'000 * 8);
}
GST_END_TEST;

static Suite* track_tracker_suite() {
  Suite* suite = suite_create("track_tracker");
  TCase* tables = tcase_create("tables");
  suite_add_tcase(suite, tables);
  tcase_add_test(tables, equal_durations_become_one_run);
  tcase_add_test(tables, the_last_duration_is_its_own_its_predecessors_or_nominal);
  tcase_add_test(tables, a_successor_overrules_a_known_duration);
  tcase_add_test(tables, offsets_become_runs_and_the_presentation_is_framed_by_them);
  tcase_add_test(tables, pictures_before_the_first_one_are_part_of_the_presentation);
  tcase_add_test(tables, times_may_begin_anywhere_even_below_zero);
  tcase_add_test(tables, chunks_of_as_many_samples_share_an_stsc_entry);
  tcase_add_test(tables, wide_offsets_are_needed_from_4_gib_on);
  tcase_add_test(tables, sizes_that_differ_are_noticed);
  tcase_add_test(tables, only_some_sync_samples_are_listed);
  tcase_add_test(tables, an_empty_table_has_no_entries);
  tcase_add_test(tables, presentation_ends_with_the_sample_that_ends_last);
  tcase_add_test(tables, a_mark_reads_the_same_however_the_tables_grow);
  tcase_add_test(tables, the_peak_is_the_fullest_second);
  tcase_add_test(tables, a_burst_across_whole_seconds_is_a_peak_too);
  tcase_add_test(tables, a_pause_does_not_count_as_a_full_second);
  tcase_add_test(tables, a_second_of_a_million_samples_takes_no_memory_of_each);
  return suite;
}

GST_CHECK_MAIN(track_tracker)
