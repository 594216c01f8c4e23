// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what is read of AV1 (AV1 bitstream specification, 5.3 to 5.9), with sequence headers
// that encoders seldom write. What they do write is in test_codec_encoders.
#include <cstdint>
#include <vector>

#include "bit_writer.h"
#include "mp4/codecs/av1.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include "codec_samples.h"
// clang-format on

namespace {

using namespace mp4::literals;
using mp4_test::BitWriter;
using mp4_test::CodecName;
using mp4_test::config_of;
using mp4_test::look_sanely;
using Bytes = std::vector<uint8_t>;

constexpr CodecName kAv1{"av01"_4cc};
constexpr unsigned kSequenceHeader = 1, kDelimiter = 2, kFrameHeader = 3, kMetadata = 5, kFrame = 6;

struct Sequence {
  unsigned profile = 0;
  bool reduced = false;
  bool timing = false, decoder_model = false, display_delay = false, frame_ids = false;
  unsigned points = 1;
  unsigned level = 8, tier = 1;
  unsigned width = 640, height = 360;
  bool high = false, twelve = false, mono = false;
  bool described = false;
  mp4::Colour colour;
  unsigned subsampling_x = 1, subsampling_y = 1, position = 0;
};

void write_operating_points(BitWriter& w, const Sequence& sequence) {
  w.bits(sequence.timing, 1);  // timing_info_present_flag
  if (sequence.timing) {
    w.bits(1, 32).bits(30, 32).bits(1, 1).ue(0);  // with equal_picture_interval
    w.bits(sequence.decoder_model, 1);
    if (sequence.decoder_model) w.bits(9, 5).bits(1, 32).bits(9, 5).bits(9, 5);
  }
  w.bits(sequence.display_delay, 1).bits(sequence.points - 1, 5);
  for (unsigned i = 0; i < sequence.points; ++i) {
    const unsigned level = i == 0 ? sequence.level : 5;
    w.bits(0x101, 12).bits(level, 5);
    if (level > 7) w.bits(sequence.tier, 1);
    if (sequence.decoder_model) w.bits(1, 1).bits(77, 10).bits(78, 10).bits(0, 1);
    if (sequence.display_delay) w.bits(1, 1).bits(3, 4);
  }
}

void write_tools(BitWriter& w) {
  w.bits(0xf, 4).bits(1, 1).bits(3, 2);           // enable_order_hint
  w.bits(0, 1).bits(1, 1).bits(0, 1).bits(1, 1);  // screen content and integer vectors are forced
  w.bits(6, 3);                                   // order_hint_bits_minus_1
}

void write_color_config(BitWriter& w, const Sequence& sequence) {  // 5.5.2
  w.bits(sequence.high, 1);
  if (sequence.profile == 2 && sequence.high) w.bits(sequence.twelve, 1);
  if (sequence.profile != 1) w.bits(sequence.mono, 1);
  w.bits(sequence.described, 1);
  const mp4::Colour& colour = sequence.colour;
  if (sequence.described)
    w.bits(colour.primaries, 8).bits(colour.transfer, 8).bits(colour.matrix, 8);
  const bool rgb = sequence.described && colour.matrix == 0;
  if (sequence.mono || !rgb) w.bits(colour.full_range, 1);
  if (sequence.mono) return;
  if (sequence.profile == 2 && sequence.high && sequence.twelve && !rgb) {
    w.bits(sequence.subsampling_x, 1);
    if (sequence.subsampling_x) w.bits(sequence.subsampling_y, 1);
  }
  if (sequence.subsampling_x && sequence.subsampling_y && !rgb) w.bits(sequence.position, 2);
  w.bits(0, 1);  // separate_uv_delta_q
}

Bytes sequence_header(const Sequence& sequence) {  // 5.5.1
  BitWriter w;
  w.bits(sequence.profile, 3).bits(sequence.reduced, 1).bits(sequence.reduced, 1);
  if (sequence.reduced)
    w.bits(sequence.level, 5);
  else
    write_operating_points(w, sequence);
  w.bits(15, 4).bits(9, 4).bits(sequence.width - 1, 16).bits(sequence.height - 1, 10);
  if (!sequence.reduced) w.bits(sequence.frame_ids, 1);
  if (sequence.frame_ids) w.bits(5, 4).bits(5, 3);
  w.bits(0, 3);  // use_128x128_superblock ...
  if (!sequence.reduced) write_tools(w);
  w.bits(0, 3);  // enable_superres ...
  write_color_config(w, sequence);
  w.bits(0, 1).bits(1, 1);  // film_grain_params_present, trailing bit
  return w.bytes();
}

Bytes obu(unsigned type, const Bytes& payload) {
  Bytes bytes{static_cast<uint8_t>(type << 3 | 2)};
  if (payload.size() > 127) bytes.push_back(static_cast<uint8_t>(payload.size() | 0x80));
  bytes.push_back(
      static_cast<uint8_t>(payload.size() > 127 ? payload.size() >> 7 : payload.size()));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

template <typename... Parts>
Bytes joined(const Parts&... parts) {
  Bytes bytes;
  (bytes.insert(bytes.end(), parts.begin(), parts.end()), ...);
  return bytes;
}

// 5.9.2: show_existing_frame, frame_type, show_frame
Bytes frame(unsigned type = 0, bool shown = true, bool existing = false,
            unsigned obu_type = kFrame) {
  const unsigned first = (existing ? 0x80u : 0u) | type << 5 | (shown ? 0x10u : 0u);
  return obu(obu_type, {static_cast<uint8_t>(first), 1, 2, 3});
}

Bytes sample_of(const Sequence& sequence) {
  return joined(obu(kSequenceHeader, sequence_header(sequence)), frame());
}

mp4::TrackConfig described_by(const Sequence& sequence) {
  auto config = config_of(kAv1);
  const auto unit = look_sanely(sample_of(sequence), config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  return config;
}

void expect_record(const Sequence& sequence, const Bytes& head) {
  const auto config = described_by(sequence);
  const Bytes wanted = joined(head, obu(kSequenceHeader, sequence_header(sequence)));
  fail_unless(config.codec_config == wanted);
  fail_unless_equals_int(config.video.width, sequence.width);
  fail_unless_equals_int(config.video.height, sequence.height);
  fail_unless(mp4::is_av1_configuration(config.codec_config));
}

}  // namespace

GST_START_TEST(records_say_what_sequence_headers_do) {
  expect_record({}, {0x81, 0x08, 0x8c, 0});
  expect_record({.level = 5}, {0x81, 0x05, 0x0c, 0});
  expect_record({.high = true, .position = 2}, {0x81, 0x08, 0xce, 0});
  expect_record({.mono = true}, {0x81, 0x08, 0x9c, 0});
  expect_record({.profile = 1, .subsampling_x = 0}, {0x81, 0x28, 0x80, 0});
  expect_record({.profile = 2, .subsampling_y = 0}, {0x81, 0x48, 0x88, 0});
  expect_record({.profile = 2, .high = true, .twelve = true, .subsampling_x = 0},
                {0x81, 0x48, 0xe0, 0});
  expect_record({.profile = 2, .high = true, .twelve = true, .position = 1}, {0x81, 0x48, 0xed, 0});
}
GST_END_TEST;

GST_START_TEST(all_that_stands_before_the_size_is_skipped) {
  expect_record({.timing = true}, {0x81, 0x08, 0x8c, 0});
  expect_record({.timing = true, .decoder_model = true}, {0x81, 0x08, 0x8c, 0});
  expect_record({.display_delay = true, .points = 3}, {0x81, 0x08, 0x8c, 0});
  expect_record({.timing = true, .decoder_model = true, .display_delay = true, .points = 32},
                {0x81, 0x08, 0x8c, 0});
  expect_record({.frame_ids = true, .width = 65'535}, {0x81, 0x08, 0x8c, 0});
}
GST_END_TEST;

GST_START_TEST(colours_are_taken_where_they_are_described) {
  fail_if(described_by({}).video.colour.has_value());
  fail_if(described_by({.colour = {.full_range = true}}).video.colour.has_value());
  const mp4::Colour hdr{9, 16, 9, true}, rgb{1, 13, 0, true};
  fail_unless(described_by({.described = true, .colour = hdr}).video.colour == hdr);
  const Sequence in_rgb{
      .profile = 1, .described = true, .colour = rgb, .subsampling_x = 0, .subsampling_y = 0};
  fail_unless(described_by(in_rgb).video.colour == rgb);
  expect_record(in_rgb, {0x81, 0x28, 0x80, 0});
}
GST_END_TEST;

GST_START_TEST(still_pictures_are_sync_samples) {
  const Sequence still{.reduced = true};
  expect_record(still, {0x81, 0x08, 0x0c, 0});
  auto config = config_of(kAv1);
  const Bytes sample = joined(obu(kSequenceHeader, sequence_header(still)), frame(3, false));
  fail_unless(look_sanely(sample, config).access.sync);
}
GST_END_TEST;

GST_START_TEST(sync_samples_begin_with_a_shown_key_frame) {
  const Bytes header = obu(kSequenceHeader, sequence_header({}));
  const auto is_sync = [](const Bytes& sample) {
    auto config = config_of(kAv1);
    const auto unit = look_sanely(sample, config);
    fail_unless(unit.has_media);
    return unit.access.sync;
  };
  fail_unless(is_sync(joined(header, frame())));
  fail_unless(is_sync(joined(header, frame(0, true, false, kFrameHeader))));
  fail_unless(is_sync(joined(header, obu(kMetadata, {1, 2, 3}), frame())));
  fail_if(is_sync(frame()));
  fail_if(is_sync(joined(header, frame(0, false))));
  fail_if(is_sync(joined(header, frame(0, true, true))));
  fail_if(is_sync(joined(header, obu(kFrame, {}))));
  for (unsigned type = 1; type < 4; ++type) fail_if(is_sync(joined(header, frame(type))));
  fail_if(is_sync(joined(header, frame(1), frame(0))));
}
GST_END_TEST;

GST_START_TEST(delimiters_at_the_front_are_left_out) {
  const Bytes delimiter = obu(kDelimiter, {});
  auto config = config_of(kAv1);
  const auto skip = [&](const Bytes& sample) { return look_sanely(sample, config).skip; };
  fail_unless_equals_uint64(skip(joined(delimiter, sample_of({}))), 2);
  fail_unless_equals_uint64(skip(joined(delimiter, delimiter, frame(1))), 4);
  fail_unless_equals_uint64(skip(joined(frame(1), delimiter)), 0);
  fail_unless_equals_uint64(skip(joined(obu(kMetadata, {1}), delimiter, frame(1))), 0);
  fail_if(look_sanely(delimiter, config).has_media);
}
GST_END_TEST;

GST_START_TEST(samples_without_a_frame_are_no_media) {
  auto config = config_of(kAv1);
  const auto unit = look_sanely(obu(kSequenceHeader, sequence_header({})), config);
  fail_unless(!unit.has_media && unit.described_anew);
  fail_if(look_sanely({}, config).has_media);
  Bytes many;
  for (int i = 0; i < 1'000; ++i) many = joined(many, obu(kMetadata, {}));
  fail_unless(look_sanely(many, config).has_media);  // too many to look at
}
GST_END_TEST;

GST_START_TEST(the_same_sequence_describes_once) {
  auto config = described_by({});
  fail_if(look_sanely(sample_of({}), config).described_anew);
  fail_unless(look_sanely(sample_of({.width = 320}), config).described_anew);
  fail_unless_equals_int(config.video.width, 320);
  // What the record of the caps says beyond the sequence header stays.
  auto known = described_by({});
  known.codec_config[3] = 0x10 | 4;  // initial_presentation_delay
  const auto metadata = obu(kMetadata, {1, 2, 3});
  known.codec_config.insert(known.codec_config.end(), metadata.begin(), metadata.end());
  fail_if(look_sanely(sample_of({}), known).described_anew);
}
GST_END_TEST;

GST_START_TEST(a_header_that_is_said_twice_counts_once) {
  const Bytes one = obu(kSequenceHeader, sequence_header({}));
  const Bytes other = obu(kSequenceHeader, sequence_header({.width = 320}));
  for (const Bytes& second : {one, other}) {
    auto config = config_of(kAv1);
    const auto unit = look_sanely(joined(one, second, frame()), config);
    fail_unless(unit.described_anew && unit.access.sync);
    fail_unless_equals_int(config.video.width, 640);
  }
}
GST_END_TEST;

GST_START_TEST(units_without_a_size_and_with_an_extension) {
  auto config = config_of(kAv1);
  Bytes sample = obu(kSequenceHeader, sequence_header({}));
  sample[0] |= 0x04;
  sample.insert(sample.begin() + 1, 0x20);  // spatial_id
  sample = joined(sample, Bytes{kFrame << 3, 0x10, 1, 2});
  const auto unit = look_sanely(sample, config);
  fail_unless(unit.has_media && unit.access.sync && unit.described_anew);
  fail_unless(config.codec_config == described_by({}).codec_config);
}
GST_END_TEST;

GST_START_TEST(configurations_that_cannot_be_are_refused) {
  fail_unless(mp4::is_av1_configuration(Bytes{0x81, 0, 0, 0}));
  fail_if(mp4::is_av1_configuration(Bytes{0x81, 0, 0}));
  fail_if(mp4::is_av1_configuration(Bytes{0x01, 0, 0, 0}));
  fail_if(mp4::is_av1_configuration({}));
}
GST_END_TEST;

GST_START_TEST(damaged_samples_do_no_harm) {
  const Bytes plain = sample_of({.described = true, .colour = {9, 16, 9}});
  mp4_test::damage(kAv1, joined(obu(kDelimiter, {}), plain));
  mp4_test::damage(kAv1, sample_of({.timing = true, .decoder_model = true, .points = 8}));
  mp4_test::damage(kAv1,
                   joined(Bytes{0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, plain));
}
GST_END_TEST;

static Suite* av1_suite() {
  Suite* suite = suite_create("av1");
  TCase* headers = tcase_create("sequence_headers");
  suite_add_tcase(suite, headers);
  tcase_add_test(headers, records_say_what_sequence_headers_do);
  tcase_add_test(headers, all_that_stands_before_the_size_is_skipped);
  tcase_add_test(headers, colours_are_taken_where_they_are_described);
  tcase_add_test(headers, configurations_that_cannot_be_are_refused);
  TCase* samples = tcase_create("samples");
  suite_add_tcase(suite, samples);
  tcase_add_test(samples, still_pictures_are_sync_samples);
  tcase_add_test(samples, sync_samples_begin_with_a_shown_key_frame);
  tcase_add_test(samples, delimiters_at_the_front_are_left_out);
  tcase_add_test(samples, samples_without_a_frame_are_no_media);
  tcase_add_test(samples, the_same_sequence_describes_once);
  tcase_add_test(samples, a_header_that_is_said_twice_counts_once);
  tcase_add_test(samples, units_without_a_size_and_with_an_extension);
  tcase_add_test(samples, damaged_samples_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(av1)
