// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what the location may not be: each is said on the bus once, with the file's name, before
// anything is touched; and what is there already stays as it is.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "bus_expectations.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::expect_only;
using bench::Feed;
using bench::resource_error;

namespace {

constexpr const char* kText = "precious";

void write_text(const std::string& path) { std::ofstream(path) << kText; }

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void make_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  fail_unless_equals_int(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
}

// What stands under the name of the recording.
enum What { kFolder, kDevice, kFifo, kSocket, kLinkToNothing, kLinkToFile, kFile, kWhats };

struct Case {
  gint code;
  const char* word;
};
constexpr Case kCases[kWhats] = {
    {GST_RESOURCE_ERROR_OPEN_WRITE, "folder"}, {GST_RESOURCE_ERROR_OPEN_WRITE, "device"},
    {GST_RESOURCE_ERROR_OPEN_WRITE, "FIFO"},   {GST_RESOURCE_ERROR_OPEN_WRITE, "socket"},
    {GST_RESOURCE_ERROR_OPEN_WRITE, "link"},   {GST_RESOURCE_ERROR_OPEN_WRITE, "link"},
    {GST_RESOURCE_ERROR_OPEN_WRITE, "exists"},
};

// False: it cannot be made here.
bool make(int what, const std::string& path, const std::string& target) {
  switch (what) {
    case kFolder:
      return mkdir(path.c_str(), 0755) == 0;
    case kDevice:
      return mknod(path.c_str(), S_IFCHR | 0666, 0x103) == 0;  // as /dev/null; root alone may
    case kFifo:
      return mkfifo(path.c_str(), 0666) == 0;
    case kSocket:
      make_socket(path);
      return true;
    case kLinkToFile:
      write_text(target);
      [[fallthrough]];
    case kLinkToNothing:
      return symlink(target.c_str(), path.c_str()) == 0;
    default:
      write_text(path);
      return true;
  }
}

void expect_no_start(Bench& bench, GstState state = GST_STATE_PLAYING) {
  fail_unless_equals_int(gst_element_set_state(bench.element(), state), GST_STATE_CHANGE_FAILURE);
}

// For as long as it lives, this process is somebody without rights.
class AsNobody {
 public:
  AsNobody() { fail_unless_equals_int(seteuid(kNobody), 0); }
  ~AsNobody() { [[maybe_unused]] const int back = seteuid(0); }

 private:
  static constexpr uid_t kNobody = 65'534;
};

}  // namespace

GST_START_TEST(a_recorder_without_location_does_not_start) {
  Bench bench;
  if (__i__ == 0)
    bench.set_location("");
  else
    g_object_set(bench.element(), "location", nullptr, nullptr);
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {"No location"}));
}
GST_END_TEST;

GST_START_TEST(what_cannot_be_recorded_to_is_said_at_ready_and_left_alone) {
  Bench bench;
  const std::string target = bench.folder().file("target");
  if (!make(__i__, bench.location(), target)) return;
  struct stat before {
  }, after{};
  lstat(bench.location().c_str(), &before);
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench, resource_error(kCases[__i__].code, {bench.location(), kCases[__i__].word}));
  fail_unless_equals_int(lstat(bench.location().c_str(), &after), 0);
  fail_unless(before.st_ino == after.st_ino && before.st_mtime == after.st_mtime);
  if (__i__ == kFile) fail_unless(text_of(bench.location()) == kText);
  if (__i__ == kLinkToFile) fail_unless(text_of(target) == kText);
  if (__i__ == kLinkToNothing) fail_unless(access(target.c_str(), F_OK) != 0);
}
GST_END_TEST;

// With the folder there, so that nothing else is wrong.
GST_START_TEST(a_uri_and_a_home_folder_are_no_location_and_the_error_says_what_one_is) {
  struct {
    const char* location;
    const char* word;
  } const kWrong[] = {{"file:///tmp/x.mp4", "is a URI"},
                      {"FILE:///tmp/x.mp4", "is a URI"},
                      {"rtsp://127.0.0.1/x", "is a URI"},
                      {"~/x.mp4", "begins with \"~\""},
                      {"~x.mp4", "begins with \"~\""}};
  Bench bench;
  bench.set_location(kWrong[__i__].location);
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench,
              resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {bench.location(), kWrong[__i__].word,
                                                             "A location is the path of a "
                                                             "file, such as /"}));
}
GST_END_TEST;

