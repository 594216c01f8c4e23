// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the tests' own MP4 reader: files of other muxers are read as FFmpeg reads them and
// found to be in order, except for what is known of those muxers.
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "libav_reader.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using boxes::Bytes;

std::string folder;

std::string in_folder(const std::string& name) { return folder + "/" + name; }

void run(const std::string& command) {
  fail_unless_equals_int(system(("cd " + folder + " && " + command).c_str()), 0);
}

// What ffmpeg and qtmux write against 14496-14: the ES_ID of a stored stream is 0.
constexpr const char* kEsId = "esds: ES_ID 2 is not 0";
// ffmpeg's moov without samples counts its tracks too early.
constexpr const char* kNextTrack = "mvhd: next_track_ID 2";
// qtmux's index of the second track begins with offset 0.
constexpr const char* kTfra = "tfra: 1 entries point at no moof";

// ffmpeg rounds the duration of a track apart from that of its edit: 6008020834 and 6008020833 in
// version 5.1, 6021333334 and 6021333333 in 7.1.
constexpr const char* kRounding = "tkhd: duration 60*34 is not the sum of its edits 60*33";

struct Made {
  const char* name;
  const char* command;
  std::vector<const char*> known_problems;
};

#define WITH_MUXER(muxer, name)                                                                \
  "gst-launch-1.0 -q videotestsrc num-buffers=50 ! "                                           \
  "video/x-raw,width=160,height=120,framerate=25/1 ! x264enc bframes=2 key-int-max=25 "        \
  "b-adapt=false speed-preset=ultrafast ! h264parse ! queue ! " muxer                          \
  " name=m ! filesink location=" name                                                          \
  " audiotestsrc num-buffers=90 samplesperbuffer=1024 ! audio/x-raw,rate=44100 ! avenc_aac ! " \
  "queue ! m."
#define REMUX(options, name) "ffmpeg -v error -y -i plain.mp4 -c copy " options " " name

const Made kMade[] = {
    {"plain.mp4",
     "ffmpeg -v error -y -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i "
     "sine=sample_rate=48000 -t 3 -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac "
     "-metadata title=Hello -metadata:s:a language=deu plain.mp4",
     {kEsId}},
    {"faststart.mp4", REMUX("-movflags +faststart", "faststart.mp4"), {kEsId}},
    {"fragmented.mp4",
     REMUX("-movflags +frag_keyframe+empty_moov+default_base_moof", "fragmented.mp4"),
     {kEsId, kNextTrack}},
    {"moof_after_samples.mp4",
     REMUX("-movflags +frag_keyframe", "moof_after_samples.mp4"),
     {kEsId}},
    {"no_base.mp4",
     REMUX("-movflags +frag_keyframe+empty_moov+omit_tfhd_offset+negative_cts_offsets",
           "no_base.mp4"),
     {kEsId, kNextTrack}},
    {"negative_offsets.mp4",
     REMUX("-movflags +negative_cts_offsets -use_editlist 0", "negative_offsets.mp4"),
     {kEsId}},
    {"late_sound.mp4",
     "ffmpeg -v error -y -i plain.mp4 -itsoffset 0.7 -i plain.mp4 -map 0:v -map 1:a -c copy "
     "late_sound.mp4",
     {kEsId}},
    {"fine_ticks.mp4",
     "ffmpeg -v error -y -stream_loop 1 -i plain.mp4 -c copy -movie_timescale 1000000000 "
     "-video_track_timescale 1000000000 fine_ticks.mp4",
     {kEsId, kRounding}},
    {"gst.mp4", WITH_MUXER("mp4mux", "gst.mp4"), {kEsId}},
    {"gst_fragmented.mp4",
     WITH_MUXER("mp4mux fragment-duration=1000", "gst_fragmented.mp4"),
     {kEsId, kTfra}},
    {"gst_reserved.mp4",
     WITH_MUXER("mp4mux reserved-max-duration=9000000000", "gst_reserved.mp4"),
     {kEsId}},
};

