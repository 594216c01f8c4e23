// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what a track may change while it is recorded: sample descriptions, decode times that are
// found out late, where decoding can start. Read back by the tests' own reader.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::RandomAccess;
using mp4::Ticks;
using mp4_test::Bytes;
using mp4_test::TestRecording;
using mp4_test::video_config;

constexpr Ticks kPicture = 3'600;

mp4::TrackConfig described(uint8_t level, uint16_t width) {
  mp4::TrackConfig config = video_config();
  config.codec_config[3] = config.codec_config[11] = level;
  config.video.width = width;
  return config;
}

// A recording of one video track, whose samples are said one by one.
class Video {
 public:
  explicit Video(const mp4::TrackConfig& config = video_config())
      : track(recording.add_track(config)) {}

  void append(const mp4::SampleTimes& times, const RandomAccess& access, uint32_t description = 0) {
    expected_.push_back(mp4_test::some_bytes(40 + expected_.size() % 5, ++seed_));
    const auto taken = recording.recording->append(
        track, {times, access, description, mp4_test::make_payload(expected_.back())});
    fail_unless(taken == mp4::Recording::Taken::kYes);
  }
  void append_pictures(int count, uint32_t description = 0) {
    for (; count > 0; --count) {
      const Ticks time = kPicture * static_cast<Ticks>(expected_.size());
      append({time, time, kPicture}, {.sync = true}, description);
    }
  }
  // Without a fault of form, and every sample's bytes.
  boxes::Movie finish() {
    fail_unless(recording.finish());
    const auto movie = recording.read();
    fail_unless(movie.has_value());
    for (const std::string& problem : movie->problems) fail("%s", problem.c_str());
    const auto& samples = movie->tracks[0].samples;
    fail_unless_equals_uint64(samples.size(), expected_.size());
    for (size_t i = 0; i < samples.size(); ++i)
      fail_unless(boxes::read_sample(recording.path, samples[i]) == expected_[i], "sample %zu", i);
    return *movie;
  }

  TestRecording recording;
  mp4::TrackIndex track;

 private:
  std::vector<Bytes> expected_;
  uint32_t seed_ = 0;
};

const boxes::SampleGroup* group_of(const boxes::Track& track, const char* type) {
  const auto found = std::find_if(track.groups.begin(), track.groups.end(),
                                  [&](const auto& group) { return group.grouping_type == type; });
  return found == track.groups.end() ? nullptr : &*found;
}

}  // namespace

GST_START_TEST(each_sample_has_the_description_it_came_with) {
  Video video;
  const auto wide = video.recording.recording->add_description(video.track, described(40, 640));
  const auto high = video.recording.recording->add_description(video.track, described(50, 320));
  fail_unless(wide == 1 && high == 2);
  // Changes inside chunks, at their ends, and with nothing between.
  std::vector<uint32_t> wanted;
  for (const auto& [count, description] : std::vector<std::pair<int, uint32_t>>{
           {10, 0}, {5, 1}, {1, 2}, {40, 1}, {26, 0}, {26, 2}, {1, 0}, {1, 1}, {1, 0}}) {
    video.append_pictures(count, description);
    wanted.insert(wanted.end(), static_cast<size_t>(count), description + 1);
  }
  const boxes::Movie movie = video.finish();
  const boxes::Track& track = movie.tracks[0];
  fail_unless_equals_uint64(track.entries.size(), 3);
  fail_unless(track.entries[1].config == described(40, 640).codec_config);
  fail_unless_equals_int(track.entries[1].width, 640);
  for (size_t i = 0; i < wanted.size(); ++i)
    fail_unless_equals_int(track.samples[i].description_index, wanted[i]);
  fail_unless(track.width == 640.0);
}
GST_END_TEST;

