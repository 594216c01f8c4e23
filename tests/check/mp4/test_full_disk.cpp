// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of a disk that becomes full: the recording ends with one error, and the file is finished
// with all fragments before the first that did not fit. By calls that fail on demand, and on real
// file systems, small ones, which somebody else fills at the same time.
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::StatusCode;
using mp4::Ticks;
using mp4_test::Call;
using mp4_test::TestRecording;
using mp4_test::Verb;
using mp4_test::video_config;

constexpr Ticks kPicture = 3'000;
constexpr unsigned kPictures = 31;  // of a fragment
constexpr std::size_t kSample = 3'000;

// A second of video, and the first picture of the next.
void append_second(TestRecording& recording, mp4::TrackIndex video, unsigned second) {
  const unsigned begin = second == 0 ? 0 : second * kPictures + 1;
  for (unsigned i = begin; i <= (second + 1) * kPictures; ++i)
    recording.append(video, {i * kPicture, i * kPicture, kPicture}, i % kPictures == 0, kSample);
}

// False: the disk is full.
bool is_written(TestRecording& recording, unsigned fragments) {
  fail_unless(mp4_test::eventually([&] {
    const auto summary = recording.recording->summary();
    return recording.witness->failure() || summary.fragments_published >= fragments ||
           (!mp4_test::fragments_are_on() && summary.queued_bytes == 0);
  }));
  return !recording.witness->failure();
}

void expect_full(TestRecording& recording) {
  recording.recording->end();
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
  fail_unless(recording.witness->failure().has_value(), "%s", recording.witness->heard().c_str());
  fail_unless(recording.witness->failure()->code() == StatusCode::kNoSpace);
  fail_unless(recording.append(0, {1 << 30, 1 << 30, 0}) == mp4::Recording::Taken::kFailed);
}

// It is finished, and holds whole fragments from the first on, fewer than there were. Returns how
// many.
unsigned expect_finished(TestRecording& recording, const std::string& where) {
  fail_unless(recording.witness->heard() == "opened, finished", "%s: %s", where.c_str(),
              recording.witness->heard().c_str());
  const auto movie = recording.read();
  fail_unless(movie.has_value(), "%s", where.c_str());
  const std::size_t samples = movie->tracks[0].samples.size();
  fail_unless(samples > 0 && samples % kPictures == 0, "%s: %zu samples", where.c_str(), samples);
  const std::string differences = recording.shortened_differences({samples});
  fail_unless(differences.empty(), "%s: %s", where.c_str(), differences.c_str());
  return static_cast<unsigned>(samples / kPictures);
}

// A file system of its own, small enough to be filled.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& type) {
    const std::string image = folder_.path("image");
    const std::string mount_point = folder_.path("disk");
    std::string command = "mkdir " + mount_point + " && ";
    if (type == "tmpfs")
      command += "mount -t tmpfs -o size=4m tmpfs " + mount_point;
    else
      command += "truncate -s " + std::string(type == "btrfs" ? "128M " : "24M ") + image +
                 " && mkfs." + type + " -q " + image + " && mount -o loop " + image + " " +
                 mount_point;
    mounted_ = system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_ && system(("umount " + folder_.path("disk")).c_str()) != 0) abort();
  }

  bool mounted() const { return mounted_; }
  std::string path(const std::string& name) const { return folder_.path("disk/" + name); }

 private:
  mp4_test::TemporaryFolder folder_;
  bool mounted_ = false;
};

// Somebody else who takes all the space there is, until it is over.
class OtherWriter {
 public:
  OtherWriter(const std::string& path, unsigned milliseconds) : child_(fork()) {
    if (child_ != 0) return;
    const std::vector<char> block(64 * 1024, 'x');
    for (std::ofstream file(path, std::ios::binary);; usleep(milliseconds * 1000)) {
      file.clear();
      file.write(block.data(), static_cast<std::streamsize>(block.size())).flush();
    }
  }
  ~OtherWriter() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

}  // namespace

GST_START_TEST(a_fragment_for_which_no_space_can_be_held_is_left_out) {
  for (unsigned nth = 1; nth <= 5; ++nth) {
    TestRecording recording;
    const auto video = recording.add_track(video_config());
    recording.disk->fail_call(Verb::kReserve, nth, StatusCode::kNoSpace, ENOSPC);
    for (unsigned second = 0; second < 5; ++second) append_second(recording, video, second);
    expect_full(recording);
    if (nth == 1) {
      fail_unless(recording.witness->heard() == "opened, failed");
      fail_unless(boxes::load_file(recording.path).empty());
      continue;
    }
    fail_unless_equals_int(expect_finished(recording, std::to_string(nth)), nth - 1);
    const auto calls = recording.disk->calls();
    fail_unless(recording.disk->count(Verb::kReserve) == nth, "goes on after a full disk");
  }
}
GST_END_TEST;

