// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the element on a disk that fails: at every call that is made for a file, while it is
// recorded and while it is finished. One error, an end on every pad, and a file that is left as it
// was: never finished by half, never deleted.
#include <dirent.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

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

constexpr uint64_t kFlipOffset = 40, kEmptyMdat = 16;

// Counts the buffers that went through a pad and are still alive.
class Census {
 public:
  ~Census() { fail_unless_equals_int(alive_.load(), 0); }

  void watch(Feed& feed) {
    gst_pad_add_probe(feed.source(), GST_PAD_PROBE_TYPE_BUFFER, &Census::passing, this, nullptr);
  }

 private:
  static GstPadProbeReturn passing(GstPad*, GstPadProbeInfo* info, gpointer self) {
    static const GQuark quark = g_quark_from_static_string("census");
    auto* alive = &static_cast<Census*>(self)->alive_;
    ++*alive;
    gst_mini_object_set_qdata(GST_MINI_OBJECT(GST_PAD_PROBE_INFO_BUFFER(info)), quark, alive,
                              [](gpointer count) { --*static_cast<std::atomic<int>*>(count); });
    return GST_PAD_PROBE_OK;
  }

  std::atomic<int> alive_{0};
};

int open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

// Two inputs on a disk that can fail. When all is gone, so are all buffers and descriptors.
struct Desk {
  Desk() {
    census.watch(video);
    census.watch(audio);
  }

  void play() {
    bench.play();
    video.start();
    audio.start();
  }

  // A second of media at a time until it is no longer taken.
  void push_until_refused() {
    GstFlowReturn flow = GST_FLOW_OK;
    for (int second = 0; second < 20 && flow == GST_FLOW_OK; ++second) {
      flow = push_second();
      if (flow == GST_FLOW_OK) bench.wait_until_at_rest();
    }
    fail_unless_equals_int(flow, GST_FLOW_ERROR);
  }

  GstFlowReturn push_second() {
    GstFlowReturn flow = GST_FLOW_OK;
    for (int i = 0; i < 25 && flow == GST_FLOW_OK; ++i) {
      flow = video.push();
      if (flow == GST_FLOW_OK) flow = audio.push_many(i % 8 ? 2 : 1);
    }
    return flow;
  }

  void end() {
    video.eos();
    audio.eos();
  }

  // Failed or finished.
  bool failed() {
    for (int i = 0; i < 3000; ++i) {
      if (bench.log().count(GST_MESSAGE_ERROR)) return true;
      if (bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished")) return false;
      g_usleep(10'000);
    }
    fail("it neither failed nor finished");
    return true;
  }

  Census census;
  Bench bench;
  FaultySyscalls disk{bench.folder().path()};
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
};

gint code_of(Call call, int error) {
  if (call == Call::kSync || call == Call::kDataSync) return GST_RESOURCE_ERROR_SYNC;
  if (call == Call::kClose) return GST_RESOURCE_ERROR_CLOSE;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
  return call == Call::kOpen ? GST_RESOURCE_ERROR_OPEN_WRITE : GST_RESOURCE_ERROR_WRITE;
}

void expect_one_error(Desk& desk, gint code, int error) {
  expect_only(desk.bench, bench::resource_error(code, {desk.bench.location()}));
  fail_unless(bench::debug_of_error(desk.bench).find(g_strerror(error)) != std::string::npos);
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"),
                         0);
}

// The size in the header of the mdat, as far as there is one.
uint64_t mdat_size(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  uint8_t bytes[8] = {};
  file.seekg(kFlipOffset);
  file.read(reinterpret_cast<char*>(bytes), sizeof bytes);
  uint64_t size = 0;
  for (uint8_t byte : bytes) size = size << 8 | byte;
  return file.gcount() == sizeof bytes ? size : kEmptyMdat;
}

bool is_flip(const Traced& traced) {
  return traced.call == Call::kWrite && traced.offset == kFlipOffset && traced.bytes == 8;
}

struct Fault {
  Call call;
  int number;
  int error;
};

const Fault kWhileRecording[] = {
    {Call::kOpen, 1, EACCES},  {Call::kOpen, 1, ENOSPC},  {Call::kWrite, 1, EIO},
    {Call::kWrite, 1, ENOSPC}, {Call::kSync, 1, EIO},     {Call::kSync, 2, EIO},
    {Call::kWrite, 2, ENOSPC}, {Call::kWrite, 2, EDQUOT}, {Call::kWrite, 3, EFBIG},
    {Call::kWrite, 4, EIO},    {Call::kWrite, 7, EROFS},
};

// Where the file is published in fragments, the last one of them has a sync and a write more.
bool fragments_are_on() { return g_getenv("TEST_WITHOUT_FRAGMENTS") == nullptr; }

// Counted from the end of the stream on.
const Fault kWhileEnding[] = {
    {Call::kWrite, 1, ENOSPC}, {Call::kWrite, 2, ENOSPC},   {Call::kWrite, 3, EIO},
    {Call::kDataSync, 1, EIO}, {Call::kDataSync, 2, EIO},   {Call::kDataSync, 1, ENOSPC},
    {Call::kTruncate, 1, EIO}, {Call::kStat, 1, EOVERFLOW}, {Call::kClose, 1, EIO},
    {Call::kClose, 1, EDQUOT},
};

}  // namespace

