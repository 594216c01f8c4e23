// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what is read of H.265 with what a real encoder writes: x265 by ffmpeg and by GStreamer.
#include <string>

#include "encoder_expectations.h"

namespace {

using mp4_test::count_units;
using mp4_test::Encoded;
using mp4_test::EncodedFile;
using mp4_test::Reordering;

const Encoded kEncoded[] = {
    {"320x240", "-pix_fmt yuv420p -tag:v hvc1", 320, 240},
    {"1920x1080", "-pix_fmt yuv420p -preset ultrafast", 1920, 1080},
    {"322x242", "-pix_fmt yuv420p", 322, 242},
    {"318x238", "-pix_fmt yuv422p", 318, 238, 2},
    {"321x241", "-pix_fmt yuv444p", 321, 241, 3},
    {"320x240", "-pix_fmt yuv420p10le", 320, 240, 1, 10},
    {"320x240", "-pix_fmt yuv422p12le", 320, 240, 2, 12},
    {"720x576", "-vf setsar=16/11 -pix_fmt yuv420p", 720, 576, 1, 8, {16, 11}},
    {"720x480", "-vf setsar=123/457:max=1000 -pix_fmt yuv420p", 720, 480, 1, 8, {123, 457}},
    {"320x240", HDR10_PICTURES("yuv420p10le"), 320, 240, 1, 10, {1, 1}, {9, 16, 9, false}},
    {"320x240", "-pix_fmt yuvj420p -color_range pc", 320, 240, 1, 8, {1, 1}, {2, 2, 2, true}},
};

EncodedFile encode(const std::string& size, int frames, const std::string& params,
                   const std::string& options) {
  return {mp4::NalCodec::kHevc,
          mp4_test::ffmpeg_command(
              size, frames, "-c:v libx265 -x265-params log-level=none:" + params + " " + options)};
}

EncodedFile encode(const std::string& params, const std::string& options = "") {
  return encode("320x240", 30, params, "-pix_fmt yuv420p -preset veryfast " + options);
}

}  // namespace

GST_START_TEST(reads_what_x265_writes) {
  const Encoded& encoded = kEncoded[__i__];
  const EncodedFile file = encode(encoded.size, 2, "scaling-list=default", encoded.options);
  expect_sequence(file, encoded);
}
GST_END_TEST;

constexpr Reordering kReorderings[] = {{"bframes=0", 0},
                                       {"bframes=3:b-adapt=0:b-pyramid=0", 1},
                                       {"bframes=3:b-adapt=0:b-pyramid=1", 2},
                                       {"bframes=8:b-adapt=0:b-pyramid=1:rc-lookahead=20", 2}};

GST_START_TEST(knows_how_far_x265_reorders) {
  const auto& [params, depth] = kReorderings[__i__];
  const EncodedFile file = encode(params);
  expect_reordering(file, depth);
}
GST_END_TEST;

GST_START_TEST(tells_sub_layers_apart) {
  const EncodedFile file = encode("temporal-layers=1:bframes=3:b-adapt=0");
  fail_unless(file.sets.has_value());
  const auto sequence = file.sets->sequence();
  fail_unless(sequence && sequence->width == 320);
  fail_unless(sequence->reorder_depth && *sequence->reorder_depth >= file.reordered());
  fail_unless(file.sets->record() == file.record);
}
GST_END_TEST;

GST_START_TEST(finds_open_groups_and_their_leading_pictures) {
  const EncodedFile file = encode("open-gop=1:keyint=12:min-keyint=6:bframes=2:b-adapt=0");
  fail_unless_equals_int(file.units.size(), 30);
  int64_t random_access_pts = 0;
  int open = 0, leading = 0;
  for (size_t i = 0; i < file.units.size(); ++i) {
    const mp4::AccessUnit& unit = file.units[i];
    fail_unless(unit.has_media);
    fail_unless_equals_int(unit.access.sync, file.samples[i].sync);
    if (unit.access.sync) random_access_pts = file.samples[i].pts;
    fail_unless_equals_int(unit.leading, file.samples[i].pts < random_access_pts);
    open += unit.access.open_gop, leading += unit.leading;
  }
  fail_unless(open >= 2 && leading >= 2);
}
GST_END_TEST;

GST_START_TEST(finds_closed_groups_and_slices) {
  const EncodedFile file = encode("no-open-gop=1:keyint=10:min-keyint=10:bframes=2:slices=3");
  fail_unless_equals_int(file.units.size(), 30);
  for (const auto& unit : file.units) fail_unless(unit.has_media && !unit.leading);
  const auto is_idr = [](const auto& unit) {
    return unit.access == mp4::RandomAccess{.sync = true};
  };
  fail_unless_equals_int(count_units(file, is_idr), 3);
  fail_if(count_units(file, [](const auto& unit) { return unit.access.open_gop; }));
}
GST_END_TEST;