boxes::Movie read(const std::string& name) {
  auto movie = boxes::read_movie(in_folder(name));
  fail_unless(movie.has_value(), "%s: no moov", name.c_str());
  return std::move(*movie);
}

// Whether the line begins as the pattern says, in which `*` stands for anything.
bool is_problem(const std::string& line, const std::string& pattern) {
  return fnmatch((pattern + "*").c_str(), line.c_str(), 0) == 0;
}

bool has_problem(const boxes::Movie& movie, const std::string& pattern) {
  return std::any_of(movie.problems.begin(), movie.problems.end(),
                     [&](const std::string& line) { return is_problem(line, pattern); });
}

int64_t nanoseconds(int64_t ticks, uint32_t timescale) {
  return static_cast<int64_t>(
      __builtin_floorl(static_cast<long double>(ticks) * 1e9L / timescale + 0.5L));
}

// FFmpeg takes the most negative composition offset for a shift of dts. In fragments it is too
// late for that, and only what it adds again to pts remains.
int64_t libav_delay(const boxes::Movie& movie, const boxes::Track& track) {
  int64_t least = 0;
  for (const boxes::Sample& sample : track.samples) {
    least = std::min(least, sample.pts - sample.dts);
  }
  return movie.fragmented ? -least : 0;
}

void compare_with_libav(const std::string& name) {
  const boxes::Movie movie = read(name);
  const libav::File file = libav::read_file(in_folder(name), libav::Heard::kErrors);
  fail_unless(file.opened && file.log.empty(), "%s: %s", name.c_str(), file.log.c_str());
  fail_unless_equals_uint64(movie.tracks.size(), file.streams.size());
  for (size_t t = 0; t < movie.tracks.size(); t++) {
    const boxes::Track& track = movie.tracks[t];
    const std::vector<libav::Packet>& packets = file.streams[t].packets;
    fail_unless_equals_uint64(track.samples.size(), packets.size());
    const int64_t delay = libav_delay(movie, track);
    const int64_t shift = *packets[0].dts - track.samples[0].dts;
    for (size_t i = 0; i < packets.size(); i++) {
      const boxes::Sample& sample = track.samples[i];
      fail_unless_equals_int64(sample.offset, packets[i].position);
      fail_unless(boxes::read_sample(in_folder(name), sample) == packets[i].bytes);
      fail_unless_equals_int64(sample.dts + shift, *packets[i].dts);
      fail_unless_equals_int64(boxes::presentation_ns(movie, track, sample),
                               nanoseconds(*packets[i].pts - delay, track.timescale));
      fail_unless_equals_int(sample.sync, packets[i].key);
      fail_unless_equals_int(!boxes::is_presented(movie, track, sample), packets[i].discarded);
    }
  }
}

void make_all() {
  char name[] = "/tmp/box-reader-XXXXXX";
  fail_unless(mkdtemp(name) != nullptr);
  folder = name;
  for (const Made& made : kMade) run(made.command);
}

void remove_all() { fail_unless(system(("rm -rf " + folder).c_str()) == 0); }

// The bytes of a co64 for those of a stco, the offsets moved by `shift`.
Bytes widen(const Bytes& stco, uint64_t shift) {
  const size_t count = (stco.size() - 16) / 4;
  Bytes co64(stco.begin(), stco.begin() + 16);
  co64.resize(16 + 8 * count);
  boxes::put_number(co64, 0, co64.size(), 4);
  std::copy_n("co64", 4, co64.begin() + 4);
  for (size_t i = 0; i < count; i++) {
    boxes::put_number(co64, 16 + 8 * i, boxes::get_number(stco, 16 + 4 * i, 4) + shift, 8);
  }
  return co64;
}

