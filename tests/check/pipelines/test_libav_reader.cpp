// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of libav_reader: of good files and of damaged ones it says what the programs ffprobe and
// ffmpeg say, which other tests do without.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "child_process.h"
#include "file_bytes.h"
#include "libav_reader.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using libav::Heard;
using pipelines::ScratchFolder;

#define ENCODED(options)                                                   \
  "ffmpeg -v error -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i " \
  "sine=sample_rate=48000 -t 2 -c:v libx264 -threads 1 -bf 2 -g 20 -c:a aac " options " made.mp4"

struct Made {
  const char* name;
  const char* command;
};

const Made kMade[] = {
    {"finished", ENCODED("-movflags +faststart")},
    {"fragments", ENCODED("-movflags +frag_keyframe+empty_moov+default_base_moof")},
    {"sound with other headers", ENCODED("-c:a flac -strict -2")},
    {"pictures of two sizes",
     "ffmpeg -v error -f lavfi -i testsrc2=size=160x120:rate=25 -t 1 -c:v libx264 -bf 0 a.h264 && "
     "ffmpeg -v error -f lavfi -i testsrc2=size=320x240:rate=25 -t 1 -c:v libx264 -bf 0 b.h264 && "
     "cat a.h264 b.h264 >both.h264 && ffmpeg -v error -i both.h264 -c copy made.mp4"},
};

std::string make(const ScratchFolder& folder, const char* command) {
  const pipelines::Outcome outcome = pipelines::run(command, folder.path());
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  return folder.file("made.mp4");
}

std::vector<std::string> lines_of(const pipelines::Outcome& outcome) {
  std::vector<std::string> lines;
  std::istringstream text(outcome.output);
  for (std::string line; std::getline(text, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

std::string text_of(const std::optional<int64_t>& number) {
  return number ? std::to_string(*number) : "N/A";
}

// As ffprobe prints them, stream by stream.
std::vector<std::string> lines_of(const libav::File& file) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < file.streams.size(); ++i)
    for (const libav::Packet& packet : file.streams[i].packets)
      lines.push_back(std::to_string(i) + "," + text_of(packet.pts) + "," + text_of(packet.dts) +
                      "," + std::to_string(packet.bytes.size()) + "," +
                      std::to_string(packet.position) + "," + (packet.key ? "K" : "_") +
                      (packet.discarded ? "D" : "_"));
  return lines;
}

std::string played_by_ffmpeg(const std::string& path) {
  const pipelines::Outcome outcome = pipelines::run("ffmpeg -v warning -xerror -i '" + path +
                                                    "' -map 0 -fps_mode passthrough -f null -");
  if (outcome.status == 0) return outcome.output;
  return "it failed: " + outcome.output;
}

void expect_packets_of_ffprobe(const char* name, const std::string& path) {
  const libav::File file = libav::read_file(path, Heard::kWarnings);
  fail_unless(file.opened && file.log.empty(), "%s: %s", name, file.log.c_str());
  auto wanted = lines_of(pipelines::run(
      "ffprobe -v warning -of csv=p=0 -show_entries packet=stream_index,pts,dts,size,pos,flags '" +
      path + "'"));
  for (std::string& line : wanted)
    line.resize(std::min(line.size(), line.find_first_of("_KD") + 2));
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const auto& a, const auto& b) { return a[0] < b[0]; });
  fail_unless(wanted.size() >= 50);
  fail_unless(lines_of(file) == wanted, "%s: other packets", name);
}

void expect_pictures_of_ffmpeg(const char* name, const std::string& path) {
  auto wanted = lines_of(pipelines::run("ffmpeg -v warning -i '" + path +
                                        "' -map 0:v -noautoscale -fps_mode passthrough"
                                        " -f framemd5 -"));
  for (std::string& line : wanted) line.erase(0, line.rfind(',') + 2);
  const libav::Decoded decoded = libav::decode_file(path, Heard::kWarnings);
  fail_unless(decoded.log.empty(), "%s: %s", name, decoded.log.c_str());
  fail_unless_equals_int(decoded.pictures.size(), 50);
  fail_unless(decoded.pictures == wanted, "%s: other pictures", name);
}

GST_START_TEST(packets_are_those_of_ffprobe_and_pictures_those_of_ffmpeg) {
  const Made& made = kMade[__i__];
  const ScratchFolder folder;
  const std::string path = make(folder, made.command);
  expect_packets_of_ffprobe(made.name, path);
  expect_pictures_of_ffmpeg(made.name, path);
}
GST_END_TEST