GST_START_TEST(puts_sets_behind_the_delimiters_of_x265) {
  const EncodedFile file(mp4::NalCodec::kHevc,
                         "gst-launch-1.0 -q videotestsrc num-buffers=10 ! "
                         "x265enc option-string=aud=1 ! h265parse ! "
                         "video/x-h265,stream-format=hvc1 ! qtmux ! filesink location=FILE "
                         ">/dev/null");
  fail_unless_equals_int(file.units.size(), 10);
  for (size_t i = 1; i < file.units.size(); ++i)  // the first begins with x265's own sets
    fail_unless_equals_uint64(file.units[i].sets_position, 4 + 3);
}
GST_END_TEST;

GST_START_TEST(finds_the_sets_within_samples) {
  const EncodedFile file = encode("keyint=10:min-keyint=10", "-bsf:v dump_extra=freq=k");
  fail_unless_equals_int(file.units.size(), 30);
  for (size_t i = 0; i < file.units.size(); ++i) {
    fail_unless_equals_int(file.units[i].parameter_sets.size(), file.samples[i].sync ? 3 : 0);
    auto sets = *file.sets;
    std::vector<std::vector<uint8_t>> present;
    for (const auto& [offset, size] : file.units[i].parameter_sets) {
      const auto set = std::span(file.bytes[i]).subspan(offset, size);
      fail_if(sets.put(set));
      present.emplace_back(set.begin(), set.end());
    }
    fail_unless_equals_int(sets.missing_from(present).empty(), file.samples[i].sync);
  }
}
GST_END_TEST;

GST_START_TEST(writes_the_record_of_h265parse_as_it_was) {
  for (const char* format : {"hvc1", "hev1"}) {
    const EncodedFile file(
        mp4::NalCodec::kHevc,
        "gst-launch-1.0 -q videotestsrc num-buffers=5 ! "
        "x265enc speed-preset=ultrafast ! h265parse ! video/x-h265,stream-format=" +
            std::string(format) + " ! qtmux ! filesink location=FILE >/dev/null");
    fail_unless(file.sets.has_value());
    fail_unless(file.sets->record() == file.record, "%s", format);
    fail_unless_equals_int(file.sets->sequence()->width, 320);
  }
}
GST_END_TEST;

GST_START_TEST(damaged_records_and_samples_do_no_harm) {
  const EncodedFile file = encode("160x120", 2, "aud=1:repeat-headers=1", "-pix_fmt yuv420p");
  fail_unless(file.sets && !file.bytes.empty());
  const auto look = [](const std::vector<uint8_t>& record, const std::vector<uint8_t>& sample) {
    const auto sets = mp4::ParameterSets::from_record(mp4::NalCodec::kHevc, record);
    if (!sets) return;
    sets->sequence();
    sets->record();
    const auto unit = mp4::scan_access_unit(mp4::NalCodec::kHevc, mp4_test::MemorySource(sample),
                                            sets->nal_length_size());
    for (const auto& [offset, size] : unit.parameter_sets)
      fail_unless(offset + size <= sample.size());
  };
  const auto damage = [](const std::vector<uint8_t>& whole, auto use) {
    for (size_t at = 0; at < std::min<size_t>(whole.size(), 2'000); ++at) {
      use(std::vector<uint8_t>(whole.begin(), whole.begin() + static_cast<long>(at)));
      for (uint8_t value : {0, 255}) {
        auto changed = whole;
        changed[at] = value;
        use(changed);
      }
    }
  };
  damage(file.record, [&](const auto& record) { look(record, file.bytes[0]); });
  damage(file.bytes[0], [&](const auto& sample) { look(file.record, sample); });
}
GST_END_TEST;

static Suite* hevc_encoders_suite() {
  Suite* suite = suite_create("hevc_encoders");
  TCase* x265 = tcase_create("x265");
  suite_add_tcase(suite, x265);
  tcase_set_timeout(x265, 60);
  tcase_add_loop_test(x265, reads_what_x265_writes, 0, static_cast<int>(std::size(kEncoded)));
  tcase_add_loop_test(x265, knows_how_far_x265_reorders, 0,
                      static_cast<int>(std::size(kReorderings)));
  tcase_add_test(x265, tells_sub_layers_apart);
  tcase_add_test(x265, finds_open_groups_and_their_leading_pictures);
  tcase_add_test(x265, finds_closed_groups_and_slices);
  tcase_add_test(x265, puts_sets_behind_the_delimiters_of_x265);
  tcase_add_test(x265, finds_the_sets_within_samples);
  tcase_add_test(x265, writes_the_record_of_h265parse_as_it_was);
  tcase_add_test(x265, damaged_records_and_samples_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(hevc_encoders)
