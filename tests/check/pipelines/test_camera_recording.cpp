// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A real camera over RTSP: every picture and every frame that it sent is in the file, at its time,
// sound with picture.
#include <gst/gst.h>

#include <cstdlib>
#include <string>

#include "camera_recording.h"
#include "file_readers.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>

#include "rtspsrc_criticals.h"
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::CameraRecording;
using pipelines::kAudioBranch;
using pipelines::kVideoBranch;
using pipelines::Match;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::ScratchFolder;

constexpr int64_t kMillisecond = 1'000'000;

constexpr char kBareVideo[] =
    " rtph264depay name=video ! video/x-h264,stream-format=avc,alignment=au ! rec.video_0";
constexpr char kBareAudio[] = " rtpmp4gdepay name=audio ! rec.audio_0";

struct Case {
  const char* name;
  camera::Options options;
  const char* source;
  std::string branches;
  bool plain = false;  // without fragments too
};

const Case kCases[] = {
    {"TCP", {}, "protocols=tcp", std::string(kVideoBranch) + kAudioBranch, true},
    {"UDP", {}, "protocols=udp", std::string(kVideoBranch) + kAudioBranch},
    {"TCP, no parsers", {}, "protocols=tcp", std::string(kBareVideo) + kBareAudio},
    {"UDP, no parsers", {}, "protocols=udp", std::string(kBareVideo) + kBareAudio, true},
    {"slices in STAP-A",
     {.fps_n = 30000, .fps_d = 1001, .gop = 20, .slices = 3, .aggregate = true},
     "protocols=tcp",
     std::string(kVideoBranch) + kAudioBranch},
    {"no microphone, everyone may look",
     {.user = "", .audio = false},
     "protocols=tcp",
     std::string(kVideoBranch) + kAudioBranch},
    {"sound alone", {}, "protocols=tcp", kAudioBranch, true},
};

void assert_none(const char* name, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s: %s", name, pipelines::join(lines).c_str());
}

const MediaTrack* track_of(const MediaTracks& tracks, bool video) {
  for (const MediaTrack& track : tracks)
    if (track.video == video) return &track;
  return nullptr;
}

// At one time of the camera sound and picture are shifted alike. In the first second the reports
// that tell how they belong together may still be missing. rtspsrc estimates the clock of each
// stream apart, on a busy machine tens of milliseconds apart; that the file adds nothing to what
// comes to the pads is for the tests with encoders to say.
void assert_in_sync(const char* name, const Match& video, const Match& audio) {
  constexpr int64_t kStartUp = 1'000 * kMillisecond;
  constexpr int64_t kHardlyNoticed = 120 * kMillisecond;
  size_t at = 0;
  for (size_t i = 0; i < video.camera_ns.size(); ++i) {
    while (at + 1 < audio.camera_ns.size() && audio.camera_ns[at] < video.camera_ns[i]) ++at;
    if (video.camera_ns[i] < video.camera_ns[0] + kStartUp) continue;
    const int64_t apart = video.shift_ns[i] - audio.shift_ns[at];
    fail_unless(std::llabs(apart) <= kHardlyNoticed,
                "%s: picture %zu is %" G_GINT64_FORMAT " ns later than its sound", name, i, apart);
  }
}

void record(CameraRecording& recording, const Case& one) {
  if (one.branches.find("name=video") != std::string::npos) {
    fail_unless(recording.record(75), "%s: %s", one.name,
                pipelines::join(recording.complaints()).c_str());
    return;
  }
  recording.set_state(GST_STATE_PLAYING);
  fail_unless(recording.wait_for_samples(false, 140, 30 * GST_SECOND));
  recording.send_eos();
  fail_unless_equals_int(recording.wait(GST_MESSAGE_EOS, 20 * GST_SECOND), GST_MESSAGE_EOS);
  recording.set_state(GST_STATE_NULL);
}

