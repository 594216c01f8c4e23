// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the codecs' parsers with what real encoders write: one run of FFmpeg puts each codec
// into a file, and its own muxer says what the boxes and the sync samples must be.
#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "box_reader.h"
#include "encoded_file.h"
#include "mp4/codecs/av1.h"
#include "mp4/codecs/flac.h"
#include "mp4/codecs/opus.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include "codec_samples.h"
// clang-format on

namespace {

using namespace mp4::literals;
using mp4_test::CodecName;
using mp4_test::look_sanely;
using Bytes = std::vector<uint8_t>;

constexpr uint16_t kWidth = 64, kHeight = 48;
#define PICTURES " -map 0 -frames:v 8 -g 4 "
constexpr const char* kPictures = PICTURES "-pix_fmt ";

// Not owned here: the processes of the cases end without it.
mp4_test::TemporaryFolder* folder;

// All files at once: most of the time would be FFmpeg's own start.
void encode() {
  folder = new mp4_test::TemporaryFolder();
  const std::string pictures = kPictures, sound = " -map 1 -c:a ";
  const auto file = [](const char* name) { return " " + folder->path(name); };
  const std::string command =
      "ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=30 "
      "-f lavfi -i sine=duration=0.3:sample_rate=48000" +
      pictures + "yuv420p -c:v libaom-av1 -cpu-used 8" + file("av1.mp4") +  //
      PICTURES HDR10_PICTURES("yuv420p10le") " -c:v libaom-av1 -cpu-used 8" +
      file("av1-hdr.mp4") +                                                        //
      pictures + "yuv420p -c:v libvpx-vp9 -deadline realtime" + file("vp9.mp4") +  //
      pictures + "yuv444p10le -c:v libvpx-vp9 -deadline realtime" + file("vp9-444.mp4") + pictures +
      "yuv420p -c:v libvpx -deadline realtime -f ivf" + file("vp8.ivf") +            //
      pictures + "yuv420p -c:v mpeg4 -bf 2" + file("mpeg4.mp4") +                    //
      pictures + "yuvj420p -c:v mjpeg" + file("jpeg.mp4") +                          //
      sound + "libopus" + file("opus.mp4") + sound + "libopus" + file("opus.ogg") +  //
      sound + "flac -strict -2" + file("flac.mp4") + sound + "flac" + file("flac.flac") + sound +
      "ac3 -ac 2" + file("ac3.mp4") + sound + "ac3 -ar 44100 -ac 6" + file("ac3-6.mp4") + sound +
      "eac3 -ac 6" + file("eac3.mp4");
  fail_unless_equals_int(std::system(command.c_str()), 0);
}

void remove() { delete folder; }

struct Encoded {
  const char* file;
  CodecName codec;
};

struct Stream {
  explicit Stream(const char* file) {
    const auto movie = boxes::read_movie(folder->path(file));
    fail_unless(movie && movie->tracks.size() == 1, "%s", file);
    track = movie->tracks[0];
    for (const boxes::Sample& sample : track.samples)
      samples.push_back(boxes::read_sample(folder->path(file), sample));
  }
  const Bytes& configuration() const { return track.entries[0].config; }

