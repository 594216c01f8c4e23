// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Real encoders whose parameters change in mid-stream, through parsers and through depayloaders:
// one file, no description twice, and every decoded picture equal to the encoder's own, in ffmpeg
// and in GStreamer.
#include <gst/gst.h>

#include <algorithm>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_readers.h"
#include "libav_reader.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

constexpr int kPictures = 25;  // of a segment

#define AVC(options) "x264enc threads=1 speed-preset=ultrafast key-int-max=15 " options
#define HEVC(options) "x265enc speed-preset=ultrafast key-int-max=15 " options
#define SMALL "width=160,height=120"
#define LARGE "width=320,height=180"

// What one segment is encoded with.
struct Encoder {
  const char* size;
  const char* element;
};

constexpr Encoder kAvc{SMALL, AVC("tune=zerolatency pass=qual quantizer=20")};
constexpr Encoder kOtherPps{SMALL, AVC("tune=zerolatency pass=qual quantizer=35")};
constexpr Encoder kOtherSps{SMALL, AVC("tune=zerolatency pass=qual quantizer=20 ref=3")};
constexpr Encoder kLargeAvc{LARGE, AVC("tune=zerolatency pass=qual quantizer=20")};
constexpr Encoder kAvcWithB{SMALL, AVC("bframes=3 b-adapt=false pass=qual quantizer=20")};
constexpr Encoder kHevc{SMALL, HEVC("option-string=bframes=0:log-level=none")};
constexpr Encoder kLargeHevc{LARGE, HEVC("option-string=bframes=2:log-level=none")};

constexpr char kParser[] = "h264parse";
constexpr char kAvc3[] = "h264parse ! video/x-h264,stream-format=avc3";
constexpr char kPayloader[] = "rtph264pay config-interval=-1 ! rtph264depay";
constexpr char kPayloaderAndParser[] = "rtph264pay config-interval=-1 ! rtph264depay ! h264parse";
constexpr char kHevcParser[] = "h265parse";
constexpr char kHevcPayloader[] = "rtph265pay config-interval=-1 ! rtph265depay ! h265parse";

struct Case {
  const char* name;
  const char* path;  // from the encoders to the recorder
  std::vector<Encoder> segments;
  size_t descriptions;
};

const Case kCases[] = {
    {"PPS, parser, back and forth", kParser, {kAvc, kOtherPps, kAvc, kOtherPps, kAvc}, 2},
    {"PPS, depayloader", kPayloader, {kAvc, kOtherPps, kAvc}, 2},
    {"SPS of the same size, parser", kParser, {kAvc, kOtherSps}, 2},
    {"SPS of the same size, avc3", kAvc3, {kAvc, kOtherSps}, 2},
    {"SPS of the same size, depayloader and parser", kPayloaderAndParser, {kAvc, kOtherSps}, 2},
    {"size, depayloader", kPayloader, {kAvc, kLargeAvc, kAvc}, 2},
    {"size, back and forth", kParser, {kAvc, kLargeAvc, kAvc, kLargeAvc, kAvc, kLargeAvc}, 2},
    {"B-frames begin and end", kParser, {kAvc, kAvcWithB, kAvc}, 2},
    {"three", kParser, {kAvc, kOtherPps, kLargeAvc, kAvc}, 3},
    {"H.265 size, parser", kHevcParser, {kHevc, kLargeHevc, kHevc}, 2},
    {"H.265 size, depayloader", kHevcPayloader, {kHevc, kLargeHevc, kHevc}, 2},
};

bool is_hevc(const Case& one) { return one.segments[0].element[3] == '5'; }

std::string segment_file(const ScratchFolder& folder, size_t number, bool hevc) {
  return folder.file("segment" + std::to_string(number) + (hevc ? ".h265" : ".h264"));
}

// x265 fills its table of functions when the first encoder is opened, without a lock: what another
// thread opens meanwhile may call what is not there yet. So the first is opened alone.
void open_x265_alone(const ScratchFolder& folder) {
  RecordingPipeline first(
      "videotestsrc num-buffers=1 ! x265enc ! h265parse ! trailingmp4sink name=rec",
      folder.file("first.mp4"));
  fail_unless(first.play_to_end());
}

// One encoder after the other; what each writes goes into a file of its own as well.
std::string launch_line(const Case& one, const ScratchFolder& folder) {
  std::string line = std::string("concat name=c ! ") + one.path + " ! trailingmp4sink name=rec";
  const std::string type = is_hevc(one) ? "video/x-h265" : "video/x-h264";
  for (size_t i = 0; i < one.segments.size(); ++i) {
    const std::string tee = "t" + std::to_string(i);
    line += " videotestsrc pattern=" + std::string(i % 2 ? "ball" : "smpte75") +
            " num-buffers=" + std::to_string(kPictures) + " ! video/x-raw,format=I420," +
            one.segments[i].size + ",framerate=25/1 ! " + one.segments[i].element + " ! " + type +
            ",stream-format=byte-stream ! tee name=" + tee + " " + tee +
            ". ! queue max-size-bytes=0 ! filesink async=false location=" +
            segment_file(folder, i, is_hevc(one)) + " " + tee + ". ! queue ! c.";
  }
  return line;
}