// Though space was held, or where none can be: moov goes over what is there of the fragment, and
// the file is cut behind it, in that order.
GST_START_TEST(a_write_that_finds_no_space_ends_with_what_was_written_before) {
  for (unsigned nth = 3; nth <= (mp4_test::fragments_are_on() ? 8 : 6); ++nth) {
    TestRecording recording;
    const auto video = recording.add_track(video_config());
    recording.disk->fail_call(Verb::kWrite, nth, StatusCode::kNoSpace, ENOSPC);
    for (unsigned second = 0; second < 5; ++second) {
      append_second(recording, video, second);
      if (!is_written(recording, second + 1)) break;
    }
    expect_full(recording);
    expect_finished(recording, std::to_string(nth));
    const auto calls = recording.disk->calls();
    const auto failed =
        std::find_if(calls.begin(), calls.end(), [](const Call& call) { return !call.ok; });
    fail_unless(failed != calls.end());
    if (failed->size < 1'000) continue;  // the publishing of a fragment that is all there
    const auto end = failed->offset;
    fail_unless(failed[1].verb == Verb::kWrite && failed[1].offset == end + 8);
    fail_unless(failed[2].verb == Verb::kTruncate && failed[2].size == end + 8 + failed[1].size);
    const Call header{Verb::kWrite, end, 8};
    fail_unless(failed[3] == header);
    fail_unless(failed[4].verb == Verb::kSync);
  }
}
GST_END_TEST;

GST_START_TEST(where_moov_finds_no_space_either_the_fragments_stay) {
  if (!mp4_test::fragments_are_on()) return;
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  append_second(recording, video, 0);
  fail_unless(is_written(recording, 1));
  append_second(recording, video, 1);
  fail_unless(is_written(recording, 2));
  recording.disk->fail_from(Verb::kWrite, 1, StatusCode::kNoSpace, ENOSPC);
  append_second(recording, video, 2);
  expect_full(recording);
  fail_unless(recording.witness->heard() == "opened, failed");
  const std::string differences = recording.growing_differences({2 * kPictures});
  fail_unless(differences.empty(), "%s", differences.c_str());
}
GST_END_TEST;

GST_START_TEST(a_limit_of_file_sizes_is_a_full_disk) {
  constexpr rlim_t kLimit = 500'000;
  const rlimit limit{kLimit, kLimit};
  fail_unless(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  for (unsigned second = 0; second < 9; ++second) append_second(recording, video, second);
  expect_full(recording);
  fail_unless_equals_int(recording.witness->failure()->error_number(), EFBIG);
  fail_unless(expect_finished(recording, "limit") >= 3);
}
GST_END_TEST;

constexpr const char* kFileSystems[] = {"tmpfs", "ext4", "btrfs"};

GST_START_TEST(a_real_disk_that_somebody_else_fills_leaves_a_finished_file) {
  const std::string type = kFileSystems[__i__ / 2];
  const SmallDisk disk(type);
  fail_unless(disk.mounted(), "%s cannot be mounted; this test needs root", type.c_str());
  const auto settings = mp4_test::default_settings();
  TestRecording recording(disk.path("recording.mp4"), settings);
  const auto video = recording.add_track(video_config());
  const OtherWriter other(disk.path("other"), __i__ % 2 ? 1 : 20);
  for (unsigned second = 0; second < 2'000; ++second) {
    append_second(recording, video, second);
    if (!is_written(recording, second + 1)) break;
  }
  expect_full(recording);
  expect_finished(recording, type);
}
GST_END_TEST;

static Suite* full_disk_suite() {
  Suite* suite = suite_create("full_disk");
  TCase* full = tcase_create("full");
  suite_add_tcase(suite, full);
  tcase_set_timeout(full, 120);
  tcase_add_test(full, a_fragment_for_which_no_space_can_be_held_is_left_out);
  tcase_add_test(full, a_write_that_finds_no_space_ends_with_what_was_written_before);
  tcase_add_test(full, where_moov_finds_no_space_either_the_fragments_stay);
  tcase_add_test(full, a_limit_of_file_sizes_is_a_full_disk);
  tcase_add_loop_test(full, a_real_disk_that_somebody_else_fills_leaves_a_finished_file, 0,
                      2 * static_cast<int>(std::size(kFileSystems)));
  return suite;
}

GST_CHECK_MAIN(full_disk)