  boxes::Track track;
  std::vector<Bytes> samples;
};

Bytes file_bytes(const char* name) {
  std::ifstream file(folder->path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr Encoded kPictureFiles[] = {{"av1.mp4", {"av01"_4cc}},
                                     {"av1-hdr.mp4", {"av01"_4cc}},
                                     {"vp9.mp4", {"vp09"_4cc}},
                                     {"vp9-444.mp4", {"vp09"_4cc}},
                                     {"mpeg4.mp4", {"mp4v"_4cc, mp4::kObjectTypeMpeg4Visual}},
                                     {"jpeg.mp4", {"mp4v"_4cc, mp4::kObjectTypeJpeg}}};
constexpr Encoded kSoundFiles[] = {{"opus.mp4", {"Opus"_4cc}},
                                   {"flac.mp4", {"fLaC"_4cc}},
                                   {"ac3.mp4", {"ac-3"_4cc}},
                                   {"ac3-6.mp4", {"ac-3"_4cc}},
                                   {"eac3.mp4", {"ec-3"_4cc}}};

bool says_its_size(const Encoded& encoded) {
  return encoded.codec.object_type != mp4::kObjectTypeMpeg4Visual;
}

bool completes_its_box(const Encoded& encoded) {
  return encoded.codec.format != "Opus"_4cc && encoded.codec.format != "fLaC"_4cc;
}

}  // namespace

GST_START_TEST(sync_samples_of_pictures_are_those_of_the_encoder) {
  const Encoded& encoded = kPictureFiles[__i__];
  const Stream stream(encoded.file);
  auto config = mp4_test::config_of(encoded.codec);
  fail_unless_equals_int(stream.samples.size(), 8);
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    const auto unit = look_sanely(stream.samples[i], config);
    fail_unless(unit.has_media, "%s %zu", encoded.file, i);
    fail_unless_equals_int(unit.access.sync, stream.track.samples[i].sync);
    fail_unless_equals_uint64(unit.skip, 0);
  }
  if (!says_its_size(encoded)) return;
  fail_unless_equals_int(config.video.width, kWidth);
  fail_unless_equals_int(config.video.height, kHeight);
}
GST_END_TEST;

// JPEG has no box of its own: that of FFmpeg is empty, too.
GST_START_TEST(boxes_of_pictures_are_those_of_ffmpeg) {
  const Encoded& encoded = kPictureFiles[__i__];
  const Stream stream(encoded.file);
  auto config = mp4_test::config_of(encoded.codec);
  int described = 0;
  for (const Bytes& sample : stream.samples) {
    // FFmpeg puts MPEG-4 headers into the box alone.
    Bytes whole = sample;
    const bool is_mpeg4 = encoded.codec.object_type == mp4::kObjectTypeMpeg4Visual;
    if (is_mpeg4)
      whole.insert(whole.begin(), stream.configuration().begin(), stream.configuration().end());
    described += look_sanely(whole, config).described_anew;
  }
  fail_unless_equals_int(described, 1);
  fail_unless(config.codec_config == stream.configuration(), "%s", encoded.file);
}
GST_END_TEST;

GST_START_TEST(a_box_that_is_known_is_kept) {
  const Encoded& encoded = kPictureFiles[__i__];
  const Stream stream(encoded.file);
  auto config = mp4_test::config_of(encoded.codec);
  config.codec_config = stream.configuration();
  config.video.width = kWidth;
  config.video.height = kHeight;
  if (std::string_view(encoded.file) == "av1-hdr.mp4") config.video.colour = mp4::Colour{9, 16, 9};
  for (const Bytes& sample : stream.samples) fail_if(look_sanely(sample, config).described_anew);
}
GST_END_TEST;

GST_START_TEST(bidirectional_pictures_are_known) {
  const Stream stream("mpeg4.mp4");
  auto config = mp4_test::config_of(kPictureFiles[4].codec);
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    const auto& times = stream.track.samples;
    const bool is_before_others =
        std::any_of(times.begin(), times.begin() + static_cast<long>(i),
                    [&](const auto& sample) { return sample.pts > times[i].pts; });
    fail_unless_equals_int(look_sanely(stream.samples[i], config).bidirectional, is_before_others);
  }
}
GST_END_TEST;

GST_START_TEST(av1_says_its_colour_and_brings_delimiters) {
  const Stream stream("av1-hdr.mp4");
  fail_unless(mp4::is_av1_configuration(stream.configuration()));
  auto config = mp4_test::config_of({"av01"_4cc});
  Bytes sample{0x12, 0x00};  // temporal delimiter
  sample.insert(sample.end(), stream.samples[0].begin(), stream.samples[0].end());
  const auto unit = look_sanely(sample, config);
  fail_unless(unit.access.sync && unit.described_anew);
  fail_unless_equals_uint64(unit.skip, 2);
  fail_unless(config.video.colour == (mp4::Colour{9, 16, 9}));
}
GST_END_TEST;

GST_START_TEST(sync_samples_of_vp8) {
  constexpr size_t kFileHeader = 32, kFrameHeader = 12;
  const Bytes file = file_bytes("vp8.ivf");
  auto config = mp4_test::config_of({"vp08"_4cc});
  size_t frames = 0;
  for (size_t at = kFileHeader; at + kFrameHeader <= file.size(); ++frames) {
    const size_t size = file[at] | file[at + 1] << 8;
    const auto begin = file.begin() + static_cast<long>(at + kFrameHeader);
    const auto unit = look_sanely({begin, begin + static_cast<long>(size)}, config);
    fail_unless(unit.has_media);
    fail_unless_equals_int(unit.access.sync, frames % 4 == 0);
    fail_unless_equals_int(unit.described_anew, frames == 0);
    at += kFrameHeader + size;
  }
  fail_unless_equals_int(frames, 8);
  fail_unless_equals_int(config.video.width, kWidth);
  fail_unless_equals_int(config.video.height, kHeight);
  fail_unless(config.codec_config == Bytes({1, 0, 0, 0, 0, 10, 0x82, 2, 2, 2, 0, 0}));
}
GST_END_TEST;

