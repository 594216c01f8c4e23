// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every codec that cameras send, from a real encoder, where there is one through a real payloader
// and depayloader: all packets are in the file with their bytes and times, finished, killed and
// finalised (without fragments: finished), readers name the codec, and what is decoded is what the
// encoder's own stream gives.
#include <gst/gst.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "box_reader.h"
#include "codec_cases.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::Bytes;
using pipelines::CodecCase;
using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

void assert_none(const CodecCase& one, const char* state, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s, %s: %s", one.name, state, pipelines::join(lines).c_str());
}

Bytes join(const std::vector<Bytes>& pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

// What is presented is what the encoder's own stream gives, but for what is clipped.
void check_decoded(const CodecCase& one, const char* state, const std::string& path,
                   const MediaTrack& pushed) {
  assert_none(one, state, pipelines::player_complaints(path));
  const Bytes stream = join(pipelines::decode_samples(pushed, one.decoder));
  const Bytes found = join(pipelines::decode_file(path, one.decoder));
  fail_unless(!found.empty() && stream.size() >= one.clip + found.size());
  const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(one.clip);
  fail_unless(std::equal(found.begin(), found.end(), begin), "%s, %s: decoded to something else",
              one.name, state);
  if (one.clip == 0)
    fail_unless(found.size() == stream.size(), "%s, %s: %zu decoded bytes, not %zu", one.name,
                state, found.size(), stream.size());
}

bool is_same(const boxes::SampleEntry& a, const boxes::SampleEntry& b) {
  const auto numbers = [](const boxes::SampleEntry& entry) {
    return std::tuple(entry.format, entry.config, entry.object_type, entry.width, entry.height,
                      entry.channels, entry.sample_bits, entry.sample_rate, entry.max_bitrate,
                      entry.avg_bitrate);
  };
  const auto colour = [](const boxes::SampleEntry& entry) {
    const auto colr = entry.colr.value_or(boxes::Colour{});
    return std::tuple(entry.colr.has_value(), colr.primaries, colr.transfer, colr.matrix,
                      colr.full_range);
  };
  return numbers(a) == numbers(b) && colour(a) == colour(b);
}

// All but what tags say, which is in no fragment.
bool is_same(const boxes::Track& a, const boxes::Track& b) {
  const auto edit = [](const boxes::Edit& x, const boxes::Edit& y) {
    return x.segment_duration == y.segment_duration && x.media_time == y.media_time;
  };
  const auto sample = [](const boxes::Sample& x, const boxes::Sample& y) {
    const auto numbers = [](const boxes::Sample& one) {
      return std::tuple(one.offset, one.size, one.dts, one.pts, one.duration, one.sync,
                        one.description_index, one.chunk);
    };
    return numbers(x) == numbers(y);
  };
  const auto group = [](const boxes::SampleGroup& x, const boxes::SampleGroup& y) {
    return x.grouping_type == y.grouping_type && x.entries == y.entries && x.runs == y.runs;
  };
  const auto entry = [](const auto& x, const auto& y) { return is_same(x, y); };
  return std::ranges::equal(a.entries, b.entries, entry) &&
         std::ranges::equal(a.edits, b.edits, edit) &&
         std::ranges::equal(a.samples, b.samples, sample) &&
         std::ranges::equal(a.groups, b.groups, group);
}

void check(const CodecCase& one) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const MediaTrack pushed = pipelines::record_codec(one, path);
  fail_unless_equals_string(pipelines::codec_name(path).c_str(), one.codec);
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  fail_unless_equals_string(movie->tracks.at(0).entries.at(0).format.c_str(), one.format);
  assert_none(one, "finished", pipelines::faults(path, {pushed}));
  check_decoded(one, "finished", path, pushed);
  if (!pipelines::fragments_are_on()) return;
  const std::string killed = pipelines::as_killed(path);
  assert_none(one, "killed", pipelines::faults(killed, {pushed}));
  check_decoded(one, "killed", killed, pushed);
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", one.name, complaint.c_str());
  const auto rebuilt = boxes::read_movie(finalized);
  fail_unless(rebuilt.has_value());
  assert_none(one, "finalised", rebuilt->problems);
  fail_unless(is_same(rebuilt->tracks.at(0), movie->tracks[0]),
              "%s: the finalised track is another than the finished one", one.name);
}

// ---- parameters that change in mid-stream ----

struct Change {
  const char* name;
  const char* first;  // up to the encoder's end
  const char* second;
  const char* decoder;  // nothing: the parameters cannot travel in the samples
};

#define SIZED(size) \
  "videotestsrc pattern=ball num-buffers=20 ! video/x-raw,format=I420,framerate=25/1," size " ! "
#define SMALL SIZED("width=160,height=120")
#define LARGE SIZED("width=320,height=240")
#define TONE(caps) "audiotestsrc num-buffers=40 samplesperbuffer=960 ! audio/x-raw," caps " ! "

