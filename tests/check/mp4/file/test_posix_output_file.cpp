// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of how a recording's file comes to be: what the name may stand for, in which folder it
// lands, who may read it, and that nothing that is there already is touched.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "file_bytes.h"
#include "mp4/file/file_lock.h"
#include "mp4/file/posix_output_file.h"
#include "mp4/recovery/finalize.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

std::function<void()> before_lock;  // once

}  // namespace

// Instead of the C library's.
extern "C" int flock(int fd, int operation) noexcept {
  if (before_lock) std::exchange(before_lock, {})();
  return static_cast<int>(syscall(SYS_flock, fd, operation));
}

namespace {

using mp4::PosixOutputFile;
using mp4::Status;
using mp4::StatusCode;
using mp4_test::TemporaryFolder;

std::unique_ptr<PosixOutputFile> file;  // of the last try

Status try_to_open(const std::string& path, mode_t mode = 0640) {
  file.reset();
  return PosixOutputFile::open_folder(path, {.mode = mode}, file);
}

void expect_refusal(const std::string& path, StatusCode code) {
  const Status status = try_to_open(path);
  fail_unless(status.code() == code, "%s: %d %s", path.c_str(), static_cast<int>(status.code()),
              status.text().c_str());
  fail_if(status.text().empty());
  fail_unless(file == nullptr);
}

void make_file(const std::string& path, std::size_t size = 3) {
  fail_unless(boxes::store_file(path, boxes::Bytes(size, 'x')));
}

// Runs it as somebody who owns nothing; true is what it should answer.
bool as_nobody(const std::function<bool()>& f) {
  const pid_t child = fork();
  if (child == 0) {
    const bool is_nobody = geteuid() != 0 || (setgid(65'534) == 0 && setuid(65'534) == 0);
    _exit(is_nobody && f() ? 0 : 1);
  }
  int result = -1;
  fail_unless(waitpid(child, &result, 0) == child);
  return result == 0;
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  fail_unless_equals_int(stat(path.c_str(), &found), 0);
  return found.st_mode & 07777;
}

}  // namespace

GST_START_TEST(nothing_is_made_before_create) {
  const TemporaryFolder folder;
  fail_unless(try_to_open(folder.path("a.mp4")).ok());
  fail_if(std::filesystem::exists(folder.path("a.mp4")));
  fail_unless(file->create().ok());
  fail_unless_equals_uint64(std::filesystem::file_size(folder.path("a.mp4")), 0);
  fail_unless(file->close().ok());
  fail_unless(file->close().ok());
}
GST_END_TEST;

GST_START_TEST(the_folder_must_be_there) {
  const TemporaryFolder folder;
  expect_refusal(folder.path("missing/a.mp4"), StatusCode::kNotFound);
  make_file(folder.path("file"));
  expect_refusal(folder.path("file/a.mp4"), StatusCode::kNotFound);
}
GST_END_TEST;

GST_START_TEST(the_folder_must_be_writable) {
  const TemporaryFolder folder;
  fail_unless_equals_int(chmod(folder.path().c_str(), 0755), 0);
  fail_unless(as_nobody([&] {
    const Status status = try_to_open(folder.path("a.mp4"));
    return geteuid() == 0 ||
           (status.code() == StatusCode::kOpen && status.error_number() == EACCES);
  }));
  fail_unless_equals_int(chmod(folder.path().c_str(), 0777), 0);
  fail_unless(as_nobody([&] { return try_to_open(folder.path("a.mp4")).ok(); }));
  fail_unless_equals_int(chmod(folder.path().c_str(), 0700), 0);
}
GST_END_TEST;

GST_START_TEST(a_name_is_needed) {
  const TemporaryFolder folder;
  expect_refusal("", StatusCode::kNotRegular);
  expect_refusal("/", StatusCode::kNotRegular);
  expect_refusal(folder.path() + "/", StatusCode::kNotRegular);
  expect_refusal(folder.path("."), StatusCode::kNotRegular);
  expect_refusal(folder.path(".."), StatusCode::kNotRegular);
  expect_refusal(folder.path("a.mp4/"), StatusCode::kNotRegular);
  expect_refusal(folder.path(std::string(256, 'n')), StatusCode::kOpen);
  fail_unless(try_to_open(folder.path(std::string(255, 'n'))).ok());
  fail_unless(file->create().ok());
}
GST_END_TEST;

GST_START_TEST(a_name_without_a_folder_is_in_the_current_one) {
  const TemporaryFolder folder;
  fail_unless_equals_int(chdir(folder.path().c_str()), 0);
  fail_unless(try_to_open("a.mp4").ok());
  fail_unless_equals_int(chdir("/"), 0);
  fail_unless(file->create().ok());
  fail_unless(std::filesystem::exists(folder.path("a.mp4")));
}
GST_END_TEST;

