// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How recordings of a camera end besides by the user's wish: the camera is killed, restarted or
// switched off, or does not let us in at all. The application does no more than stop at the first
// error or EOS.
#include <gst/gst.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "camera_recording.h"
#include "child_process.h"
#include "file_readers.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>

#include "rtspsrc_criticals.h"
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::CameraRecording;
using pipelines::ChildProcess;
using pipelines::Ending;
using pipelines::kAudioBranch;
using pipelines::kVideoBranch;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::ScratchFolder;

constexpr GstClockTime kLimit = 40 * GST_SECOND;
constexpr size_t kPictures = 50;
const std::string kBranches = std::string(kVideoBranch) + kAudioBranch;

// Seen from the recorder's thread: it must be gone in the middle of a stream.
class AfterPictures {
 public:
  AfterPictures(const CameraRecording& recording, std::function<void()> what)
      : thread_([&recording, what = std::move(what)] {
          if (recording.wait_for_samples(true, kPictures, kLimit)) what();
        }) {}
  ~AfterPictures() { thread_.join(); }
  AfterPictures(const AfterPictures&) = delete;
  AfterPictures& operator=(const AfterPictures&) = delete;

 private:
  std::thread thread_;
};

// Whoever stops at an error stops in the middle of a stream: what each thread has in its hands then
// is refused, a sample at most.
void leave_out_refused(MediaTracks& pushed, const MediaTracks& file) {
  for (auto& track : pushed)
    for (const auto& recorded : file)
      if (recorded.video == track.video && recorded.samples.size() + 1 == track.samples.size())
        track.samples.pop_back();
}

// What rtspsrc makes of the times when a machine has no processor for it or for the camera may set
// sound back by more than 100 ms. Frames are left out then, which the recorder counts: so many of
// those that are not in the file, and no other ones.
void leave_out_lead(MediaTrack& sound, const MediaTracks& file, guint64 count) {
  const auto recorded =
      std::find_if(file.begin(), file.end(), [](auto& one) { return !one.video; });
  if (recorded == file.end()) return;
  auto next = recorded->samples.begin();
  std::erase_if(sound.samples, [&](const auto& sample) {
    const bool is_there = next != recorded->samples.end() && next->bytes == sample.bytes;
    if (is_there) ++next;
    return !is_there && count > 0 && count--;
  });
}

// All that the recorder took is in a finished file. Times are not judged: sound that comes late
// from a camera in distress may have been put right.
void assert_holds_what_was_received(const std::string& path, const CameraRecording& recording,
                                    const Ending& ending) {
  MediaTracks pushed = pipelines::without_times(pipelines::from_first_key(recording.pushed()));
  fail_unless_equals_int(pushed.size(), 2);
  const MediaTracks file = pipelines::read_with_boxes(path);
  for (auto& track : pushed)
    if (!track.video) leave_out_lead(track, file, recording.stat("dropped-lead"));
  if (ending.type == GST_MESSAGE_ERROR) leave_out_refused(pushed, file);
  const auto lines = pipelines::faults(path, pushed);
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
  const auto complaints = pipelines::player_complaints(path);
  fail_unless(complaints.empty(), "%s", pipelines::join(complaints).c_str());
}

std::string url_of(const ChildProcess& camera) {
  fail_unless(camera.prints("\n", std::chrono::seconds(20)), "the camera does not start");
  const std::string output = camera.output();
  const size_t begin = output.find("rtsp://");
  return output.substr(begin, output.find('\n', begin) - begin);
}

void assert_is_of_the_camera(const Ending& ending) {
  fail_unless(pipelines::is_of_the_camera(ending), "ended by %s",
              pipelines::to_text(ending).c_str());
}

// Whether something that was sent to the server at this URL lies unread in one of its sockets
// (proc_net_tcp: both addresses, the state, bytes to send and bytes to read, all in hexadecimal).
bool has_unread(const std::string& url) {
  const int port = std::atoi(url.c_str() + url.rfind(':') + 1);
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    unsigned local = 0, state = 0, unread = 0;
    if (std::sscanf(line.c_str(), " %*d: %*x:%x %*x:%*x %x %*x:%x", &local, &state, &unread) != 3)
      continue;
    constexpr unsigned kEstablished = 1;
    if (local == static_cast<unsigned>(port) && state == kEstablished && unread > 0) return true;
  }
  return false;
}

Ending record_a_camera_that_is_killed(const std::string& source, bool reads_to_the_end = true) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const ChildProcess camera("exec '" TEST_CAMERA "'");
  const std::string url = url_of(camera);
  CameraRecording recording(source, url, kBranches, path);
  Ending ending;
  {
    const AfterPictures then(recording, [&] {
      if (!reads_to_the_end) camera.signal(SIGSTOP);
      while (!reads_to_the_end && !has_unread(url)) g_usleep(10'000);
      camera.signal(SIGKILL);
    });
    ending = recording.record_until_it_ends(kLimit);
  }
  assert_is_of_the_camera(ending);
  assert_holds_what_was_received(path, recording, ending);
  return ending;
}

