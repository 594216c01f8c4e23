// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A seek in a pipeline that is not live: what comes after it stands behind what came before, sound
// and picture together, and nothing is lost.
#include <gst/gst.h>

#include <cstdlib>
#include <map>
#include <string>

#include "child_process.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMillisecond;
constexpr int64_t kInsideGop = 400 * kMillisecond;  // behind a key picture, which is sought

std::string make_source(const ScratchFolder& folder) {
  const pipelines::Outcome outcome = pipelines::run(
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i "
      "anoisesrc=sample_rate=48000:amplitude=0.1:seed=7 -t 6 -c:v libx264 -preset ultrafast "
      "-g 25 -bf 2 -c:a aac source.mp4",
      folder.path());
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  return folder.file("source.mp4");
}

// As slow as is needed to seek in the middle of it.
std::string slow_line(const std::string& source) {
  return "filesrc location=" + source +
         " ! qtdemux name=d d.video_0 ! queue ! identity sleep-time=10000 ! trailingmp4sink "
         "name=rec"
         " d.audio_0 ! queue ! identity sleep-time=5000 ! rec.";
}

void seek(const RecordingPipeline& pipeline, int64_t to) {
  constexpr auto kFlags = static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT);
  fail_unless(gst_element_seek_simple(pipeline.get(), GST_FORMAT_TIME, kFlags, to));
}

// A stretch without a seek: its place in the source, and the file's time minus the source's.
struct Piece {
  size_t first = 0;
  size_t last = 0;
  int64_t shift_ns = 0;
};

std::vector<Piece> pieces_of(const MediaTrack& file, const MediaTrack& source) {
  std::map<pipelines::Bytes, size_t> place;
  for (size_t i = 0; i < source.samples.size(); ++i) place[source.samples[i].bytes] = i;
  std::vector<Piece> pieces;
  for (const MediaSample& sample : file.samples) {
    const auto found = place.find(sample.bytes);
    fail_unless(found != place.end(), "a sample that the source does not have");
    const size_t at = found->second;
    const int64_t shift = *sample.pts_ns - *source.samples[at].pts_ns;
    if (pieces.empty() || at != pieces.back().last + 1) pieces.push_back({at, at, shift});
    pieces.back().last = at;
    // Half an audio frame.
    fail_unless(std::llabs(shift - pieces.back().shift_ns) < 11 * kMillisecond,
                "sample %zu is shifted by %" G_GINT64_FORMAT
                ", the first of its piece by %" G_GINT64_FORMAT,
                at, shift, pieces.back().shift_ns);
  }
  return pieces;
}

const MediaTrack& track_of(const MediaTracks& tracks, bool video) {
  for (const MediaTrack& track : tracks)
    if (track.video == video) return track;
  fail("a track is missing");
  std::abort();
}

GST_START_TEST(seeks_forth_and_back_lose_nothing_and_keep_sound_with_picture) {
  const ScratchFolder folder;
  const std::string source = make_source(folder);
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(slow_line(source), path);
  pipeline.set_state(GST_STATE_PLAYING);
  fail_unless(pipeline.wait_for_samples(true, 30, 20 * GST_SECOND));
  seek(pipeline, 4 * kSecond + kInsideGop);
  fail_unless(pipeline.wait_for_samples(true, 60, 20 * GST_SECOND));
  seek(pipeline, 2 * kSecond + kInsideGop);
  fail_unless(pipeline.play_to_end());

  const auto lines = pipelines::faults(path, pipelines::without_times(pipeline.pushed()));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
  const MediaTracks file = pipelines::read_with_boxes(path);
  const MediaTracks original = pipelines::read_with_boxes(source);
  const auto video = pieces_of(track_of(file, true), track_of(original, true));
  const auto audio = pieces_of(track_of(file, false), track_of(original, false));
  fail_unless_equals_int(video.size(), 3);
  fail_unless_equals_int(audio.size(), 3);
  fail_unless_equals_int(video[1].first, 100);
  fail_unless_equals_int(video[2].first, 50);
  fail_unless_equals_int(video[2].last, 149);
  for (size_t i = 0; i < video.size(); ++i)
    fail_unless(std::llabs(video[i].shift_ns - audio[i].shift_ns) < 11 * kMillisecond,
                "piece %zu: picture is shifted by %" G_GINT64_FORMAT ", sound by %" G_GINT64_FORMAT,
                i, video[i].shift_ns, audio[i].shift_ns);
}
GST_END_TEST

bool both_pads_have_caps(const RecordingPipeline& pipeline) {
  const auto recorder = pipeline.element("rec");
  for (const char* name : {"sink_0", "sink_1"}) {
    const pipelines::Owned<GstPad> pad(gst_element_get_static_pad(recorder.get(), name));
    if (pad == nullptr || !gst_pad_has_current_caps(pad.get())) return false;
  }
  return true;
}

GST_START_TEST(what_a_seek_in_paused_skips_is_not_in_the_file) {
  const ScratchFolder folder;
  const std::string source = make_source(folder);
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline("filesrc location=" + source +
                                 " ! qtdemux name=d d.video_0 ! queue ! trailingmp4sink name=rec"
                                 " d.audio_0 ! queue ! rec.",
                             path);
  pipeline.set_state(GST_STATE_PAUSED);
  for (int i = 0; i < 1000 && !both_pads_have_caps(pipeline); ++i) g_usleep(10'000);
  seek(pipeline, 3 * kSecond + kInsideGop);
  fail_unless(pipeline.play_to_end());
  const auto problems = pipelines::box_problems(path);
  fail_unless(problems.empty(), "%s", pipelines::join(problems).c_str());
  const MediaTracks original = pipelines::read_with_boxes(source);
  const MediaTracks file = pipelines::read_with_boxes(path);
  const auto video = pieces_of(track_of(file, true), track_of(original, true));
  const auto audio = pieces_of(track_of(file, false), track_of(original, false));
  fail_unless_equals_int(video.size(), 1);
  fail_unless_equals_int(audio.size(), 1);
  fail_unless_equals_int(video[0].first, 75);
  fail_unless_equals_int(video[0].last, 149);
  // qtdemux begins with the chunk of sound in which the key picture's time lies.
  fail_unless(std::llabs(audio[0].shift_ns + 3 * kSecond) < 100 * kMillisecond);
  fail_unless(std::llabs(video[0].shift_ns - audio[0].shift_ns) < 11 * kMillisecond);
}
GST_END_TEST

Suite* seek_suite() {
  Suite* suite = suite_create("seek");
  TCase* tcase = tcase_create("seek");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, seeks_forth_and_back_lose_nothing_and_keep_sound_with_picture);
  tcase_add_test(tcase, what_a_seek_in_paused_skips_is_not_in_the_file);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(seek)
