// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a stream may change on its pad: parameters that stand beside others, parameters that cannot,
// its clock, its depth of reordering; and what the policies do about it.
#include <algorithm>
#include <string>
#include <vector>

#include "bit_writer.h"
#include "bus_expectations.h"
#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Bytes;
using bench::Feed;
using bench::Picture;

const Bytes kStereo{0x11, 0x90};  // AAC LC, 48 kHz
const Bytes kMono{0x11, 0x88};

// What the file must hold of one feed whose stream went into several tracks: `tracks` says for each
// sample into which.
void expect_spread(Bench& bench, const Feed& feed, const std::vector<size_t>& tracks) {
  const boxes::Movie movie = bench.movie();
  std::vector<size_t> next(movie.tracks.size(), 0);
  fail_unless_equals_uint64(feed.expected().size(), tracks.size());
  for (size_t i = 0; i < tracks.size(); ++i) {
    fail_unless(tracks[i] < movie.tracks.size(), "there are %zu tracks", movie.tracks.size());
    const boxes::Track& track = movie.tracks[tracks[i]];
    fail_unless(next[tracks[i]] < track.samples.size(), "sample %zu is missing", i);
    const boxes::Sample& sample = track.samples[next[tracks[i]]++];
    fail_unless(boxes::read_sample(bench.location(), sample) == feed.expected()[i].bytes,
                "sample %zu has other bytes", i);
    const int64_t off = boxes::presentation_ns(movie, track, sample) - feed.expected()[i].pts_ns;
    fail_unless(std::abs(off) <= 22'223, "sample %zu is off by %" G_GINT64_FORMAT, i, off);
  }
  for (size_t i = 0; i < movie.tracks.size(); ++i)
    fail_unless_equals_uint64(next[i], movie.tracks[i].samples.size());
}

// A main profile SPS that says nothing of reordering, and a PPS.
Bytes config_without_vui() {
  mp4_test::BitWriter w;
  w.bits(77, 8), w.bits(0, 8), w.bits(21, 8);
  w.ue(0), w.ue(0), w.ue(0), w.ue(0);  // id, frame_num, order count type, its length
  w.ue(2), w.bits(0, 1);               // references
  w.ue(19), w.ue(14), w.bits(1, 1);    // 320x240, frames only
  w.bits(1, 1), w.bits(0, 1), w.bits(0, 1), w.bits(1, 1);
  Bytes sps = mp4_test::with_emulation_prevention(w.bytes());
  sps.insert(sps.begin(), 0x67);
  Bytes config{1, 77, 0, 21, 0xff, 0xe1, 0, static_cast<uint8_t>(sps.size())};
  config.insert(config.end(), sps.begin(), sps.end());
  config.insert(config.end(), {1, 0, 4, 0x68, 0xce, 0x3c, 0x80});
  return config;
}

// One slice of that type (7.4.3); no two are alike.
Bytes slice(uint8_t nal_header, uint8_t slice_bits, uint64_t seed) {
  Bytes nal{nal_header, slice_bits};
  const Bytes rest = bench::noise(seed, 60);
  nal.insert(nal.end(), rest.begin(), rest.end());
  return bench::with_lengths({nal});
}

}  // namespace

// ---- parameters ----

GST_START_TEST(aac_parameters_back_and_forth_are_two_tracks_of_one_group) {
  Bench bench;
  Feed& audio = bench.add_audio();
  bench.play();
  audio.start();
  std::vector<size_t> tracks;
  for (size_t i = 0; i < 6; ++i) {
    fail_unless(audio.caps(bench::audio_caps(i % 2 ? kMono : kStereo).get()));
    fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
    tracks.insert(tracks.end(), 47, i % 2);
  }
  bench.stop();
  bench.expect_quiet();
  expect_spread(bench, audio, tracks);
  const boxes::Movie movie = bench.movie();
  fail_unless_equals_int(movie.tracks.size(), 2);
  fail_unless(movie.tracks[0].entries[0].config == kStereo);
  fail_unless(movie.tracks[1].entries[0].config == kMono);
  fail_unless(movie.tracks[0].alternate_group != 0);
  fail_unless_equals_int(movie.tracks[0].alternate_group, movie.tracks[1].alternate_group);
  fail_unless_equals_uint64(bench.stat(audio, "samples"), tracks.size());
}
GST_END_TEST