const Change kChanges[] = {
    {"AV1", SMALL "av1enc usage-profile=realtime cpu-used=8",
     LARGE "av1enc usage-profile=realtime cpu-used=8", "av1parse ! av1dec"},
    {"VP8", SMALL "vp8enc deadline=1", LARGE "vp8enc deadline=1", "vp8dec"},
    {"VP9", SMALL "vp9enc deadline=1 cpu-used=8", LARGE "vp9enc deadline=1 cpu-used=8", "vp9dec"},
    {"MJPEG", SMALL "jpegenc", LARGE "jpegenc", "jpegdec"},
    {"AAC", TONE("rate=48000") "avenc_aac ! aacparse", TONE("rate=44100") "avenc_aac ! aacparse",
     nullptr},
    {"Opus", TONE("rate=48000,channels=1") "opusenc", TONE("rate=48000,channels=2") "opusenc",
     nullptr},
    {"A-law", TONE("rate=8000") "alawenc", TONE("rate=16000") "alawenc", nullptr},
    {"another codec", TONE("rate=8000") "alawenc", TONE("rate=8000") "mulawenc", nullptr},
    {"FLAC", TONE("rate=48000,channels=2") "flacenc ! flacparse",
     TONE("rate=48000,channels=1") "flacenc ! flacparse", nullptr},
};

Bytes bytes_of(const MediaTrack& track) {
  Bytes all;
  for (const MediaSample& sample : track.samples)
    all.insert(all.end(), sample.bytes.begin(), sample.bytes.end());
  return all;
}

// One track with two descriptions, or one after the other in a group; nothing is lost, finished and
// killed, and what is decoded is what both streams give.
GST_START_TEST(parameters_may_change) {
  const Change& change = kChanges[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(std::string("concat name=c ! trailingmp4sink name=rec ") +
                                 change.first + " ! c. " + change.second + " ! c.",
                             path);
  fail_unless(pipeline.play_to_end(), "%s: %s", change.name,
              pipelines::join(pipeline.complaints()).c_str());
  MediaTrack pushed = pipeline.pushed().at(0);
  pipelines::keep_media(pushed);
  for (const std::string& file : pipelines::readable_states(path)) {
    const auto movie = boxes::read_movie(file);
    fail_unless(movie.has_value());
    fail_unless(movie->problems.empty(), "%s: %s", change.name,
                pipelines::join(movie->problems).c_str());
    Bytes found;
    for (const MediaTrack& track : pipelines::read_with_boxes(file)) {
      const Bytes bytes = bytes_of(track);
      found.insert(found.end(), bytes.begin(), bytes.end());
    }
    fail_unless(found == bytes_of(pushed), "%s: other bytes", change.name);
    if (!change.decoder) {
      fail_unless_equals_int(movie->tracks.size(), 2);
      fail_unless(movie->tracks[0].alternate_group != 0);
      fail_unless_equals_int(movie->tracks[0].alternate_group, movie->tracks[1].alternate_group);
      continue;
    }
    fail_unless_equals_int(movie->tracks.size(), 1);
    if (file == path) fail_unless_equals_int(movie->tracks[0].entries.size(), 2);
    fail_unless_equals_int(movie->tracks[0].width, 320);
    const auto stream = join(pipelines::decode_samples(pushed, change.decoder));
    fail_unless(!stream.empty() && join(pipelines::decode_file(file, change.decoder)) == stream,
                "%s: other pictures", change.name);
  }
}
GST_END_TEST

GST_START_TEST(readers_name_pictures_find_every_packet_and_decode_it) {
  check(pipelines::picture_codecs()[size_t(__i__)]);
}
GST_END_TEST

GST_START_TEST(readers_name_sounds_find_every_packet_and_decode_it) {
  check(pipelines::sound_codecs()[size_t(__i__)]);
}
GST_END_TEST

Suite* codecs_suite() {
  Suite* suite = suite_create("codecs");
  // Processes of their own run them, by these names.
  TCase* pictures = tcase_create("pictures");
  suite_add_tcase(suite, pictures);
  tcase_add_loop_test(pictures, readers_name_pictures_find_every_packet_and_decode_it, 0,
                      static_cast<int>(pipelines::picture_codecs().size()));
  TCase* sounds = tcase_create("sounds");
  suite_add_tcase(suite, sounds);
  tcase_add_loop_test(sounds, readers_name_sounds_find_every_packet_and_decode_it, 0,
                      static_cast<int>(pipelines::sound_codecs().size()));
  TCase* changes = tcase_create("changes");
  suite_add_tcase(suite, changes);
  tcase_add_loop_test(changes, parameters_may_change, 0, static_cast<int>(std::size(kChanges)));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(codecs)
