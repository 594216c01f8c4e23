// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A track of every codec that joins a recording which has been going on for a while: finished,
// killed and finalised (without fragments: finished) the file holds both, every sample with its
// bytes and its time, as three readers see it.
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "box_reader.h"
#include "codec_cases.h"
#include "file_readers.h"
#include "pad_log.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::buffer_of;
using pipelines::Bytes;
using pipelines::CodecCase;
using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::Owned;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

constexpr int64_t kMs = 1'000'000;
// Fragments of one second are in the file by then, and its moov.
constexpr int64_t kJoins = 2'200 * kMs;

#define SMALL \
  "videotestsrc pattern=ball num-buffers=100 ! video/x-raw,format=I420,width=160,height=120"
#define X264 " ! x264enc threads=1 speed-preset=ultrafast key-int-max=20"

// Four seconds, which begin the recording.
const CodecCase kFirstPictures{
    "first", SMALL ",framerate=25/1" X264 " tune=zerolatency ! h264parse", "h264", "avc1", nullptr};
const CodecCase kFirstSound{
    "first",
    "audiotestsrc num-buffers=190 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=1"
    " ! avenc_aac ! aacparse",
    "aac", "mp4a", nullptr};

// The commonest of all, which have a test of their own for what else there is about them.
const CodecCase kAvc[] = {
    {"H.264", SMALL ",framerate=25/1" X264 " tune=zerolatency ! h264parse", "h264", "avc1",
     nullptr},
    {"H.264 with B-frames",
     SMALL ",framerate=30000/1001" X264 " bframes=3 b-adapt=false ! h264parse", "h264", "avc1",
     nullptr},
    {"H.264, sets in the samples",
     SMALL ",framerate=25/1" X264 " bframes=2 ! h264parse ! video/x-h264,stream-format=avc3",
     "h264", "avc3", nullptr},
};

