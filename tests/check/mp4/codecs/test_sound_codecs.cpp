// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the parsers of sound frames: Opus, FLAC and MPEG audio, and of PCM's rows in the table
// of codecs. AC-3 has its own.
#include <cstdint>
#include <utility>
#include <vector>

#include "bit_writer.h"
#include "mp4/codecs/flac.h"
#include "mp4/codecs/mpeg_audio.h"
#include "mp4/codecs/opus.h"
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

constexpr CodecName kOpus{"Opus"_4cc}, kFlac{"fLaC"_4cc}, kAlac{"alac"_4cc};

mp4::AccessUnit look_at(const CodecName& codec, const Bytes& sample) {
  auto config = config_of(codec);
  return look_sanely(sample, config);
}

Bytes text(const char* characters) {
  Bytes bytes;
  while (*characters) bytes.push_back(static_cast<uint8_t>(*characters++));
  return bytes;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// ---- Opus ----

Bytes opus_packet(unsigned config, unsigned code, unsigned frames = 0) {
  return {static_cast<uint8_t>(config << 3 | code), static_cast<uint8_t>(frames), 0, 0};
}

// RFC 7845, 5.1: stereo, 312 samples to skip, 44100 Hz, -1/256 dB
const Bytes kOpusHead = joined(text("OpusHead"), {1, 2, 0x38, 1, 0x44, 0xac, 0, 0, 0xff, 0xff, 0});

// ---- FLAC ----

// 8.2: blocks of 4096, 44100 Hz, stereo, 16 bits
Bytes streaminfo(uint32_t smallest = 4096, uint32_t largest = 4096, uint32_t rate = 44'100) {
  BitWriter w;
  w.bits(smallest, 16).bits(largest, 16).bits(14, 24).bits(9'000, 24);
  w.bits(rate, 20).bits(1, 3).bits(15, 5).bits(88'200, 36);
  Bytes bytes = w.bytes();
  for (uint8_t i = 0; i < 16; ++i) bytes.push_back(i);  // MD5
  return bytes;
}

Bytes flac_header(const Bytes& info) {
  const Bytes block{0x80, 0, 0, static_cast<uint8_t>(info.size())};
  return joined(text("fLaC"), joined(block, info));
}

// 9.1: the number of the frame and what of the block size stands behind it
Bytes flac_frame(unsigned block_size_code, Bytes behind) {
  const Bytes begin{0xff, 0xf8, static_cast<uint8_t>(block_size_code << 4 | 9), 0x18};
  Bytes frame = joined(begin, behind);
  frame.resize(24);
  return frame;
}

}  // namespace

GST_START_TEST(opus_packets_say_how_long_they_are) {  // RFC 6716, table 2
  constexpr int kTicks[] = {480,  960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920,
                            2880, 480, 960,  480,  960, 120, 240,  480,  960, 120, 240,
                            480,  960, 120,  240,  480, 960, 120,  240,  480, 960};
  for (unsigned config = 0; config < 32; ++config) {
    const auto ticks = [&](unsigned code, unsigned frames = 0) {
      return look_at(kOpus, opus_packet(config, code, frames)).duration;
    };
    fail_unless_equals_int(ticks(0), kTicks[config]);
    fail_unless_equals_int(ticks(1), 2 * kTicks[config]);
    fail_unless_equals_int(ticks(2), 2 * kTicks[config]);
    fail_unless_equals_int(ticks(3, 0xc2), 2 * kTicks[config]);  // with padding, of any size
  }
  fail_unless_equals_int(look_at(kOpus, opus_packet(16, 3, 48)).duration, 5760);
}
GST_END_TEST;

GST_START_TEST(opus_packets_that_cannot_be_have_no_length) {
  fail_unless_equals_int(look_at(kOpus, opus_packet(16, 3, 49)).duration, 0);  // over 120 ms
  fail_unless_equals_int(look_at(kOpus, opus_packet(3, 3, 3)).duration, 0);
  fail_unless_equals_int(look_at(kOpus, opus_packet(16, 3, 0)).duration, 0);
  fail_unless_equals_int(look_at(kOpus, {0x83}).duration, 0);  // no count
  fail_unless(look_at(kOpus, {0x83}).has_media);
  fail_unless_equals_int(look_at(kOpus, {0x80}).duration, 120);  // nothing but its first byte
}
GST_END_TEST;

GST_START_TEST(headers_of_opus_are_no_sound) {
  fail_if(look_at(kOpus, kOpusHead).has_media);
  fail_if(look_at(kOpus, text("OpusTags")).has_media);
  fail_if(look_at(kOpus, {}).has_media);
  fail_unless(look_at(kOpus, text("OpusTag")).has_media);  // config 9
}
GST_END_TEST;

GST_START_TEST(opus_head_becomes_its_box) {
  const auto opus = mp4::parse_opus_head(kOpusHead);
  fail_unless(opus.has_value());
  const Bytes box = mp4::opus_specific_box(*opus);
  fail_unless(box == Bytes({0, 2, 1, 0x38, 0, 0, 0xac, 0x44, 0xff, 0xff, 0}));
  fail_unless(mp4::opus_pre_skip(box) == 312);
  fail_if(mp4::opus_pre_skip(std::span(box).first(10)).has_value());
  for (size_t size = 0; size < kOpusHead.size(); ++size)
    fail_if(mp4::parse_opus_head(std::span(kOpusHead).first(size)).has_value());
}
GST_END_TEST;

GST_START_TEST(opus_head_with_a_mapping) {
  Bytes head = kOpusHead;
  head[9] = 6, head[18] = 1;
  const Bytes mapping{4, 2, 0, 4, 1, 2, 3, 5};
  head = joined(head, mapping);
  const auto opus = mp4::parse_opus_head(head);
  fail_unless(opus.has_value());
  const Bytes box = mp4::opus_specific_box(*opus);
  fail_unless(Bytes(box.begin() + 10, box.end()) == joined({1}, mapping));
  for (size_t size = 19; size < head.size(); ++size)
    fail_if(mp4::parse_opus_head(std::span(head).first(size)).has_value());
}
GST_END_TEST;

GST_START_TEST(opus_heads_that_cannot_be_are_refused) {
  const auto refused = [](size_t at, uint8_t value) {
    Bytes head = joined(kOpusHead, {1, 1, 0, 1});
    head[at] = value;
    return !mp4::parse_opus_head(head).has_value();
  };
  fail_if(refused(8, 15));  // a later version, still compatible
  fail_unless(refused(8, 16));
  fail_unless(refused(0, 'o'));
  fail_unless(refused(9, 0));
  fail_unless(refused(9, 3));  // three channels without a mapping
  Bytes mapped = joined(kOpusHead, {1, 2, 0, 1});
  mapped[18] = 1;
  fail_if(mp4::parse_opus_head(mapped).has_value());  // more coupled streams than streams
  mapped[19] = 0, mapped[20] = 0;
  fail_if(mp4::parse_opus_head(mapped).has_value());
  mapped[19] = 2;
  fail_unless(mp4::parse_opus_head(mapped).has_value());
  mapped[22] = 2;  // a channel that is in no stream
  fail_if(mp4::parse_opus_head(mapped).has_value());
  mapped[22] = 255;  // silence
  fail_unless(mp4::parse_opus_head(mapped).has_value());
}
GST_END_TEST;

GST_START_TEST(flac_frames_say_how_long_they_are) {  // 9.1.1
  constexpr int kTicks[] = {0,   192, 576,  1152, 2304, 4608, 0,      0,
                            256, 512, 1024, 2048, 4096, 8192, 16'384, 32'768};
  for (unsigned code = 0; code < 16; ++code) {
    if (code == 6 || code == 7) continue;
    fail_unless_equals_int(look_at(kFlac, flac_frame(code, {0})).duration, kTicks[code]);
  }
  fail_unless_equals_int(look_at(kFlac, flac_frame(6, {5, 99})).duration, 100);
  fail_unless_equals_int(look_at(kFlac, flac_frame(7, {5, 0x12, 0x34})).duration, 0x1235);
  fail_unless_equals_int(look_at(kFlac, flac_frame(7, {5, 0xff, 0xff})).duration, 65'536);
}
GST_END_TEST;

GST_START_TEST(size_of_a_flac_block_stands_behind_the_number) {  // 9.1.5: up to seven bytes
  for (unsigned length = 2; length <= 7; ++length) {
    Bytes number(length, 0xbf);
    number[0] = static_cast<uint8_t>(0xff00 >> length);
    fail_unless_equals_int(look_at(kFlac, flac_frame(6, joined(number, {41}))).duration, 42);
    fail_unless_equals_int(look_at(kFlac, flac_frame(7, joined(number, {1, 0}))).duration, 257);
  }
}
GST_END_TEST;

GST_START_TEST(headers_of_flac_are_no_sound) {
  fail_if(look_at(kFlac, flac_header(streaminfo())).has_media);
  fail_if(look_at(kFlac, joined({0x7f}, text("FLAC"))).has_media);
  fail_if(look_at(kFlac, {0x84, 0, 0, 4, 0, 0, 0, 0}).has_media);  // VORBIS_COMMENT
  fail_if(look_at(kFlac, {}).has_media);
  fail_unless(look_at(kFlac, {0xff, 0xf9, 0x18}).has_media);  // blocks of any size
  fail_if(look_at(kFlac, {0xff, 0xfa, 0x18}).has_media);
}
GST_END_TEST;

GST_START_TEST(streaminfo_is_found_in_both_headers) {
  const Bytes info = streaminfo(), native = flac_header(info);
  const Bytes ogg = joined({0x7f, 'F', 'L', 'A', 'C', 1, 0, 0, 1}, native);
  for (const Bytes& header : {native, ogg}) {
    const auto flac = mp4::parse_streaminfo(header);
    fail_unless(flac.has_value());
    fail_unless_equals_int(flac->rate, 44'100);
    fail_unless_equals_int(flac->channels, 2);
    fail_unless_equals_int(flac->bits, 16);
    fail_unless_equals_int(flac->block_size, 4096);
    fail_unless(mp4::flac_specific_box(flac->streaminfo) ==
                joined({0, 0, 0, 0, 0x80, 0, 0, 34}, info));
    for (size_t size = 0; size < header.size(); ++size)
      fail_if(mp4::parse_streaminfo(std::span(header).first(size)).has_value());
  }
  fail_unless_equals_int(mp4::parse_streaminfo(flac_header(streaminfo(16)))->block_size, 0);
}
GST_END_TEST;

GST_START_TEST(streaminfo_that_cannot_be_is_refused) {
  Bytes header = flac_header(streaminfo());
  header[4] = 4;  // another block
  fail_if(mp4::parse_streaminfo(header).has_value());
  header[4] = 0, header[7] = 33;
  fail_if(mp4::parse_streaminfo(header).has_value());
  header[7] = 34;
  fail_unless(mp4::parse_streaminfo(header).has_value());
  fail_if(mp4::parse_streaminfo(flac_header(streaminfo(16, 16, 0))).has_value());
}
GST_END_TEST;

// A packet that is not full, as the last of a stream, says how long it is.
GST_START_TEST(alac_packets_say_how_long_they_are) {
  auto config = config_of(kAlac);
  config.audio.frame_ticks = 4096;
  const auto ticks = [&](uint32_t tag, uint32_t partial, uint32_t samples, size_t size = 8) {
    const Bytes packet =
        BitWriter().bits(tag, 3).bits(0, 16).bits(partial, 1).bits(0, 3).bits(samples, 32).bytes();
    Bytes padded = packet;
    padded.resize(size);
    const auto unit = mp4_test::look_sanely(padded, config);
    fail_unless(unit.has_media && unit.access.sync);
    return unit.duration;
  };
  fail_unless_equals_int(ticks(0, 1, 256), 256);
  fail_unless_equals_int(ticks(1, 1, 4096), 4096);
  fail_unless_equals_int(ticks(0, 0, 256), 0);   // full: as long as the others
  fail_unless_equals_int(ticks(4, 1, 256), 0);   // no sound
  fail_unless_equals_int(ticks(0, 1, 4097), 0);  // more than a packet can hold
  fail_unless_equals_int(ticks(0, 1, 256, 6), 0);
}
GST_END_TEST;

GST_START_TEST(mpeg_audio_by_version_and_layer) {
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(1, 1), 384);
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(1, 2), 1152);
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(1, 3), 1152);
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(2, 1), 384);
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(2, 2), 1152);
  fail_unless_equals_int(mp4::mpeg_audio_frame_ticks(2, 3), 576);
  fail_unless_equals_int(mp4::mpeg_audio_object_type(1), 0x6b);
  fail_unless_equals_int(mp4::mpeg_audio_object_type(2), 0x69);
  fail_unless_equals_int(mp4::mpeg_audio_object_type(3), 0x69);  // MPEG 2.5
}
GST_END_TEST;

