// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files of another muxer recorded anew: what stands on their timeline stands on ours.
#include <gst/gst.h>

#include <algorithm>
#include <string>

#include "child_process.h"
#include "file_bytes.h"
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

// An edit list shifts the picture by its B-frames and cuts the encoder's priming off the sound.
#define SOURCES                                                                    \
  "ffmpeg -v error -y -f lavfi -i testsrc2=size=160x120:rate=30000/1001 -f lavfi " \
  "-i anoisesrc=sample_rate=48000:amplitude=0.1:seed=7 -t 4 "
#define X264 "-c:v libx264 -preset ultrafast -g 30 -bf "

struct Source {
  const char* name;
  const char* command;
};

const Source kMp4{"source.mp4", SOURCES X264 "3 -c:a aac source.mp4"};
const Source kLateSound{"source.mp4", SOURCES X264
                        "2 -c:a aac early.mp4 && ffmpeg -v error -y -i early.mp4 -itsoffset 0.7 "
                        "-i early.mp4 -map 0:v -map 1:a -c copy source.mp4"};
const Source kMkv{"source.mkv", SOURCES X264 "0 -c:a aac source.mkv"};
const Source kMkvBFrames{"source.mkv", SOURCES X264 "3 -c:a aac source.mkv"};

struct Remux {
  const char* name;
  const Source& source;
  const char* line;  // behind `filesrc ! `
};

const Remux kRemuxes[] = {
    {"queues and parsers", kMp4,
     "qtdemux name=d d.video_0 ! queue ! h264parse ! trailingmp4sink name=rec"
     " d.audio_0 ! queue ! aacparse ! rec."},
    {"both pads from one thread", kMp4,
     "qtdemux name=d d.video_0 ! trailingmp4sink name=rec d.audio_0 ! rec."},
    {"late sound", kLateSound,
     "qtdemux name=d d.video_0 ! queue ! trailingmp4sink name=rec d.audio_0 ! queue ! rec."},
    {"sound alone", kMp4, "qtdemux name=d d.audio_0 ! trailingmp4sink name=rec"},
};

std::string make(const ScratchFolder& folder, const Source& source) {
  const pipelines::Outcome outcome = pipelines::run(source.command, folder.path());
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  return folder.file(source.name);
}

void assert_none(const char* name, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s: %s", name, pipelines::join(lines).c_str());
}

std::string line_of(const std::string& source, const char* rest) {
  return "filesrc location=" + source + " ! " + rest;
}

// The source as it left the demuxer, which keeps a last frame to itself that the edit cuts short.
MediaTracks passed_on(const std::string& source, const MediaTracks& pushed) {
  MediaTracks passed;
  for (MediaTrack& track : pipelines::read_with_libav(source)) {
    const auto same = std::find_if(pushed.begin(), pushed.end(),
                                   [&](const auto& other) { return other.video == track.video; });
    if (same == pushed.end()) continue;
    if (!track.video && track.samples.size() == same->samples.size() + 1) track.samples.pop_back();
    passed.push_back(std::move(track));
  }
  return passed;
}

void remove_parameter_sets(pipelines::Bytes& picture) {
  constexpr size_t kLength = 4;
  for (size_t at = 0; at + kLength < picture.size();) {
    const size_t end = at + kLength + boxes::get_number(picture, at, kLength);
    fail_unless(end <= picture.size());
    const int type = picture[at + kLength] & 0x1f;
    const auto begin = picture.begin() + static_cast<long>(at);
    if (type == 7 || type == 8)  // 14496-10, table 7-1: sequence and picture parameter set
      picture.erase(begin, picture.begin() + static_cast<long>(end));
    else
      at = end;
  }
}

// h264parse of GStreamer 1.26 puts the sets of the codec_data before the first picture.
MediaTracks without_parameter_sets(MediaTracks tracks) {
  for (MediaTrack& track : tracks) {
    if (!track.video) continue;
    for (pipelines::MediaSample& sample : track.samples) {
      remove_parameter_sets(sample.bytes);
      sample.size = sample.bytes.size();
    }
  }
  return tracks;
}

GST_START_TEST(the_timeline_of_a_foreign_mp4_is_kept) {
  const Remux& remux = kRemuxes[__i__];
  const ScratchFolder folder;
  const std::string source = make(folder, remux.source);
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(line_of(source, remux.line), path);
  fail_unless(pipeline.play_to_end());
  assert_none(remux.name, pipeline.complaints());
  assert_none(remux.name, pipelines::faults(path, pipeline.pushed()));
  assert_none(remux.name, pipelines::player_complaints(path));
  assert_none(remux.name,
              pipelines::differences(passed_on(source, pipeline.pushed()),
                                     without_parameter_sets(pipelines::read_with_libav(path))));
}
GST_END_TEST

// Matroska has no decode times.
GST_START_TEST(matroska_without_b_frames_keeps_its_times) {
  const ScratchFolder folder;
  const std::string source = make(folder, kMkv);
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(
      line_of(source, "matroskademux name=d d.video_0 ! trailingmp4sink name=rec d.audio_0 ! rec."),
      path);
  fail_unless(pipeline.play_to_end());
  const MediaTracks pushed = pipeline.pushed();
  for (const auto& sample : pushed.at(1).samples) fail_unless(!sample.dts_ns);
  assert_none("mkv", pipelines::faults(path, pipeline.pushed()));
  assert_none("mkv", pipelines::player_complaints(path));
}
GST_END_TEST

GST_START_TEST(matroska_with_b_frames_loses_no_sample) {
  const ScratchFolder folder;
  const std::string source = make(folder, kMkvBFrames);
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(
      line_of(source,
              "matroskademux name=d d.video_0 ! h264parse ! trailingmp4sink name=rec"
              " d.audio_0 ! aacparse ! rec."),
      path);
  fail_unless(pipeline.play_to_end());
  assert_none("mkv", pipelines::faults(path, pipelines::without_times(pipeline.pushed())));
}
GST_END_TEST

Suite* remux_suite() {
  Suite* suite = suite_create("remux");
  TCase* tcase = tcase_create("remux");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, the_timeline_of_a_foreign_mp4_is_kept, 0,
                      static_cast<int>(std::size(kRemuxes)));
  tcase_add_test(tcase, matroska_without_b_frames_keeps_its_times);
  tcase_add_test(tcase, matroska_with_b_frames_loses_no_sample);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(remux)