std::vector<CodecCase> late_pictures() {
  std::vector<CodecCase> all(std::begin(kAvc), std::end(kAvc));
  const auto others = pipelines::picture_codecs();
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

// A recording of one track that another one joins.
class Joined : public RecordingPipeline {
 public:
  Joined(const MediaTrack& first, const char* late_caps, const char* late_pad,
         const std::string& path)
      : RecordingPipeline(
            "appsrc name=first format=time max-bytes=0 ! trailingmp4sink name=rec"
            " appsrc name=late format=time max-bytes=0 ! rec." +
                std::string(late_pad),
            path),
        first_(first) {
    set_caps("first", first.caps.c_str());
    set_caps("late", late_caps);
  }

  /// Plays the first track until it is in the file, and both to their end.
  void play(const std::vector<GstBuffer*>& late);

 private:
  void set_caps(const char* source, const char* text) {
    g_autoptr(GstCaps) caps = gst_caps_from_string(text);
    g_object_set(element(source).get(), "caps", caps, nullptr);
  }
  void push(const char* source, GstBuffer* buffer) {
    const auto from = element(source);
    fail_unless_equals_int(gst_app_src_push_buffer(GST_APP_SRC(from.get()), buffer), GST_FLOW_OK);
  }
  void end(const char* source) { gst_app_src_end_of_stream(GST_APP_SRC(element(source).get())); }
  bool wait_for_fragment();

  const MediaTrack& first_;
};

bool Joined::wait_for_fragment() {
  for (int i = 0; i < 3000; ++i, g_usleep(10'000)) {
    g_autoptr(GstStructure) stats = nullptr;
    g_object_get(element("rec").get(), "stats", &stats, nullptr);
    guint64 fragments = 0;
    if (gst_structure_get_uint64(stats, "fragments", &fragments) && fragments > 0) return true;
  }
  return false;
}

void Joined::play(const std::vector<GstBuffer*>& late) {
  set_state(GST_STATE_PLAYING);
  const auto& samples = first_.samples;
  const auto join = std::find_if(samples.begin(), samples.end(), [](const MediaSample& sample) {
    return sample.pts_ns.value_or(0) > kJoins;
  });
  for (auto sample = samples.begin(); sample != join; ++sample)
    push("first", buffer_of(*sample, 0));
  const auto before = static_cast<size_t>(join - samples.begin());
  fail_unless(wait_for_samples(first_.video, before, 30 * GST_SECOND));
  if (pipelines::fragments_are_on()) fail_unless(wait_for_fragment());
  for (GstBuffer* buffer : late) push("late", buffer);
  for (auto sample = join; sample != samples.end(); ++sample) push("first", buffer_of(*sample, 0));
  end("first");
  end("late");
  fail_unless(play_to_end(), "%s", pipelines::join(complaints()).c_str());
  fail_unless(complaints().empty(), "%s", pipelines::join(complaints()).c_str());
}

void assert_none(const char* name, const std::string& file, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s, %s: %s", name, file.c_str(), pipelines::join(lines).c_str());
}

// A track that joined before the kill can be finished after it.
void check_finalized(const char* name, const std::string& path, const MediaTracks& expected) {
  if (!pipelines::fragments_are_on()) return;
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", name, complaint.c_str());
  assert_none(name, finalized, pipelines::box_problems(finalized));
  assert_none(name, finalized,
              pipelines::differences(expected, pipelines::read_with_boxes(finalized)));
}

int64_t begin_of(const MediaTrack& track) {
  int64_t begin = INT64_MAX;
  for (const MediaSample& sample : track.samples) begin = std::min(begin, *sample.pts_ns);
  return begin;
}

// To a tick of either track, where faults() grant sound half a frame. A buffer's time is that of
// the first of it that is presented; what is clipped, of 48 kHz and two channels, comes before.
void check_begin(const CodecCase& one, const std::string& file, const MediaTracks& pushed) {
  const int64_t ticks = 1'000 * kMs / 90'000 + 1'000 * kMs / std::max(pushed[1].rate, 8'000);
  const int64_t clipped = static_cast<int64_t>(one.clip / 4) * 1'000 * kMs / 48'000;
  const int64_t off = begin_of(pipelines::read_with_boxes(file).at(1)) + clipped -
                      (begin_of(pushed[1]) - begin_of(pushed[0]));
  fail_unless(std::abs(off) <= ticks, "%s, %s: begins off by %" G_GINT64_FORMAT, one.name,
              file.c_str(), off);
}

void check(const CodecCase& one, const CodecCase& beginning) {
  const ScratchFolder folder;
  const MediaTrack first = pipelines::record_codec(beginning, folder.file("first.mp4"));
  const MediaTrack late = pipelines::record_codec(one, folder.file("late.mp4"));
  const std::string path = folder.file("recorded.mp4");
  Joined recording(first, late.caps.c_str(), "", path);
  std::vector<GstBuffer*> buffers;
  for (const MediaSample& sample : late.samples) buffers.push_back(buffer_of(sample, kJoins));
  recording.play(buffers);
  const MediaTracks pushed = recording.pushed();
  fail_unless_equals_int(pushed.size(), 2);
  fail_unless_equals_int(pushed[1].samples.size(), late.samples.size());
  const std::vector<std::string> files = pipelines::readable_states(path);
  for (const std::string& file : files) {
    assert_none(one.name, file, pipelines::faults(file, pushed));
    check_begin(one, file, pushed);
    const auto movie = boxes::read_movie(file);
    fail_unless(movie && movie->tracks.size() == 2);
    fail_unless_equals_string(movie->tracks[1].entries.at(0).format.c_str(), one.format);
  }
  fail_unless_equals_string(pipelines::codec_name(files.back(), 1).c_str(), one.codec);
  check_finalized(one.name, path, pushed);
}

GST_START_TEST(pictures_that_join_sound_are_whole_and_in_time) {
  check(late_pictures().at(static_cast<size_t>(__i__)), kFirstSound);
}
GST_END_TEST

GST_START_TEST(sound_that_joins_pictures_is_whole_and_in_time) {
  check(pipelines::sound_codecs()[static_cast<size_t>(__i__)], kFirstPictures);
}
GST_END_TEST

// ---- what is said now and then ----

struct Said {
  int64_t pts_ns;
  int64_t duration_ns;
  std::string words;
};

MediaSample sample_at(int64_t pts_ns, const std::string& bytes) {
  return {.bytes = {bytes.begin(), bytes.end()}, .size = bytes.size(), .pts_ns = pts_ns};
}

// Each is true until the next one.
std::vector<MediaSample> metadata(const std::vector<Said>& said) {
  std::vector<MediaSample> samples;
  for (const Said& one : said) samples.push_back(sample_at(one.pts_ns, one.words));
  return samples;
}

// 3GPP TS 26.245, 5.17: the text behind its length; nothing where nothing is to be seen.
std::vector<MediaSample> texts(const std::vector<Said>& said) {
  std::vector<MediaSample> samples;
  for (size_t i = 0; i < said.size(); ++i) {
    const Said& one = said[i];
    const std::string length{'\0', static_cast<char>(one.words.size())};
    samples.push_back(sample_at(one.pts_ns, length + one.words));
    const int64_t end = one.pts_ns + one.duration_ns;
    if (i + 1 == said.size() || said[i + 1].pts_ns > end)
      samples.push_back(sample_at(end, {'\0', '\0'}));
  }
  return samples;
}

struct Sparse {
  const char* name;
  const char* caps;
  const char* pad;
  const char* format;
  std::vector<MediaSample> (*samples)(const std::vector<Said>&);
  std::vector<Said> said;
};

const Sparse kSparse[] = {
    {"ONVIF metadata",
     "application/x-onvif-metadata,encoding=utf8",
     "meta_0",
     "metx",
     metadata,
     {{kJoins, 0, "<tt:MetadataStream/>"},
      {kJoins + 5 * kMs, 0, "<tt:MetadataStream>a</tt:MetadataStream>"},
      {kJoins + 900 * kMs, 0, "<tt:MetadataStream>bb</tt:MetadataStream>"}}},
    {"timed text",
     "text/x-raw,format=utf8",
     "subtitle_0",
     "tx3g",
     texts,
     {{kJoins, 300 * kMs, "the door opens"},
      {kJoins + 700 * kMs, 200 * kMs, "the door closes"},
      {kJoins + 900 * kMs, 400 * kMs, "and is shut"}}},
};

// To the tick of 90 kHz.
void check_boxes(const Sparse& one, const std::string& file,
                 const std::vector<MediaSample>& expected) {
  assert_none(one.name, file, pipelines::box_problems(file));
  const auto movie = boxes::read_movie(file);
  fail_unless(movie && movie->tracks.size() == 2);
  fail_unless_equals_string(movie->tracks[1].entries.at(0).format.c_str(), one.format);
  fail_unless_equals_int(movie->tracks[1].describes,
                         one.samples == metadata ? movie->tracks[0].id : 0);
  const MediaTrack found = pipelines::read_with_boxes(file).at(1);
  fail_unless_equals_int(found.samples.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    fail_unless(found.samples[i].bytes == expected[i].bytes, "%s: other words", one.name);
    const int64_t off = *found.samples[i].pts_ns - *expected[i].pts_ns;
    fail_unless(std::abs(off) <= 12'000, "%s: %zu is off by %" G_GINT64_FORMAT, one.name, i, off);
  }
}

GST_START_TEST(metadata_and_text_that_join_pictures_are_whole_and_in_time) {
  const Sparse& one = kSparse[__i__];
  const ScratchFolder folder;
  const MediaTrack first = pipelines::record_codec(kFirstPictures, folder.file("first.mp4"));
  const std::string path = folder.file("recorded.mp4");
  Joined recording(first, one.caps, one.pad, path);
  std::vector<GstBuffer*> buffers;
  for (const Said& said : one.said) {
    buffers.push_back(buffer_of(sample_at(said.pts_ns, said.words), 0));
    if (said.duration_ns)
      GST_BUFFER_DURATION(buffers.back()) = static_cast<GstClockTime>(said.duration_ns);
  }
  recording.play(buffers);
  const auto with_late = [&](std::vector<MediaSample> samples) {
    return MediaTracks{first, MediaTrack{.name = one.name, .samples = std::move(samples)}};
  };
  const MediaTracks expected = with_late(one.samples(one.said));
  for (const std::string& file : pipelines::readable_states(path)) {
    check_boxes(one, file, expected[1].samples);
    assert_none(one.name, file, pipelines::differences(expected, pipelines::read_with_libav(file)));
    // qtdemux takes the words out of their samples.
    assert_none(
        one.name, file,
        pipelines::differences(with_late(metadata(one.said)), pipelines::read_with_qtdemux(file)));
  }
  check_finalized(one.name, path, expected);
}
GST_END_TEST

Suite* late_tracks_suite() {
  Suite* suite = suite_create("late_tracks");
  TCase* tracks = tcase_create("tracks");
  suite_add_tcase(suite, tracks);
  tcase_add_loop_test(tracks, pictures_that_join_sound_are_whole_and_in_time, 0,
                      static_cast<int>(late_pictures().size()));
  tcase_add_loop_test(tracks, sound_that_joins_pictures_is_whole_and_in_time, 0,
                      static_cast<int>(pipelines::sound_codecs().size()));
  tcase_add_loop_test(tracks, metadata_and_text_that_join_pictures_are_whole_and_in_time, 0,
                      static_cast<int>(std::size(kSparse)));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(late_tracks)