GST_START_TEST(only_a_free_name_is_taken) {
  const TemporaryFolder folder;
  const auto path = [&](const char* name) { return folder.path(name); };
  make_file(path("file"));
  fail_unless_equals_int(mkdir(path("folder").c_str(), 0700), 0);
  fail_unless_equals_int(mkfifo(path("fifo").c_str(), 0600), 0);
  fail_unless_equals_int(symlink("file", path("link").c_str()), 0);
  fail_unless_equals_int(symlink("nothing", path("dangling").c_str()), 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  strncpy(address.sun_path, path("socket").c_str(), sizeof address.sun_path - 1);
  const mp4::FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM, 0));
  fail_unless_equals_int(
      bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  expect_refusal(path("file"), StatusCode::kExists);
  for (const char* name : {"folder", "fifo", "link", "dangling", "socket"})
    expect_refusal(path(name), StatusCode::kNotRegular);
  expect_refusal("/dev/null", StatusCode::kNotRegular);
  fail_unless_equals_uint64(std::filesystem::file_size(path("file")), 3);
  fail_if(std::filesystem::exists(path("nothing")));
}
GST_END_TEST;

GST_START_TEST(what_appears_before_create_is_not_touched) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.mp4"), other = folder.path("other");
  const std::function<void()> appear[] = {
      [&] { make_file(path); },
      [&] { fail_unless_equals_int(symlink("nothing", path.c_str()), 0); },
      [&] {
        make_file(other);
        fail_unless_equals_int(symlink("other", path.c_str()), 0);
      },
      [&] { fail_unless_equals_int(mkdir(path.c_str(), 0700), 0); },
      [&] { fail_unless_equals_int(mkfifo(path.c_str(), 0600), 0); },
  };
  for (const auto& make : appear) {
    fail_unless(try_to_open(path).ok());
    make();
    fail_unless(file->create().code() == StatusCode::kExists);
    fail_unless(file->close().ok());
    fail_if(std::filesystem::exists(folder.path("nothing")));
    for (const std::string& name : {path, other})
      if (std::filesystem::is_regular_file(name))
        fail_unless_equals_uint64(std::filesystem::file_size(name), 3);
    std::filesystem::remove(path);
  }
}
GST_END_TEST;

GST_START_TEST(a_folder_that_moves_takes_the_recording_along) {
  const TemporaryFolder folder;
  fail_unless_equals_int(mkdir(folder.path("camera").c_str(), 0700), 0);
  fail_unless(try_to_open(folder.path("camera/a.mp4")).ok());
  std::filesystem::rename(folder.path("camera"), folder.path("moved"));
  fail_unless_equals_int(mkdir(folder.path("camera").c_str(), 0700), 0);
  fail_unless(file->create().ok());
  fail_unless(file->sync_with_name().ok());
  fail_unless(std::filesystem::exists(folder.path("moved/a.mp4")));
  fail_if(std::filesystem::exists(folder.path("camera/a.mp4")));
}
GST_END_TEST;

GST_START_TEST(a_folder_that_is_gone_is_an_error_of_create) {
  const TemporaryFolder folder;
  fail_unless_equals_int(mkdir(folder.path("camera").c_str(), 0700), 0);
  fail_unless(try_to_open(folder.path("camera/a.mp4")).ok());
  fail_unless(std::filesystem::remove(folder.path("camera")));
  fail_unless(file->create().code() == StatusCode::kNotFound);
}
GST_END_TEST;

GST_START_TEST(a_folder_may_be_a_symbolic_link) {
  const TemporaryFolder folder;
  fail_unless_equals_int(mkdir(folder.path("real").c_str(), 0700), 0);
  fail_unless_equals_int(symlink("real", folder.path("link").c_str()), 0);
  fail_unless(try_to_open(folder.path("link/a.mp4")).ok());
  fail_unless(file->create().ok());
  fail_unless(std::filesystem::exists(folder.path("real/a.mp4")));
}
GST_END_TEST;

GST_START_TEST(the_mode_is_what_was_asked_for_under_the_umask) {
  const TemporaryFolder folder;
  const struct {
    mode_t umask, asked, wanted;
  } kModes[] = {{022, 0666, 0644}, {0, 0640, 0640}, {077, 0664, 0600}, {027, 0640, 0640}};
  for (const auto& [mask, asked, wanted] : kModes) {
    const std::string path = folder.path(std::to_string(mask) + "-" + std::to_string(asked));
    const mode_t before = umask(mask);
    fail_unless(try_to_open(path, asked).ok() && file->create().ok());
    umask(before);
    fail_unless_equals_int(mode_of(path), wanted);
  }
}
GST_END_TEST;

