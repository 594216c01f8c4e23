// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the tests' own MP4 reader with damaged and hostile files: every damage is found out by
// name, nothing crashes, and memory is never taken on the file's word.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using boxes::Bytes;

std::string folder;
std::string damaged_path;

struct Original {
  Bytes bytes;
  boxes::Movie movie;
};

Original original(const char* name) {
  const std::string path = folder + "/" + name;
  auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  return {boxes::load_file(path), std::move(*movie)};
}

std::optional<boxes::Movie> read(const Bytes& bytes) {
  fail_unless(boxes::store_file(damaged_path, bytes));
  return boxes::read_movie(damaged_path);
}

bool has_problem(const boxes::Movie& movie, const std::string& start) {
  for (const std::string& line : movie.problems) {
    if (line.rfind(start, 0) == 0) return true;
  }
  return false;
}

#define VIDEO "moov/trak[0]/"
#define SOUND "moov/trak[1]/"
#define VIDEO_TABLE VIDEO "mdia/minf/stbl/"
#define SOUND_TABLE SOUND "mdia/minf/stbl/"

// `value` of `width` bytes at `at` from the start of the box, or before its end when negative.
struct Damage {
  const char* path;
  int at;
  uint32_t value;
  size_t width;
  const char* problem;
};

const Damage kDamages[] = {
    {"ftyp", 4, 0x66726565, 4, "ftyp: the file has none"},
    {"moov/mvhd", 8, 9, 1, "mvhd: unknown version 9"},
    {"moov/mvhd", 20, 0, 4, "mvhd: timescale is 0"},
    {"moov/mvhd", 24, 7, 4, "mvhd: duration 7, the longest track is"},
    {"moov/mvhd", 104, 2, 4, "mvhd: next_track_ID 2, the largest is 2"},
    {VIDEO "tkhd", 20, 2, 4, "tkhd: track_ID is used twice"},
    {VIDEO "tkhd", 28, 7, 4, "tkhd: duration 7 is not the sum of its edits"},
    {VIDEO "edts/elst", 16, 9000, 4, "elst: entry 1 lasts 9000, the media from there"},
    {VIDEO "edts/elst", 20, 0x00ffffff, 4, "elst: entry 1 begins at 16777215, beyond"},
    {VIDEO "edts/elst", 24, 0x00020000, 4, "elst: entry 1 has rate 2, not 1"},
    {VIDEO "edts/elst", 12, 0xffffffff, 4, "elst: 4294967295 entries of 12 bytes"},
    {VIDEO "edts", 4, 0x78787878, 4, "xxxx: unknown in trak"},
    {VIDEO "mdia/mdhd", 24, 7, 4, "mdhd: duration 7 is not the sum of stts"},
    {VIDEO "mdia/mdhd", 28, 0x0400, 2, "mdhd: language 0x0400 is not three packed letters"},
    {VIDEO "mdia/hdlr", -1, 'x', 1, "hdlr: name does not end with a zero byte"},
    {VIDEO "mdia/minf/vmhd", 8, 0, 4, "vmhd: flags is 0x0, not 0x1"},
    {VIDEO "mdia/minf/vmhd", 4, 0x66726565, 4, "minf: video without vmhd"},
    {SOUND "mdia/minf/smhd", 4, 0x66726565, 4, "minf: sound without smhd"},
    {VIDEO "mdia/minf/dinf/dref/url ", 8, 0, 4, "url : is not self-contained"},
    {VIDEO_TABLE "stsd", 12, 2, 4, "stsd: entry_count 2, but 1 entries"},
    {VIDEO_TABLE "stsd/avc1", 14, 3, 2, "avc1: data_reference_index 3 of 1"},
    {VIDEO_TABLE "stsd/avc1/avcC", 13, 0xe2, 1, "avcC: "},
    {VIDEO_TABLE "stsd/avc1/avcC", 14, 0xffff, 2, "avcC: parameter set of 65535 bytes"},
    {SOUND_TABLE "stsd/mp4a/esds", 16, 0x7f, 1, "esds: descriptor 3 of 127 bytes"},
    {SOUND_TABLE "stsd/mp4a/esds", 16, 0x20, 1, "esds: 1 bytes are missing at its end"},
    {SOUND_TABLE "stsd/mp4a/esds", 24, 0x13, 1, "esds: descriptor 5 of 5 bytes, 1 are left"},
    {VIDEO_TABLE "stts", 4, 0x78787878, 4, "stbl: has no stts"},
    {VIDEO_TABLE "stts", 16, 49, 4, "stts: is of 49 samples, stsz of 50"},
    {VIDEO_TABLE "stts", 20, 0, 4, "stts: the last sample lasts 0"},
    {VIDEO_TABLE "ctts", 16, 0xffffffff, 4, "ctts: is of "},
    {VIDEO_TABLE "ctts", 20, 0xffffff00, 4, "ctts: 1 negative offsets in version 0"},
    {VIDEO_TABLE "stss", 20, 1, 4, "stss: 1 sample numbers do not rise"},
    {VIDEO_TABLE "stss", 20, 51, 4, "stss: 1 sample numbers are out of range"},
    {VIDEO_TABLE "stss", 4, 0x73747473, 4, "stts: there is more than one"},
    {VIDEO_TABLE "stsc", 16, 2, 4, "stsc: entry 1: first_chunk is not 1"},
    {VIDEO_TABLE "stsc", 20, 9, 4, "stsc: chunks hold "},
    {VIDEO_TABLE "stsc", 24, 7, 4, "stsc: entry 1: description index out of range (7)"},
    {VIDEO_TABLE "stsc", 28, 1, 4, "stsc: entry 2: first_chunk does not rise"},
    {VIDEO_TABLE "stsc", -12, 5000, 4, "stsc: entry "},
    {VIDEO_TABLE "stsc", -8, 0xffffffff, 4, "stsc: chunks hold "},
    {VIDEO_TABLE "stsz", 12, 0x7fffffff, 4, "stsz: 50 samples are more than the file can hold"},
    {VIDEO_TABLE "stsz", 16, 0xffffffff, 4, "stsz: 4294967295 entries of 4 bytes"},
    {VIDEO_TABLE "stsz", -4, 0x00ffffff, 4, "mdat: 1 samples are not inside an mdat"},
    {VIDEO_TABLE "stsz", -4, 0, 4, "stsz: 1 samples of no bytes"},
    {VIDEO_TABLE "stco", 12, 0xffffffff, 4, "stco: 4294967295 entries of 4 bytes"},
    {VIDEO_TABLE "stco", 16, 4, 4, "mdat: "},
    {VIDEO_TABLE "stco", -4, 0xfffffff0, 4, "mdat: "},
    {SOUND_TABLE "sgpd", 8, 0, 1, "sgpd: version 0 is deprecated"},
    {SOUND_TABLE "sbgp", 20, 5000, 4, "sbgp: is of 5000 samples"},
    {SOUND_TABLE "sbgp", 24, 2, 4, "sbgp: entry 1: description index 2 out of range"},
    {"mdat", 0, 0, 4, "mdat: size 0"},
    {"mdat", 0, 0x7fffffff, 4, "mdat: size 2147483647 reaches"},
    {"mdat", 0, 4, 4, "mdat: size 4 is less than its header"},
};