// To ffmpeg the last one says how high the first picture is, and that half as much is a field.
GST_START_TEST(the_first_description_of_jpeg_is_the_last_as_well) {
  using namespace mp4::literals;
  mp4::TrackConfig low = video_config();
  low.format = "mp4v"_4cc;
  low.object_type = mp4::kObjectTypeJpeg;
  low.codec_config.clear();
  mp4::TrackConfig high = low;
  high.video.height = 480;
  Video video(low);
  video.append_pictures(3);
  const auto other = video.recording.recording->add_description(video.track, high);
  fail_unless(other == 1);
  video.append_pictures(3, *other);
  const boxes::Movie movie = video.finish();
  const boxes::Track& track = movie.tracks[0];
  fail_unless_equals_uint64(track.entries.size(), 3);
  for (size_t i = 0; i < 3; ++i)
    fail_unless_equals_int(track.entries[i].height, i == 1 ? 480 : 240);
  for (size_t i = 0; i < track.samples.size(); ++i)
    fail_unless_equals_int(track.samples[i].description_index, i < 3 ? 1 : 2);
  Video unchanged(low);
  unchanged.append_pictures(3);
  fail_unless_equals_uint64(unchanged.finish().tracks[0].entries.size(), 1);
}
GST_END_TEST;

GST_START_TEST(equal_descriptions_are_one) {
  Video video;
  for (int i = 0; i < 100; ++i) {
    const auto description = video.recording.recording->add_description(
        video.track, i % 2 ? described(40, 640) : video_config());
    fail_unless(description == static_cast<uint32_t>(i % 2));
    video.append_pictures(1, *description);
  }
  fail_unless_equals_uint64(video.finish().tracks[0].entries.size(), 2);
}
GST_END_TEST;

