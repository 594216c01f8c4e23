// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the AVC parser with what a real encoder writes: x264 by ffmpeg, read by our box reader.
#include <cstdlib>
#include <string>

#include "box_reader.h"
#include "mp4/parameter_sets.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

struct Encoded {
  const char* size;
  const char* options;
  uint32_t width, height;
  mp4::PixelAspectRatio aspect{1, 1};
  mp4::Colour colour{};
};

const Encoded kEncoded[] = {
    {"320x240", "-pix_fmt yuv420p -profile:v baseline", 320, 240},
    {"1920x1080", "-preset ultrafast", 1920, 1080},
    {"1280x720", "-preset ultrafast -pix_fmt yuv420p -profile:v high", 1280, 720},
    {"322x242", "-pix_fmt yuv420p", 322, 242},
    {"318x238", "-pix_fmt yuv422p", 318, 238},
    {"320x241", "-pix_fmt yuv422p", 320, 241},
    {"321x241", "-pix_fmt yuv444p", 321, 241},
    {"321x241", "-pix_fmt gray", 321, 241, {1, 1}, {2, 2, 2, true}},
    {"720x576", "-vf setsar=16/11 -pix_fmt yuv420p", 720, 576, {16, 11}},
    {"720x480", "-vf setsar=123/457:max=1000 -pix_fmt yuv420p", 720, 480, {123, 457}},
    {"1920x1080", "-pix_fmt yuv420p -flags +ilme+ildct -x264-params tff=1:threads=1", 1920, 1080},
    {"320x240", "-pix_fmt yuv420p -profile:v high -x264-params cqm=jvt:8x8dct=1", 320, 240},
    {"320x240",
     "-pix_fmt yuv420p -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc "
     "-color_range tv",
     320,
     240,
     {1, 1},
     {9, 16, 9, false}},
    {"320x240", "-pix_fmt yuvj420p -color_range pc", 320, 240, {1, 1}, {2, 2, 2, true}},
};

mp4::ParameterSets encode(const Encoded& encoded) {
  const mp4_test::TemporaryFolder folder;
  const std::string path = folder.path("encoded.mp4");
  const std::string command =
      "ffmpeg -v error -f lavfi -i testsrc=size=" + std::string(encoded.size) +
      ":rate=25 -frames:v 2 -c:v libx264 " + encoded.options + " " + path;
  fail_unless_equals_int(system(command.c_str()), 0);
  const auto movie = boxes::read_movie(path);
  fail_unless(movie && movie->tracks.size() == 1);
  const auto config =
      mp4::ParameterSets::from_record(mp4::NalCodec::kAvc, movie->tracks[0].entries[0].config);
  fail_unless(config.has_value());
  return *config;
}

}  // namespace

GST_START_TEST(reads_what_x264_writes) {
  const Encoded& encoded = kEncoded[__i__];
  const mp4::ParameterSets config = encode(encoded);
  fail_unless_equals_int(config.nal_length_size(), 4);
  const auto sequence = config.sequence();
  fail_unless(sequence.has_value());
  fail_unless_equals_int(sequence->width, encoded.width);
  fail_unless_equals_int(sequence->height, encoded.height);
  fail_unless(sequence->aspect == encoded.aspect);
  const mp4::Colour colour = sequence->colour.value_or(mp4::Colour{});
  fail_unless(colour == encoded.colour, "%d %d %d %d", colour.primaries, colour.transfer,
              colour.matrix, colour.full_range);
}
GST_END_TEST;

static Suite* avc_encoders_suite() {
  Suite* suite = suite_create("avc_encoders");
  TCase* x264 = tcase_create("x264");
  suite_add_tcase(suite, x264);
  tcase_set_timeout(x264, 60);
  tcase_add_loop_test(x264, reads_what_x264_writes, 0, static_cast<int>(std::size(kEncoded)));
  return suite;
}

GST_CHECK_MAIN(avc_encoders)
