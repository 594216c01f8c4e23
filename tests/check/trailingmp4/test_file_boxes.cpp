// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what stands in the file besides samples and times: boxes and their order, headers,
// sample entries. Read by the tests' own reader.
#include <algorithm>

#include "bit_writer.h"
#include "box_names.h"
#include "element_bench.h"
#include "wall_clock.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::audio_caps;
using bench::Bench;
using bench::box_at;
using bench::Bytes;
using bench::Feed;
using bench::Kind;
using bench::Owned;
using bench::types_of;
using bench::video_caps;

namespace {

constexpr uint64_t kSecondsFrom1904To1970 = 2'082'844'800;

void expect_text(const std::string& found, const std::string& wanted) {
  fail_unless(found == wanted, "\"%s\" instead of \"%s\"", found.c_str(), wanted.c_str());
}

struct Vui {
  uint16_t aspect_h = 1, aspect_v = 1;
  bool full_range = false;
  uint8_t primaries = 2, transfer = 2, matrix = 2;
};

void write_vui(mp4_test::BitWriter& sps, const Vui& vui) {  // ITU-T H.264, E.1.1
  sps.bits(1, 1).bits(255, 8).bits(vui.aspect_h, 16).bits(vui.aspect_v, 16);
  sps.bits(0, 1);                                                // overscan
  sps.bits(1, 1).bits(5, 3).bits(vui.full_range, 1).bits(1, 1);  // signal type
  sps.bits(vui.primaries, 8).bits(vui.transfer, 8).bits(vui.matrix, 8);
  sps.bits(0, 6);  // chroma location, timing, two HRDs, structure, restrictions
}

// An avcC of 320x240 pictures, with or without what a VUI says of them (7.3.2.1.1).
Bytes avc_config_with(const std::optional<Vui>& vui) {
  mp4_test::BitWriter sps;
  sps.bits(66, 8).bits(0xc0, 8).bits(21, 8).ue(0);  // profile, constraints, level, id
  sps.ue(0).ue(2).ue(1).bits(0, 1);                 // frame_num, order count, references, gaps
  sps.ue(bench::kWidth / 16 - 1).ue(bench::kHeight / 16 - 1);
  sps.bits(1, 1).bits(1, 1).bits(0, 1).bits(vui.has_value(), 1);  // frames, direct, cropping, VUI
  if (vui) write_vui(sps, *vui);
  sps.bits(1, 1);  // stop
  const Bytes nal = mp4_test::with_emulation_prevention(sps.bytes());
  const auto length = static_cast<uint8_t>(nal.size() + 1);
  Bytes config{0x01, 0x42, 0xc0, 0x15, 0xff, 0xe1, 0x00, length, 0x67};
  std::copy(nal.begin(), nal.end(), std::back_inserter(config));
  for (uint8_t byte : {0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80}) config.push_back(byte);  // PPS
  return config;
}

// One track of these caps, a second long.
boxes::Movie record(Bench& bench, Kind kind, const GstCaps* caps) {
  Feed& feed = bench.add(kind);
  bench.play();
  feed.stream_start();
  feed.caps(caps);
  feed.segment();
  feed.push_many(25);
  feed.eos();
  bench.expect_eos();
  bench.expect_quiet();
  return bench.expect_file(feed);
}

boxes::SampleEntry entry_of(Kind kind, const GstCaps* caps) {
  Bench bench;
  return record(bench, kind, caps).tracks[0].entries[0];
}

void expect_colour(const boxes::SampleEntry& entry, int primaries, int transfer, int matrix,
                   bool full) {
  fail_unless(entry.colr.has_value());
  fail_unless_equals_int(entry.colr->primaries, primaries);
  fail_unless_equals_int(entry.colr->transfer, transfer);
  fail_unless_equals_int(entry.colr->matrix, matrix);
  fail_unless(entry.colr->full_range == full);
}

// Frames of an AudioSpecificConfig that says so.
struct Aac {
  Bytes config;
  uint32_t rate;
  unsigned frame;
  uint16_t channels;
};
const Aac kAac[] = {
    {{0x11, 0x90}, 48'000, 1024, 2},
    {{0x12, 0x08}, 44'100, 1024, 1},
    {{0x15, 0x88}, 8'000, 1024, 1},
    {{0x10, 0x10}, 96'000, 1024, 2},              // more than 16 bits can say
    {{0x11, 0xb0}, 48'000, 1024, 6},              // 5.1
    {{0x11, 0xb8}, 48'000, 1024, 8},              // 7.1
    {{0x11, 0x94}, 48'000, 960, 2},               // frameLengthFlag
    {{0x2b, 0x11, 0x88, 0x00}, 24'000, 1024, 2},  // HE-AAC: SBR signalled explicitly, 48 kHz out
    {{0xeb, 0x09, 0x88, 0x00}, 24'000, 1024, 1},  // HE-AAC v2: of the core coder
    {{0x17, 0x80, 0x5d, 0xc0, 0x10}, 48'000, 1024, 2},  // the rate written out
};

}  // namespace

GST_START_TEST(boxes_are_there_and_in_order) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  for (uint64_t i = 0; i < 30; ++i)  // with B-frames' offsets
    video.push({.pts = (i + 1 + i % 3) * 40 * GST_MSECOND, .dts = i * 40 * GST_MSECOND});
  audio.push_many(60);
  video.eos();
  audio.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.movie();
  expect_text(types_of(movie.top), "ftyp mdat moov");
  fail_unless_equals_uint64(movie.top[1].header_size, 16);
  fail_unless_equals_uint64(movie.top[0].size, 32);
  expect_text(movie.major_brand, "isom");
  expect_text(bench::joined(movie.brands), "isom iso6 mp41 mp42");
  fail_unless(!movie.fragmented);
  const boxes::Box& moov = movie.top[2];
  expect_text(types_of(moov.children), "mvhd trak trak udta");
  const char* stbl[] = {"stsd stts ctts stss stsc stsz stco", "stsd stts stsc stsz stco sgpd sbgp"};
  const char* minf[] = {"vmhd dinf stbl", "smhd dinf stbl"};
  for (size_t i = 0; i < 2; ++i) {
    const boxes::Box& trak = moov.children[i + 1];
    expect_text(types_of(trak.children), "tkhd edts mdia");
    expect_text(types_of(box_at(trak, "mdia")->children), "mdhd hdlr minf");
    expect_text(types_of(box_at(trak, "mdia/minf")->children), minf[i]);
    expect_text(types_of(box_at(trak, "mdia/minf/stbl")->children), stbl[i]);
  }
  expect_text(movie.tracks[0].handler, "vide");
  expect_text(movie.tracks[1].handler, "soun");
  fail_unless_equals_int(movie.tracks[0].ctts_version, 0);
  fail_unless_equals_int(movie.tracks[1].groups.at(0).version, 1);
  fail_unless(movie.tracks[1].groups[0].entries.at(0) == Bytes({0xff, 0xff}));  // -1
  // Without fragments there is nothing but the header of the wrapper.
  if (g_getenv("TEST_WITHOUT_FRAGMENTS")) fail_unless_equals_uint64(movie.uncovered_mdat_bytes, 8);
}
GST_END_TEST;

GST_START_TEST(boxes_that_would_say_nothing_are_left_out) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  for (int i = 0; i < 10; ++i) video.push({.picture = bench::Picture::kIdr});
  video.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.expect_file(video);
  fail_if(movie.tracks[0].has_ctts);
  fail_if(movie.tracks[0].has_stss);  // all are sync samples
  fail_if(movie.tracks[0].has_co64);
  fail_unless(movie.tracks[0].groups.empty());
}
GST_END_TEST;

GST_START_TEST(track_headers_are_those_of_their_kind) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.push_many(25);
  audio.push_many(47);
  video.eos();
  audio.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.expect_file({&video, &audio});
  fail_unless_equals_int(movie.timescale, 90'000);
  fail_unless_equals_int(movie.next_track_id, 3);
  for (uint32_t i = 0; i < 2; ++i) {
    fail_unless_equals_int(movie.tracks[i].id, i + 1);
    fail_unless_equals_int(movie.tracks[i].flags, 3);
    fail_unless_equals_int(movie.tracks[i].alternate_group, 0);
    expect_text(movie.tracks[i].language, "und");
  }
  fail_unless(movie.tracks[0].volume == 0 && movie.tracks[1].volume == 1);
  fail_unless(movie.tracks[0].width == 320 && movie.tracks[0].height == 240);
  fail_unless(movie.tracks[1].width == 0 && movie.tracks[1].height == 0);
  fail_unless_equals_int(movie.tracks[0].timescale, 90'000);
  fail_unless_equals_int(movie.tracks[1].timescale, 48'000);
}
GST_END_TEST;

GST_START_TEST(durations_are_those_of_the_longest_track) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.push_many(25);
  audio.push_many(__i__ == 0 ? 20 : 100);
  video.eos();
  audio.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.expect_file({&video, &audio});
  const uint64_t frames = __i__ == 0 ? 20 : 100;
  fail_unless_equals_uint64(movie.tracks[0].mdhd_duration, 90'000);
  fail_unless_equals_uint64(movie.tracks[0].tkhd_duration, 90'000);
  fail_unless_equals_uint64(movie.tracks[1].mdhd_duration, frames * 1024);
  fail_unless_equals_uint64(movie.tracks[1].tkhd_duration, frames * 1024 * 90 / 48);
  fail_unless_equals_uint64(movie.duration, std::max<uint64_t>(90'000, frames * 1920));
}
GST_END_TEST;

GST_START_TEST(tracks_of_every_number_and_kind_are_recorded) {
  const int counts[][2] = {{1, 0}, {0, 1}, {3, 2}};
  Bench bench;
  std::vector<Feed*> feeds;
  for (int i = 0; i < counts[__i__][0]; ++i) feeds.push_back(&bench.add_video());
  for (int i = 0; i < counts[__i__][1]; ++i) feeds.push_back(&bench.add_audio());
  bench.play();
  for (Feed* feed : feeds) feed->start();
  for (int i = 0; i < 60; ++i)
    for (Feed* feed : feeds) feed->push();
  for (Feed* feed : feeds) feed->eos();
  bench.expect_eos();
  bench.expect_quiet();
  const boxes::Movie movie = bench.movie();
  fail_unless(
      bench::file_differences(bench.location(), movie, {feeds.begin(), feeds.end()}).empty());
  fail_unless_equals_int(movie.next_track_id, counts[__i__][0] + counts[__i__][1] + 1);
}
GST_END_TEST;

GST_START_TEST(creation_time_is_the_wall_clock_of_the_first_sample) {
  constexpr int64_t kMade = 1'000'000'000, kFirst = 1'500'000'000, kLater = 2'000'000'000;
  faults::WallClock clock(kMade);
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  clock.set(kFirst);
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  bench.wait_until_at_rest();
  clock.set(kLater);
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  video.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.expect_file(video);
  fail_unless_equals_uint64(movie.creation_time, kFirst + kSecondsFrom1904To1970);
  fail_unless_equals_uint64(movie.tracks[0].creation_time, movie.creation_time);
}
GST_END_TEST;

GST_START_TEST(caps_say_the_shape_of_a_pixel_before_the_bitstream) {
  const Bytes config = avc_config_with(Vui{.aspect_h = 4, .aspect_v = 3});
  const Owned<GstCaps> caps = video_caps(config);
  if (__i__ == 1)
    gst_caps_set_simple(caps.get(), "pixel-aspect-ratio", GST_TYPE_FRACTION, 16, 11, nullptr);
  Bench bench;
  const boxes::Movie movie = record(bench, Kind::kVideo, caps.get());
  const boxes::Track& track = movie.tracks[0];
  const auto pasp = track.entries[0].pasp;
  fail_unless(pasp.has_value());
  fail_unless(__i__ == 1 ? pasp->h == 16 && pasp->v == 11 : pasp->h == 4 && pasp->v == 3);
  fail_unless(track.entries[0].width == 320 && track.entries[0].height == 240);
  fail_unless(std::abs(track.width - 320.0 * pasp->h / pasp->v) < 1.0);  // 8.3.2.3: as presented
  fail_unless(track.height == 240);
}
GST_END_TEST;

GST_START_TEST(caps_say_the_colours_before_the_bitstream) {
  const Bytes config =
      avc_config_with(Vui{.full_range = __i__ == 2, .primaries = 9, .transfer = 14, .matrix = 9});
  const Owned<GstCaps> caps = video_caps(config);
  if (__i__ == 1) gst_caps_set_simple(caps.get(), "colorimetry", G_TYPE_STRING, "bt709", nullptr);
  if (__i__ == 3)  // no such range
    gst_caps_set_simple(caps.get(), "colorimetry", G_TYPE_STRING, "4:3:5:1", nullptr);
  const boxes::SampleEntry entry = entry_of(Kind::kVideo, caps.get());
  if (__i__ == 1)
    expect_colour(entry, 1, 1, 1, false);
  else
    expect_colour(entry, 9, 14, 9, __i__ == 2);
}
GST_END_TEST;

// Demuxers say so of colours that their file does not name: here the range alone is known.
GST_START_TEST(what_caps_do_not_know_of_colours_the_bitstream_says) {
  const Bytes config = avc_config_with(Vui{.primaries = 9, .transfer = 16, .matrix = 9});
  const Owned<GstCaps> caps = video_caps(config);
  gst_caps_set_simple(caps.get(), "colorimetry", G_TYPE_STRING, __i__ ? "1:0:0:0" : "2:0:0:0",
                      nullptr);
  expect_colour(entry_of(Kind::kVideo, caps.get()), 9, 16, 9, __i__ == 1);
}
GST_END_TEST;

GST_START_TEST(nothing_is_said_of_colours_nobody_named) {
  fail_if(entry_of(Kind::kVideo, video_caps(avc_config_with({})).get()).colr.has_value());
}
GST_END_TEST;

// SMPTE ST 2086 in the order green, blue, red, white; caps have red first.
GST_START_TEST(caps_say_the_dynamic_range_and_the_order_of_fields) {
  const Owned<GstCaps> caps = video_caps();
  gst_caps_set_simple(caps.get(), "mastering-display-info", G_TYPE_STRING,
                      "34000:16000:13250:34500:7500:3000:15635:16450:10000000:50",
                      "content-light-level", G_TYPE_STRING, "1000:400", "interlace-mode",
                      G_TYPE_STRING, "interleaved", "field-order", G_TYPE_STRING,
                      __i__ ? "bottom-field-first" : "top-field-first", nullptr);
  const boxes::SampleEntry entry = entry_of(Kind::kVideo, caps.get());
  const Bytes mdcv{0x33, 0xc2, 0x86, 0xc4, 0x1d, 0x4c, 0x0b, 0xb8, 0x84, 0xd0, 0x3e, 0x80,
                   0x3d, 0x13, 0x40, 0x42, 0x00, 0x98, 0x96, 0x80, 0x00, 0x00, 0x00, 0x32};
  fail_unless(entry.mdcv == mdcv);
  fail_unless(entry.clli == Bytes({0x03, 0xe8, 0x01, 0x90}));
  fail_unless(entry.fiel == Bytes({2, static_cast<uint8_t>(__i__ ? 14 : 9)}));
}
GST_END_TEST;

GST_START_TEST(no_order_of_fields_is_made_up) {
  const Owned<GstCaps> caps = video_caps();
  gst_caps_set_simple(caps.get(), "interlace-mode", G_TYPE_STRING, "interleaved", nullptr);
  fail_unless(entry_of(Kind::kVideo, caps.get()).fiel.empty());
}
GST_END_TEST;

GST_START_TEST(nothing_is_said_of_range_and_fields_nobody_named) {
  const boxes::SampleEntry entry = entry_of(Kind::kVideo, video_caps().get());
  fail_unless(entry.mdcv.empty() && entry.clli.empty() && entry.fiel.empty());
}
GST_END_TEST;

GST_START_TEST(the_picture_size_is_the_bitstreams_where_caps_have_none) {
  const Owned<GstCaps> caps = video_caps();
  gst_structure_remove_fields(gst_caps_get_structure(caps.get(), 0), "width", "height", nullptr);
  const boxes::SampleEntry entry = entry_of(Kind::kVideo, caps.get());
  fail_unless_equals_int(entry.width, 320);
  fail_unless_equals_int(entry.height, 240);
}
GST_END_TEST;

GST_START_TEST(avc_and_avc3_keep_their_names_and_their_configuration) {
  const boxes::SampleEntry entry =
      entry_of(Kind::kVideo, video_caps(bench::avc_config(), __i__ == 0 ? "avc" : "avc3").get());
  expect_text(entry.format, __i__ == 0 ? "avc1" : "avc3");
  fail_unless(entry.config == bench::avc_config());
}
GST_END_TEST;

GST_START_TEST(bit_rates_are_those_of_the_samples) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  for (int i = 0; i < 100; ++i) video.push({.size = i >= 50 && i < 75 ? 3000u : 1000u});
  video.eos();
  bench.expect_eos();
  const auto btrt = bench.expect_file(video).tracks[0].entries[0].btrt;
  fail_unless(btrt.has_value());
  fail_unless_equals_int(btrt->buffer_size, 3000);
  fail_unless_equals_int(btrt->avg, (75'000 + 75'000) * 8 / 4);
  fail_unless_equals_int(btrt->max, 75'000 * 8);
}
GST_END_TEST;

GST_START_TEST(audio_is_described_by_its_configuration) {
  const Aac& aac = kAac[__i__];
  Bench bench;
  Feed& audio = bench.add_audio();
  bench.play();
  audio.stream_start();
  const Owned<GstCaps> caps = audio_caps(aac.config);
  audio.caps(caps.get());
  audio.segment();
  for (uint64_t i = 0; i < 50; ++i)
    audio.push({.pts = gst_util_uint64_scale_round(i * aac.frame, GST_SECOND, aac.rate)});
  audio.eos();
  bench.expect_eos();
  bench.expect_quiet();
  const boxes::Movie movie = bench.expect_file(audio);
  const boxes::Track& track = movie.tracks[0];
  const boxes::SampleEntry& entry = track.entries[0];
  fail_unless_equals_int(track.timescale, aac.rate);
  for (const boxes::Sample& sample : track.samples)
    fail_unless_equals_uint64(sample.duration, aac.frame);
  expect_text(entry.format, "mp4a");
  fail_unless_equals_int(entry.channels, aac.channels);
  if (aac.rate < 65'536) fail_unless_equals_int(entry.sample_rate, aac.rate);
  fail_unless(entry.has_esds);
  fail_unless_equals_int(entry.object_type, 0x40);
  fail_unless_equals_int(entry.stream_type, 5);
  fail_unless(entry.config == aac.config);
  fail_unless(entry.max_bitrate >= entry.avg_bitrate && entry.avg_bitrate > 0);
}
GST_END_TEST;

static Suite* file_boxes_suite() {
  Suite* suite = suite_create("file_boxes");
  TCase* boxes = tcase_create("boxes");
  suite_add_tcase(suite, boxes);
  tcase_set_timeout(boxes, 60);
  tcase_add_test(boxes, boxes_are_there_and_in_order);
  tcase_add_test(boxes, boxes_that_would_say_nothing_are_left_out);
  tcase_add_test(boxes, track_headers_are_those_of_their_kind);
  tcase_add_loop_test(boxes, durations_are_those_of_the_longest_track, 0, 2);
  tcase_add_loop_test(boxes, tracks_of_every_number_and_kind_are_recorded, 0, 3);
  tcase_add_test(boxes, creation_time_is_the_wall_clock_of_the_first_sample);
  tcase_add_loop_test(boxes, caps_say_the_shape_of_a_pixel_before_the_bitstream, 0, 2);
  tcase_add_loop_test(boxes, caps_say_the_colours_before_the_bitstream, 0, 4);
  tcase_add_loop_test(boxes, caps_say_the_dynamic_range_and_the_order_of_fields, 0, 2);
  tcase_add_loop_test(boxes, what_caps_do_not_know_of_colours_the_bitstream_says, 0, 2);
  tcase_add_test(boxes, no_order_of_fields_is_made_up);
  tcase_add_test(boxes, nothing_is_said_of_range_and_fields_nobody_named);
  tcase_add_test(boxes, nothing_is_said_of_colours_nobody_named);
  tcase_add_test(boxes, the_picture_size_is_the_bitstreams_where_caps_have_none);
  tcase_add_loop_test(boxes, avc_and_avc3_keep_their_names_and_their_configuration, 0, 2);
  tcase_add_test(boxes, bit_rates_are_those_of_the_samples);
  tcase_add_loop_test(boxes, audio_is_described_by_its_configuration, 0,
                      static_cast<int>(std::size(kAac)));
  return suite;
}

GST_CHECK_MAIN(file_boxes)
