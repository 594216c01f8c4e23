// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every call to the system that a recording makes fails, once and for good, with every error that
// it may have: one error is said, all is let go of, what was published stays, nothing half-finished
// looks finished.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "box_reader.h"
#include "bus_expectations.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Feed;
using faults::Call;
using faults::FaultySyscalls;
using faults::Traced;

namespace {

constexpr uint64_t kFlipOffset = 40;

struct Kind {
  Call call;
  int error;
};

const Kind kKinds[] = {
    {Call::kOpen, EIO},     {Call::kReserve, EIO},    {Call::kReserve, EDQUOT},
    {Call::kWrite, EIO},    {Call::kWrite, EDQUOT},   {Call::kWrite, ENOSPC},
    {Call::kTruncate, EIO}, {Call::kDataSync, EIO},   {Call::kDataSync, EDQUOT},
    {Call::kSync, EIO},     {Call::kRename, EIO},     {Call::kStat, EIO},
    {Call::kClose, EIO},    {Call::kReserve, ENOSPC},
};

bool is_sync(const Traced& traced) {
  return traced.call == Call::kSync || traced.call == Call::kDataSync;
}

// Two tracks, three seconds, and an end; as far as it goes.
void record(Bench& bench, Feed& video, Feed& audio) {
  bench.play();
  video.start();
  audio.start();
  GstFlowReturn flow = GST_FLOW_OK;
  for (int second = 0; second < 3 && flow == GST_FLOW_OK; ++second) {
    flow = video.push_many(25);
    if (flow == GST_FLOW_OK) flow = audio.push_many(43);
    bench.wait_until_at_rest();  // fragments are published one by one
  }
  video.eos();
  audio.eos();
  for (int i = 0; i < 3'000; ++i) {
    if (bench.log().count(GST_MESSAGE_ERROR) || bench.log().count(GST_MESSAGE_EOS)) return;
    g_usleep(2'000);
  }
  fail("it neither failed nor ended");
}

// After a sync that failed nothing is written.
void expect_nothing_after_failed_sync(const std::vector<Traced>& trace, const char* where) {
  const auto failed = std::find_if(trace.begin(), trace.end(), [](const Traced& traced) {
    return is_sync(traced) && traced.result != 0 && traced.error != EINTR;
  });
  for (auto traced = failed; traced != trace.end(); ++traced)
    fail_if(traced->call == Call::kWrite, "%s: a write after a sync that failed", where);
}

// Fragments that were published by eight bytes before the last sync that was no failure.
std::ptrdiff_t durable_fragments(const std::vector<Traced>& trace) {
  uint64_t begin = 0;
  std::ptrdiff_t published = 0, durable = 0;
  for (const Traced& traced : trace) {
    const bool is_write = traced.call == Call::kWrite;
    if (is_write && traced.offset == 0) begin = traced.bytes;
    if (is_write && begin > 0 && traced.offset >= begin && traced.result == 8) ++published;
    if (is_sync(traced) && traced.result == 0) durable = published;
  }
  return durable;
}

// Where the new file is: it has a hidden name until it takes that of the old one.
std::string path_of_new(const Bench& bench) {
  const std::string& path = bench.location();
  const auto name = path.rfind('/') + 1;
  const std::string hidden = path.substr(0, name) + "." + path.substr(name) + ".recording";
  return std::filesystem::exists(hidden) ? hidden : path;
}

// What can be read is in order; it is finished, or has the fragments that were published.
void expect_good_file(Bench& bench, const std::vector<Traced>& trace, const char* where) {
  const bool flipped = std::any_of(trace.begin(), trace.end(), [](const Traced& traced) {
    return traced.call == Call::kWrite && traced.offset == kFlipOffset && traced.result == 8;
  });
  const auto movie = boxes::read_movie(path_of_new(bench));
  const std::ptrdiff_t durable = durable_fragments(trace);
  if (!movie) {
    fail_if(flipped || durable > 0, "%s: it cannot be read", where);
    return;
  }
  fail_unless(movie->fragmented != flipped, "%s", where);
  const auto is_moof = [](const boxes::Box& box) { return box.type == "moof"; };
  fail_unless(flipped || std::ranges::count_if(movie->top, is_moof) >= durable, "%s", where);
  if (flipped) fail_unless(movie->problems.empty(), "%s: %s", where, movie->problems[0].c_str());
}

// True: the call was made so often that it failed.
bool run_with(const Kind& kind, int number, bool for_good) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  if (kind.call == Call::kRename) {  // which takes an old file's name
    std::ofstream(bench.location()) << "precious";
    g_object_set(bench.element(), "overwrite", TRUE, nullptr);
  }
  std::optional<FaultySyscalls> disk(std::in_place, bench.folder().path());
  if (for_good)
    disk->fail_from(kind.call, number, kind.error);
  else
    disk->fail_once(kind.call, number, kind.error);
  record(bench, video, audio);
  bench.stop();
  const auto trace = disk->trace();
  const bool happened = disk->count(kind.call) >= number;
  disk.reset();  // those who read the file make calls too
  const std::string text = std::string(faults::name_of(kind.call)) + " " + std::to_string(number) +
                           (for_good ? " for good: " : ": ") + g_strerror(kind.error);
  const char* where = text.c_str();
  const guint errors = bench.log().count(GST_MESSAGE_ERROR);
  fail_unless(errors <= 1, "%s: %u errors", where, errors);
  fail_unless(happened || errors == 0, "%s: an error for nothing", where);
  expect_nothing_after_failed_sync(trace, where);
  expect_good_file(bench, trace, where);
  return happened;
}

}  // namespace

GST_START_TEST(whatever_call_fails_the_recording_ends_in_order) {
  const Kind& kind = kKinds[__i__];
  int number = 1;
  for (bool happened = true; happened; ++number) {
    happened = false;
    for (bool for_good : {false, true}) happened = run_with(kind, number, for_good) || happened;
    fail_unless(number < 100);
  }
  fail_unless(number > 2, "%s is never called", faults::name_of(kind.call));
}
GST_END_TEST

static Suite* every_call_fails_suite() {
  Suite* suite = suite_create("every_call_fails");
  TCase* tcase = tcase_create("every_call_fails");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, whatever_call_fails_the_recording_ends_in_order, 0,
                      G_N_ELEMENTS(kKinds));
  return suite;
}

GST_CHECK_MAIN(every_call_fails)
