// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A real camera whose packets get lost on the way: the file is in order, holds what came with the
// times that came, and the losses are counted as upstream told them.
#include <gst/gst.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "camera_recording.h"
#include "file_readers.h"
#include "libav_reader.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>

#include "rtspsrc_criticals.h"
// clang-format on

namespace {

using camera::TestCamera;
using pipelines::CameraRecording;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::ScratchFolder;

constexpr char kAudioBranch[] = " rtpmp4gdepay name=audio ! aacparse ! rec.audio_0";
constexpr char kVideoBranch[] = " rtph264depay name=video ! h264parse ! rec.video_0";

struct Case {
  const char* name;
  int percent;
  const char* source;
  const char* policy;
  bool plain = false;  // without fragments too
};

const Case kCases[] = {
    {"1 %, TCP", 1, "protocols=tcp", "keep"},
    {"10 %, UDP", 10, "protocols=udp", "keep", true},
    {"10 %, wait for sync", 10, "protocols=tcp", "wait"},
};

void assert_none(const char* name, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s: %s", name, pipelines::join(lines).c_str());
}

const MediaTrack& track_of(const MediaTracks& tracks, bool video) {
  const auto found = std::find_if(tracks.begin(), tracks.end(),
                                  [&](const MediaTrack& track) { return track.video == video; });
  fail_unless(found != tracks.end());
  return *found;
}

guint64 losses_told(const MediaTracks& pushed) {
  guint64 losses = 0;
  for (const MediaTrack& track : pushed) {
    losses += track.missing_data;
    for (size_t i = 1; i < track.samples.size(); ++i) losses += track.samples[i].discont;
  }
  return losses;
}

// The samples of the file among those that were pushed, at their times. False: one is not.
void expect_times_that_came(const char* name, const MediaTrack& pushed, const MediaTrack& file) {
  constexpr int64_t kTick = 1'000'000'000 / 90'000 + 1;
  size_t at = 0;
  std::optional<int64_t> shift;
  for (size_t i = 0; i < file.samples.size(); ++i) {
    while (at < pushed.samples.size() && pushed.samples[at].bytes != file.samples[i].bytes) ++at;
    fail_unless(at < pushed.samples.size(), "%s: picture %zu was never pushed", name, i);
    if (!pushed.samples[at].pts_ns) continue;
    const int64_t off = *file.samples[i].pts_ns - *pushed.samples[at].pts_ns;
    if (!shift) shift = off;
    // A picture whose time was that of the one before is one tick later.
    fail_unless(std::llabs(off - *shift) <= 3 * kTick,
                "%s: picture %zu is off by %" G_GINT64_FORMAT, name, i, off - *shift);
  }
}

// To the end; what is damaged may look so.
void expect_demuxed_to_the_end(const char* name, const std::string& path, size_t pictures) {
  const MediaTracks packets = pipelines::read_with_libav(path);
  fail_unless_equals_int(track_of(packets, true).samples.size(), pictures);
  fail_unless_equals_int(track_of(pipelines::read_with_qtdemux(path), true).samples.size(),
                         pictures);
  const libav::Decoded decoded = libav::decode_file(path, libav::Heard::kFatal);
  fail_unless(decoded.log.empty(), "%s: %s", name, decoded.log.c_str());
  fail_unless(!decoded.pictures.empty(), "%s: no picture", name);
}

}  // namespace

GST_START_TEST(what_comes_through_is_in_the_file_and_losses_are_counted) {
  const Case one = pipelines::cases_of_this_run(kCases).at(__i__);
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({.gop = 10, .loss_percent = one.percent});
  fail_unless(camera != nullptr);
  CameraRecording recording(one.source, camera->url(), std::string(kVideoBranch) + kAudioBranch,
                            path);
  const auto recorder = recording.element("rec");
  gst_util_set_object_arg(G_OBJECT(recorder.get()), "loss-policy", one.policy);
  fail_unless(recording.record(100));
  camera->stop();

  assert_none(one.name, pipelines::box_problems(path));
  const MediaTracks file = pipelines::read_with_boxes(path);
  const MediaTracks pushed = recording.pushed();
  const MediaTrack& video = track_of(file, true);
  expect_times_that_came(one.name, track_of(pushed, true), video);
  expect_demuxed_to_the_end(one.name, path, video.samples.size());
  const guint64 told = losses_told(pushed);
  fail_unless(told > 0, "%s: nothing was lost", one.name);
  fail_unless_equals_uint64(recording.stat("losses"), told);
  const guint64 left_out = recording.stat("dropped-before-sync") +
                           recording.stat("dropped-after-loss") +
                           recording.stat("dropped-no-slice");
  fail_unless_equals_uint64(video.samples.size() + left_out, track_of(pushed, true).samples.size());
  fail_unless_equals_int(recording.stat("dropped-after-loss") > 0, one.policy[0] == 'w');
}
GST_END_TEST

GST_START_TEST(loss_ends_the_recording_well_where_the_policy_says_so) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const auto camera = TestCamera::start({.gop = 10, .loss_percent = 5});
  fail_unless(camera != nullptr);
  CameraRecording recording("protocols=tcp", camera->url(), kVideoBranch, path);
  gst_util_set_object_arg(G_OBJECT(recording.element("rec").get()), "loss-policy", "error");
  const pipelines::Ending ending = recording.record_until_it_ends(30 * GST_SECOND);
  fail_unless(ending.type == GST_MESSAGE_ERROR && ending.source == "rec", "ended by %s",
              pipelines::to_text(ending).c_str());
  camera->stop();
  assert_none("error", pipelines::box_problems(path));
  fail_unless_equals_uint64(recording.stat("losses"), 1);
}
GST_END_TEST

static Suite* camera_loss_suite() {
  ignore_rtspsrc_criticals();
  Suite* suite = suite_create("camera_loss");
  TCase* tcase = tcase_create("camera");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, what_comes_through_is_in_the_file_and_losses_are_counted, 0,
                      static_cast<int>(pipelines::cases_of_this_run(kCases).size()));
  tcase_add_test(tcase, loss_ends_the_recording_well_where_the_policy_says_so);
  return suite;
}

GST_CHECK_MAIN(camera_loss)