void make_files() {
  char name[] = "/tmp/box-reader-damage-XXXXXX";
  fail_unless(mkdtemp(name) != nullptr);
  folder = name;
  damaged_path = folder + "/damaged.mp4";
  const std::string make = "cd " + folder +
                           " && ffmpeg -v error -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi "
                           "-i sine=sample_rate=48000 -t 2 -c:v libx264 -preset ultrafast -bf 2 "
                           "-g 25 -c:a aac -movflags +faststart fast.mp4"
                           " && ffmpeg -v error -i fast.mp4 -c copy last.mp4"
                           " && ffmpeg -v error -i fast.mp4 -c copy -movflags "
                           "+frag_keyframe+empty_moov+default_base_moof fragmented.mp4";
  fail_unless_equals_int(system(make.c_str()), 0);
}

void remove_files() { fail_unless_equals_int(system(("rm -rf " + folder).c_str()), 0); }

// In the child that runs one test: what hostile counts ask for does not fit into this.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit{rlim_t{1} << 30, rlim_t{1} << 30};
  fail_unless_equals_int(setrlimit(RLIMIT_AS, &limit), 0);
#endif
}

bool is_leaf(const boxes::Box& box) {
  return box.children.empty() && box.type != "mdat" && box.type != "free";
}

}  // namespace

GST_START_TEST(finds_each_damage_by_name) {
  const Damage& damage = kDamages[__i__];
  Original file = original("fast.mp4");
  const boxes::Box* box = boxes::box_at(file.movie, damage.path);
  fail_unless(box != nullptr, "no box %s", damage.path);
  fail_unless(!has_problem(file.movie, damage.problem), "before: %s", damage.problem);
  const uint64_t base = damage.at < 0 ? box->offset + box->size : box->offset;
  boxes::put_number(file.bytes, base + static_cast<uint64_t>(int64_t{damage.at}), damage.value,
                    damage.width);
  const auto movie = read(file.bytes);
  fail_unless(movie.has_value());
  fail_unless(has_problem(*movie, damage.problem), "%s@%d: not found: %s", damage.path, damage.at,
              damage.problem);
}
GST_END_TEST;