// A sample lasts until the next one of its track, and its duration has 32 bits.
GST_START_TEST(parameters_that_come_back_after_six_hours_are_another_track) {
  Bench bench;
  Feed& audio = bench.add_audio();
  gst_util_set_object_arg(G_OBJECT(bench.element()), "gap-policy", "keep");
  bench.play();
  audio.start();
  std::vector<size_t> tracks;
  const auto push = [&](const Bytes& parameters, size_t track) {
    fail_unless(audio.caps(bench::audio_caps(parameters).get()));
    fail_unless_equals_int(audio.push_many(10), GST_FLOW_OK);
    tracks.insert(tracks.end(), 10, track);
  };
  push(kStereo, 0);
  push(kMono, 1);
  for (int i = 0; i < 2; ++i) {
    audio.skip(4 * 3600 * GST_SECOND);
    push(kMono, 1);
    if (__i__ == 0) break;
  }
  push(kStereo, __i__ == 0 ? 0 : 2);
  bench.stop();
  bench.expect_quiet();
  expect_spread(bench, audio, tracks);
}
GST_END_TEST

GST_START_TEST(another_sample_entry_is_another_track) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  Bytes short_lengths = bench::avc_config();
  if (__i__ == 1) short_lengths[4] = 0xfd;  // of two bytes
  fail_unless(video.caps(bench::video_caps(short_lengths, __i__ ? "avc" : "avc3").get()));
  std::vector<size_t> tracks(25, 0);
  if (__i__ == 0) {
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
    tracks.insert(tracks.end(), 25, 1);
  }
  fail_unless(video.caps(bench::video_caps().get()));
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  tracks.insert(tracks.end(), 25, 0);
  bench.stop();
  bench.expect_quiet();
  expect_spread(bench, video, tracks);
}
GST_END_TEST

GST_START_TEST(another_codec_on_the_pad_is_another_track_of_no_group) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  fail_unless(video.caps(bench::audio_caps().get()));
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  const boxes::Movie movie = bench.movie();
  fail_unless_equals_int(movie.tracks.size(), 2);
  fail_unless(movie.tracks[0].handler == "vide" && movie.tracks[1].handler == "soun");
  fail_unless_equals_int(movie.tracks[1].samples.size(), 25);
  for (const boxes::Track& track : movie.tracks) fail_unless_equals_int(track.alternate_group, 0);
}
GST_END_TEST

GST_START_TEST(other_parameter_sets_are_a_description_and_in_the_samples) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  fail_unless(video.caps(bench::video_caps(bench::other_avc_config()).get()));
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);  // the next IDR is the 20th of them
  bench.stop();
  bench.expect_quiet();
  const boxes::Movie movie = bench.movie();
  fail_unless_equals_int(movie.tracks.size(), 1);
  const boxes::Track& track = movie.tracks[0];
  fail_unless_equals_int(track.entries.size(), 2);
  fail_unless(track.entries[1].config == bench::other_avc_config());
  Bytes sets{0, 0, 0, 0x1c};  // the SPS and the PPS of the record, with lengths
  const Bytes& config = bench::other_avc_config();
  sets.insert(sets.end(), config.begin() + 8, config.begin() + 8 + 0x1c);
  sets.insert(sets.end(), {0, 0, 0, 4});
  sets.insert(sets.end(), config.end() - 4, config.end());
  for (size_t i = 0; i < 60; ++i) {
    fail_unless_equals_int(track.samples[i].description_index, i < 30 ? 1 : 2);
    Bytes wanted = video.expected()[i].bytes;
    if (i == 30 || i == 50) wanted.insert(wanted.begin(), sets.begin(), sets.end());
    fail_unless(boxes::read_sample(bench.location(), track.samples[i]) == wanted, "sample %zu", i);
  }
}
GST_END_TEST