// A sum of each picture as FFmpeg decodes it.
std::vector<std::string> picture_sums(const std::string& file) {
  libav::Decoded decoded = libav::decode_file(file, libav::Heard::kErrors);
  fail_unless(decoded.log.empty(), "%s: %s", file.c_str(), decoded.log.c_str());
  return std::move(decoded.pictures);
}

// The NAL units of a sample that hold parameter sets, one after the other.
pipelines::Bytes sets_in(const pipelines::Bytes& sample, bool hevc) {
  pipelines::Bytes sets;
  for (size_t position = 0; position + 4 < sample.size();) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | sample[position + i];
    const auto begin = sample.begin() + static_cast<std::ptrdiff_t>(position + 4);
    const int type = hevc ? *begin >> 1 & 0x3f : *begin & 0x1f;
    const bool is_set = hevc ? type >= 32 && type <= 34 : type == 7 || type == 8;
    if (is_set) sets.insert(sets.end(), begin, begin + static_cast<std::ptrdiff_t>(length));
    position += 4 + length;
  }
  return sets;
}

// From the first change on, decoding can start at each sync sample without a look at the index of
// its description.
void expect_sets_in_samples(const char* name, const std::string& path, const boxes::Track& track,
                            bool hevc) {
  std::vector<pipelines::Bytes> sets_of_description(track.entries.size());
  bool changed = false;
  for (size_t i = 0; i < track.samples.size(); ++i) {
    const boxes::Sample& sample = track.samples[i];
    changed = changed || sample.description_index != 1;
    if (!changed || !sample.sync) continue;
    const auto sets = sets_in(boxes::read_sample(path, sample), hevc);
    fail_unless(!sets.empty(), "%s: sync sample %zu has no parameter sets", name, i);
    auto& wanted = sets_of_description[sample.description_index - 1];
    if (wanted.empty()) wanted = sets;
    fail_unless(sets == wanted, "%s: sync sample %zu has other parameter sets", name, i);
  }
}

// Made anew from the samples, the descriptions say the same sizes, and each sample has its own.
void expect_same_descriptions(const char* name, const boxes::Track& track,
                              const std::string& finalized) {
  const auto movie = boxes::read_movie(finalized);
  fail_unless(movie && movie->problems.empty() && movie->tracks.size() == 1, "%s", name);
  const boxes::Track& made = movie->tracks[0];
  fail_unless_equals_int(made.entries.size(), track.entries.size());
  for (size_t i = 0; i < made.entries.size(); ++i)
    fail_unless(made.entries[i].width == track.entries[i].width &&
                    made.entries[i].height == track.entries[i].height &&
                    made.entries[i].format == track.entries[i].format,
                "%s: description %zu is another", name, i);
  fail_unless_equals_int(made.samples.size(), track.samples.size());
  for (size_t i = 0; i < made.samples.size(); ++i)
    fail_unless(made.samples[i].description_index == track.samples[i].description_index,
                "%s: sample %zu has another description", name, i);
}