GST_START_TEST(finds_every_leaf_whose_size_is_off_by_one) {
  const Original file = original("fast.mp4");
  for (const boxes::Box* box : boxes::all_boxes(file.movie)) {
    if (!is_leaf(*box)) continue;
    for (const uint64_t size : {box->size - 1, box->size + 1}) {
      Bytes bytes = file.bytes;
      boxes::put_number(bytes, box->offset, size, 4);
      const auto movie = read(bytes);
      const bool found = !movie || movie->problems.size() > file.movie.problems.size();
      fail_unless(found, "%s of %d bytes", box->path.c_str(), static_cast<int>(size));
    }
  }
}
GST_END_TEST;

GST_START_TEST(finds_bytes_after_the_last_box) {
  Original file = original("fast.mp4");
  file.bytes.insert(file.bytes.end(), {0, 0, 0});
  const auto movie = read(file.bytes);
  fail_unless(movie.has_value());
  fail_unless(has_problem(*movie, "file: the 3 bytes at offset"));
}
GST_END_TEST;

GST_START_TEST(counts_the_bytes_of_no_sample) {
  Original file = original("fast.mp4");
  const boxes::Box* mdat = boxes::box_at(file.movie, "mdat");
  boxes::put_number(file.bytes, mdat->offset, mdat->size + 100, 4);
  file.bytes.resize(file.bytes.size() + 100);
  const auto movie = read(file.bytes);
  fail_unless_equals_uint64(movie->uncovered_mdat_bytes, 100);
  fail_unless_equals_uint64(movie->problems.size(), file.movie.problems.size());
}
GST_END_TEST;

GST_START_TEST(finds_a_truncated_moov) {
  const Original file = original("last.mp4");
  const boxes::Box* moov = boxes::box_at(file.movie, "moov");
  fail_unless_equals_uint64(moov->offset + moov->size, file.bytes.size());
  for (uint64_t length = moov->offset; length < file.bytes.size(); length += 7) {
    const auto movie =
        read(Bytes(file.bytes.begin(), file.bytes.begin() + static_cast<long>(length)));
    fail_unless(!movie || has_problem(*movie, "moov: size "));
  }
}
GST_END_TEST;

// Every number of the tables at its largest, one after the other.
GST_START_TEST(survives_hostile_numbers) {
  limit_memory();
  for (const char* name : {"fast.mp4", "fragmented.mp4"}) {
    const Original file = original(name);
    for (const boxes::Box* box : boxes::all_boxes(file.movie)) {
      if (!is_leaf(*box)) continue;
      const uint64_t end = box->offset + std::min<uint64_t>(box->size, 64);
      for (uint64_t at = box->offset; at + 4 <= end; at += 4) {
        Bytes bytes = file.bytes;
        boxes::put_number(bytes, at, 0xffffffff, 4);
        read(bytes);
      }
    }
  }
}
GST_END_TEST;

GST_START_TEST(survives_random_bytes) {
  limit_memory();
  std::mt19937 random(1);
  for (const char* name : {"fast.mp4", "fragmented.mp4"}) {
    const Original file = original(name);
    const boxes::Box* mdat = boxes::box_at(file.movie, "mdat");
    for (int round = 0; round < 300; round++) {
      Bytes bytes = file.bytes;
      for (int i = 0; i < 3; i++) {
        bytes[random() % mdat->offset] = static_cast<uint8_t>(random());
      }
      const auto movie = read(bytes);
      if (!movie) continue;
      for (const boxes::Track& track : movie->tracks) {
        for (const boxes::Sample& sample : track.samples) {
          boxes::presentation_ns(*movie, track, sample);
        }
      }
      boxes::avc_sample_problems(damaged_path, *movie);
    }
  }
}
GST_END_TEST;

GST_START_TEST(reads_nothing_without_moov) {
  fail_unless(!boxes::read_movie(folder + "/absent.mp4"));
  fail_unless(!read({}));
  fail_unless(!read({0, 0, 0, 16, 'f', 't', 'y', 'p', 'i', 's', 'o', 'm', 0, 0, 2, 0}));
}
GST_END_TEST;

static Suite* box_reader_damage_suite() {
  Suite* suite = suite_create("box_reader_damage");
  TCase* damages = tcase_create("damages");
  suite_add_tcase(suite, damages);
  tcase_set_timeout(damages, 60);
  tcase_add_unchecked_fixture(damages, make_files, remove_files);
  tcase_add_loop_test(damages, finds_each_damage_by_name, 0, static_cast<int>(std::size(kDamages)));
  tcase_add_test(damages, finds_every_leaf_whose_size_is_off_by_one);
  tcase_add_test(damages, finds_bytes_after_the_last_box);
  tcase_add_test(damages, counts_the_bytes_of_no_sample);
  tcase_add_test(damages, finds_a_truncated_moov);
  tcase_add_test(damages, survives_hostile_numbers);
  tcase_add_test(damages, survives_random_bytes);
  tcase_add_test(damages, reads_nothing_without_moov);
  return suite;
}

GST_CHECK_MAIN(box_reader_damage)