GST_START_TEST(everything_the_camera_sent_is_in_the_file_in_sync) {
  const Case one = pipelines::cases_of_this_run(kCases).at(__i__);
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start(one.options);
  fail_unless(camera != nullptr);
  CameraRecording recording(one.source, camera->url(), one.branches, path);
  record(recording, one);
  camera->stop();

  assert_none(one.name, recording.complaints());
  assert_none(one.name, pipelines::box_problems(path));
  assert_none(one.name, pipelines::player_complaints(path));
  const MediaTracks file = pipelines::read_with_boxes(path);
  const camera::Truth truth = camera->truth();
  Match video, audio;
  if (const MediaTrack* track = track_of(file, true)) {
    video = pipelines::match(truth.video, *track);
    assert_none(one.name, video.faults);
    fail_unless(video.camera_ns.size() >= 75);
    fail_unless(truth.video[video.first].keyframe);
  }
  if (const MediaTrack* track = track_of(file, false)) {
    audio = pipelines::match(truth.audio, *track);
    assert_none(one.name, audio.faults);
    fail_unless(audio.camera_ns.size() >= 100);
  }
  const bool expects_video = one.branches.find("name=video") != std::string::npos;
  fail_unless_equals_int(file.size(), expects_video + one.options.audio);
  if (file.size() == 2) assert_in_sync(one.name, video, audio);
}
GST_END_TEST

struct Depth {
  int b_frames;
  bool plain = false;
};

const Depth kDepths[] = {{0}, {1}, {3, true}};

// Without the jitterbuffer's guesses about the camera's clock, times are those of the RTP packets,
// which are the camera's to a tick of 90 kHz, and the file adds no more than one.
GST_START_TEST(pictures_are_as_far_apart_as_the_camera_took_them) {
  const Depth depth = pipelines::cases_of_this_run(kDepths).at(__i__);
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start(
      {.fps_n = 30000, .fps_d = 1001, .b_frames = depth.b_frames, .audio = false});
  fail_unless(camera != nullptr);
  CameraRecording recording("protocols=tcp buffer-mode=none", camera->url(), kVideoBranch, path);
  fail_unless(recording.record(75));
  camera->stop();
  assert_none("TCP", recording.complaints());
  assert_none("TCP", pipelines::box_problems(path));
  assert_none("TCP", pipelines::player_complaints(path));
  const Match video =
      pipelines::match(camera->truth().video, pipelines::read_with_boxes(path).at(0));
  assert_none("TCP", video.faults);
  constexpr int64_t kTwoTicks = 22'300;
  for (size_t i = 0; i < video.shift_ns.size(); ++i)
    fail_unless(std::llabs(video.shift_ns[i] - video.shift_ns[0]) <= kTwoTicks,
                "picture %zu is off by %" G_GINT64_FORMAT " ns", i,
                video.shift_ns[i] - video.shift_ns[0]);
}
GST_END_TEST

// The jitterbuffer's times, which now and then invert pictures, are in the file as they came.
GST_START_TEST(pictures_with_b_frames_have_the_times_that_came) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({.b_frames = 2 + __i__, .audio = false});
  fail_unless(camera != nullptr);
  CameraRecording recording(__i__ ? "protocols=udp" : "protocols=tcp", camera->url(), kVideoBranch,
                            path);
  fail_unless(recording.record(75));
  camera->stop();
  assert_none("B-frames", pipelines::box_problems(path));
  assert_none("B-frames", pipelines::player_complaints(path));
  const MediaTracks file = pipelines::read_with_boxes(path);
  fail_unless_equals_int(file.size(), 1);
  assert_none("B-frames", pipelines::match(camera->truth().video, file[0]).faults);
  assert_none("B-frames",
              pipelines::differences(pipelines::from_first_key(recording.pushed()), file));
}
GST_END_TEST

Suite* camera_recording_suite() {
  ignore_rtspsrc_criticals();
  Suite* suite = suite_create("camera_recording");
  TCase* tcase = tcase_create("camera");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, everything_the_camera_sent_is_in_the_file_in_sync, 0,
                      static_cast<int>(pipelines::cases_of_this_run(kCases).size()));
  tcase_add_loop_test(tcase, pictures_are_as_far_apart_as_the_camera_took_them, 0,
                      static_cast<int>(pipelines::cases_of_this_run(kDepths).size()));
  tcase_add_loop_test(tcase, pictures_with_b_frames_have_the_times_that_came, 0, 2);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(camera_recording)
