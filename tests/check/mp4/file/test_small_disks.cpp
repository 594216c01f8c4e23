// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of real file systems, small ones, which somebody else fills while they are recorded to: the
// file is finished with what fitted. FILE_SYSTEM says of what type. Where it cannot be mounted,
// which takes root, the program says so and is counted as skipped.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "full_disk.h"

using mp4_test::TestRecording;
using mp4_test::video_config;
using namespace full_disk;

namespace {

constexpr int kSkipped = 77;

std::string file_system() {
  const char* type = getenv("FILE_SYSTEM");
  return type ? type : "tmpfs";
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

GST_START_TEST(a_real_disk_that_somebody_else_fills_leaves_a_finished_file) {
  const std::string type = file_system();
  const SmallDisk disk(type);
  fail_unless(disk.mounted());
  const auto settings = mp4_test::default_settings();
  TestRecording recording(disk.path("recording.mp4"), settings);
  const auto video = recording.add_track(video_config());
  append_second(recording, video, 0);
  fail_unless(is_written(recording, 1));
  const OtherWriter other(disk.path("other"), __i__ ? 1 : 20);
  unsigned written = 1;
  for (; written < 2'000; ++written) {
    append_second(recording, video, written);
    if (!is_written(recording, written + 1)) break;
  }
  expect_full(recording);
  const unsigned found = expect_finished(recording, type);
  // The next one may be there, and only its publishing have found no space.
  fail_unless(found == written || found == written + 1, "%u of %u", found, written);
}
GST_END_TEST;

static Suite* small_disks_suite() {
  Suite* suite = suite_create("small_disks");
  TCase* full = tcase_create("full");
  suite_add_tcase(suite, full);
  tcase_set_timeout(full, 120);
  tcase_add_loop_test(full, a_real_disk_that_somebody_else_fills_leaves_a_finished_file, 0, 2);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  if (!SmallDisk(file_system()).mounted()) {
    std::printf("SKIPPED: no %s can be mounted here.\n", file_system().c_str());
    return kSkipped;
  }
  return gst_check_run_suite(small_disks_suite(), "small_disks", __FILE__);
}
