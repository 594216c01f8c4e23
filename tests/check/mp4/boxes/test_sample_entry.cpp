// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the sample descriptions, read back from recordings.
#include <cstdint>
#include <string>

#include "box_reader.h"
#include "mp4/codecs/flac.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using namespace mp4::literals;
using mp4_test::audio_config;
using mp4_test::TestRecording;
using mp4_test::video_config;

// The only entry of a track of this description with a second of samples.
boxes::SampleEntry entry_of(const mp4::TrackConfig& config) {
  TestRecording recording;
  const auto track = recording.add_track(config);
  const mp4::Ticks step = config.timescale.ticks_per_second / 25;
  for (mp4::Ticks i = 0; i < 50; ++i)
    recording.append(track, {i * step, i * step, step}, true, i < 25 ? 100 : 200);
  fail_unless(recording.finish());
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
  const auto movie = recording.read();
  fail_unless_equals_int(movie->tracks.at(0).entries.size(), 1);
  return movie->tracks[0].entries[0];
}

mp4::FlacStreaminfo streaminfo_of(uint32_t rate) {
  mp4::FlacStreaminfo info{0x10, 0, 0x10, 0};  // blocks of 4096 samples
  info[10] = static_cast<uint8_t>(rate >> 12);
  info[11] = static_cast<uint8_t>(rate >> 4);
  info[12] = static_cast<uint8_t>(rate << 4 | 1 << 1);  // two channels
  info[13] = 0xf0;                                      // 16 bits
  return info;
}

}  // namespace

GST_START_TEST(video_is_described_with_its_configuration_as_it_is) {
  mp4::TrackConfig config = video_config();
  config.video.aspect = {12, 11};
  const auto entry = entry_of(config);
  fail_unless_equals_string(entry.format.c_str(), "avc1");
  fail_unless_equals_int(entry.width, 320);
  fail_unless_equals_int(entry.height, 240);
  fail_unless(entry.config == config.codec_config);
  fail_unless(entry.pasp && entry.pasp->h == 12 && entry.pasp->v == 11);
  fail_if(entry.colr.has_value());
}
GST_END_TEST;

GST_START_TEST(the_format_may_be_avc3) {
  mp4::TrackConfig config = video_config();
  config.format = "avc3"_4cc;
  fail_unless(entry_of(config).format == "avc3");
}
GST_END_TEST;

GST_START_TEST(colour_is_written_when_known) {
  for (bool full_range : {false, true}) {
    mp4::TrackConfig config = video_config();
    config.video.colour = mp4::Colour{9, 16, 10, full_range};
    const auto entry = entry_of(config);
    fail_unless(entry.colr.has_value());
    fail_unless_equals_int(entry.colr->primaries, 9);
    fail_unless_equals_int(entry.colr->transfer, 16);
    fail_unless_equals_int(entry.colr->matrix, 10);
    fail_unless_equals_int(entry.colr->full_range, full_range);
  }
}
GST_END_TEST;

GST_START_TEST(bit_rates_are_those_of_the_media) {
  const auto entry = entry_of(video_config());
  fail_unless(entry.btrt.has_value());
  fail_unless_equals_int(entry.btrt->buffer_size, 200);
  fail_unless_equals_int(entry.btrt->max, 25 * 200 * 8);
  fail_unless_equals_int(entry.btrt->avg, 25 * 150 * 8);
}
GST_END_TEST;

