// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of whole recordings: what was appended is what another reader finds, laid out as promised.
#include "test_recording.h"

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "box_reader.h"
#include "file_bytes.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::TestRecording;
using mp4_test::video_config;
using Taken = mp4::Recording::Taken;

boxes::Movie finish_and_read(TestRecording& recording) {
  fail_unless(recording.finish(), "%s", recording.witness->heard().c_str());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
  return *recording.read();
}

// Video at 30 fps and AAC, interleaved as they would come from a camera.
void append_camera(TestRecording& recording, mp4::TrackIndex video, mp4::TrackIndex audio,
                   int64_t milliseconds) {
  Ticks next_audio = 0;
  for (Ticks time = 0; time < milliseconds * 90; time += 3'000) {
    recording.append(video, {time, time, 3'000}, time % 90'000 == 0,
                     500 + static_cast<std::size_t>(time / 3'000 % 40));
    for (; next_audio * 90'000 < time * 48'000; next_audio += 1'024)
      recording.append(audio, {next_audio, next_audio, 1'024}, true, 200);
  }
}

}  // namespace

GST_START_TEST(two_tracks_come_back_as_they_went_in) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  append_camera(recording, video, audio, 5'500);
  const auto movie = finish_and_read(recording);
  fail_unless_equals_int(movie.tracks.size(), 2);
  fail_unless_equals_string(movie.tracks[0].handler.c_str(), "vide");
  fail_unless_equals_string(movie.tracks[1].handler.c_str(), "soun");
  fail_unless(recording.witness->heard() == "opened, finished");
  fail_unless_equals_int(mp4_test::mapped_pieces(), 0);
  fail_unless(recording.is_freed());
  fail_unless_equals_int(mp4_test::live_payloads(), 0);
}
GST_END_TEST;

GST_START_TEST(the_file_is_ftyp_one_64_bit_mdat_and_moov) {
  TestRecording recording({.fragment_ns = 0});
  recording.append_many(recording.add_track(video_config()), 100, 3'000);
  const auto movie = finish_and_read(recording);
  fail_unless_equals_int(movie.top.size(), 3);
  fail_unless_equals_string(movie.top[0].type.c_str(), "ftyp");
  fail_unless_equals_uint64(movie.top[0].size, 32);
  fail_unless_equals_string(movie.top[1].type.c_str(), "mdat");
  fail_unless_equals_int(movie.top[1].header_size, 16);
  fail_unless_equals_string(movie.top[2].type.c_str(), "moov");
  fail_unless_equals_uint64(movie.uncovered_mdat_bytes, 8);
  fail_unless_equals_uint64(movie.tracks[0].samples[0].offset, 48);
  struct stat found {};
  fail_unless(stat(recording.path.c_str(), &found) == 0);
  fail_unless_equals_uint64(found.st_size, movie.top[2].offset + movie.top[2].size);
}
GST_END_TEST;

GST_START_TEST(the_eight_bytes_before_moov_hid_it) {
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 10, 3'000);
  const auto movie = finish_and_read(recording);
  const boxes::Bytes bytes = boxes::load_file(recording.path);
  const uint64_t moov = movie.top[2].offset;
  fail_unless_equals_uint64(boxes::get_number(bytes, moov - 8, 4), 8 + movie.top[2].size);
  fail_unless_equals_uint64(boxes::get_number(bytes, moov - 4, 4), 0x736b6970);  // skip
  fail_unless_equals_uint64(boxes::get_number(bytes, 40, 8), moov - 32);
}
GST_END_TEST;

GST_START_TEST(a_chunk_for_each_track_and_second) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  append_camera(recording, video, audio, 10'000);
  const auto movie = finish_and_read(recording);
  for (const boxes::Track& track : movie.tracks) {
    fail_unless(track.chunk_count >= 9 && track.chunk_count <= 11, "%u", track.chunk_count);
    for (std::size_t i = 1; i < track.samples.size(); ++i) {
      const auto& before = track.samples[i - 1];
      if (track.samples[i].chunk == before.chunk)
        fail_unless_equals_uint64(track.samples[i].offset, before.offset + before.size);
    }
  }
}
GST_END_TEST;

GST_START_TEST(a_chunk_ends_with_the_sample_that_makes_it_a_second) {
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 200, 3'000);
  const auto movie = finish_and_read(recording);
  for (const auto& sample : movie.tracks[0].samples)
    fail_unless_equals_int(sample.chunk, sample.dts / 93'000 + 1);
}
GST_END_TEST;

GST_START_TEST(a_fragment_is_closed_at_32_mib_and_at_30000_samples) {
  mp4::Recording::Settings settings;
  settings.fragment_ns = 3'600 * mp4::kNanosecondsPerSecond;
  TestRecording large(settings);
  const auto video = large.add_track(video_config());
  for (Ticks i = 0; i < 5; ++i)
    large.append(video, {i * 3'000, i * 3'000, 3'000}, true, std::size_t{17} << 20);
  const auto movie = finish_and_read(large);
  fail_unless_equals_int(movie.tracks[0].chunk_count, 3);
  fail_unless_equals_int(movie.tracks[0].samples[1].chunk, 1);
  fail_unless_equals_int(movie.tracks[0].samples[2].chunk, 2);

  TestRecording many(settings);
  const auto audio = many.add_track(audio_config());
  for (Ticks i = 0; i < 60'001; ++i)
    many.recording->append(audio, {{i, i, 1}, {.sync = true}, 0, mp4_test::make_payload({1})});
  fail_unless(many.finish());
  fail_unless_equals_int(many.read()->tracks[0].chunk_count, 3);
}
GST_END_TEST;

GST_START_TEST(a_single_sample_makes_a_good_file) {
  for (const auto& config : {video_config(), audio_config()}) {
    TestRecording recording;
    recording.append(recording.add_track(config), {1'000, 1'000, 0});
    const auto movie = finish_and_read(recording);
    fail_unless_equals_uint64(movie.tracks[0].mdhd_duration,
                              config.kind == mp4::TrackKind::kVideo ? 3'000 : 1'024);
  }
}
GST_END_TEST;

GST_START_TEST(tracks_without_samples_leave_nothing_in_the_file) {
  TestRecording recording;
  recording.add_track(audio_config());
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 40, 3'000);
  recording.add_track(audio_config());
  const auto movie = finish_and_read(recording);
  fail_unless_equals_int(movie.tracks.size(), 1);
  fail_unless_equals_int(movie.tracks[0].id, 1);
  fail_unless_equals_int(movie.next_track_id, 2);
}
GST_END_TEST;

GST_START_TEST(a_track_may_come_late) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  recording.append_many(video, 100, 3'000);
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 100; ++i)
    recording.append(audio, {160'000 + i * 1'024, 160'000 + i * 1'024, 1'024});
  recording.append_many(video, 20, 3'000);
  const auto movie = finish_and_read(recording);
  fail_unless_equals_int(movie.tracks.size(), 2);
  fail_unless_equals_int(movie.tracks[1].edits.size(), 2);
}
GST_END_TEST;

GST_START_TEST(samples_in_many_pieces_come_back_whole) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  Ticks time = 0;
  for (std::size_t pieces : {1, 2, 3, 500, 511, 512, 513, 1'024, 1'025, 5'000}) {
    const mp4_test::Bytes bytes = mp4_test::some_bytes(4'000, static_cast<uint32_t>(pieces));
    recording.append(track, {time, time, 3'000}, true,
                     mp4_test::make_payload_in_pieces(bytes, pieces), bytes);
    time += 3'000;
  }
  finish_and_read(recording);
  fail_unless_equals_int(mp4_test::mapped_pieces(), 0);
}
GST_END_TEST;

// 8.7.3.2: a sample_size of 0 says that a table of sizes follows. That samples are empty is all our
// reader may find to say.
GST_START_TEST(empty_samples_leave_the_tables_well_formed) {
  for (std::size_t size : {0u, 10u}) {
    TestRecording recording;
    const auto track = recording.add_track(video_config());
    for (Ticks i = 0; i < 9; ++i)
      recording.append(track, {i * 3'000, i * 3'000, 3'000}, true, i % 3 ? size : 0);
    fail_unless(recording.finish());
    const std::string differences = recording.differences();
    const char* only = size ? "stsz: 3 samples of no bytes" : "stsz: 9 samples of no bytes";
    fail_unless(differences.starts_with(only), "%s", differences.c_str());
    fail_unless(differences.find('\n') == differences.size() - 1, "%s", differences.c_str());
  }
}
GST_END_TEST;

GST_START_TEST(the_summary_says_what_was_recorded) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  fail_if(recording.recording->latest_end_ns().has_value());
  append_camera(recording, video, audio, 2'000);
  fail_unless_equals_int64(recording.recording->latest_end_ns().value(), 2'000'000'000);
  const auto movie = finish_and_read(recording);
  const auto summary = recording.witness->summary().value();
  fail_unless_equals_int64(summary.duration_ns, 2'000'000'000);
  fail_unless_equals_uint64(summary.bytes_synced, summary.bytes_written);
  fail_unless_equals_uint64(summary.queued_bytes, 0);
  fail_if(summary.limit_reached);
  fail_unless_equals_int(summary.tracks.size(), 2);
  for (std::size_t i = 0; i < 2; ++i) {
    uint64_t bytes = 0;
    for (const auto& sample : movie.tracks[i].samples) bytes += sample.size;
    fail_unless_equals_uint64(summary.tracks[i].bytes, bytes);
    fail_unless_equals_uint64(summary.tracks[i].samples, movie.tracks[i].samples.size());
    fail_unless_equals_uint64(summary.tracks[i].damaged, 0);
  }
}
GST_END_TEST;

GST_START_TEST(nothing_is_taken_after_the_end) {
  TestRecording recording;
  const auto track = recording.add_track(video_config());
  recording.append_many(track, 5, 3'000);
  fail_unless(recording.recording->end());
  fail_unless(recording.append(track, {90'000, 90'000, 0}) == Taken::kEnded);
  fail_unless(recording.finish());
  fail_unless(recording.append(track, {93'000, 93'000, 0}) == Taken::kEnded);
  fail_unless(recording.recording->end());
  fail_unless(recording.witness->heard() == "opened, finished");
  finish_and_read(recording);
}
GST_END_TEST;

static Suite* recording_suite() {
  Suite* suite = suite_create("recording");
  TCase* files = tcase_create("files");
  suite_add_tcase(suite, files);
  tcase_set_timeout(files, 60);
  tcase_add_test(files, two_tracks_come_back_as_they_went_in);
  tcase_add_test(files, the_file_is_ftyp_one_64_bit_mdat_and_moov);
  tcase_add_test(files, the_eight_bytes_before_moov_hid_it);
  tcase_add_test(files, a_chunk_for_each_track_and_second);
  tcase_add_test(files, a_chunk_ends_with_the_sample_that_makes_it_a_second);
  tcase_add_test(files, a_fragment_is_closed_at_32_mib_and_at_30000_samples);
  tcase_add_test(files, a_single_sample_makes_a_good_file);
  tcase_add_test(files, tracks_without_samples_leave_nothing_in_the_file);
  tcase_add_test(files, a_track_may_come_late);
  tcase_add_test(files, samples_in_many_pieces_come_back_whole);
  tcase_add_test(files, empty_samples_leave_the_tables_well_formed);
  tcase_add_test(files, the_summary_says_what_was_recorded);
  tcase_add_test(files, nothing_is_taken_after_the_end);
  return suite;
}

GST_CHECK_MAIN(recording)
