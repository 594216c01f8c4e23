// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of a recording that takes another file's place: the old file stays until something of the
// new one is durable, and whatever goes wrong before that leaves it as it is.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "bus_expectations.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Bytes;
using bench::expect_only;
using bench::Feed;
using bench::resource_error;
using faults::Call;
using faults::FaultySyscalls;

namespace {

constexpr const char* kText = "precious";

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// A file is there already, and is to be overwritten.
struct Desk : Bench {
  Desk() : video(add_video()) {
    std::ofstream(location()) << kText;
    g_object_set(element(), "overwrite", TRUE, nullptr);
    const auto slash = location().rfind('/');
    hidden = location().substr(0, slash) + "/." + location().substr(slash + 1) + ".recording";
  }

  void record() {
    play();
    video.start();
    video.push_many(100);
    stop();
  }
  bool old_is_there() { return text_of(location()) == kText; }
  bool fragments() const { return g_getenv("TEST_WITHOUT_FRAGMENTS") == nullptr; }
  void wait_until_published(guint64 fragments) {
    for (int i = 0; i < 2'000 && stat("fragments") < fragments; ++i) g_usleep(10'000);
    fail_unless(stat("fragments") >= fragments);
  }

  Feed& video;
  std::string hidden;
};

}  // namespace

GST_START_TEST(the_new_file_takes_the_place_of_the_old_one) {
  Desk desk;
  desk.record();
  desk.expect_quiet();
  desk.expect_file(desk.video);
  fail_if(exists(desk.hidden));
}
GST_END_TEST

GST_START_TEST(the_old_file_stays_until_something_of_the_new_one_is_durable) {
  Desk desk;
  desk.play();
  desk.video.start();
  desk.video.push_many(10);
  desk.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(desk.old_is_there());
  fail_unless(exists(desk.hidden));
  desk.video.push_many(50);
  if (desk.fragments()) {
    desk.wait_until_published(1);
    for (int i = 0; i < 2'000 && exists(desk.hidden); ++i) g_usleep(10'000);
    fail_if(desk.old_is_there() || exists(desk.hidden));
  } else {
    fail_unless(desk.old_is_there());
  }
  desk.stop();
  desk.expect_file(desk.video);
}
GST_END_TEST

GST_START_TEST(a_recording_of_nothing_leaves_the_old_file) {
  Desk desk;
  desk.play();
  desk.video.start();
  desk.stop();
  fail_unless(desk.old_is_there());
  fail_if(exists(desk.hidden));
}
GST_END_TEST

// Whatever call fails before the rename, once and for good.
GST_START_TEST(a_failure_before_that_leaves_the_old_file) {
  const Call calls[] = {Call::kReserve, Call::kWrite, Call::kSync, Call::kDataSync, Call::kRename};
  Desk desk;
  FaultySyscalls disk(desk.folder().path());
  disk.fail_from(calls[__i__], 1, EIO);
  desk.play();
  desk.video.start();
  for (int i = 0; i < 100 && desk.video.push() == GST_FLOW_OK; ++i) continue;
  desk.video.eos();
  desk.expect(GST_MESSAGE_ERROR);
  desk.stop();
  fail_unless_equals_int(desk.log().count(GST_MESSAGE_ERROR), 1);
  fail_unless(desk.old_is_there());
}
GST_END_TEST

GST_START_TEST(a_file_that_is_being_recorded_is_not_overwritten) {
  Desk desk;
  const int held = open(desk.location().c_str(), O_RDWR | O_CLOEXEC);
  fail_unless(held >= 0 && flock(held, LOCK_EX) == 0);
  fail_unless_equals_int(gst_element_set_state(desk.element(), GST_STATE_READY),
                         GST_STATE_CHANGE_FAILURE);
  expect_only(desk, resource_error(GST_RESOURCE_ERROR_BUSY, {desk.location()}));
  fail_unless(desk.old_is_there());
  close(held);
}
GST_END_TEST

GST_START_TEST(two_recorders_do_not_overwrite_the_same_file) {
  Desk desk;
  desk.play();
  desk.video.start();
  desk.video.push_many(5);
  desk.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  Bench other;
  other.set_location(desk.location());
  g_object_set(other.element(), "overwrite", TRUE, nullptr);
  Feed& video = other.add_video();
  other.play();
  video.start();
  for (int i = 0; i < 100 && video.push() == GST_FLOW_OK; ++i) continue;
  other.expect(GST_MESSAGE_ERROR);
  expect_only(other, resource_error(GST_RESOURCE_ERROR_BUSY, {desk.location()}));
  other.stop();
  desk.video.push_many(60);
  desk.stop();
  desk.expect_file(desk.video);
}
GST_END_TEST

GST_START_TEST(what_a_crash_left_under_the_hidden_name_is_in_nobodys_way) {
  Desk desk;
  std::ofstream(desk.hidden) << "left over";
  desk.record();
  desk.expect_quiet();
  desk.expect_file(desk.video);
  fail_if(exists(desk.hidden));
}
GST_END_TEST

