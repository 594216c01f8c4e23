// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of writing and syncing through the system's calls when these do less than they were asked
// for. The calls are replaced in this program; and a real limit and a real full disk are met.
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "mp4/file/posix_output_file.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

// What the replaced calls do; of each error so many are answered before all is well.
struct System {
  std::size_t most_bytes = SIZE_MAX;  // of one write
  std::atomic<int> interruptions{0};  // of any call
  std::atomic<int> write_error{0}, sync_error{0}, folder_sync_error{0}, close_error{0};
  std::atomic<int> lock_error{0};
  std::atomic<int> writes{0};
  std::atomic<int> most_pieces{0};
};
System* faulty = nullptr;

// True: the call is to fail, and errno says how.
bool fails(std::atomic<int> System::*error) {
  if (!faulty) return false;
  if (faulty->interruptions > 0) {
    --faulty->interruptions;
    errno = EINTR;
    return true;
  }
  if (!(faulty->*error)) return false;
  errno = faulty->*error;
  return true;
}

bool is_folder(int fd) {
  struct stat found {};
  return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace

extern "C" {

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  std::vector<iovec> some(pieces, pieces + count);
  if (faulty) {
    if (fails(&System::write_error)) return -1;
    ++faulty->writes;
    faulty->most_pieces = std::max(faulty->most_pieces.load(), count);
    std::size_t left = faulty->most_bytes;
    for (iovec& piece : some) {
      piece.iov_len = std::min(piece.iov_len, left);
      left -= piece.iov_len;
    }
  }
  return syscall(SYS_pwritev, fd, some.data(), count, offset, 0);
}

int fdatasync(int fd) {
  return fails(&System::sync_error) ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  const bool failed = fails(is_folder(fd) ? &System::folder_sync_error : &System::sync_error);
  return failed ? -1 : static_cast<int>(syscall(SYS_fsync, fd));
}

int flock(int fd, int operation) noexcept {
  return fails(&System::lock_error) ? -1 : static_cast<int>(syscall(SYS_flock, fd, operation));
}

int close(int fd) {
  const int result = static_cast<int>(syscall(SYS_close, fd));
  return faulty && fails(&System::close_error) ? -1 : result;
}

}  // extern "C"

namespace {

using mp4::StatusCode;
using mp4_test::Bytes;

// An open file over a faulty system.
class Writing {
 public:
  Writing() {
    fail_unless(mp4::PosixOutputFile::open_folder(path, {}, file).ok());
    fail_unless(file->create().ok());
    faulty = &system;
  }
  ~Writing() { faulty = nullptr; }

  // Writes those bytes in pieces of such sizes, in turn.
  mp4::Status write(const Bytes& bytes, const std::vector<std::size_t>& sizes) {
    std::vector<iovec> pieces;
    for (std::size_t at = 0, i = 0; at < bytes.size(); ++i) {
      const std::size_t size = std::min(sizes[i % sizes.size()], bytes.size() - at);
      pieces.push_back({const_cast<uint8_t*>(bytes.data() + at), size});
      at += size;
    }
    pieces.push_back({nullptr, 0});
    return file->write(0, pieces);
  }

  mp4_test::TemporaryFolder folder;
  const std::string path = folder.path("a.mp4");
  System system;
  std::unique_ptr<mp4::PosixOutputFile> file;
};

}  // namespace