struct Damage {
  const char* name;
  size_t at;    // how far in the file, in hundredths
  size_t size;  // bytes that are overwritten; 0: the file ends there
  bool large;   // so that something must be heard of it
};

const Damage kDamages[] = {
    {"nothing", 100, 0, false},           {"two bytes", 50, 2, false},
    {"a hundred bytes", 50, 100, false},  {"many", 30, 4000, true},
    {"a tenth is missing", 90, 0, true},  {"half is missing", 50, 0, true},
    {"hardly anything left", 1, 0, true},
};

void expect_heard_as_by_ffmpeg(const Damage& damage, const std::string& path, boxes::Bytes bytes) {
  const size_t at = bytes.size() * damage.at / 100;
  if (damage.size == 0) bytes.resize(at);
  for (size_t i = 0; i < damage.size; ++i) bytes[at + i] ^= 0x5a;
  fail_unless(boxes::store_file(path, bytes));
  const std::string wanted = played_by_ffmpeg(path);
  const std::string log = libav::decode_file(path, Heard::kWarnings).log;
  fail_unless(wanted.empty() == log.empty(), "%s\nffmpeg: %s\nlibav_reader: %s", damage.name,
              wanted.c_str(), log.c_str());
  if (damage.large) fail_unless(!log.empty(), "%s", damage.name);
}

// A moov in front: the file opens all the same. Whoever complains, the other does.
GST_START_TEST(damage_is_heard_of_as_by_ffmpeg) {
  const ScratchFolder folder;
  const boxes::Bytes bytes = boxes::load_file(make(folder, kMade[0].command));
  for (const Damage& damage : kDamages)
    expect_heard_as_by_ffmpeg(damage, folder.file("damaged.mp4"), bytes);
}
GST_END_TEST

// The matrix of the picture's track header (14496-12, 8.3.2), which not every version of ffmpeg can
// be told to write.
void turn_by_90_degrees(const std::string& path) {
  constexpr uint64_t kCounterclockwise[] = {0, 0xffff0000, 0, 0x10000, 0, 0, 0, 0, 0x40000000};
  constexpr size_t kMatrix = 8 + 40;  // behind the beginning of a box of version 0
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  boxes::Bytes bytes = boxes::load_file(path);
  size_t at = boxes::box_at(*movie, "moov/trak[0]/tkhd")->offset + kMatrix;
  for (const uint64_t value : kCounterclockwise) {
    boxes::put_number(bytes, at, value, 4);
    at += 4;
  }
  fail_unless(boxes::store_file(path, bytes));
}

GST_START_TEST(codecs_tags_and_rotation_are_named) {
  const ScratchFolder folder;
  const std::string path = make(folder, ENCODED("-metadata title=Door -metadata:s:a language=deu"));
  turn_by_90_degrees(path);
  libav::File file = libav::read_file(path, Heard::kWarnings);
  fail_unless_equals_string(file.tags["title"].c_str(), "Door");
  fail_unless_equals_int(file.streams.size(), 2);
  fail_unless(file.streams[0].video && !file.streams[1].video);
  fail_unless_equals_string(file.streams[0].codec.c_str(), "h264");
  fail_unless_equals_string(file.streams[1].codec.c_str(), "aac");
  fail_unless_equals_string(file.streams[1].tags["language"].c_str(), "deu");
  fail_unless(file.streams[0].rotation == 90 && !file.streams[1].rotation);
}
GST_END_TEST

GST_START_TEST(what_is_not_a_film_is_not_opened) {
  const ScratchFolder folder;
  const std::string path = folder.file("none.mp4");
  fail_unless(!libav::read_file(path, Heard::kFatal).log.empty());
  fail_unless(boxes::store_file(path, boxes::Bytes(1'000)));
  const libav::File file = libav::read_file(path, Heard::kFatal);
  fail_unless(!file.opened && !file.log.empty());
  fail_unless(!libav::decode_file(path, Heard::kFatal).log.empty());
}
GST_END_TEST

Suite* libav_reader_suite() {
  Suite* suite = suite_create("libav_reader");
  TCase* tcase = tcase_create("libav_reader");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, packets_are_those_of_ffprobe_and_pictures_those_of_ffmpeg, 0,
                      static_cast<int>(std::size(kMade)));
  tcase_add_test(tcase, damage_is_heard_of_as_by_ffmpeg);
  tcase_add_test(tcase, codecs_tags_and_rotation_are_named);
  tcase_add_test(tcase, what_is_not_a_film_is_not_opened);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(libav_reader)
