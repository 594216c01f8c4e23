// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of files around and beyond 4 GiB, recorded into holes: the samples are zeros that were
// never written.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "box_reader.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::TestRecording;
using mp4_test::video_config;

constexpr uint64_t k4GiB = uint64_t{1} << 32;

// Records samples of these sizes, a chunk each, and reads the file. Without fragments the chunks
// are one behind the other.
class LargeRecording : public TestRecording {
 public:
  LargeRecording() : TestRecording({.fragment_ns = 0}) {
    disk->leave_holes_above(1 << 20);
    recording->set_max_queue_bytes(uint64_t{64} << 30);
    track_ = add_track(video_config());
  }

  void add(uint64_t size) {
    recording->append(track_, {{time_, time_, 90'000},
                               {.sync = true},
                               0,
                               mp4_test::make_large_payload(static_cast<uint32_t>(size))});
    time_ += 90'000;
  }
  // Fills the file up to that offset.
  void fill(uint64_t offset) {
    for (uint64_t at = 48; at < offset;) {
      const uint64_t size =
          std::min<uint64_t>(offset - at, uint64_t{1} << 29);  // ffmpeg takes less than 1 GiB
      add(size);
      at += size;
    }
  }
  boxes::Movie finish_and_read() {
    fail_unless(finish());
    const auto movie = read();
    fail_unless(movie.has_value());
    for (const std::string& problem : movie->problems) fail("%s", problem.c_str());
    return *movie;
  }

 private:
  mp4::TrackIndex track_;
  Ticks time_ = 0;
};

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  fail_unless(pipe != nullptr);
  std::string text(1'000, '\0');
  text.resize(fread(text.data(), 1, text.size(), pipe));
  fail_unless_equals_int(pclose(pipe), 0);
  return text;
}

}  // namespace

GST_START_TEST(offsets_have_32_bits_as_long_as_the_last_chunk_begins_below_4_gib) {
  LargeRecording recording;
  recording.fill(k4GiB - 1);
  recording.add(uint64_t{64} << 20);
  const auto movie = recording.finish_and_read();
  const auto& track = movie.tracks[0];
  fail_unless_equals_uint64(track.samples.back().offset, k4GiB - 1);
  fail_unless(track.has_stco && !track.has_co64);
}
GST_END_TEST;

GST_START_TEST(offsets_have_64_bits_when_a_chunk_begins_at_4_gib) {
  LargeRecording recording;
  recording.fill(k4GiB);
  recording.add(uint64_t{64} << 20);
  const auto movie = recording.finish_and_read();
  const auto& track = movie.tracks[0];
  fail_unless_equals_uint64(track.samples.back().offset, k4GiB);
  fail_unless(track.has_co64 && !track.has_stco);
}
GST_END_TEST;

GST_START_TEST(only_the_tracks_that_need_it_have_64_bit_offsets) {
  LargeRecording recording;
  const auto audio = recording.add_track(audio_config());
  recording.append(audio, {0, 0, 1'024});
  recording.release_held();
  recording.fill(k4GiB + 10);
  recording.add(uint64_t{64} << 20);
  const auto movie = recording.finish_and_read();
  fail_unless(movie.tracks[0].has_co64);
  fail_unless(movie.tracks[1].has_stco);
}
GST_END_TEST;

GST_START_TEST(other_readers_open_a_file_beyond_4_gib) {
  LargeRecording recording;
  recording.fill(5 * (k4GiB / 4) + 12'345);
  recording.add(uint64_t{2} << 20);
  const auto movie = recording.finish_and_read();
  const auto& last = movie.tracks[0].samples.back();
  const std::string seconds = std::to_string(last.dts / 90'000);
  const std::string found = output_of(
      "ffprobe -v error -show_entries packet=pts,size,pos -of csv=p=0 "
      "-read_intervals " +
      seconds + "%+#1 " + recording.path);
  const std::string wanted = std::to_string(last.pts) + "," + std::to_string(last.size) + "," +
                             std::to_string(last.offset) + "\n";
  fail_unless_equals_string(found.c_str(), wanted.c_str());
}
GST_END_TEST;

GST_START_TEST(samples_of_almost_4_gib_are_described) {
  LargeRecording recording;
  recording.add(UINT32_MAX);
  recording.add(UINT32_MAX);
  recording.add(100);
  const auto movie = recording.finish_and_read();
  fail_unless_equals_uint64(movie.tracks[0].samples[1].size, UINT32_MAX);
  fail_unless_equals_uint64(movie.tracks[0].samples[2].offset, 48 + 2 * uint64_t{UINT32_MAX});
  fail_unless_equals_uint64(movie.uncovered_mdat_bytes, 8);
}
GST_END_TEST;

static Suite* large_files_suite() {
  Suite* suite = suite_create("large_files");
  TCase* holes = tcase_create("holes");
  suite_add_tcase(suite, holes);
  tcase_set_timeout(holes, 60);
  tcase_add_test(holes, offsets_have_32_bits_as_long_as_the_last_chunk_begins_below_4_gib);
  tcase_add_test(holes, offsets_have_64_bits_when_a_chunk_begins_at_4_gib);
  tcase_add_test(holes, only_the_tracks_that_need_it_have_64_bit_offsets);
  tcase_add_test(holes, other_readers_open_a_file_beyond_4_gib);
  tcase_add_test(holes, samples_of_almost_4_gib_are_described);
  return suite;
}

GST_CHECK_MAIN(large_files)