GST_START_TEST(no_descriptor_is_inherited_by_other_programs) {
  const TemporaryFolder folder;
  fail_unless(try_to_open(folder.path("a.mp4")).ok() && file->create().ok());
  int found = 0;
  for (int fd = 3; fd < 1'000; ++fd) {
    char target[4'096] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(link.c_str(), target, sizeof target - 1) < 0) continue;
    if (strncmp(target, folder.path().c_str(), folder.path().size()) != 0) continue;
    ++found;
    fail_unless(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  fail_unless_equals_int(found, 2);  // the folder and the file
}
GST_END_TEST;

GST_START_TEST(the_file_is_locked_as_long_as_it_is_open) {
  const TemporaryFolder folder;
  fail_unless(try_to_open(folder.path("a.mp4")).ok() && file->create().ok());
  const mp4::FileDescriptor other(open(folder.path("a.mp4").c_str(), O_RDWR | O_CLOEXEC));
  fail_unless_equals_int(flock(other.get(), LOCK_EX | LOCK_NB), -1);
  fail_unless_equals_int(errno, EWOULDBLOCK);
  fail_unless(file->close().ok());
  fail_unless_equals_int(flock(other.get(), LOCK_EX | LOCK_NB), 0);
}
GST_END_TEST;

// By another recorder that takes it for left over, since nobody has locked it yet.
GST_START_TEST(a_file_that_is_removed_before_it_is_locked_is_made_again) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.mp4");
  fail_unless(try_to_open(path).ok());
  before_lock = [&] { unlink(path.c_str()); };
  fail_unless(file->create().ok());
  fail_if(before_lock);
  uint8_t byte = 7;
  const iovec piece{&byte, 1};
  fail_unless(file->write(0, {&piece, 1}).ok());
  fail_unless(boxes::load_file(path) == boxes::Bytes{7});
}
GST_END_TEST;

// By one that looks whether a recorder is at it.
GST_START_TEST(a_lock_that_is_held_for_a_moment_is_waited_for) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.mp4");
  fail_unless(try_to_open(path).ok());
  before_lock = [&] {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    fail_unless_equals_int(flock(fd, LOCK_EX), 0);
    before_lock = [fd] { close(fd); };
  };
  const Status status = file->create();
  fail_unless(status.ok(), "%s", status.text().c_str());
}
GST_END_TEST;

// ---- beside one that finishes what was left over ----

// A recorder makes its file, and locks it then.
GST_START_TEST(an_empty_file_is_not_locked_by_one_that_finishes) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.mp4");
  make_file(path, 0);
  const mp4::FileDescriptor fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  fail_unless_equals_int(flock(fd.get(), LOCK_EX), 0);
  for (bool only_look : {false, true}) {
    finalize::Report report;
    const auto status = finalize::finalize(
        path, {.only_look = only_look}, [](uint64_t) {}, report);
    fail_unless(status.code() == StatusCode::kInvalid, "%s", status.text().c_str());
  }
}
GST_END_TEST;

GST_START_TEST(a_file_that_is_being_finished_is_replaced_later) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.mp4");
  make_file(path);
  mp4::FileDescriptor fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  fail_unless(mp4::lock_to_finish(fd.get(), mp4::Finisher::kWrites));
  fail_unless(PosixOutputFile::open_folder(path, {.overwrite = true}, file).ok());
  fail_unless(file->create().ok());
  fail_unless(file->take_name().code() == StatusCode::kBeingFinished);
  fail_unless_equals_uint64(std::filesystem::file_size(path), 3);
  fd = mp4::FileDescriptor();
  fail_unless(file->take_name().ok());
  fail_unless_equals_uint64(std::filesystem::file_size(path), 0);
}
GST_END_TEST;

GST_START_TEST(beside_a_left_over_that_is_being_finished_there_is_another_name) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.mp4"), left = folder.path(".x.mp4.recording");
  make_file(path);
  make_file(left);
  const mp4::FileDescriptor fd(open(left.c_str(), O_RDWR | O_CLOEXEC));
  fail_unless(mp4::lock_to_finish(fd.get(), mp4::Finisher::kWrites));
  fail_unless(PosixOutputFile::open_folder(path, {.overwrite = true}, file).ok());
  const Status status = file->create();
  fail_unless(status.ok(), "%s", status.text().c_str());
  fail_unless(std::filesystem::exists(folder.path(".x.mp4.2.recording")));
  fail_unless_equals_uint64(std::filesystem::file_size(left), 3);
}
GST_END_TEST;