// The last sample of a file may be cut short by what is left of the sound.
GST_START_TEST(durations_of_sound_are_those_of_ffmpeg) {
  const Encoded& encoded = kSoundFiles[__i__];
  const Stream stream(encoded.file);
  auto config = mp4_test::config_of(encoded.codec);
  int described = 0;
  fail_unless(stream.samples.size() >= 3);
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    const auto unit = look_sanely(stream.samples[i], config);
    fail_unless(unit.has_media && unit.access.sync);
    const auto wanted = static_cast<mp4::Ticks>(stream.track.samples[i].duration);
    const bool is_last = i + 1 == stream.samples.size();
    fail_unless(is_last ? unit.duration >= wanted : unit.duration == wanted, "%s %zu: %" PRId64,
                encoded.file, i, unit.duration);
    described += unit.described_anew;
  }
  fail_unless_equals_int(described, completes_its_box(encoded));
  if (completes_its_box(encoded))
    fail_unless(config.codec_config == stream.configuration(), "%s", encoded.file);
}
GST_END_TEST;

GST_START_TEST(box_of_opus_is_that_of_ffmpeg) {
  constexpr uint8_t kMagic[] = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd'};
  const Bytes file = file_bytes("opus.ogg");
  const auto found = std::search(file.begin(), file.end(), std::begin(kMagic), std::end(kMagic));
  const auto opus = mp4::parse_opus_head(std::span(found, file.end()).first(19));
  fail_unless(opus.has_value());
  fail_unless(mp4::opus_specific_box(*opus) == Stream("opus.mp4").configuration());
  fail_unless(mp4::opus_pre_skip(Stream("opus.mp4").configuration()) == opus->pre_skip);
}
GST_END_TEST;

GST_START_TEST(box_of_flac_is_that_of_ffmpeg) {
  const auto flac = mp4::parse_streaminfo(file_bytes("flac.flac"));
  fail_unless(flac.has_value());
  fail_unless_equals_int(flac->rate, 48'000);
  fail_unless_equals_int(flac->channels, 1);
  fail_unless_equals_int(flac->bits, 16);
  fail_unless_equals_int(flac->block_size, 4608);
  fail_unless(mp4::flac_specific_box(flac->streaminfo) == Stream("flac.mp4").configuration());
}
GST_END_TEST;

GST_START_TEST(damaged_samples_do_no_harm) {
  const auto try_all = [](const auto& files) {
    for (const Encoded& encoded : files)
      mp4_test::damage(encoded.codec, Stream(encoded.file).samples[0]);
  };
  try_all(kPictureFiles);
  try_all(kSoundFiles);
}
GST_END_TEST;

static Suite* codec_encoders_suite() {
  Suite* suite = suite_create("codec_encoders");
  TCase* ffmpeg = tcase_create("ffmpeg");
  suite_add_tcase(suite, ffmpeg);
  tcase_set_timeout(ffmpeg, 60);
  tcase_add_unchecked_fixture(ffmpeg, encode, remove);
  constexpr int kPictureCount = std::size(kPictureFiles);
  tcase_add_loop_test(ffmpeg, sync_samples_of_pictures_are_those_of_the_encoder, 0, kPictureCount);
  tcase_add_loop_test(ffmpeg, boxes_of_pictures_are_those_of_ffmpeg, 0, kPictureCount - 1);
  tcase_add_loop_test(ffmpeg, a_box_that_is_known_is_kept, 0, kPictureCount);
  tcase_add_test(ffmpeg, bidirectional_pictures_are_known);
  tcase_add_test(ffmpeg, av1_says_its_colour_and_brings_delimiters);
  tcase_add_test(ffmpeg, sync_samples_of_vp8);
  tcase_add_loop_test(ffmpeg, durations_of_sound_are_those_of_ffmpeg, 0,
                      static_cast<int>(std::size(kSoundFiles)));
  tcase_add_test(ffmpeg, box_of_opus_is_that_of_ffmpeg);
  tcase_add_test(ffmpeg, box_of_flac_is_that_of_ffmpeg);
  tcase_add_test(ffmpeg, damaged_samples_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(codec_encoders)
