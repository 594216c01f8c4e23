// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what is read of H.264 with what a real encoder writes: x264 by ffmpeg.
#include <string>

#include "encoder_expectations.h"

namespace {

using mp4_test::count_units;
using mp4_test::Encoded;
using mp4_test::EncodedFile;
using mp4_test::Reordering;

const Encoded kEncoded[] = {
    {"320x240", "-pix_fmt yuv420p -profile:v baseline", 320, 240},
    {"1920x1080", "-preset ultrafast", 1920, 1080, 3},
    {"1280x720", "-preset ultrafast -pix_fmt yuv420p -profile:v high", 1280, 720},
    {"322x242", "-pix_fmt yuv420p", 322, 242},
    {"318x238", "-pix_fmt yuv422p", 318, 238, 2},
    {"320x241", "-pix_fmt yuv422p", 320, 241, 2},
    {"321x241", "-pix_fmt yuv444p", 321, 241, 3},
    {"321x241", "-pix_fmt gray", 321, 241, 0, 8, {1, 1}, {2, 2, 2, true}},
    {"720x576", "-vf setsar=16/11 -pix_fmt yuv420p", 720, 576, 1, 8, {16, 11}},
    {"720x480", "-vf setsar=123/457:max=1000 -pix_fmt yuv420p", 720, 480, 1, 8, {123, 457}},
    {"1920x1080", "-pix_fmt yuv420p -flags +ilme+ildct -x264-params tff=1:threads=1", 1920, 1080},
    {"320x240", "-pix_fmt yuv420p -profile:v high -x264-params cqm=jvt:8x8dct=1", 320, 240},
    {"320x240", HDR10_PICTURES("yuv420p"), 320, 240, 1, 8, {1, 1}, {9, 16, 9, false}},
    {"320x240", "-pix_fmt yuvj420p -color_range pc", 320, 240, 1, 8, {1, 1}, {2, 2, 2, true}},
};

EncodedFile encode(const std::string& size, int frames, const std::string& options) {
  return {mp4::NalCodec::kAvc, mp4_test::ffmpeg_command(size, frames, "-c:v libx264 " + options)};
}

EncodedFile encode(const std::string& params) {
  return encode("320x240", 30, "-pix_fmt yuv420p -x264-params log-level=none:" + params);
}

}  // namespace

GST_START_TEST(reads_what_x264_writes) {
  const Encoded& encoded = kEncoded[__i__];
  const EncodedFile file = encode(encoded.size, 2, encoded.options);
  expect_sequence(file, encoded);
}
GST_END_TEST;

constexpr Reordering kReorderings[] = {{"bframes=0", 0},
                                       {"bframes=1", 1},
                                       {"bframes=3:b-pyramid=none:b-adapt=0", 1},
                                       {"bframes=3:b-pyramid=normal:b-adapt=0", 2}};

GST_START_TEST(knows_how_far_x264_reorders) {
  const auto& [params, depth] = kReorderings[__i__];
  const EncodedFile file = encode(params);
  expect_reordering(file, depth);
  const auto is_bidirectional = [](const auto& unit) { return unit.bidirectional; };
  fail_unless_equals_int(count_units(file, is_bidirectional) > 0, depth > 0);
  fail_if(file.units[0].bidirectional);
}
GST_END_TEST;

GST_START_TEST(a_baseline_stream_is_not_reordered) {
  const EncodedFile file = encode("320x240", 10, "-pix_fmt yuv420p -profile:v baseline");
  fail_unless(file.sets && file.sets->sequence()->reorder_depth == 0u);
}
GST_END_TEST;

GST_START_TEST(finds_what_x264_samples_begin_with) {
  for (const char* params : {"keyint=10", "keyint=10:slices=4", "keyint=10:sliced-threads=1"}) {
    const EncodedFile file = encode(params);
    fail_unless_equals_int(file.units.size(), 30);
    for (size_t i = 0; i < file.units.size(); ++i) {
      fail_unless(file.units[i].has_media);
      fail_unless_equals_int(file.units[i].access.sync, file.samples[i].sync);
      fail_unless_equals_uint64(file.units[i].sets_position, 0);
    }
    fail_unless_equals_int(count_units(file, [](const auto& unit) { return unit.access.sync; }), 3);
  }
}
GST_END_TEST;

