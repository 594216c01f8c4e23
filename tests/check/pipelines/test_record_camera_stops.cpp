// SPDX-License-Identifier: LGPL-2.1-or-later
//
// tests/examples/record-camera.sh between its beginning and its recording: it refuses what is no
// camera, and ends at the first Ctrl-C, whatever it is waiting for. A copy of it runs, with
// programs that the test writes, so that each of them lasts when it is to.
#include <gst/gst.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "child_process.h"
#include "fake_tools.h"
#include "file_readers.h"
#include "media_track.h"
#include "scratch_folder.h"
#include "test_camera.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::ChildProcess;
using pipelines::FakeTools;
using pipelines::ScratchFolder;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kInterrupted = 130;  // as shells say that SIGINT ended a program
constexpr milliseconds kStopLimit(3000);

/// A repository with nothing but the script and what it calls, on a machine with all packages.
class FakeMachine {
 public:
  FakeMachine() {
    for (const char* file : {"tests/examples/record-camera.sh",
                             "tests/support/run/install-packages.sh", "tests/packages.txt"}) {
      const std::filesystem::path copy = folder.file(file);
      std::filesystem::create_directories(copy.parent_path());
      std::filesystem::copy_file(std::string(REPOSITORY "/") + file, copy);
    }
    for (const char* name : {"meson", "ninja", "ffprobe", "gst-inspect-1.0", "gst-launch-1.0"})
      tools.add(name, "exit 0");
    tools.add("dpkg-query", "echo installed");
    tools.add("sudo", "exec \"$@\"");
  }

  void have_build() const {
    std::filesystem::create_directories(folder.file("build"));
    std::ofstream(folder.file("build/build.ninja")) << "";
  }

  [[nodiscard]] std::string script(const std::string& arguments) const {
    return tools.environment() + "exec sh tests/examples/record-camera.sh " + arguments;
  }

  const ScratchFolder folder;
  const FakeTools tools;
};

const std::string kCamera = "rtsp://127.0.0.1:9/stream door.mp4";

/// Signals the script alone, or the group, as a terminal does. How long it takes to end is the
/// test.
void assert_stops(ChildProcess& script, bool group, int expected) {
  if (group) {
    script.signal_group(SIGINT);
  } else {
    script.signal(SIGINT);
  }
  const auto status = script.wait(kStopLimit);
  fail_unless(status.has_value(), "it goes on: %s", script.output().c_str());
  fail_unless(*status == expected, "status %d: %s", *status, script.output().c_str());
}

const char* const kNoCameras[] = {"--help",        "door.mp4",         "http://127.0.0.1/x",
                                  "rtsp://",       "rtsp:/127.0.0.1",  "rtspx://127.0.0.1/x",
                                  "file:///x.mp4", "xrtsp://127.0.0.1"};

GST_START_TEST(what_is_no_camera_is_refused_before_anything_is_installed) {
  const FakeMachine machine;
  machine.tools.add("dpkg-query", "began");
  const auto [status, output] =
      pipelines::run(machine.script(kNoCameras[__i__]), machine.folder.path());
  fail_unless(status == 2, "%s", output.c_str());
  for (const char* text : {kNoCameras[__i__], " is no URL of a camera", "usage: sh tests/"})
    fail_unless(output.find(text) != std::string::npos, "no \"%s\" in: %s", text, output.c_str());
  fail_if(std::filesystem::exists(machine.folder.file("build")));
  fail_unless(output.find("Installing") == std::string::npos, "%s", output.c_str());
}
GST_END_TEST

const char* const kCameras[] = {"rtsp", "rtsps", "rtspt", "rtspu", "rtsph", "RTSP"};

GST_START_TEST(what_is_a_camera_is_not_refused) {
  const FakeMachine machine;
  machine.have_build();
  machine.tools.add("ninja", "echo what ninja says; exit 1");
  const auto [status, output] = pipelines::run(
      machine.script(std::string(kCameras[__i__]) + "://127.0.0.1/x"), machine.folder.path());
  fail_unless(status == 1, "%s", output.c_str());
  fail_unless(output.find("what ninja says") != std::string::npos, "%s", output.c_str());
}
GST_END_TEST

/// The program that lasts in each phase, and what else is not as on every machine.
struct Phase {
  const char* tool;
  const char* body;
  bool built;
  const char* other_tool;
  const char* other_body;
};
const Phase kPhases[] = {
    {"apt-get", "last", false, "dpkg-query", "exit 1"},
    {"meson", "last", false, nullptr, nullptr},
    {"ninja", "last", true, nullptr, nullptr},
    {"ffprobe", "last", true, nullptr, nullptr},
    {"gst-inspect-1.0", "last", true, nullptr, nullptr},
    // connecting, to a camera that does not even let go
    {"gst-launch-1.0", "trap '' INT; began; sleep 60", true, nullptr, nullptr},
    // reporting what is in the file
    {"ffprobe", "case \"$*\" in *show_entries*) last ;; esac", true, "gst-launch-1.0",
     "echo recorded >door.mp4"},
};
constexpr int kWays = 2;  // to the script alone, to its group