GST_START_TEST(odd_names_are_locations_as_well) {
  const char* const kNames[] = {"a:b.mp4", "a~b.mp4", "~.mp4", "file:.mp4", "%d.mp4", "50%.mp4"};
  Bench bench;
  bench.set_location(bench.folder().path() + "/./" + kNames[__i__]);
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(5), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(a_missing_folder_is_not_found) {
  Bench bench;
  const std::string middle = bench.folder().file("file");
  write_text(middle);
  bench.set_location(__i__ == 0 ? bench.folder().file("none/x.mp4") : middle + "/x.mp4");
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench,
              resource_error(GST_RESOURCE_ERROR_NOT_FOUND, {bench.location(), "does not exist"}));
}
GST_END_TEST;

GST_START_TEST(a_name_that_is_a_folder_by_its_form_is_said) {
  Bench bench;
  const std::string folder = bench.folder().path();
  const std::string names[] = {folder + "/", folder + "/.", folder + "/.."};
  bench.set_location(names[__i__]);
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {bench.location(), "folder"}));
}
GST_END_TEST;

GST_START_TEST(a_name_that_is_too_long_is_said) {
  Bench bench;
  bench.set_location(bench.folder().file(std::string(300, 'x')));
  expect_no_start(bench, GST_STATE_READY);
  expect_only(bench, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {bench.location()}));
}
GST_END_TEST;

GST_START_TEST(an_unwritable_folder_is_said) {
  Bench bench;
  // 0: may be looked into but not written to. 1: may not even be entered.
  fail_unless_equals_int(chmod(bench.folder().path().c_str(), __i__ == 0 ? 0555 : 0000), 0);
  {
    std::unique_ptr<AsNobody> nobody(geteuid() == 0 ? new AsNobody : nullptr);
    expect_no_start(bench, GST_STATE_READY);
  }
  chmod(bench.folder().path().c_str(), 0755);
  expect_only(bench, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {bench.location()}));
  fail_unless(bench::debug_of_error(bench).find(g_strerror(EACCES)) != std::string::npos);
  fail_unless_equals_int(bench.folder().count(), 0);
}
GST_END_TEST;

GST_START_TEST(after_a_bad_location_a_good_one_records) {
  Bench bench;
  Feed& video = bench.add_video();
  const std::string good = bench.location();
  bench.set_location(bench.folder().file("none/x.mp4"));
  expect_no_start(bench);
  bench.log().clear();
  bench.set_location(good);
  bench.play();
  video.start();
  video.push_many(30);
  video.eos();
  bench.expect_eos();
  bench.expect_quiet();
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(nothing_is_made_before_the_first_sample) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  bench.wait_until_at_rest();
  fail_if(bench.file_exists());
  video.push();
  bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(bench.file_exists());
}
GST_END_TEST;

GST_START_TEST(a_file_that_appears_before_the_first_sample_is_not_touched) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  if (__i__ == 0)
    write_text(bench.location());
  else
    fail_unless_equals_int(symlink("elsewhere", bench.location().c_str()), 0);
  video.push();
  expect_only(bench, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {bench.location(), "exists"}));
  fail_unless_equals_int(video.push(), GST_FLOW_ERROR);
  fail_unless_equals_int(audio.push(), GST_FLOW_ERROR);
  bench.stop();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  if (__i__ == 0) fail_unless(text_of(bench.location()) == kText);
  fail_unless(access(bench.folder().file("elsewhere").c_str(), F_OK) != 0);
}
GST_END_TEST;