GST_START_TEST(puts_sets_behind_the_delimiters_of_x264) {  // which ffmpeg would take away
  const EncodedFile file(mp4::NalCodec::kAvc,
                         "gst-launch-1.0 -q videotestsrc num-buffers=20 ! "
                         "x264enc aud=true key-int-max=10 ! h264parse ! "
                         "video/x-h264,stream-format=avc ! qtmux ! filesink location=FILE");
  fail_unless_equals_int(file.units.size(), 20);
  // h264parse leaves out the chroma format and the bit depths before GStreamer 1.26; the record
  // written anew has them.
  constexpr uint8_t kFormat[] = {0xff, 0xf8, 0xf8, 0};  // 4:4:4, 8 bits, no extension
  auto whole = file.record;
  if (!std::equal(std::begin(kFormat), std::end(kFormat), whole.end() - 4, whole.end()))
    whole.insert(whole.end(), std::begin(kFormat), std::end(kFormat));
  fail_unless(file.sets->record() == whole);
  for (const auto& unit : file.units) fail_unless_equals_uint64(unit.sets_position, 4 + 2);
}
GST_END_TEST;

GST_START_TEST(finds_the_sets_within_samples) {
  const EncodedFile file =
      encode("320x240", 30, "-pix_fmt yuv420p -x264-params keyint=10 -bsf:v dump_extra=freq=k");
  fail_unless_equals_int(file.units.size(), 30);
  for (size_t i = 0; i < file.units.size(); ++i) {
    fail_unless_equals_int(file.units[i].parameter_sets.size(), file.samples[i].sync ? 2 : 0);
    auto sets = *file.sets;
    for (const auto& [offset, size] : file.units[i].parameter_sets)
      fail_if(sets.put(std::span(file.bytes[i]).subspan(offset, size)));
  }
}
GST_END_TEST;

GST_START_TEST(finds_where_a_gradual_refresh_begins) {
  const EncodedFile file = encode("intra-refresh=1:keyint=10:bframes=0");
  fail_unless(file.units.size() == 30 && file.units[0].access.sync);
  const auto begins = [](const auto& unit) {
    return unit.access.roll_distance > 0 && unit.access.roll_distance < 30 &&
           !unit.access.open_gop && !unit.access.sync;
  };
  fail_unless(count_units(file, begins) >= 2);
  fail_unless_equals_int(count_units(file, [](const auto& unit) { return unit.access.sync; }), 1);
}
GST_END_TEST;

GST_START_TEST(finds_where_an_open_group_begins) {
  const EncodedFile file = encode("open-gop=1:keyint=10:bframes=2:b-adapt=0");
  fail_unless(file.units.size() == 30 && file.units[0].access.sync);
  const auto begins = [](const auto& unit) {
    return unit.access == mp4::RandomAccess{.open_gop = true};
  };
  fail_unless(count_units(file, begins) >= 2);
}
GST_END_TEST;

static Suite* avc_encoders_suite() {
  Suite* suite = suite_create("avc_encoders");
  TCase* x264 = tcase_create("x264");
  suite_add_tcase(suite, x264);
  tcase_set_timeout(x264, 60);
  tcase_add_loop_test(x264, reads_what_x264_writes, 0, static_cast<int>(std::size(kEncoded)));
  tcase_add_loop_test(x264, knows_how_far_x264_reorders, 0,
                      static_cast<int>(std::size(kReorderings)));
  tcase_add_test(x264, a_baseline_stream_is_not_reordered);
  tcase_add_test(x264, finds_what_x264_samples_begin_with);
  tcase_add_test(x264, puts_sets_behind_the_delimiters_of_x264);
  tcase_add_test(x264, finds_the_sets_within_samples);
  tcase_add_test(x264, finds_where_a_gradual_refresh_begins);
  tcase_add_test(x264, finds_where_an_open_group_begins);
  return suite;
}

GST_CHECK_MAIN(avc_encoders)