// The connection ends in good order if the camera had read all that rtspsrc sent it, which is EOS.
// It is reset if something was left, such as a receiver report that came when the camera had no
// processor: an error.
GST_START_TEST(killed_over_tcp_ends_with_everything_in_the_file) {
  record_a_camera_that_is_killed("protocols=tcp");
}
GST_END_TEST

GST_START_TEST(killed_over_tcp_with_a_report_unread_ends_by_error_with_everything_in_the_file) {
  const Ending ending = record_a_camera_that_is_killed("protocols=tcp", false);
  fail_unless_equals_int(ending.type, GST_MESSAGE_ERROR);
}
GST_END_TEST

// The application's NULL and rtspsrc's EOS race.
GST_START_TEST(killed_over_udp_ends_by_error_with_everything_in_the_file) {
  const Ending ending = record_a_camera_that_is_killed("protocols=udp timeout=2000000");
  fail_unless_equals_int(ending.type, GST_MESSAGE_ERROR);
}
GST_END_TEST

struct Farewell {
  const char* source;
  void (TestCamera::*say)();
  bool plain = false;  // without fragments too
};

const Farewell kFarewells[] = {{"protocols=tcp", &TestCamera::hang_up, true},
                               {"protocols=tcp", &TestCamera::kill_connections},
                               {"protocols=tcp", &TestCamera::stop},
                               {"protocols=udp timeout=2000000", &TestCamera::stop}};

GST_START_TEST(a_camera_that_goes_leaves_everything_in_the_file) {
  const Farewell farewell = pipelines::cases_of_this_run(kFarewells).at(__i__);
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  CameraRecording recording(farewell.source, camera->url(), kBranches, path);
  Ending ending;
  {
    const AfterPictures then(recording, [&] { (*camera.*farewell.say)(); });
    ending = recording.record_until_it_ends(kLimit);
  }
  assert_is_of_the_camera(ending);
  assert_holds_what_was_received(path, recording, ending);
}
GST_END_TEST

GST_START_TEST(wrong_password_is_an_error_without_a_file) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  std::string url = camera->url();
  url.replace(url.find("secret"), 6, "guessed");
  CameraRecording recording("protocols=tcp", url, kBranches, path);
  const Ending ending = recording.record_until_it_ends(kLimit);
  fail_unless(ending.type == GST_MESSAGE_ERROR && ending.source == "camera", "ended by %s",
              pipelines::to_text(ending).c_str());
  fail_if(std::filesystem::exists(path));
}
GST_END_TEST

// A recording without -e: the application stops the pipeline and that is all.
GST_START_TEST(stopping_without_eos_keeps_everything_received) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({});
  fail_unless(camera != nullptr);
  CameraRecording recording("protocols=tcp", camera->url(), kBranches, path);
  recording.set_state(GST_STATE_PLAYING);
  fail_unless(recording.wait_for_samples(true, kPictures, kLimit));
  recording.set_state(GST_STATE_NULL);
  const auto problems = pipelines::box_problems(path);
  fail_unless(problems.empty(), "%s", pipelines::join(problems).c_str());
  // What comes in while it stops may be refused: at most the one sample in each thread's hands.
  const MediaTracks pushed = pipelines::from_first_key(recording.pushed());
  size_t received = 0, recorded = 0;
  for (const auto& track : pushed) received += track.samples.size();
  for (const auto& track : pipelines::read_with_boxes(path)) recorded += track.samples.size();
  const guint64 left_out = recording.stat("dropped-lead");
  fail_unless(recorded + left_out + 2 >= received, "%zu of %zu samples", recorded, received);
}
GST_END_TEST

Suite* camera_endings_suite() {
  ignore_rtspsrc_criticals();
  Suite* suite = suite_create("camera_endings");
  TCase* tcase = tcase_create("endings");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, killed_over_tcp_ends_with_everything_in_the_file);
  if (pipelines::fragments_are_on())
    tcase_add_test(tcase,
                   killed_over_tcp_with_a_report_unread_ends_by_error_with_everything_in_the_file);
  tcase_add_test(tcase, killed_over_udp_ends_by_error_with_everything_in_the_file);
  tcase_add_loop_test(tcase, a_camera_that_goes_leaves_everything_in_the_file, 0,
                      static_cast<int>(pipelines::cases_of_this_run(kFarewells).size()));
  tcase_add_test(tcase, wrong_password_is_an_error_without_a_file);
  tcase_add_test(tcase, stopping_without_eos_keeps_everything_received);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(camera_endings)