GST_START_TEST(sound_is_described_by_its_decoder_specific_info) {
  const auto entry = entry_of(audio_config());
  fail_unless_equals_string(entry.format.c_str(), "mp4a");
  fail_unless_equals_int(entry.channels, 2);
  fail_unless_equals_int(entry.sample_rate, 48'000);
  fail_unless(entry.has_esds);
  fail_unless_equals_int(entry.object_type, 0x40);
  fail_unless_equals_int(entry.stream_type, 5);
  fail_unless(entry.config == audio_config().codec_config);
  fail_unless_equals_int(entry.avg_bitrate, 25 * 150 * 8);
  fail_unless_equals_int(entry.max_bitrate, 25 * 200 * 8);
  fail_unless_equals_int(entry.buffer_size, 200);
}
GST_END_TEST;

GST_START_TEST(long_configurations_keep_their_lengths) {
  for (std::size_t size : {5u, 127u, 128u, 300u, 20'000u}) {
    mp4::TrackConfig config = audio_config();
    config.codec_config.resize(size, 0x55);
    fail_unless(entry_of(config).config == config.codec_config);
  }
}
GST_END_TEST;

GST_START_TEST(a_rate_beyond_16_bits_stands_in_the_configuration_alone) {
  mp4::TrackConfig config = audio_config();
  config.timescale = {96'000};
  config.audio.rate = 96'000;
  config.codec_config = {0x10, 0x10};
  fail_unless_equals_int(entry_of(config).sample_rate, 0);
}
GST_END_TEST;

// Encapsulation of FLAC in ISO Base Media File Format, 3.3.1.
GST_START_TEST(a_rate_of_flac_beyond_16_bits_is_divided) {
  constexpr std::pair<uint32_t, uint32_t> kRates[] = {{65'535, 65'535},  {88'200, 44'100},
                                                      {96'000, 48'000},  {176'400, 44'100},
                                                      {192'000, 48'000}, {655'350, 0}};
  for (const auto& [rate, said] : kRates) {
    mp4::TrackConfig config = audio_config();
    config.format = "fLaC"_4cc;
    config.object_type = 0;
    config.timescale = {rate};
    config.audio.rate = rate;
    config.codec_config = mp4::flac_specific_box(streaminfo_of(rate));
    fail_unless_equals_int(entry_of(config).sample_rate, said);
  }
}
GST_END_TEST;

// GStreamer opens no PCM whose rate the entry does not say.
GST_START_TEST(a_rate_of_pcm_beyond_16_bits_stands_in_an_entry_of_quicktime) {
  struct Pcm {
    mp4::FourCC format;
    uint16_t bits;
    uint32_t flags;  // float 1, big-endian 2, signed 4, packed 8
  };
  constexpr Pcm kFormats[] = {{"sowt"_4cc, 16, 12}, {"twos"_4cc, 16, 14}, {"in24"_4cc, 24, 14},
                              {"in32"_4cc, 32, 14}, {"fl32"_4cc, 32, 11}, {"fl64"_4cc, 64, 11}};
  for (const Pcm& pcm : kFormats) {
    mp4::TrackConfig config;
    config.kind = mp4::TrackKind::kAudio;
    config.format = pcm.format;
    config.timescale = {192'000};
    config.audio = {
        .channels = 2, .rate = 192'000, .bits = pcm.bits, .layout = 3, .frame_ticks = 1};
    TestRecording recording;
    recording.append(recording.add_track(config), {0, 0, 10}, true, 10 * 2 * pcm.bits / 8);
    fail_unless(recording.finish());
    const auto movie = recording.read();
    fail_unless(movie->problems.empty(), "%s", movie->problems.front().c_str());
    const auto& entry = movie->tracks.at(0).entries.at(0);
    fail_unless_equals_string(entry.format.c_str(), "lpcm");
    fail_unless_equals_int(entry.sample_rate, 192'000);
    fail_unless_equals_int(entry.channels, 2);
    fail_unless_equals_int(entry.sample_bits, pcm.bits);
    fail_unless_equals_int(entry.lpcm_flags, pcm.flags);
    fail_unless_equals_int(entry.chan.size(), 16);
  }
}
GST_END_TEST;

static Suite* sample_entry_suite() {
  Suite* suite = suite_create("sample_entry");
  TCase* entries = tcase_create("entries");
  suite_add_tcase(suite, entries);
  tcase_add_test(entries, video_is_described_with_its_configuration_as_it_is);
  tcase_add_test(entries, the_format_may_be_avc3);
  tcase_add_test(entries, colour_is_written_when_known);
  tcase_add_test(entries, bit_rates_are_those_of_the_media);
  tcase_add_test(entries, sound_is_described_by_its_decoder_specific_info);
  tcase_add_test(entries, long_configurations_keep_their_lengths);
  tcase_add_test(entries, a_rate_beyond_16_bits_stands_in_the_configuration_alone);
  tcase_add_test(entries, a_rate_of_flac_beyond_16_bits_is_divided);
  tcase_add_test(entries, a_rate_of_pcm_beyond_16_bits_stands_in_an_entry_of_quicktime);
  return suite;
}

GST_CHECK_MAIN(sample_entry)
