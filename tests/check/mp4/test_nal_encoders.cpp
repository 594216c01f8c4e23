// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parameter sets of real encoders: what x264 and x265 write, by ffmpeg, read by our
// box reader; what a set says of the pictures, and that a record made anew is the one it came from.
#include <cstdlib>
#include <random>
#include <string>

#include "box_reader.h"
#include "mp4/hevc.h"
#include "mp4/parameter_sets.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::NalCodec;
using mp4::ParameterSets;
using mp4_test::Bytes;

struct Encoded {
  NalCodec codec;
  const char* size;
  const char* options;
  uint32_t width, height;
  int depth;  // -1: not said
  mp4::PixelAspectRatio aspect{1, 1};
  mp4::Colour colour{};
};

#define X265 "-c:v libx265 -x265-params log-level=none:"
const Encoded kEncoded[] = {
    {NalCodec::kHevc, "320x240", X265 "bframes=0 -pix_fmt yuv420p", 320, 240, 0},
    {NalCodec::kHevc, "320x240", X265 "bframes=3:b-pyramid=0 -pix_fmt yuv420p", 320, 240, 1},
    {NalCodec::kHevc, "320x240", X265 "bframes=8:b-pyramid=1:b-adapt=0 -pix_fmt yuv420p", 320, 240,
     2},
    {NalCodec::kHevc, "322x242", X265 "bframes=2 -pix_fmt yuv420p", 322, 242, 2},
    {NalCodec::kHevc, "321x241", X265 "bframes=0 -pix_fmt yuv444p", 321, 241, 0},
    {NalCodec::kHevc, "318x238", X265 "bframes=0 -pix_fmt yuv422p10le", 318, 238, 0},
    {NalCodec::kHevc, "320x240", X265 "bframes=0:scaling-list=default -pix_fmt yuv420p", 320, 240,
     0},
    {NalCodec::kHevc, "320x240", X265 "bframes=0:temporal-layers=1 -pix_fmt yuv420p", 320, 240, 0},
    {NalCodec::kHevc,
     "720x576",
     X265 "bframes=0 -vf setsar=16/11 -pix_fmt yuv420p",
     720,
     576,
     0,
     {16, 11}},
    {NalCodec::kHevc,
     "320x240",
     X265
     "bframes=0 -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -pix_fmt yuv420p",
     320,
     240,
     0,
     {1, 1},
     {9, 16, 9, false}},
    {NalCodec::kAvc, "320x240", "-c:v libx264 -bf 0", 320, 240, 0},
    {NalCodec::kAvc, "320x240", "-c:v libx264 -bf 3 -x264-params b-pyramid=none", 320, 240, 1},
    {NalCodec::kAvc, "320x240", "-c:v libx264 -bf 3 -x264-params b-pyramid=normal", 320, 240, 2},
    {NalCodec::kAvc, "320x240",
     "-c:v libx264 -x264-params nal-hrd=cbr:vbv-maxrate=900:"
     "vbv-bufsize=900:bitrate=900:bframes=0",
     320, 240, 0},
    // Without the restriction: what nothing says, and what the profile says
    {NalCodec::kAvc, "320x240",
     "-c:v libx264 -bf 0 -profile:v baseline -pix_fmt yuv420p -bsf:v h264_metadata="
     "video_full_range_flag=0",
     320, 240, 0},
};
#undef X265

const char* codec_name(NalCodec codec) { return codec == NalCodec::kAvc ? "H.264" : "H.265"; }

Bytes record_of(const Encoded& encoded) {
  const mp4_test::TemporaryFolder folder;
  const std::string path = folder.path("encoded.mp4");
  const std::string command =
      "ffmpeg -v error -f lavfi -i testsrc=size=" + std::string(encoded.size) +
      ":rate=25 -frames:v 12 -tag:v " + (encoded.codec == NalCodec::kAvc ? "avc1 " : "hvc1 ") +
      encoded.options + " " + path + " 2>/dev/null";
  fail_unless_equals_int(system(command.c_str()), 0);
  const auto movie = boxes::read_movie(path);
  fail_unless(movie && movie->tracks.size() == 1);
  return movie->tracks[0].entries[0].config;
}

}  // namespace

GST_START_TEST(says_of_the_pictures_what_the_encoder_was_told) {
  const Encoded& encoded = kEncoded[__i__];
  const auto sets = ParameterSets::from_record(encoded.codec, record_of(encoded));
  fail_unless(sets && sets->nal_length_size() == 4);
  const auto sequence = sets->sequence();
  fail_unless(sequence.has_value());
  fail_unless_equals_int(sequence->width, encoded.width);
  fail_unless_equals_int(sequence->height, encoded.height);
  fail_unless_equals_int(sequence->reorder_depth ? static_cast<int>(*sequence->reorder_depth) : -1,
                         encoded.depth);
  fail_unless(sequence->aspect.value_or(mp4::PixelAspectRatio()) == encoded.aspect);
  const mp4::Colour colour = sequence->colour.value_or(mp4::Colour{});
  fail_unless(encoded.codec == NalCodec::kAvc || colour == encoded.colour, "%s: %d %d %d %d",
              codec_name(encoded.codec), colour.primaries, colour.transfer, colour.matrix,
              colour.full_range);
}
GST_END_TEST;

GST_START_TEST(a_record_made_anew_is_the_one_it_came_from) {
  const Encoded& encoded = kEncoded[__i__];
  const Bytes record = record_of(encoded);
  const auto sets = ParameterSets::from_record(encoded.codec, record);
  const Bytes anew = sets->record();
  if (encoded.codec == NalCodec::kAvc) {
    fail_unless(anew == record);
    return;
  }
  // ffmpeg and we are free in what is said twice (array_completeness, frame rates).
  const auto again = ParameterSets::from_record(encoded.codec, anew);
  fail_unless(again && again->record() == anew);
  fail_unless(std::equal(record.begin(), record.begin() + 22, anew.begin()));
  fail_unless(again->missing_from({}) == sets->missing_from({}));
}
GST_END_TEST;

GST_START_TEST(a_record_damaged_anywhere_does_no_harm) {
  std::minstd_rand random(9);
  for (int i : {2, 6, 12, 13}) {
    const Bytes record = record_of(kEncoded[i]);
    const auto look = [&](const Bytes& bytes) {
      auto sets = ParameterSets::from_record(kEncoded[i].codec, bytes);
      if (!sets) return;
      sets->sequence();
      const Bytes anew = sets->record();
      fail_unless(ParameterSets::from_record(kEncoded[i].codec, anew).has_value());
    };
    for (size_t at = 0; at < record.size(); ++at) {
      look(Bytes(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(at)));
      for (int value : {0x00, 0xff, static_cast<int>(random() & 0xff)}) {
        Bytes damaged = record;
        damaged[at] = static_cast<uint8_t>(value);
        look(damaged);
      }
    }
  }
}
GST_END_TEST;

static Suite* nal_encoders_suite() {
  Suite* suite = suite_create("nal_encoders");
  TCase* encoders = tcase_create("encoders");
  suite_add_tcase(suite, encoders);
  tcase_set_timeout(encoders, 60);
  constexpr int kCount = static_cast<int>(std::size(kEncoded));
  tcase_add_loop_test(encoders, says_of_the_pictures_what_the_encoder_was_told, 0, kCount);
  tcase_add_loop_test(encoders, a_record_made_anew_is_the_one_it_came_from, 0, kCount);
  tcase_add_test(encoders, a_record_damaged_anywhere_does_no_harm);
  return suite;
}

GST_CHECK_MAIN(nal_encoders)