// Replaces every stco of a file whose moov comes last, and makes the boxes around it larger.
Bytes with_co64(Bytes bytes, const boxes::Movie& movie, uint64_t shift) {
  const std::vector<const boxes::Box*> all = boxes::all_boxes(movie);
  for (auto box = all.rbegin(); box != all.rend(); ++box) {  // from the end: offsets stay true
    const uint64_t at = (*box)->offset;
    if ((*box)->type != "stco") continue;
    const auto begin = bytes.begin() + static_cast<long>(at);
    const Bytes stco(begin, begin + static_cast<long>((*box)->size));
    const Bytes co64 = widen(stco, shift);
    for (const boxes::Box* parent : all) {
      if (parent->offset >= at || parent->offset + parent->size <= at) continue;
      const uint64_t size = boxes::get_number(bytes, parent->offset, 4);
      boxes::put_number(bytes, parent->offset, size + co64.size() - stco.size(), 4);
    }
    bytes.erase(begin, begin + static_cast<long>(stco.size()));
    bytes.insert(bytes.begin() + static_cast<long>(at), co64.begin(), co64.end());
  }
  return bytes;
}

}  // namespace

GST_START_TEST(reads_what_ffmpeg_reads) { compare_with_libav(kMade[__i__].name); }
GST_END_TEST;

GST_START_TEST(finds_only_known_problems_in_files_of_other_muxers) {
  const Made& made = kMade[__i__];
  const boxes::Movie movie = read(made.name);
  for (const char* known : made.known_problems) {
    fail_unless(has_problem(movie, known), "%s: not found: %s", made.name, known);
  }
  for (const std::string& line : movie.problems) {
    const bool known = std::any_of(made.known_problems.begin(), made.known_problems.end(),
                                   [&](const char* pattern) { return is_problem(line, pattern); });
    fail_unless(known, "%s: %s", made.name, line.c_str());
  }
  fail_unless_equals_uint64(movie.uncovered_mdat_bytes, 0);
  for (const std::string& line : boxes::avc_sample_problems(in_folder(made.name), movie)) {
    fail("%s: %s", made.name, line.c_str());
  }
}
GST_END_TEST;

GST_START_TEST(reads_what_describes_the_media) {
  const boxes::Movie movie = read("plain.mp4");
  fail_unless_equals_string(movie.major_brand.c_str(), "isom");
  fail_unless_equals_string(movie.tags.at("\xc2\xa9nam").c_str(), "Hello");
  const boxes::Track& video = movie.tracks[0];
  const boxes::Track& sound = movie.tracks[1];
  fail_unless_equals_string(video.handler.c_str(), "vide");
  fail_unless_equals_float(video.width, 160.0);
  fail_unless_equals_string(video.entries[0].format.c_str(), "avc1");
  fail_unless_equals_int(video.entries[0].height, 120);
  fail_unless(video.has_ctts && video.has_stss && video.has_stco && !video.has_co64);
  fail_unless_equals_string(sound.language.c_str(), "deu");
  fail_unless_equals_int(sound.entries[0].sample_rate, 48000);
  fail_unless_equals_int(sound.entries[0].object_type, 0x40);
  fail_unless_equals_int(sound.entries[0].stream_type, 5);
  fail_unless_equals_int(sound.entries[0].config[0] >> 3, 2);
  fail_unless_equals_string(sound.groups.at(0).grouping_type.c_str(), "roll");
  const Bytes bytes = boxes::read_sample(in_folder("plain.mp4"), video.samples[0]);
  fail_unless_equals_uint64(bytes.size(), video.samples[0].size);
}
GST_END_TEST;

GST_START_TEST(places_a_late_track_by_its_empty_edit) {
  const boxes::Movie movie = read("late_sound.mp4");
  const boxes::Track& sound = movie.tracks[1];
  fail_unless_equals_uint64(sound.edits.size(), 2);
  fail_unless_equals_int64(sound.edits[0].media_time, -1);
  fail_unless(sound.edits[0].segment_duration > 600);
  fail_unless(boxes::is_presented(movie, sound, sound.samples[0]));
  fail_unless_equals_int64(boxes::presentation_ns(movie, sound, sound.samples[0]),
                           static_cast<int64_t>(sound.edits[0].segment_duration) * 1000000);
}
GST_END_TEST;