GST_START_TEST(a_failure_while_recording_is_one_error_and_an_error_on_every_pad) {
  const Fault& fault = kWhileRecording[__i__];
  const int descriptors = open_descriptors();
  {
    Desk desk;
    desk.disk.fail_from(fault.call, fault.number, fault.error);
    desk.play();
    desk.push_until_refused();
    expect_one_error(desk, code_of(fault.call, fault.error), fault.error);
    fail_unless_equals_int(desk.video.push(), GST_FLOW_ERROR);
    fail_unless_equals_int(desk.audio.push(), GST_FLOW_ERROR);
    desk.bench.stop();
    fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ERROR), 1);
    fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_EOS), 0);
    fail_unless(desk.bench.file_exists() == (fault.call != Call::kOpen));
    fail_unless_equals_uint64(mdat_size(desk.bench.location()), kEmptyMdat);
    for (const Traced& traced : desk.disk.trace()) fail_if(is_flip(traced));
  }
  fail_unless_equals_int(open_descriptors(), descriptors);
}
GST_END_TEST;

GST_START_TEST(a_failure_while_ending_is_one_error_and_leaves_the_file) {
  const Fault& fault = kWhileEnding[__i__];
  const int descriptors = open_descriptors();
  {
    Desk desk;
    desk.play();
    for (int second = 0; second < 3; ++second) desk.push_second();
    desk.bench.wait_until_at_rest();
    desk.disk.fail_from(fault.call, desk.disk.count(fault.call) + fault.number, fault.error);
    desk.end();
    fail_unless(desk.failed());
    expect_one_error(desk, code_of(fault.call, fault.error), fault.error);
    desk.bench.stop();
    fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ERROR), 1);
    fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_EOS), 0);
    fail_unless(desk.bench.file_exists());
    const auto trace = desk.disk.trace();
    const bool flipped = std::any_of(trace.begin(), trace.end(), [](const Traced& traced) {
      return is_flip(traced) && traced.result == 8;
    });
    const int last_sync = fragments_are_on() ? 3 : 2;
    const bool after_flip = fault.call == Call::kClose || fault.call == Call::kTruncate ||
                            (fault.call == Call::kDataSync && fault.number == last_sync);
    fail_unless(flipped == after_flip);
    if (!flipped) fail_unless_equals_uint64(mdat_size(desk.bench.location()), kEmptyMdat);
  }
  fail_unless_equals_int(open_descriptors(), descriptors);
}
GST_END_TEST;