GST_START_TEST(there_is_an_end_to_descriptions) {
  Video video;
  uint32_t added = 0;
  for (uint16_t width = 400; width < 2'000; ++width)
    added +=
        video.recording.recording->add_description(video.track, described(40, width)).has_value();
  fail_unless_equals_int(added, 999);
  video.append_pictures(5, 999);
  fail_unless_equals_uint64(video.finish().tracks[0].entries.size(), 1'000);
}
GST_END_TEST;

GST_START_TEST(tracks_that_stand_in_for_each_other_are_in_one_group) {
  TestRecording recording;
  const auto add = [&](std::optional<mp4::TrackIndex> other) {
    const auto track = recording.recording->add_track(mp4_test::audio_config(), other);
    recording.recording->append(track,
                                {{0, 0, 1'024}, {.sync = true}, 0, mp4_test::make_payload({1})});
    return track;
  };
  const auto first = add({});
  add(first);
  add({});
  const auto fourth = add({});
  add(fourth);
  add(first);
  fail_unless(recording.finish());
  const auto movie = recording.read();
  const int wanted[] = {1, 1, 0, 2, 2, 1};
  for (size_t i = 0; i < 6; ++i)
    fail_unless_equals_int(movie->tracks[i].alternate_group, wanted[i]);
}
GST_END_TEST;

// ---- decode times ----

GST_START_TEST(decode_times_can_be_others_until_the_fragment_is_closed) {
  const bool closed = __i__ == 1;
  Video video;
  const Ticks pts[] = {0, 3, 1, 2, 6, 4, 5};
  std::vector<Ticks> decode_times;
  for (Ticks i = 0; i < 7; ++i) {
    const Ticks dts = (i < 2 ? pts[i] : 10 + i) * 10;  // whatever was thought at first
    video.append({dts, pts[i] * kPicture, kPicture}, {.sync = i == 0});
    decode_times.push_back((i - 1) * kPicture);
  }
  auto& recording = *video.recording.recording;
  fail_if(recording.retime(video.track, std::span(decode_times).first(6)));
  for (Ticks dts : {200'000, 400'000}) {  // the first of them is released by the second
    if (!closed) break;
    video.append({dts, dts, kPicture}, {});
    decode_times.push_back(dts);
  }
  fail_unless_equals_int(recording.retime(video.track, decode_times), !closed);
  const boxes::Movie movie = video.finish();
  for (size_t i = 0; i < 7; ++i) {
    const auto& sample = movie.tracks[0].samples[i];
    fail_unless_equals_int64(boxes::presentation_ns(movie, movie.tracks[0], sample),
                             pts[i] * 40'000'000);
    if (!closed) fail_unless_equals_int64(sample.dts, static_cast<int64_t>(i) * kPicture);
  }
}
GST_END_TEST;

// Pictures presented before they are decoded: all offsets are raised, none is negative.
GST_START_TEST(offsets_are_raised_by_the_deepest_negative_one) {
  Video video;
  const Ticks pts[] = {0, 3, 1, 2, 6, 4, 5, 7, 8};
  Ticks dts = 0;
  for (Ticks place : pts) {
    video.append({dts, place * kPicture, kPicture}, {.sync = dts == 0});
    dts = std::max(dts + 1, place * kPicture);
  }
  const boxes::Movie movie = video.finish();
  fail_unless_equals_int(movie.tracks[0].ctts_version, 0);
  for (size_t i = 0; i < std::size(pts); ++i) {
    const auto& sample = movie.tracks[0].samples[i];
    fail_unless(boxes::is_presented(movie, movie.tracks[0], sample));
    fail_unless_equals_int64(boxes::presentation_ns(movie, movie.tracks[0], sample),
                             pts[i] * 40'000'000);
  }
}
GST_END_TEST;

// ---- where decoding can start ----

GST_START_TEST(open_gops_and_refreshes_are_in_sample_groups) {
  Video video;
  std::vector<RandomAccess> accesses(200);
  accesses[0].sync = accesses[100].sync = true;
  for (size_t i : {20u, 21u, 60u}) accesses[i].open_gop = true;
  accesses[100].open_gop = true;
  accesses[30].roll_distance = 10;
  accesses[31].roll_distance = 10;
  accesses[40].roll_distance = 25;
  accesses[199].roll_distance = 10;
  for (size_t i = 0; i < accesses.size(); ++i)
    video.append({static_cast<Ticks>(i) * kPicture, static_cast<Ticks>(i) * kPicture, kPicture},
                 accesses[i]);
  const boxes::Track track = video.finish().tracks[0];
  using Runs = std::vector<std::pair<uint32_t, uint32_t>>;
  const auto* open = group_of(track, "rap ");
  fail_unless(open && open->version == 1 && open->entries.size() == 1);
  fail_unless(open->entries[0] == Bytes{0});
  fail_unless(open->runs == Runs({{20, 0}, {2, 1}, {38, 0}, {1, 1}, {39, 0}, {1, 1}}));
  const auto* roll = group_of(track, "roll");
  fail_unless(roll && roll->version == 1 && roll->entries.size() == 2);
  fail_unless(roll->entries[0] == Bytes({0, 10}) && roll->entries[1] == Bytes({0, 25}));
  fail_unless(roll->runs == Runs({{30, 0}, {2, 1}, {8, 0}, {1, 2}, {158, 0}, {1, 1}}));
  for (size_t i = 0; i < accesses.size(); ++i)
    fail_unless_equals_int(track.samples[i].sync, accesses[i].sync);
}
GST_END_TEST;

GST_START_TEST(a_track_without_them_has_no_groups) {
  Video video;
  video.append_pictures(10);
  fail_unless(video.finish().tracks[0].groups.empty());
}
GST_END_TEST;

static Suite* descriptions_suite() {
  Suite* suite = suite_create("descriptions");
  TCase* changes = tcase_create("changes");
  suite_add_tcase(suite, changes);
  tcase_add_test(changes, each_sample_has_the_description_it_came_with);
  tcase_add_test(changes, the_first_description_of_jpeg_is_the_last_as_well);
  tcase_add_test(changes, equal_descriptions_are_one);
  tcase_add_test(changes, there_is_an_end_to_descriptions);
  tcase_add_test(changes, tracks_that_stand_in_for_each_other_are_in_one_group);
  tcase_add_loop_test(changes, decode_times_can_be_others_until_the_fragment_is_closed, 0, 2);
  tcase_add_test(changes, offsets_are_raised_by_the_deepest_negative_one);
  tcase_add_test(changes, open_gops_and_refreshes_are_in_sample_groups);
  tcase_add_test(changes, a_track_without_them_has_no_groups);
  return suite;
}

GST_CHECK_MAIN(descriptions)
