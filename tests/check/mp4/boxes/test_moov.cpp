// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the movie box: headers, edits, the tables that are there only when needed, tags. Most
// read it back from recordings; what a recording cannot be made to say is written here directly.
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "mp4/boxes/moov.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using namespace mp4::literals;
using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::TestRecording;
using mp4_test::video_config;

constexpr uint64_t kIn2030 = 2'082'844'800 + uint64_t{1'893'456'000};
constexpr uint64_t kIn2050 = 2'082'844'800 + uint64_t{2'524'608'000};

boxes::Movie finish_and_read(TestRecording& recording) {
  fail_unless(recording.finish(), "%s", recording.witness->heard().c_str());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
  return *recording.read();
}

// A file of one sample with this moov.
boxes::Movie movie_with(const mp4::MoovInfo& info, const mp4::TrackConfig& config,
                        const mp4::TrackTags& tags = {}) {
  mp4::TrackTracker tracker(config.timescale, 1'000);
  tracker.append({0, 0, 1'000}, 4, {.sync = true});
  tracker.place_chunk(16 + 8);
  const std::vector<mp4::TrackConfig> descriptions{config};
  const mp4::MoovTrack track{descriptions, tags, tracker, 1, 0, tracker.mark()};
  const std::vector<uint8_t> moov = mp4::write_moov(info, std::span(&track, 1)).whole();
  fail_unless(moov.size() <= mp4::moov_size_bound(info, std::span(&track, 1)));
  boxes::Bytes file{0, 0, 0, 16, 'f', 't', 'y', 'p', 'i', 's', 'o', 'm', 0, 0,
                    2, 0, 0, 0,  0,   12,  'm', 'd', 'a', 't', 1,   2,   3, 4};
  for (uint8_t byte : moov) file.push_back(byte);
  const mp4_test::TemporaryFolder folder;
  fail_unless(boxes::store_file(folder.path("moov.mp4"), file));
  const auto movie = boxes::read_movie(folder.path("moov.mp4"));
  fail_unless(movie.has_value());
  for (const std::string& problem : movie->problems) fail("%s", problem.c_str());
  return *movie;
}

boxes::Movie movie_of_duration(Ticks end) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  for (Ticks i = 0; i < 4; ++i) {
    const Ticks time = end / 4 * i;
    recording.append(video, {time, time, end - time});
  }
  fail_unless(recording.finish());
  return *recording.read();
}

// A movie whose video is presented turned.
std::array<int32_t, 9> matrix_of(const mp4::Orientation& orientation) {
  mp4::TrackTags tags;
  tags.orientation = orientation;
  return movie_with({}, video_config(), tags).tracks[0].matrix;
}

std::pair<int32_t, int32_t> shown_at(const std::array<int32_t, 9>& m, int32_t x, int32_t y) {
  const auto one = [](int64_t value) { return static_cast<int32_t>(value >> 16); };
  return {one(int64_t{m[0]} * x + int64_t{m[3]} * y + m[6]),
          one(int64_t{m[1]} * x + int64_t{m[4]} * y + m[7])};
}

void expect_corners(const mp4::Orientation& orientation, std::pair<int32_t, int32_t> top_left,
                    std::pair<int32_t, int32_t> top_right) {
  const auto matrix = matrix_of(orientation);
  fail_unless(shown_at(matrix, 0, 0) == top_left);
  fail_unless(shown_at(matrix, 320, 0) == top_right);
}

uint64_t stsz_size(const boxes::Movie& movie) {
  const boxes::Box* stsz = boxes::box_at(movie, "moov/trak[0]/mdia/minf/stbl/stsz");
  return stsz ? stsz->size : 0;
}

}  // namespace

GST_START_TEST(the_creation_time_is_written_as_it_is) {
  for (uint64_t time : {uint64_t{0}, kIn2030, kIn2050}) {
    const auto movie = movie_with({time, {}}, video_config());
    fail_unless_equals_uint64(movie.creation_time, time);
    fail_unless_equals_uint64(movie.tracks[0].creation_time, time);
    const int version = time > UINT32_MAX ? 1 : 0;
    fail_unless_equals_int(movie.mvhd_version, version);
    fail_unless_equals_int(movie.tracks[0].tkhd_version, version);
    fail_unless_equals_int(movie.tracks[0].mdhd_version, version);
    fail_unless_equals_int(movie.tracks[0].elst_version, 0);
  }
}
GST_END_TEST;

GST_START_TEST(a_recording_says_when_it_was_made) {
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 3, 3'000);
  const auto movie = finish_and_read(recording);
  const int64_t age = g_get_real_time() / G_USEC_PER_SEC + 2'082'844'800 -
                      static_cast<int64_t>(movie.creation_time);
  fail_unless(age >= 0 && age < 60);
}
GST_END_TEST;

GST_START_TEST(durations_that_need_64_bits_get_them) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 5; ++i) {
    const Ticks hours = i * 5;
    recording.append(video, {hours * 3'600 * 90'000, hours * 3'600 * 90'000, 3'000});
    recording.append(audio, {hours * 3'600 * 48'000, hours * 3'600 * 48'000, 1'024});
  }
  const auto movie = finish_and_read(recording);
  fail_unless_equals_int(movie.mvhd_version, 1);
  fail_unless_equals_uint64(movie.duration, uint64_t{20} * 3'600 * 90'000 + 3'000);
  for (const boxes::Track& track : movie.tracks) {
    fail_unless_equals_int(track.tkhd_version, 1);
    fail_unless_equals_int(track.elst_version, 1);
  }
  fail_unless_equals_int(movie.tracks[0].mdhd_version, 1);
  fail_unless_equals_int(movie.tracks[1].mdhd_version, 0);  // 3.5e9 ticks of 48 kHz
}
GST_END_TEST;

GST_START_TEST(versions_change_where_32_bits_end) {
  for (Ticks end : {(Ticks{1} << 32) - 2, Ticks{1} << 32}) {
    const auto movie = movie_of_duration(end);
    for (const std::string& problem : movie.problems) fail("%s", problem.c_str());
    fail_unless_equals_uint64(movie.duration, static_cast<uint64_t>(end));
    for (int version : {movie.mvhd_version, movie.tracks[0].tkhd_version,
                        movie.tracks[0].mdhd_version, movie.tracks[0].elst_version})
      fail_unless_equals_int(version, end > UINT32_MAX);
  }
}
GST_END_TEST;

// 8.2.2.3, 8.3.2.3, 8.4.2.3: all ones say that the duration is not known.
GST_START_TEST(a_duration_of_all_ones_is_not_said_in_32_bits) {
  const auto movie = movie_of_duration(UINT32_MAX);
  fail_unless_equals_int(movie.mvhd_version, 1);
  fail_unless_equals_int(movie.tracks[0].tkhd_version, 1);
  fail_unless_equals_int(movie.tracks[0].mdhd_version, 1);
}
GST_END_TEST;

GST_START_TEST(a_track_that_starts_later_waits_in_an_empty_edit) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  for (Ticks i = 0; i < 60; ++i) {
    recording.append(audio, {-24'000 + i * 1'024, -24'000 + i * 1'024, 1'024});
    recording.append(video, {9'000 + i * 3'000, 9'000 + i * 3'000, 3'000});
  }
  const auto movie = finish_and_read(recording);
  const auto& edits = movie.tracks[0].edits;
  fail_unless_equals_int(edits.size(), 2);
  fail_unless_equals_int64(edits[0].media_time, -1);
  fail_unless_equals_uint64(edits[0].segment_duration, 45'000 + 9'000);
  fail_unless_equals_int64(edits[1].media_time, 0);
  fail_unless_equals_uint64(edits[1].segment_duration, 180'000);
  fail_unless_equals_int(movie.tracks[1].edits.size(), 1);
}
GST_END_TEST;

GST_START_TEST(reordered_pictures_get_offsets_and_start_at_their_edit) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  constexpr Ticks kOrder[] = {0, 3, 1, 2};  // I P B B
  for (Ticks i = 0; i < 120; ++i) {
    const Ticks pts = (i / 4 * 4 + kOrder[i % 4] + 2) * 3'000;
    recording.append(video, {i * 3'000, pts, 3'000}, i % 60 == 0);
  }
  const auto movie = finish_and_read(recording);
  const auto& track = movie.tracks[0];
  fail_unless(track.has_ctts);
  fail_unless_equals_int(track.ctts_version, 0);
  fail_unless_equals_int(track.edits.size(), 1);
  fail_unless_equals_int64(track.edits[0].media_time, 6'000);
  fail_unless_equals_int64(boxes::presentation_ns(movie, track, track.samples[0]), 0);
  fail_unless_equals_uint64(track.tkhd_duration, 120 * 3'000);
}
GST_END_TEST;

GST_START_TEST(there_is_no_ctts_without_reordering) {
  TestRecording recording;
  recording.append_many(recording.add_track(video_config()), 40, 3'000, 20);
  const auto movie = finish_and_read(recording);
  fail_if(movie.tracks[0].has_ctts);
  fail_unless(movie.tracks[0].has_stss);
}
GST_END_TEST;

GST_START_TEST(there_is_no_stss_when_all_are_sync) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  recording.append_many(video, 40, 3'000);
  recording.append_many(audio, 40, 1'024);
  for (const auto& track : finish_and_read(recording).tracks) fail_if(track.has_stss);
}
GST_END_TEST;

GST_START_TEST(constant_sizes_are_said_once) {
  TestRecording constant, various;
  const auto track = constant.add_track(audio_config());
  for (Ticks i = 0; i < 500; ++i) constant.append(track, {i * 1'024, i * 1'024, 1'024}, true, 33);
  various.append_many(various.add_track(audio_config()), 500, 1'024);
  const auto small = finish_and_read(constant);
  const auto large = finish_and_read(various);
  fail_unless_equals_int(stsz_size(small), 20);
  fail_unless_equals_int(stsz_size(large), 2'020);
}
GST_END_TEST;

GST_START_TEST(sound_is_grouped_by_its_roll_distance) {
  TestRecording recording;
  recording.append_many(recording.add_track(audio_config()), 100, 1'024);
  recording.append_many(recording.add_track(video_config()), 100, 3'000);
  const auto movie = finish_and_read(recording);
  const auto& groups = movie.tracks[0].groups;
  fail_unless_equals_int(groups.size(), 1);
  fail_unless_equals_string(groups[0].grouping_type.c_str(), "roll");
  fail_unless_equals_int(groups[0].version, 1);
  fail_unless(groups[0].entries.at(0) == std::vector<uint8_t>({0xff, 0xff}));
  fail_unless(groups[0].runs.size() == 1 && groups[0].runs[0] == std::pair(100u, 1u));
  fail_unless(movie.tracks[1].groups.empty());
}
GST_END_TEST;

// Encapsulation of Opus in ISO Base Media File Format, 4.3.6.2: 80 ms, whatever packets are before.
GST_START_TEST(opus_rolls_over_as_many_of_its_shortest_packets) {
  mp4::TrackConfig config = audio_config();
  config.format = "Opus"_4cc;
  config.object_type = 0;
  config.codec_config = {0, 2, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0};
  TestRecording recording;
  const auto track = recording.add_track(config);
  Ticks time = 0;
  for (const Ticks packet : {2'880, 2'880, 480, 480, 960, 10}) {  // the last is clipped
    recording.append(track, {time, time, packet});
    time += packet;
  }
  const auto movie = finish_and_read(recording);
  const auto& groups = movie.tracks[0].groups;
  fail_unless_equals_int(groups.size(), 1);
  fail_unless(groups[0].entries.at(0) == std::vector<uint8_t>({0xff, 0xf8}));  // -8
}
GST_END_TEST;

// AV1 Codec ISO Media File Format Binding, 2.1: such a file names the brand, and no other does.
GST_START_TEST(the_brand_of_av1_is_that_of_files_that_begin_with_it) {
  TestRecording recording;
  mp4::TrackConfig config = video_config();
  recording.append_many(recording.add_track(config), 10, 3'000);
  config.format = "av01"_4cc;
  config.codec_config = {0x81, 0, 0x0c, 0, 0x0a, 1, 0};
  recording.append_many(recording.add_track(config), 10, 3'000);
  using Brands = std::vector<std::string>;
  fail_unless(finish_and_read(recording).brands == Brands({"isom", "iso6", "av01", "mp42"}));
  TestRecording other;
  other.append_many(other.add_track(video_config()), 10, 3'000);
  fail_unless(finish_and_read(other).brands == Brands({"isom", "iso6", "mp41", "mp42"}));
}
GST_END_TEST;

GST_START_TEST(a_picture_is_as_wide_as_it_is_presented) {
  mp4::TrackConfig config = video_config();
  config.video.width = 720, config.video.height = 576;
  config.video.aspect = {16, 11};
  const auto movie = movie_with({}, config);
  fail_unless_equals_int(static_cast<int>(movie.tracks[0].width), 1'047);
  fail_unless_equals_int(static_cast<int>(movie.tracks[0].height), 576);
  config.video.width = 65'535;
  config.video.aspect = {65'535, 1};
  fail_unless(movie_with({}, config).tracks[0].width <= 65'535);
}
GST_END_TEST;

GST_START_TEST(a_turned_picture_keeps_its_upper_left_corner_at_zero) {  // 320x240
  expect_corners({0, false}, {0, 0}, {320, 0});
  expect_corners({90, false}, {240, 0}, {240, 320});
  expect_corners({180, false}, {320, 240}, {0, 240});
  expect_corners({270, false}, {0, 320}, {0, 0});
  expect_corners({0, true}, {320, 0}, {0, 0});
  expect_corners({90, true}, {240, 320}, {240, 0});
  expect_corners({180, true}, {0, 240}, {320, 240});
  expect_corners({270, true}, {0, 0}, {0, 320});
}
GST_END_TEST;

GST_START_TEST(a_very_wide_picture_can_be_turned) {
  mp4::TrackConfig config = video_config();
  config.video.width = 40'000;
  mp4::TrackTags tags;
  tags.orientation = {180, false};
  movie_with({}, config, tags);
}
GST_END_TEST;

GST_START_TEST(languages_and_tags_are_written) {
  TestRecording recording;
  const auto video = recording.add_track(video_config());
  const auto audio = recording.add_track(audio_config());
  recording.append_many(video, 10, 3'000);
  recording.append_many(audio, 10, 1'024);
  mp4::TrackTags tags;
  tags.language = {'d', 'e', 'u'};
  recording.recording->set_track_tags(audio, tags);
  recording.recording->set_movie_tags({{"\xa9nam"_4cc, "Hof \xc3\xb6stlich"}, {"desc"_4cc, ""}});
  const auto movie = finish_and_read(recording);
  fail_unless_equals_string(movie.tracks[0].language.c_str(), "und");
  fail_unless_equals_string(movie.tracks[1].language.c_str(), "deu");
  fail_unless_equals_string(movie.tags.at("\xc2\xa9nam").c_str(), "Hof \xc3\xb6stlich");
  fail_unless_equals_string(movie.tags.at("desc").c_str(), "");
}
GST_END_TEST;

GST_START_TEST(the_bound_of_the_size_is_never_below_it) {
  std::vector<mp4::TrackTracker> trackers;
  const std::vector<mp4::TrackConfig> configs[] = {{video_config(), video_config()},
                                                   {audio_config()}};
  const mp4::TrackTags tags;
  mp4::MoovInfo info{kIn2050, {{"\xa9nam"_4cc, std::string(5'000, 'x')}, {"desc"_4cc, ""}}};
  for (const auto& config : configs) trackers.emplace_back(config[0].timescale, 1'000);
  for (Ticks i = 0; i < 3'000; ++i) {
    for (auto& tracker : trackers) {
      tracker.append({i * 1'000 + i % 2, i * 1'000 + i % 2 + i % 3, 0}, static_cast<uint32_t>(i),
                     {i % 2 == 0, i % 5 == 0, static_cast<int16_t>(i % 7)});
      tracker.place_chunk(static_cast<uint64_t>(i) << 22);
    }
    if (i % 100 && i > 5) continue;
    std::vector<mp4::MoovTrack> tracks;
    for (std::size_t t = 0; t < 2; ++t)
      tracks.push_back(
          {configs[t], tags, trackers[t], static_cast<uint32_t>(t + 1), 0, trackers[t].mark()});
    const uint64_t bound = mp4::moov_size_bound(info, tracks);
    const mp4::Boxes moov = mp4::write_moov(info, tracks);
    const uint64_t size = moov.size();
    fail_unless_equals_uint64(moov.whole().size(), size);
    fail_unless(size <= bound && bound < size + 10'000 + 34 * static_cast<uint64_t>(i));
  }
}
GST_END_TEST;

static Suite* moov_suite() {
  Suite* suite = suite_create("moov");
  TCase* headers = tcase_create("headers");
  suite_add_tcase(suite, headers);
  tcase_add_test(headers, the_creation_time_is_written_as_it_is);
  tcase_add_test(headers, a_recording_says_when_it_was_made);
  tcase_add_test(headers, durations_that_need_64_bits_get_them);
  tcase_add_test(headers, versions_change_where_32_bits_end);
  tcase_add_test(headers, a_duration_of_all_ones_is_not_said_in_32_bits);
  tcase_add_test(headers, a_picture_is_as_wide_as_it_is_presented);
  tcase_add_test(headers, a_turned_picture_keeps_its_upper_left_corner_at_zero);
  tcase_add_test(headers, a_very_wide_picture_can_be_turned);
  tcase_add_test(headers, languages_and_tags_are_written);
  TCase* tables = tcase_create("tables");
  suite_add_tcase(suite, tables);
  tcase_add_test(tables, a_track_that_starts_later_waits_in_an_empty_edit);
  tcase_add_test(tables, reordered_pictures_get_offsets_and_start_at_their_edit);
  tcase_add_test(tables, there_is_no_ctts_without_reordering);
  tcase_add_test(tables, there_is_no_stss_when_all_are_sync);
  tcase_add_test(tables, constant_sizes_are_said_once);
  tcase_add_test(tables, the_brand_of_av1_is_that_of_files_that_begin_with_it);
  tcase_add_test(tables, opus_rolls_over_as_many_of_its_shortest_packets);
  tcase_add_test(tables, sound_is_grouped_by_its_roll_distance);
  tcase_add_test(tables, the_bound_of_the_size_is_never_below_it);
  return suite;
}

GST_CHECK_MAIN(moov)