template <typename T>
void append(std::vector<T>& all, std::vector<T> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

GST_START_TEST(every_picture_is_decoded_as_it_was_encoded) {
  const Case& one = kCases[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  if (is_hevc(one)) open_x265_alone(folder);
  RecordingPipeline pipeline(launch_line(one, folder), path);
  fail_unless(pipeline.play_to_end(), "%s: %s", one.name,
              pipelines::join(pipeline.complaints()).c_str());
  const auto problems = pipelines::box_problems(path);
  fail_unless(problems.empty(), "%s: %s", one.name, pipelines::join(problems).c_str());

  const auto movie = boxes::read_movie(path);
  fail_unless_equals_int(movie->tracks.size(), 1);
  const boxes::Track& track = movie->tracks[0];
  fail_unless(track.entries.size() == one.descriptions, "%s: %zu descriptions", one.name,
              track.entries.size());
  fail_unless_equals_int(track.samples.size(), one.segments.size() * kPictures);
  for (size_t i = 0; i < track.samples.size(); ++i)
    fail_unless((track.samples[i].description_index == 1) ==
                    (one.segments[i / kPictures].element == one.segments[0].element &&
                     one.segments[i / kPictures].size == one.segments[0].size),
                "%s: sample %zu has description %u", one.name, i,
                track.samples[i].description_index);

  expect_sets_in_samples(one.name, path, track, is_hevc(one));

  std::vector<std::string> sums;
  std::vector<pipelines::Bytes> pictures;
  for (size_t i = 0; i < one.segments.size(); ++i) {
    const std::string segment = segment_file(folder, i, is_hevc(one));
    append(sums, picture_sums(segment));
    append(pictures, pipelines::decode_stream(segment));
  }
  fail_unless_equals_int(sums.size(), one.segments.size() * kPictures);
  fail_unless_equals_int(pictures.size(), sums.size());
  for (const std::string& file : pipelines::readable_states(path)) {
    fail_unless(picture_sums(file) == sums, "%s: ffmpeg decodes other pictures of %s", one.name,
                file.c_str());
    fail_unless(pipelines::decode_file(file) == pictures,
                "%s: GStreamer decodes other pictures of %s", one.name, file.c_str());
  }

  if (!pipelines::fragments_are_on()) return;
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", one.name, complaint.c_str());
  expect_same_descriptions(one.name, track, finalized);
  fail_unless(picture_sums(finalized) == sums, "%s, finalized: ffmpeg decodes other pictures",
              one.name);
  fail_unless(pipelines::decode_file(finalized) == pictures,
              "%s, finalized: GStreamer decodes other pictures", one.name);
}
GST_END_TEST

// A microphone that changes between two rates: two tracks, each in the other's gaps.
GST_START_TEST(two_rates_of_sound_back_and_forth_are_two_tracks) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  std::string line = "concat name=c ! aacparse ! trailingmp4sink name=rec";
  for (int i = 0; i < 4; ++i)
    line += " audiotestsrc samplesperbuffer=1024 num-buffers=40 ! audio/x-raw,channels=1,rate=" +
            std::string(i % 2 ? "32000" : "48000") + " ! avenc_aac ! c.";
  RecordingPipeline pipeline(line, path);
  fail_unless(pipeline.play_to_end(), "%s", pipelines::join(pipeline.complaints()).c_str());
  const auto problems = pipelines::box_problems(path);
  fail_unless(problems.empty(), "%s", pipelines::join(problems).c_str());
  for (const std::string& file : pipelines::readable_states(path)) {
    const auto complaints = pipelines::player_complaints(file);
    fail_unless(complaints.empty(), "%s", pipelines::join(complaints).c_str());
  }
  const auto movie = boxes::read_movie(path);
  fail_unless_equals_int(movie->tracks.size(), 2);
  size_t samples = 0;
  for (size_t i = 0; i < 2; ++i) {
    const boxes::Track& track = movie->tracks[i];
    fail_unless_equals_int(track.timescale, i ? 32'000 : 48'000);
    fail_unless_equals_int(track.entries.size(), 1);
    fail_unless_equals_int(track.alternate_group, 1);
    samples += track.samples.size();
  }
  fail_unless_equals_int(samples, pipeline.pushed().at(0).samples.size());
}
GST_END_TEST

struct Access {
  const char* name;
  const char* encoder;
  const char* group;  // of samples besides sync samples at which decoding can start
};

const Access kAccesses[] = {
    {"open GOP",
     "x264enc threads=1 key-int-max=10 bframes=3 b-adapt=false option-string=open-gop=1 ! "
     "h264parse",
     "rap "},
    {"intra refresh",
     "x264enc threads=1 key-int-max=10 intra-refresh=true tune=zerolatency ! h264parse", "roll"},
    {"H.265 open GOP",
     "x265enc key-int-max=10 option-string=open-gop=1:bframes=3:log-level=none ! h265parse",
     "rap "},
};

GST_START_TEST(random_access_points_of_real_encoders_are_in_groups) {
  const Access& one = kAccesses[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(
      std::string("videotestsrc num-buffers=60 ! video/x-raw,format=I420," SMALL
                  ",framerate=25/1 ! ") +
          one.encoder + " ! trailingmp4sink name=rec",
      path);
  fail_unless(pipeline.play_to_end(), "%s", pipelines::join(pipeline.complaints()).c_str());
  const auto faults = pipelines::faults(path, pipeline.pushed());
  fail_unless(faults.empty(), "%s: %s", one.name, pipelines::join(faults).c_str());
  const auto movie = boxes::read_movie(path);
  const boxes::Track& track = movie->tracks[0];
  const auto group = std::find_if(track.groups.begin(), track.groups.end(), [&](const auto& found) {
    return found.grouping_type == one.group;
  });
  fail_unless(group != track.groups.end(), "%s: no group", one.name);
  uint32_t members = 0;
  for (const auto& [samples, description] : group->runs) members += description ? samples : 0;
  fail_unless(members >= 3, "%s: %u samples in the group", one.name, members);
}
GST_END_TEST

static Suite* parameter_changes_suite() {
  Suite* suite = suite_create("parameter_changes");
  TCase* tcase = tcase_create("video");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, every_picture_is_decoded_as_it_was_encoded, 0,
                      static_cast<int>(std::size(kCases)));
  tcase_add_test(tcase, two_rates_of_sound_back_and_forth_are_two_tracks);
  tcase_add_loop_test(tcase, random_access_points_of_real_encoders_are_in_groups, 0,
                      static_cast<int>(std::size(kAccesses)));
  return suite;
}

GST_CHECK_MAIN(parameter_changes)
