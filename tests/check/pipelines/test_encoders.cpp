// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Real encoders: every sample that was pushed into the recorder is in the file, with its bytes and
// its times, as three independent readers see it; players have nothing to complain about, and the
// pictures that come out are those that went in.
#include <gst/gst.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "box_reader.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

#define SIZE "width=160,height=120"
#define PICTURES(count, more, rate) \
  " videotestsrc pattern=ball num-buffers=" count more " ! video/x-raw," SIZE ",framerate=" rate
#define X264 " ! x264enc threads=1 speed-preset=ultrafast key-int-max=30 option-string=scenecut=0"
#define NO_B_FRAMES X264 " tune=zerolatency"
#define B_PYRAMID X264 " bframes=3 b-adapt=false b-pyramid=true rc-lookahead=4 sync-lookahead=0"
#define SOUND(count, tone, caps)                                         \
  " audiotestsrc samplesperbuffer=1024 num-buffers=" count " freq=" tone \
  " volume=0.4"                                                          \
  " ! audio/x-raw," caps

struct Case {
  const char* name;
  const char* encoder;  // must be there, or the case is left out
  const char* line;
};

// Live ones are shorter: their time is real.
const Case kCases[] = {
    {"video", "x264enc",
     PICTURES("90", "", "25/1") NO_B_FRAMES " ! h264parse ! trailingmp4sink name=rec"},
    {"b-frames", "x264enc",
     PICTURES("90", "", "30000/1001") B_PYRAMID " ! h264parse ! trailingmp4sink name=rec"},
    {"avc3", "x264enc",
     PICTURES("90", "", "30000/1001") B_PYRAMID " ! h264parse ! video/x-h264,stream-format=avc3"
                                                " ! trailingmp4sink name=rec"},
    {"interlaced", "x264enc",
     PICTURES("60", "", "25/1") ",interlace-mode=interleaved,field-order=top-field-first" B_PYRAMID
                                " interlaced=true ! h264parse ! trailingmp4sink name=rec"},
    {"audio", "avenc_aac",
     SOUND("140", "443", "rate=44100,channels=2") " ! avenc_aac ! aacparse"
                                                  " ! trailingmp4sink name=rec"},
    {"audio by voaacenc", "voaacenc",
     SOUND("140", "443", "rate=48000,channels=1") " ! voaacenc ! aacparse"
                                                  " ! trailingmp4sink name=rec"},
    {"audio by fdkaacenc", "fdkaacenc",
     SOUND("140", "443", "rate=48000,channels=2") " ! fdkaacenc ! aacparse"
                                                  " ! trailingmp4sink name=rec"},
    {"b-frames and audio", "x264enc",
     "trailingmp4sink name=rec" PICTURES("90", "", "30000/1001") B_PYRAMID
     " ! h264parse ! rec." SOUND("140", "443",
                                 "rate=48000,channels=2") " ! avenc_aac ! aacparse ! rec."},
    {"live video and audio", "x264enc",
     "trailingmp4sink name=rec" PICTURES("50", " is-live=true", "25/1") NO_B_FRAMES
     " ! h264parse ! rec.video_0" SOUND(
         "94", "443 is-live=true",
         "rate=48000,channels=2") " ! avenc_aac ! aacparse ! rec.audio_0"},
    {"two and two", "x264enc",
     "trailingmp4sink name=rec" PICTURES("60", "", "25/1") B_PYRAMID
     " ! h264parse ! rec." PICTURES("50", "", "15/1") NO_B_FRAMES " ! h264parse ! rec." SOUND(
         "100", "443",
         "rate=48000,channels=2") " ! avenc_aac ! aacparse ! rec." SOUND("90", "997",
                                                                         "rate=32000,channels="
                                                                         "1") " ! avenc_aac ! "
                                                                              "aacparse ! "
                                                                              "rec."},
    {"two and two, live", "x264enc",
     "trailingmp4sink name=rec" PICTURES("50", " is-live=true", "25/1") B_PYRAMID
     " ! h264parse ! rec." PICTURES("30", " is-live=true", "15/1") NO_B_FRAMES
     " ! h264parse ! rec." SOUND(
         "94", "443 is-live=true",
         "rate=48000,channels=2") " ! avenc_aac ! aacparse ! rec." SOUND("60", "997 is-live=true",
                                                                         "rate=32000,channels="
                                                                         "1") " ! avenc_aac ! "
                                                                              "aacparse ! "
                                                                              "rec."},
};

bool is_installed(const char* element) {
  const pipelines::Owned<GstElementFactory> factory(gst_element_factory_find(element));
  return factory != nullptr;
}