GST_START_TEST(who_finishes_keeps_others_away_and_who_looks_does_not) {
  const TemporaryFolder folder;
  make_file(folder.path("x.mp4"));
  const auto open_it = [&] {
    return mp4::FileDescriptor(open(folder.path("x.mp4").c_str(), O_RDWR | O_CLOEXEC));
  };
  const auto one = open_it(), other = open_it();
  using mp4::Finisher, mp4::LockHolder;
  fail_unless(mp4::lock_to_finish(one.get(), Finisher::kLooks));
  fail_unless(mp4::lock_to_finish(other.get(), Finisher::kLooks));
  mp4::unlock(one.get());
  fail_unless(mp4::lock_to_record(one.get()) == LockHolder::kFinisher);
  mp4::unlock(other.get());
  fail_unless(mp4::lock_to_finish(one.get(), Finisher::kWrites));
  fail_if(mp4::lock_to_finish(other.get(), Finisher::kWrites));
  mp4::unlock(one.get());
  fail_unless(mp4::lock_to_record(one.get()) == LockHolder::kSelf);
  fail_if(mp4::lock_to_finish(other.get(), Finisher::kLooks));
  mp4::unlock(other.get());
  fail_unless(mp4::lock_to_record(other.get()) == LockHolder::kRecorder);
}
GST_END_TEST;

// Both find what a third one left over, and one of them only takes its place.
GST_START_TEST(two_that_begin_at_once_do_not_take_each_others_file) {
  for (int run = 0; run < 100; ++run) {
    const TemporaryFolder folder;
    const std::string path = folder.path("x.mp4");
    fail_unless(boxes::store_file(path, {1}) &&
                boxes::store_file(folder.path(".x.mp4.recording"), {2}));
    std::array<std::unique_ptr<PosixOutputFile>, 2> files;
    std::array<bool, 2> made{};
    std::atomic<int> ready{0};
    const auto begin = [&](std::size_t i) {
      ++ready;
      while (ready < 2) continue;
      made[i] = files[i]->create().ok();
    };
    for (auto& file : files)
      fail_unless(PosixOutputFile::open_folder(path, {.overwrite = true}, file).ok());
    std::thread other(begin, 0);
    begin(1);
    other.join();
    fail_unless(made[0] != made[1], "run %d", run);
    fail_unless(files[made[0] ? 0 : 1]->take_name().ok(), "run %d", run);
    fail_unless(boxes::load_file(path).empty(), "run %d", run);
  }
}
GST_END_TEST;

static Suite* posix_output_file_suite() {
  Suite* suite = suite_create("posix_output_file");
  TCase* names = tcase_create("names");
  suite_add_tcase(suite, names);
  tcase_add_test(names, nothing_is_made_before_create);
  tcase_add_test(names, the_folder_must_be_there);
  tcase_add_test(names, the_folder_must_be_writable);
  tcase_add_test(names, a_name_is_needed);
  tcase_add_test(names, a_name_without_a_folder_is_in_the_current_one);
  tcase_add_test(names, only_a_free_name_is_taken);
  tcase_add_test(names, what_appears_before_create_is_not_touched);
  tcase_add_test(names, a_folder_that_moves_takes_the_recording_along);
  tcase_add_test(names, a_folder_that_is_gone_is_an_error_of_create);
  tcase_add_test(names, a_folder_may_be_a_symbolic_link);
  TCase* rights = tcase_create("rights");
  suite_add_tcase(suite, rights);
  tcase_add_test(rights, the_mode_is_what_was_asked_for_under_the_umask);
  tcase_add_test(rights, no_descriptor_is_inherited_by_other_programs);
  tcase_add_test(rights, the_file_is_locked_as_long_as_it_is_open);
  tcase_add_test(rights, a_file_that_is_removed_before_it_is_locked_is_made_again);
  tcase_add_test(rights, a_lock_that_is_held_for_a_moment_is_waited_for);
  tcase_add_test(rights, two_that_begin_at_once_do_not_take_each_others_file);
  TCase* finishing = tcase_create("finishing");
  suite_add_tcase(suite, finishing);
  tcase_add_test(finishing, an_empty_file_is_not_locked_by_one_that_finishes);
  tcase_add_test(finishing, a_file_that_is_being_finished_is_replaced_later);
  tcase_add_test(finishing, beside_a_left_over_that_is_being_finished_there_is_another_name);
  tcase_add_test(finishing, who_finishes_keeps_others_away_and_who_looks_does_not);
  return suite;
}

GST_CHECK_MAIN(posix_output_file)