GST_START_TEST(pcm_frames_have_all_channels) {
  constexpr std::pair<mp4::FourCC, uint32_t> kBytes[] = {
      {"alaw"_4cc, 1}, {"ulaw"_4cc, 1}, {"sowt"_4cc, 2}, {"twos"_4cc, 2}, {"in24"_4cc, 3},
      {"in32"_4cc, 4}, {"fl32"_4cc, 4}, {"fl64"_4cc, 8}, {"Opus"_4cc, 0}, {"none"_4cc, 0}};
  for (const auto& [format, bytes] : kBytes) {
    auto config = config_of({format});
    config.audio.channels = 6;
    fail_unless_equals_int(mp4::pcm_frame_bytes(config), 6 * bytes);
  }
}
GST_END_TEST;

GST_START_TEST(damaged_sound_does_no_harm) {
  mp4_test::damage(kOpus, opus_packet(16, 3, 48));
  mp4_test::damage(kAlac, {0, 0, 0x10, 0, 0, 0x20, 0, 0});
  mp4_test::damage(kFlac, flac_frame(7, {0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 1, 2}));
}
GST_END_TEST;

static Suite* sound_codecs_suite() {
  Suite* suite = suite_create("sound_codecs");
  TCase* opus = tcase_create("opus");
  suite_add_tcase(suite, opus);
  tcase_add_test(opus, opus_packets_say_how_long_they_are);
  tcase_add_test(opus, opus_packets_that_cannot_be_have_no_length);
  tcase_add_test(opus, headers_of_opus_are_no_sound);
  tcase_add_test(opus, opus_head_becomes_its_box);
  tcase_add_test(opus, opus_head_with_a_mapping);
  tcase_add_test(opus, opus_heads_that_cannot_be_are_refused);
  TCase* flac = tcase_create("flac");
  suite_add_tcase(suite, flac);
  tcase_add_test(flac, flac_frames_say_how_long_they_are);
  tcase_add_test(flac, size_of_a_flac_block_stands_behind_the_number);
  tcase_add_test(flac, headers_of_flac_are_no_sound);
  tcase_add_test(flac, streaminfo_is_found_in_both_headers);
  tcase_add_test(flac, streaminfo_that_cannot_be_is_refused);
  TCase* others = tcase_create("others");
  suite_add_tcase(suite, others);
  tcase_add_test(others, mpeg_audio_by_version_and_layer);
  tcase_add_test(others, alac_packets_say_how_long_they_are);
  tcase_add_test(others, pcm_frames_have_all_channels);
  tcase_add_test(others, damaged_sound_does_no_harm);
  return suite;
}

GST_CHECK_MAIN(sound_codecs)