GST_START_TEST(a_write_that_takes_less_is_continued) {
  const Bytes bytes = mp4_test::some_bytes(20'000, 1);
  for (std::size_t most : {1u, 2u, 7u, 999u, 1'000u, 1'001u, 4'096u, 30'000u}) {
    Writing writing;
    writing.system.most_bytes = most;
    fail_unless(writing.write(bytes, {1'000, 0, 1, 499, 0, 0}).ok());
    fail_unless(boxes::load_file(writing.path) == bytes);
    if (most < bytes.size())
      fail_unless_equals_int(writing.system.writes, (bytes.size() + most - 1) / most);
  }
}
GST_END_TEST;

GST_START_TEST(an_interrupted_call_is_done_again) {
  const Bytes bytes = mp4_test::some_bytes(20'000, 2);
  Writing writing;
  writing.system.interruptions = 5;
  fail_unless(writing.write(bytes, {1'000}).ok());
  fail_unless(boxes::load_file(writing.path) == bytes);
  writing.system.interruptions = 5;
  fail_unless(writing.file->sync().ok());
  writing.system.interruptions = 5;
  fail_unless(writing.file->sync_with_name().ok());
  writing.system.interruptions = 1;  // after a close there is nothing to do again
  fail_unless(writing.file->close().ok());
  fail_unless_equals_int(writing.system.interruptions, 0);
}
GST_END_TEST;

GST_START_TEST(more_pieces_than_the_system_takes_are_written_in_several_calls) {
  for (std::size_t pieces : {IOV_MAX - 1, IOV_MAX, IOV_MAX + 1, 5 * IOV_MAX + 3}) {
    Writing writing;
    const Bytes bytes = mp4_test::some_bytes(pieces - 1, 3);
    fail_unless(writing.write(bytes, {1}).ok());
    fail_unless(boxes::load_file(writing.path) == bytes);
    fail_unless(writing.system.most_pieces <= IOV_MAX);
  }
}
GST_END_TEST;

GST_START_TEST(nothing_to_write_is_no_error) {
  Writing writing;
  fail_unless(writing.file->write(0, {}).ok());
  fail_unless(writing.write({}, {1}).ok());
  uint64_t size = 1;
  fail_unless(writing.file->size(size).ok());
  fail_unless_equals_uint64(size, 0);
}
GST_END_TEST;

GST_START_TEST(a_write_that_takes_nothing_is_an_error_and_no_endless_loop) {
  Writing writing;
  writing.system.most_bytes = 0;
  fail_unless(writing.write({1, 2, 3}, {1}).code() == StatusCode::kWrite);
}
GST_END_TEST;

GST_START_TEST(errors_of_a_write_say_whether_there_is_no_space) {
  const struct {
    int error;
    StatusCode code;
  } kErrors[] = {{ENOSPC, StatusCode::kNoSpace}, {EDQUOT, StatusCode::kNoSpace},
                 {EFBIG, StatusCode::kNoSpace},  {EIO, StatusCode::kWrite},
                 {EROFS, StatusCode::kWrite},    {ENODEV, StatusCode::kWrite}};
  for (const auto& [error, code] : kErrors) {
    Writing writing;
    writing.system.write_error = error;
    const mp4::Status status = writing.write({1, 2, 3}, {1});
    fail_unless(status.code() == code);
    fail_unless_equals_int(status.error_number(), error);
  }
}
GST_END_TEST;

GST_START_TEST(a_sync_that_fails_is_told_but_a_folder_may_not_support_it) {
  Writing writing;
  writing.system.sync_error = EIO;
  fail_unless(writing.file->sync().code() == StatusCode::kSync);
  fail_unless(writing.file->sync_with_name().code() == StatusCode::kSync);
  writing.system.sync_error = EINVAL;
  fail_unless(writing.file->sync_with_name().code() == StatusCode::kSync);
  writing.system.sync_error = 0;
  writing.system.folder_sync_error = EINVAL;
  fail_unless(writing.file->sync_with_name().ok());
  writing.system.folder_sync_error = EIO;
  fail_unless(writing.file->sync_with_name().code() == StatusCode::kSync);
}
GST_END_TEST;

GST_START_TEST(a_close_that_fails_is_told) {
  Writing writing;
  writing.system.close_error = EIO;
  const mp4::Status status = writing.file->close();
  fail_unless(status.code() == StatusCode::kClose && status.error_number() == EIO);
  fail_unless(writing.file->close().ok());
}
GST_END_TEST;

GST_START_TEST(a_lock_held_by_another_refuses_the_file_but_no_locks_are_no_reason) {
  const mp4_test::TemporaryFolder folder;
  System system;
  for (int error : {EWOULDBLOCK, ENOLCK, EOPNOTSUPP}) {
    std::unique_ptr<mp4::PosixOutputFile> file;
    const std::string path = folder.path(std::to_string(error));
    fail_unless(mp4::PosixOutputFile::open_folder(path, {}, file).ok());
    faulty = &system;
    system.lock_error = error;
    const mp4::Status status = file->create();
    faulty = nullptr;
    fail_unless(status.code() == (error == EWOULDBLOCK ? StatusCode::kBusy : StatusCode::kOk));
  }
}
GST_END_TEST;

GST_START_TEST(a_recording_over_a_slow_system_is_whole) {
  mp4_test::TestRecording recording;
  System system;
  system.most_bytes = 17;
  faulty = &system;
  recording.append_many(recording.add_track(mp4_test::video_config()), 100, 3'000);
  recording.append_many(recording.add_track(mp4_test::audio_config()), 100, 1'024);
  system.interruptions = 200;
  const bool finished = recording.finish();
  faulty = nullptr;
  fail_unless(finished);
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
}
GST_END_TEST;

GST_START_TEST(the_largest_file_allowed_is_an_error_and_not_a_signal) {
  mp4_test::TestRecording recording;
  rlimit before{};
  fail_unless_equals_int(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit{2'000, before.rlim_max};
  fail_unless_equals_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
  recording.append_many(recording.add_track(mp4_test::video_config()), 100, 3'000);
  recording.recording->end();
  const bool ended = recording.witness->wait_until_ended();
  fail_unless_equals_int(setrlimit(RLIMIT_FSIZE, &before), 0);
  fail_unless(ended && recording.witness->failure());
  fail_unless(recording.witness->failure()->code() == StatusCode::kNoSpace);
  fail_unless_equals_int(recording.witness->failure()->error_number(), EFBIG);
}
GST_END_TEST;

// Only where this program may mount a disk of its own.
GST_START_TEST(a_full_or_read_only_disk_is_told_before_the_recording_and_in_it) {
  mp4_test::TestRecording recording;
  const char* folder = recording.folder.path().c_str();
  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", folder, "tmpfs", 0, "size=64k") != 0) {
    g_printerr("not allowed to mount a small disk: nothing tested\n");
    return;
  }
  std::unique_ptr<mp4::PosixOutputFile> file;
  const auto open = [&] { return mp4::PosixOutputFile::open_folder(recording.path, {}, file); };
  fail_unless(open().ok());
  auto witness = std::make_shared<mp4_test::Witness>();
  const auto full =
      std::make_shared<mp4::Recording>(std::move(file), witness, mp4::Recording::Settings{});
  full->add_track(mp4_test::video_config());
  for (mp4::Ticks i = 0; i < 100; ++i)
    full->append(
        0, {{i * 3'000, i * 3'000, 0}, {.sync = true}, 0, mp4_test::make_payload(Bytes(2'000))});
  full->end();
  const bool ended = witness->wait_until_ended();
  fail_unless(ended && witness->failure());
  fail_unless(witness->failure()->code() == StatusCode::kNoSpace);
  fail_unless_equals_int(unlink(recording.path.c_str()), 0);
  fail_unless(boxes::store_file(recording.folder.path("filler"), Bytes(65'536)) || true);
  fail_unless(open().code() == StatusCode::kNoSpace);
  fail_unless_equals_int(mount("none", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const mp4::Status read_only = open();
  fail_unless(read_only.code() == StatusCode::kOpen && read_only.error_number() == EROFS);
  file.reset();
  umount2(folder, MNT_DETACH);
}
GST_END_TEST;

static Suite* posix_writes_suite() {
  Suite* suite = suite_create("posix_writes");
  TCase* calls = tcase_create("calls");
  suite_add_tcase(suite, calls);
  tcase_set_timeout(calls, 60);
  tcase_add_test(calls, a_write_that_takes_less_is_continued);
  tcase_add_test(calls, an_interrupted_call_is_done_again);
  tcase_add_test(calls, more_pieces_than_the_system_takes_are_written_in_several_calls);
  tcase_add_test(calls, nothing_to_write_is_no_error);
  tcase_add_test(calls, a_write_that_takes_nothing_is_an_error_and_no_endless_loop);
  tcase_add_test(calls, errors_of_a_write_say_whether_there_is_no_space);
  tcase_add_test(calls, a_sync_that_fails_is_told_but_a_folder_may_not_support_it);
  tcase_add_test(calls, a_close_that_fails_is_told);
  tcase_add_test(calls, a_lock_held_by_another_refuses_the_file_but_no_locks_are_no_reason);
  tcase_add_test(calls, a_recording_over_a_slow_system_is_whole);
  TCase* limits = tcase_create("limits");
  suite_add_tcase(suite, limits);
  tcase_set_timeout(limits, 60);
  tcase_add_test(limits, the_largest_file_allowed_is_an_error_and_not_a_signal);
  tcase_add_test(limits, a_full_or_read_only_disk_is_told_before_the_recording_and_in_it);
  return suite;
}

GST_CHECK_MAIN(posix_writes)