GST_START_TEST(the_flip_is_tried_twice) {
  Desk desk;
  desk.play();
  desk.push_second();
  desk.bench.wait_until_at_rest();
  const auto trace = desk.disk.trace();
  desk.disk.fail_once(Call::kWrite, desk.disk.count(Call::kWrite) + (fragments_are_on() ? 5 : 4),
                      EIO);
  desk.end();
  desk.bench.expect_eos();
  int flips = 0;
  for (const Traced& traced : desk.disk.trace()) flips += is_flip(traced);
  fail_unless_equals_int(flips, 2);
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

GST_START_TEST(moov_is_synced_before_the_flip_and_the_flip_before_it_is_said) {
  Desk desk;
  desk.play();
  desk.push_second();
  desk.end();
  desk.bench.expect_eos();
  std::vector<std::string> names;
  for (const Traced& traced : desk.disk.trace())
    names.push_back(is_flip(traced) ? "flip" : name_of(traced.call));
  const std::vector<std::string> ending{"pwritev",   "fdatasync", "fstat", "flip",
                                        "fdatasync", "ftruncate", "close", "close"};
  fail_unless(names.size() > ending.size());
  fail_unless(std::equal(ending.begin(), ending.end(), names.end() - long(ending.size())));
  const std::vector<std::string> begin{"statvfs",   "openat",  "fstat", "flock", "fstat",
                                       "fallocate", "pwritev", "fsync", "fsync"};
  fail_unless(std::equal(begin.begin(), begin.end(), names.begin()));
}
GST_END_TEST;

GST_START_TEST(interrupted_calls_are_made_again) {
  Desk desk;
  for (int number : {1, 3, 4, 6}) desk.disk.fail_once(Call::kWrite, number, EINTR);
  for (int number : {1, 3}) desk.disk.fail_once(Call::kDataSync, number, EINTR);
  for (int number : {1, 3}) desk.disk.fail_once(Call::kSync, number, EINTR);
  desk.disk.fail_once(Call::kClose, 1, EINTR);
  desk.play();
  for (int second = 0; second < 3; ++second) desk.push_second();
  desk.end();
  desk.bench.expect_eos();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

GST_START_TEST(short_writes_are_completed) {
  Desk desk;
  const size_t most[] = {1, 7, 1000, 4097};
  desk.disk.shorten_writes(most[__i__]);
  desk.play();
  for (int i = 0; i < (__i__ == 0 ? 10 : 60); ++i) desk.video.push();
  desk.audio.push_many(__i__ == 0 ? 10 : 100);
  desk.end();
  desk.bench.expect_eos();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

GST_START_TEST(a_full_disk_is_said_before_anything_is_made) {
  Desk desk;
  desk.disk.say_full();
  fail_unless_equals_int(gst_element_set_state(desk.bench.element(), GST_STATE_PAUSED),
                         GST_STATE_CHANGE_FAILURE);
  expect_only(desk.bench, bench::resource_error(GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                                                {desk.bench.location(), "space"}));
  fail_if(desk.bench.file_exists());
}
GST_END_TEST;

GST_START_TEST(a_file_that_another_recorder_has_locked_is_busy) {
  Desk desk;
  desk.disk.fail_from(Call::kLock, 1, EWOULDBLOCK);
  desk.play();
  desk.push_until_refused();
  expect_only(desk.bench,
              bench::resource_error(GST_RESOURCE_ERROR_BUSY, {desk.bench.location(), "recorder"}));
}
GST_END_TEST;

// Somebody only looked whether it is held.
GST_START_TEST(a_lock_that_is_held_for_a_moment_is_waited_for) {
  Desk desk;
  desk.disk.fail_once(Call::kLock, 1, EWOULDBLOCK);
  desk.play();
  desk.push_second();
  desk.end();
  desk.bench.expect_eos();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

GST_START_TEST(a_file_system_without_locks_will_do) {
  Desk desk;
  desk.disk.fail_from(Call::kLock, 1, ENOLCK);
  desk.play();
  desk.push_second();
  desk.end();
  desk.bench.expect_eos();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

GST_START_TEST(after_a_failure_the_next_recording_is_as_if_nothing_had_been) {
  Desk desk;
  desk.disk.fail_once(Call::kWrite, 2, EIO);
  desk.play();
  desk.push_until_refused();
  desk.bench.stop();
  desk.video.expect_nothing();
  desk.audio.expect_nothing();
  desk.bench.log().clear();
  desk.bench.fresh_location();
  desk.video.seek(0);
  desk.audio.seek(0);
  desk.play();
  desk.video.push({.picture = bench::Picture::kIdr});
  desk.push_second();
  desk.end();
  desk.bench.expect_eos();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.video, &desk.audio});
}
GST_END_TEST;

static Suite* failing_disk_suite() {
  Suite* suite = suite_create("input_failing_disk");
  TCase* calls = tcase_create("calls");
  suite_add_tcase(suite, calls);
  tcase_set_timeout(calls, 120);
  tcase_add_loop_test(calls, a_failure_while_recording_is_one_error_and_an_error_on_every_pad, 0,
                      static_cast<int>(std::size(kWhileRecording)));
  tcase_add_loop_test(calls, a_failure_while_ending_is_one_error_and_leaves_the_file, 0,
                      static_cast<int>(std::size(kWhileEnding)));
  tcase_add_test(calls, the_flip_is_tried_twice);
  tcase_add_test(calls, moov_is_synced_before_the_flip_and_the_flip_before_it_is_said);
  tcase_add_test(calls, interrupted_calls_are_made_again);
  tcase_add_loop_test(calls, short_writes_are_completed, 0, 4);
  tcase_add_test(calls, a_full_disk_is_said_before_anything_is_made);
  tcase_add_test(calls, a_file_that_another_recorder_has_locked_is_busy);
  tcase_add_test(calls, a_lock_that_is_held_for_a_moment_is_waited_for);
  tcase_add_test(calls, a_file_system_without_locks_will_do);
  tcase_add_test(calls, after_a_failure_the_next_recording_is_as_if_nothing_had_been);
  return suite;
}

GST_CHECK_MAIN(failing_disk)