// Records the case; what was pushed, or nothing if its encoder is not there.
MediaTracks record(const Case& one, const std::string& path) {
  if (!is_installed(one.encoder)) return {};
  RecordingPipeline pipeline(one.line, path);
  fail_unless(pipeline.play_to_end(), "%s: %s", one.name,
              pipelines::join(pipeline.complaints()).c_str());
  fail_unless(pipeline.complaints().empty(), "%s: %s", one.name,
              pipelines::join(pipeline.complaints()).c_str());
  return pipeline.pushed();
}

void assert_none(const char* name, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s: %s", name, pipelines::join(lines).c_str());
}

GST_START_TEST(three_readers_find_every_sample_with_its_bytes_and_times) {
  const Case& one = kCases[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const MediaTracks pushed = record(one, path);
  if (pushed.empty()) return;
  for (const std::string& file : pipelines::readable_states(path))
    assert_none(one.name, pipelines::faults(file, pushed));
  if (!pipelines::fragments_are_on()) return;
  std::string complaint;
  assert_none(one.name, pipelines::faults(pipelines::as_finalized(path, complaint), pushed));
  fail_unless(complaint.empty(), "%s: %s", one.name, complaint.c_str());
}
GST_END_TEST

GST_START_TEST(players_do_not_complain_and_show_the_encoders_pictures) {
  const Case& one = kCases[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const MediaTracks pushed = record(one, path);
  if (pushed.empty()) return;
  const std::vector<std::string> files = pipelines::readable_states(path);
  for (const std::string& file : files) assert_none(one.name, pipelines::player_complaints(file));
  const auto video = std::find_if(pushed.begin(), pushed.end(),
                                  [](const MediaTrack& track) { return track.video; });
  if (video == pushed.end() || pushed.size() > 2) return;
  const auto pictures = pipelines::decode_samples(*video);
  fail_unless_equals_int(pictures.size(), video->samples.size());
  for (const std::string& file : files)
    fail_unless(pipelines::decode_file(file) == pictures, "%s: other pictures in %s", one.name,
                file.c_str());
}
GST_END_TEST

int64_t ticks_of(int64_t ns) { return std::llround(static_cast<long double>(ns) * 90'000 / 1e9L); }

// Each time is rounded by itself from running time, so that errors cannot add up.
GST_START_TEST(video_times_are_the_nearest_tick) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(
      PICTURES("150", "", "30000/1001") B_PYRAMID " ! h264parse ! trailingmp4sink name=rec", path);
  fail_unless(pipeline.play_to_end());
  const MediaTrack track = pipeline.pushed().at(0);
  const auto& pushed = track.samples;
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  const auto& written = movie->tracks.at(0).samples;
  fail_unless_equals_int(written.size(), pushed.size());
  for (size_t i = 0; i < written.size(); ++i) {
    fail_unless_equals_int64(written[i].pts - written[0].pts,
                             ticks_of(*pushed[i].pts_ns) - ticks_of(*pushed[0].pts_ns));
    fail_unless_equals_int64(written[i].dts - written[0].dts,
                             ticks_of(*pushed[i].dts_ns) - ticks_of(*pushed[0].dts_ns));
  }
}
GST_END_TEST

// The camera's sound begins 300 ms after its picture, and that is what the file says.
GST_START_TEST(late_sound_begins_late) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(
      "trailingmp4sink name=rec" PICTURES("50", "", "25/1") B_PYRAMID
      " ! h264parse ! rec." SOUND("80", "443 timestamp-offset=300000000",
                                  "rate=48000,channels=2") " ! avenc_aac ! aacparse ! rec.",
      path);
  fail_unless(pipeline.play_to_end());
  assert_none("late sound", pipelines::faults(path, pipeline.pushed()));
  for (const MediaTrack& track : pipelines::read_with_boxes(path)) {
    const int64_t expected = track.video ? 0 : 300'000'000;
    fail_unless_equals_int64(*track.samples[0].pts_ns, expected);
  }
}
GST_END_TEST

Suite* encoders_suite() {
  Suite* suite = suite_create("encoders");
  TCase* recorded = tcase_create("recorded");
  suite_add_tcase(suite, recorded);
  const int count = static_cast<int>(std::size(kCases));
  tcase_add_loop_test(recorded, three_readers_find_every_sample_with_its_bytes_and_times, 0, count);
  tcase_add_loop_test(recorded, players_do_not_complain_and_show_the_encoders_pictures, 0, count);
  TCase* times = tcase_create("times");
  suite_add_tcase(suite, times);
  tcase_add_test(times, video_times_are_the_nearest_tick);
  tcase_add_test(times, late_sound_begins_late);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(encoders)