GST_START_TEST(only_missing_sets_are_put_in_where_decoders_take_them) {
  const Bytes& config = bench::other_avc_config();
  const Bytes sps(config.begin() + 8, config.begin() + 8 + 0x1c),
      pps(config.end() - 4, config.end());
  const Bytes delimiter{0x09, 0x10}, picture = slice(0x65, 0x88, 1);
  const Bytes idr(picture.begin() + 4, picture.end());
  const struct {
    std::vector<Bytes> pushed, wanted;
  } cases[] = {
      {{delimiter, idr}, {delimiter, sps, pps, idr}},
      {{delimiter, pps, idr}, {delimiter, sps, pps, idr}},
      {{delimiter, sps, idr}, {delimiter, sps, pps, idr}},  // the PPS may refer to it
      {{sps, pps, idr}, {sps, pps, idr}},
      {{idr}, {sps, pps, idr}},
  };
  for (const auto& [pushed, wanted] : cases) {
    Bench bench;
    Feed& video = bench.add_video();
    bench.play();
    video.start();
    fail_unless_equals_int(video.push_many(3), GST_FLOW_OK);
    fail_unless(video.caps(bench::video_caps(bench::other_avc_config()).get()));
    video.push_bytes(bench::with_lengths(pushed), {.recorded = false});
    bench.stop();
    const boxes::Movie movie = bench.movie();
    fail_unless(boxes::read_sample(bench.location(), movie.tracks[0].samples[3]) ==
                bench::with_lengths(wanted));
  }
}
GST_END_TEST

// ---- depth of reordering ----

GST_START_TEST(pictures_that_turn_out_to_be_reordered_have_their_times) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.stream_start();
  video.caps(bench::video_caps(config_without_vui()).get());
  video.segment();
  const int64_t order[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};  // presented, in decoding order
  for (uint64_t i = 0; i < 10; ++i) {
    const bool b = i % 3 != 1 && i > 0;
    const Bytes bytes = i == 0 ? slice(0x65, 0x88, i) : slice(0x41, b ? 0xa8 : 0xc0, i);
    const auto pts = static_cast<GstClockTime>(order[i]) * 40 * GST_MSECOND;
    fail_unless_equals_int(video.push_bytes(bytes, {.pts = pts}), GST_FLOW_OK);
  }
  bench.stop();
  bench.expect_quiet();
  fail_unless_equals_uint64(bench.stat(video, "depth-grown"), 0);
  const boxes::Movie movie = bench.expect_file(video);
  for (size_t i = 1; i < 10; ++i)
    fail_unless_equals_int64(movie.tracks[0].samples[i].dts - movie.tracks[0].samples[i - 1].dts,
                             3600);
}
GST_END_TEST

// ---- clocks and policies ----