GST_START_TEST(of_two_recorders_on_one_location_the_first_one_records) {
  Bench first, second;
  Feed& video = first.add_video();
  Feed& other = second.add_video();
  second.set_location(first.location());
  first.play();
  second.play();
  video.start();
  other.start();
  video.push_many(10);
  first.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  other.push();
  expect_only(second, resource_error(GST_RESOURCE_ERROR_OPEN_WRITE, {first.location(), "exists"}));
  fail_unless_equals_int(other.push(), GST_FLOW_ERROR);
  second.stop();
  video.push_many(50);
  video.eos();
  first.expect_eos();
  first.expect_quiet();
  first.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(a_folder_that_is_moved_keeps_its_recording) {
  Bench bench;
  Feed& video = bench.add_video();
  const std::string folder = bench.folder().file("a"), moved = bench.folder().file("b");
  fail_unless_equals_int(mkdir(folder.c_str(), 0755), 0);
  bench.set_location(folder + "/x.mp4");
  bench.play();
  fail_unless_equals_int(rename(folder.c_str(), moved.c_str()), 0);
  fail_unless_equals_int(mkdir(folder.c_str(), 0755), 0);
  video.start();
  video.push_many(10);
  video.eos();
  bench.expect_eos();
  bench.stop();
  bench.set_location(moved + "/x.mp4");
  bench.expect_file(video);
  fail_unless(access((folder + "/x.mp4").c_str(), F_OK) != 0);
}
GST_END_TEST;

GST_START_TEST(a_relative_location_is_in_the_working_folder) {
  Bench bench;
  Feed& video = bench.add_video();
  char before[4096];
  fail_unless(getcwd(before, sizeof before) != nullptr);
  fail_unless_equals_int(chdir(bench.folder().path().c_str()), 0);
  bench.set_location("x.mp4");
  bench.play();
  fail_unless_equals_int(chdir(before), 0);
  video.start();
  video.push_many(10);
  video.eos();
  bench.expect_eos();
  bench.stop();
  bench.set_location(bench.folder().file("x.mp4"));
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(the_file_has_the_mode_that_was_asked_for) {
  const mode_t mask = umask(022);
  Bench bench;
  Feed& video = bench.add_video();
  if (__i__ == 2) bench.to(GST_STATE_READY);  // where it may still be changed
  if (__i__ >= 1) g_object_set(bench.element(), "file-mode", 0666u, nullptr);
  bench.play();
  video.start();
  video.push();
  bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  struct stat made {};
  fail_unless_equals_int(stat(bench.location().c_str(), &made), 0);
  fail_unless_equals_int(made.st_mode & 07777, __i__ == 0 ? 0640 : 0644);
  umask(mask);
}
GST_END_TEST;

static Suite* input_location_suite() {
  Suite* suite = suite_create("input_location");
  TCase* names = tcase_create("names");
  suite_add_tcase(suite, names);
  tcase_set_timeout(names, 60);
  tcase_add_loop_test(names, a_recorder_without_location_does_not_start, 0, 2);
  tcase_add_loop_test(names, what_cannot_be_recorded_to_is_said_at_ready_and_left_alone, 0, kWhats);
  tcase_add_loop_test(names, a_uri_and_a_home_folder_are_no_location_and_the_error_says_what_one_is,
                      0, 5);
  tcase_add_loop_test(names, odd_names_are_locations_as_well, 0, 6);
  tcase_add_loop_test(names, a_missing_folder_is_not_found, 0, 2);
  tcase_add_loop_test(names, a_name_that_is_a_folder_by_its_form_is_said, 0, 3);
  tcase_add_test(names, a_name_that_is_too_long_is_said);
  tcase_add_loop_test(names, an_unwritable_folder_is_said, 0, 2);
  tcase_add_test(names, after_a_bad_location_a_good_one_records);
  tcase_add_test(names, nothing_is_made_before_the_first_sample);
  tcase_add_loop_test(names, a_file_that_appears_before_the_first_sample_is_not_touched, 0, 2);
  tcase_add_test(names, of_two_recorders_on_one_location_the_first_one_records);
  tcase_add_test(names, a_folder_that_is_moved_keeps_its_recording);
  tcase_add_test(names, a_relative_location_is_in_the_working_folder);
  tcase_add_loop_test(names, the_file_has_the_mode_that_was_asked_for, 0, 3);
  return suite;
}

GST_CHECK_MAIN(input_location)