// A recording that was to take the file's place, and its recorder was killed before it had.
GST_START_TEST(a_recording_that_was_left_under_the_hidden_name_stays) {
  Desk desk;
  std::string left;
  {
    Desk before;
    before.record();
    left = text_of(before.location());
  }
  if (__i__) left.resize(20'000);               // not finished
  if (__i__ == 2) left.replace(52, 4, "skip");  // its moov was revised
  if (__i__ && !desk.fragments()) return;
  std::ofstream(desk.hidden, std::ios::binary) << left;
  desk.record();
  desk.expect_quiet();
  desk.expect_file(desk.video);
  fail_unless(text_of(desk.hidden) == left);
}
GST_END_TEST

// No reader will ever make anything of it.
GST_START_TEST(an_unfinished_file_without_fragments_is_removed) {
  Desk desk;
  std::string left(
      "\0\0\0\x20"
      "ftypisom\0\0\x02\0isomiso6mp41mp42\0\0\0\1mdat\0\0\0\0\0\0\0\x10",
      48);
  if (__i__ == 1) left.replace(24, 4, "av01");
  left += std::string(1'000, 'x');
  std::ofstream(desk.hidden, std::ios::binary) << left;
  desk.record();
  desk.expect_file(desk.video);
  fail_if(exists(desk.hidden));
}
GST_END_TEST

// The old file was moved away, and somebody else records under its name now.
GST_START_TEST(another_recording_that_has_the_name_meanwhile_is_not_replaced) {
  Desk desk;
  desk.play();
  desk.video.start();
  desk.video.push_many(10);
  desk.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(rename(desk.location().c_str(), (desk.location() + ".old").c_str()) == 0);
  Bench other;
  other.set_location(desk.location());
  Feed& video = other.add_video();
  other.play();
  video.start();
  video.push_many(100);
  other.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  for (int i = 0; i < 100 && desk.video.push() == GST_FLOW_OK; ++i) continue;
  desk.video.eos();
  desk.expect(GST_MESSAGE_ERROR);
  expect_only(desk, resource_error(GST_RESOURCE_ERROR_BUSY, {desk.location(), ".recording"}));
  desk.stop();
  other.stop();
  other.expect_file(video);
  fail_unless(exists(desk.hidden));
}
GST_END_TEST

GST_START_TEST(a_name_that_leaves_no_room_for_a_hidden_one_is_refused_before) {
  Desk desk;
  const std::string location = desk.folder().path() + "/" + std::string(250, 'n');
  std::ofstream(location) << kText;
  desk.set_location(location);
  fail_unless_equals_int(gst_element_set_state(desk.element(), GST_STATE_READY),
                         GST_STATE_CHANGE_FAILURE);
  expect_only(desk, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {location}));
  fail_unless(text_of(location) == kText);
}
GST_END_TEST

GST_START_TEST(what_is_no_file_is_not_overwritten) {
  Desk desk;
  unlink(desk.location().c_str());
  if (__i__ == 0)
    fail_unless(mkdir(desk.location().c_str(), 0700) == 0);
  else
    fail_unless(symlink("/dev/null", desk.location().c_str()) == 0);
  fail_unless_equals_int(gst_element_set_state(desk.element(), GST_STATE_READY),
                         GST_STATE_CHANGE_FAILURE);
  expect_only(desk, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {desk.location()}));
}
GST_END_TEST

GST_START_TEST(a_free_name_is_taken_at_once) {
  Desk desk;
  unlink(desk.location().c_str());
  desk.play();
  desk.video.start();
  desk.video.push_many(5);
  desk.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(exists(desk.location()) && !exists(desk.hidden));
  desk.stop();
  desk.expect_file(desk.video);
}
GST_END_TEST

static Suite* overwrite_suite() {
  Suite* suite = suite_create("overwrite");
  TCase* tcase = tcase_create("overwrite");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, the_new_file_takes_the_place_of_the_old_one);
  tcase_add_test(tcase, the_old_file_stays_until_something_of_the_new_one_is_durable);
  tcase_add_test(tcase, a_recording_of_nothing_leaves_the_old_file);
  tcase_add_loop_test(tcase, a_failure_before_that_leaves_the_old_file, 0, 5);
  tcase_add_test(tcase, a_file_that_is_being_recorded_is_not_overwritten);
  tcase_add_test(tcase, two_recorders_do_not_overwrite_the_same_file);
  tcase_add_test(tcase, what_a_crash_left_under_the_hidden_name_is_in_nobodys_way);
  tcase_add_loop_test(tcase, a_recording_that_was_left_under_the_hidden_name_stays, 0, 3);
  tcase_add_loop_test(tcase, an_unfinished_file_without_fragments_is_removed, 0, 2);
  tcase_add_test(tcase, another_recording_that_has_the_name_meanwhile_is_not_replaced);
  tcase_add_test(tcase, a_name_that_leaves_no_room_for_a_hidden_one_is_refused_before);
  tcase_add_loop_test(tcase, what_is_no_file_is_not_overwritten, 0, 2);
  tcase_add_test(tcase, a_free_name_is_taken_at_once);
  return suite;
}

GST_CHECK_MAIN(overwrite)