GST_START_TEST(a_jump_is_collapsed_kept_or_an_error_as_the_policy_says) {
  constexpr const char* kPolicies[] = {"collapse", "keep", "error"};
  Bench bench;
  Feed& video = bench.add_video();
  gst_util_set_object_arg(G_OBJECT(bench.element()), "gap-policy", kPolicies[__i__]);
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.skip(11 * GST_SECOND);
  if (__i__ == 0) video.expect_shift(-11 * static_cast<int64_t>(GST_SECOND));
  if (__i__ < 2) {
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
    bench.stop();
    fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), __i__ == 0);
    fail_unless_equals_uint64(bench.stat(video, "gaps-collapsed"), __i__ == 0);
  } else {
    fail_unless_equals_int(video.push({.recorded = false}), GST_FLOW_ERROR);
    fail_unless_equals_int(video.push({.recorded = false}), GST_FLOW_ERROR);
    fail_unless(bench.log().text(GST_MESSAGE_ERROR).find("gap-policy") != std::string::npos);
    bench.expect_finished();
    bench.stop();
    fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  }
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(max_gap_says_what_is_believed) {
  Bench bench;
  Feed& video = bench.add_video();
  g_object_set(bench.element(), "max-gap", 20 * GST_SECOND, nullptr);
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.skip(11 * GST_SECOND);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_quiet();
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(max_step_back_says_what_is_jitter) {
  Bench bench;
  Feed& video = bench.add_video();
  if (__i__ == 1) g_object_set(bench.element(), "max-step-back", 600 * GST_MSECOND, nullptr);
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  video.seek(video.position() - 500 * GST_MSECOND);
  for (int i = 0; i < 200; ++i)
    fail_unless_equals_int(video.push({.recorded = false}), GST_FLOW_OK);
  bench.stop();
  fail_unless_equals_uint64(bench.stat(video, "reanchored"), __i__ == 0);
  fail_unless_equals_uint64(bench.stat(video, "worked-off"), __i__ == 1);
  const boxes::Movie movie = bench.movie();
  const boxes::Track& track = movie.tracks[0];
  fail_unless_equals_int(track.samples.size(), 250);
  const int64_t end = boxes::presentation_ns(movie, track, track.samples[249]);
  const int64_t wanted = 249 * 40 - (__i__ ? 500 : 0);
  fail_unless_equals_int64(end / 1'000'000, wanted);
}
GST_END_TEST

GST_START_TEST(a_kind_of_fault_is_told_once_a_minute) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.push_many(5);
  for (int i = 0; i < 10; ++i) video.push({.pts = GST_CLOCK_TIME_NONE, .recorded = false});
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  video.skip(GST_SECOND);
  video.push({.flags = GST_BUFFER_FLAG_DISCONT});
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 2);
  fail_unless_equals_uint64(bench.stat(video, "missing-pts"), 10);
  fail_unless_equals_uint64(bench.stat(video, "losses"), 1);
}
GST_END_TEST

// ---- restarts ----

GST_START_TEST(a_stream_that_starts_again_after_eos_goes_on_beside_the_other) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
  fail_unless(audio.eos());
  fail_unless_equals_int(video.push_many(125), GST_FLOW_OK);
  audio.start(2);
  audio.seek(0);
  audio.expect_shift(5 * static_cast<int64_t>(GST_SECOND));
  fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  bench.stop();
  bench.expect_quiet();
  fail_unless_equals_uint64(bench.stat(audio, "restarts"), 1);
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_pad_that_comes_after_a_restart_has_the_offset_of_the_others) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(250), GST_FLOW_OK);
  video.flush_start();
  video.flush_stop();
  video.segment();
  video.seek(0);
  video.expect_shift(10 * static_cast<int64_t>(GST_SECOND));
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  Feed& audio = bench.add_audio();
  audio.start();
  audio.seek(2 * GST_SECOND);
  audio.expect_shift(10 * static_cast<int64_t>(GST_SECOND));
  fail_unless_equals_int(audio.push_many(50), GST_FLOW_OK);
  bench.stop();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

static Suite* track_changes_suite() {
  Suite* suite = suite_create("track_changes");
  TCase* tcase = tcase_create("changes");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, aac_parameters_back_and_forth_are_two_tracks_of_one_group);
  tcase_add_loop_test(tcase, parameters_that_come_back_after_six_hours_are_another_track, 0, 2);
  tcase_add_loop_test(tcase, another_sample_entry_is_another_track, 0, 2);
  tcase_add_test(tcase, another_codec_on_the_pad_is_another_track_of_no_group);
  tcase_add_test(tcase, other_parameter_sets_are_a_description_and_in_the_samples);
  tcase_add_test(tcase, only_missing_sets_are_put_in_where_decoders_take_them);
  tcase_add_test(tcase, pictures_that_turn_out_to_be_reordered_have_their_times);
  tcase_add_loop_test(tcase, a_jump_is_collapsed_kept_or_an_error_as_the_policy_says, 0, 3);
  tcase_add_test(tcase, max_gap_says_what_is_believed);
  tcase_add_loop_test(tcase, max_step_back_says_what_is_jitter, 0, 2);
  tcase_add_test(tcase, a_kind_of_fault_is_told_once_a_minute);
  tcase_add_test(tcase, a_stream_that_starts_again_after_eos_goes_on_beside_the_other);
  tcase_add_test(tcase, a_pad_that_comes_after_a_restart_has_the_offset_of_the_others);
  return suite;
}

GST_CHECK_MAIN(track_changes)