GST_START_TEST(trims_priming_by_the_edit) {
  const boxes::Movie movie = read("plain.mp4");
  const boxes::Track& sound = movie.tracks[1];
  fail_unless_equals_int64(sound.edits.at(0).media_time, 1024);
  fail_unless(!boxes::is_presented(movie, sound, sound.samples[0]));
  fail_unless(boxes::is_presented(movie, sound, sound.samples[1]));
  fail_unless_equals_int64(boxes::presentation_ns(movie, sound, sound.samples[0]), -21333333);
  fail_unless_equals_int64(boxes::presentation_ns(movie, sound, sound.samples[1]), 0);
}
GST_END_TEST;

GST_START_TEST(takes_version_1_headers_for_times_that_need_them) {
  const boxes::Movie movie = read("fine_ticks.mp4");
  fail_unless_equals_int(movie.mvhd_version, 1);
  fail_unless_equals_int(movie.tracks[0].tkhd_version, 1);
  fail_unless_equals_int(movie.tracks[0].mdhd_version, 1);
  fail_unless_equals_int(movie.tracks[0].elst_version, 1);
  fail_unless(movie.duration > UINT32_MAX);
}
GST_END_TEST;

GST_START_TEST(reads_samples_beyond_4_gib) {
  constexpr uint64_t kGap = uint64_t{5} << 30;
  const boxes::Movie movie = read("plain.mp4");
  const Bytes wide = with_co64(boxes::load_file(in_folder("plain.mp4")), movie, kGap);
  const auto ftyp = static_cast<long>(movie.top[0].size);
  Bytes head(wide.begin(), wide.begin() + ftyp);
  const size_t gap = head.size();
  head.resize(gap + 16);
  boxes::put_number(head, gap, 1, 4);
  std::copy_n("free", 4, head.begin() + ftyp + 4);
  boxes::put_number(head, gap + 8, kGap, 8);
  const Bytes rest(wide.begin() + ftyp, wide.end());
  fail_unless(boxes::store_file(in_folder("huge.mp4"), head));
  fail_unless(boxes::store_file_at(in_folder("huge.mp4"), rest, gap + kGap));
  const boxes::Movie huge = read("huge.mp4");
  for (const std::string& line : huge.problems) {
    fail_unless(line.rfind(kEsId, 0) == 0, "%s", line.c_str());
  }
  fail_unless(huge.tracks[0].has_co64);
  compare_with_libav("huge.mp4");
}
GST_END_TEST;

GST_START_TEST(finds_a_co64_without_need) {
  const Bytes narrow = boxes::load_file(in_folder("plain.mp4"));
  fail_unless(boxes::store_file(in_folder("co64.mp4"), with_co64(narrow, read("plain.mp4"), 0)));
  fail_unless(has_problem(read("co64.mp4"), "co64: all offsets fit 32 bits"));
}
GST_END_TEST;

static Suite* box_reader_suite() {
  Suite* suite = suite_create("box_reader");
  TCase* files = tcase_create("files");
  const int count = static_cast<int>(std::size(kMade));
  suite_add_tcase(suite, files);
  tcase_set_timeout(files, 60);
  tcase_add_unchecked_fixture(files, make_all, remove_all);
  tcase_add_loop_test(files, reads_what_ffmpeg_reads, 0, count);
  tcase_add_loop_test(files, finds_only_known_problems_in_files_of_other_muxers, 0, count);
  tcase_add_test(files, reads_what_describes_the_media);
  tcase_add_test(files, places_a_late_track_by_its_empty_edit);
  tcase_add_test(files, trims_priming_by_the_edit);
  tcase_add_test(files, takes_version_1_headers_for_times_that_need_them);
  tcase_add_test(files, reads_samples_beyond_4_gib);
  tcase_add_test(files, finds_a_co64_without_need);
  return suite;
}

GST_CHECK_MAIN(box_reader)