GST_START_TEST(ctrl_c_ends_every_phase) {
  const Phase& phase = kPhases[__i__ / kWays];
  const FakeMachine machine;
  if (phase.built) machine.have_build();
  machine.tools.add(phase.tool, phase.body);
  if (phase.other_tool != nullptr) machine.tools.add(phase.other_tool, phase.other_body);
  ChildProcess script(machine.script(kCamera), machine.folder.path());
  const int process = machine.tools.began();
  fail_unless(process > 0, "%s never began: %s", phase.tool, script.output().c_str());
  assert_stops(script, __i__ % kWays != 0, kInterrupted);
  fail_if(pipelines::is_running(process), "%s goes on", phase.tool);
}
GST_END_TEST

GST_START_TEST(dpkg_is_not_broken_off) {
  const FakeMachine machine;
  machine.tools.add("dpkg-query", "exit 1");
  machine.tools.add("apt-get", "trap '' INT; began; sleep 5; echo \"$*\" >>calls");
  ChildProcess script(machine.script(kCamera), machine.folder.path());
  const int process = machine.tools.began();
  fail_unless(process > 0, "%s", script.output().c_str());
  assert_stops(script, __i__ % kWays != 0, kInterrupted);
  fail_unless(script.prints("apt-get still installs", seconds(0)), "%s", script.output().c_str());
  fail_unless(pipelines::is_running(process));
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  while (!pipelines::processes_with(machine.folder.path()).empty() &&
         std::chrono::steady_clock::now() < end)
    g_usleep(20000);
  std::ifstream calls(machine.folder.file("calls"));
  std::string first, second;
  std::getline(calls, first);
  fail_unless(first.ends_with(" update"), "apt-get did not end, or not for: %s", first.c_str());
  fail_if(std::getline(calls, second), "after Ctrl-C apt-get was called for: %s", second.c_str());
}
GST_END_TEST

/// rtspsrc itself, in the middle of asking a camera that never answers.
GST_START_TEST(ctrl_c_ends_a_recorder_that_connects) {
  const FakeMachine machine;
  const pipelines::SilentServer silent;
  machine.have_build();
  machine.tools.remove("gst-launch-1.0");
  ChildProcess script(machine.script(silent.url() + " none.mp4"), machine.folder.path());
  fail_unless(silent.has_client(seconds(20)), "%s", script.output().c_str());
  assert_stops(script, __i__ % kWays != 0, kInterrupted);
  fail_unless(pipelines::processes_with(silent.url()).empty(), "a program is left");
}
GST_END_TEST

/// A recorder that no longer does anything: what has been recorded plays.
GST_START_TEST(a_recorder_that_hangs_is_killed_and_its_file_plays) {
  const ScratchFolder folder;
  const FakeTools tools;
  tools.add("gst-launch-1.0", "began; PATH=${PATH#*:} exec gst-launch-1.0 \"$@\"");
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  ChildProcess script(tools.environment() +
                          "exec sh '" REPOSITORY "/tests/examples/record-camera.sh' " +
                          camera->url() + " door.mp4",
                      folder.path());
  fail_unless(script.makes(folder.file("door.mp4"), seconds(100)), "%s", script.output().c_str());
  script.wait(seconds(3));
  kill(tools.began(), SIGSTOP);
  assert_stops(script, false, 1);
  fail_unless(script.prints("The recorder did not end within 2 s of Ctrl-C", seconds(0)), "%s",
              script.output().c_str());
  fail_if(pipelines::is_running(tools.began()));
  const auto lines = pipelines::player_complaints(folder.file("door.mp4"));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
  fail_if(pipelines::read_with_libav(folder.file("door.mp4")).size() != 2);
}
GST_END_TEST

Suite* record_camera_stops_suite() {
  Suite* suite = suite_create("record_camera_stops");
  TCase* tcase = tcase_create("script");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, what_is_no_camera_is_refused_before_anything_is_installed, 0,
                      static_cast<int>(std::size(kNoCameras)));
  tcase_add_loop_test(tcase, what_is_a_camera_is_not_refused, 0,
                      static_cast<int>(std::size(kCameras)));
  tcase_add_loop_test(tcase, ctrl_c_ends_every_phase, 0,
                      static_cast<int>(std::size(kPhases)) * kWays);
  tcase_add_loop_test(tcase, dpkg_is_not_broken_off, 0, kWays);
  tcase_add_loop_test(tcase, ctrl_c_ends_a_recorder_that_connects, 0, kWays);
  tcase_add_test(tcase, a_recorder_that_hangs_is_killed_and_its_file_plays);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(record_camera_stops)
