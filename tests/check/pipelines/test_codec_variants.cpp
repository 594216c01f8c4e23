// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Streams of the same codecs that encoders do not make by themselves, or that parsers and
// depayloaders give in a form of their own: what is decoded of the file is what the encoder's
// stream gives, for as long as that lasts.
#include <gst/gst.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "box_reader.h"
#include "child_process.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::Bytes;
using pipelines::MediaTrack;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

// What was pushed into the recorder; it had nothing to complain of.
MediaTrack record(const std::string& source, const std::string& path) {
  RecordingPipeline pipeline(source + " ! trailingmp4sink name=rec", path);
  fail_unless(pipeline.play_to_end(), "%s", pipelines::join(pipeline.complaints()).c_str());
  fail_unless(pipeline.complaints().empty(), "%s", pipelines::join(pipeline.complaints()).c_str());
  const auto pushed = pipeline.pushed();
  fail_unless_equals_int(pushed.size(), 1);
  return pushed[0];
}

void assert_in_order(const std::string& path) {
  auto lines = pipelines::box_problems(path);
  for (auto& line : pipelines::player_complaints(path)) lines.push_back(std::move(line));
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
}

Bytes join(const std::vector<Bytes>& pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

boxes::Track only_track(const std::string& path) {
  const auto movie = boxes::read_movie(path);
  fail_unless(movie && movie->tracks.size() == 1);
  return movie->tracks[0];
}

}  // namespace

// Of LATM the depayloader gives the first packet as it comes; all others are in the file.
GST_START_TEST(latm_is_recorded_from_its_first_whole_frame_on) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  MediaTrack pushed = record(
      "audiotestsrc num-buffers=80 samplesperbuffer=1024 volume=0.4 freq=443 ! audioconvert ! "
      "audio/x-raw,channels=2,rate=48000 ! avenc_aac ! aacparse ! rtpmp4apay ! rtpmp4adepay",
      path);
  pushed.samples.erase(pushed.samples.begin());
  for (const std::string& file : {path, pipelines::as_killed(path)}) {
    assert_in_order(file);
    const boxes::Track track = only_track(file);
    fail_unless_equals_int(track.samples.size(), pushed.samples.size());
    for (size_t i = 0; i < track.samples.size(); ++i)
      fail_unless(boxes::read_sample(file, track.samples[i]) == pushed.samples[i].bytes);
    fail_unless(!join(pipelines::decode_file(file, "aacparse ! avdec_aac")).empty());
  }
}
GST_END_TEST

// Debian has no encoder of more than six channels: each frame gets a dependent one behind it, with
// the same sound.
void add_dependent_substreams(const std::string& from, const std::string& to) {
  std::ifstream file(from, std::ios::binary);
  const Bytes bytes(std::istreambuf_iterator<char>(file), {});
  std::ofstream out(to, std::ios::binary);
  const auto write = [&](const Bytes& frame) {
    out.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
  };
  for (size_t at = 0; at + 4 < bytes.size();) {
    const size_t size = (((bytes[at + 2] & 7u) << 8 | bytes[at + 3]) + 1) * 2;  // frmsiz
    fail_unless(at + size <= bytes.size());
    Bytes frame(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
    write(frame);
    frame[2] = static_cast<uint8_t>(frame[2] | 1 << 6);  // strmtyp
    write(frame);
    at += size;
  }
}

// ETSI TS 102 366, F.1: a sample has the frames of all substreams.
GST_START_TEST(dependent_substreams_of_eac3_are_in_the_sample_they_belong_to) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4"), plain = folder.file("plain.eac3"),
                    source = folder.file("source.eac3");
  pipelines::run("ffmpeg -v error -f lavfi -i sine=d=1.024:r=48000 -ac 6 -c:a eac3 " + plain);
  add_dependent_substreams(plain, source);
  record("filesrc location=" + source + " ! ac3parse ! queue", path);
  const auto size = std::filesystem::file_size(source);
  for (const std::string& file : {path, pipelines::as_killed(path)}) {
    const auto problems = pipelines::box_problems(file);
    fail_unless(problems.empty(), "%s", pipelines::join(problems).c_str());
    const boxes::Track track = only_track(file);
    fail_unless_equals_int(track.samples.size(), 32);
    uint64_t bytes = 0;
    for (const boxes::Sample& sample : track.samples) {
      fail_unless_equals_int(sample.duration, 1536);
      bytes += sample.size;
    }
    fail_unless_equals_uint64(bytes, size);
    fail_unless((track.entries[0].config.at(4) >> 1 & 0xf) == 1);  // dec3, num_dep_sub
  }
}
GST_END_TEST

// The field for the rate has 16 bits.
struct Fast {
  const char* source;
  const char*
      decoder;  // of GStreamer; nothing: PCM, which it plays only as long as it is one chunk
  int rate;
};
#define FAST(caps)                                                                           \
  "audiotestsrc num-buffers=120 samplesperbuffer=1920 volume=0.4 freq=443 ! audioconvert ! " \
  "audio/x-raw,channels=2," caps " ! audioconvert ! "
const Fast kFast[] = {
    {FAST("rate=96000") "audio/x-raw,format=S24BE", nullptr, 96'000},
    {FAST("rate=192000") "audio/x-raw,format=S16LE", nullptr, 192'000},
    {FAST("rate=192000") "audio/x-raw,format=S16BE", nullptr, 192'000},
    {FAST("rate=96000") "audio/x-raw,format=S32BE", nullptr, 96'000},
    {FAST("rate=88200") "audio/x-raw,format=F32BE", nullptr, 88'200},
    {FAST("rate=96000") "audio/x-raw,format=F64BE", nullptr, 96'000},
    {FAST("rate=192000,format=S24LE") "flacenc ! flacparse", "flacparse ! flacdec", 192'000},
    {FAST("rate=96000") "avenc_aac ! aacparse", "aacparse ! avdec_aac", 96'000},
};

// Its sum, as ffmpeg reads the packets.
std::string sum_of(const std::string& path) {
  return pipelines::run("ffmpeg -v error -i " + path + " -c copy -f md5 -").output;
}

std::string sum_of(const MediaTrack& track) {
  Bytes all;
  for (const pipelines::MediaSample& sample : track.samples)
    all.insert(all.end(), sample.bytes.begin(), sample.bytes.end());
  g_autofree char* sum = g_compute_checksum_for_data(G_CHECKSUM_MD5, all.data(), all.size());
  return std::string("MD5=") + sum + "\n";
}

GST_START_TEST(readers_find_rates_of_more_than_65_535_hz) {
  const Fast& fast = kFast[__i__];
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  MediaTrack pushed = record(fast.source, path);
  std::erase_if(pushed.samples, [&](const pipelines::MediaSample& sample) {
    return pushed.caps.starts_with("audio/x-flac") && sample.bytes.at(0) != 0xff;  // headers
  });
  std::string complaint;
  for (const std::string& file :
       {path, pipelines::as_killed(path), pipelines::as_finalized(path, complaint)}) {
    assert_in_order(file);
    const std::string rate =
        pipelines::run("ffprobe -v error -show_entries stream=sample_rate -of csv=p=0 " + file)
            .output;
    fail_unless(rate == std::to_string(fast.rate) + "\n", "%s: %s", fast.source, rate.c_str());
    fail_unless(sum_of(file) == sum_of(pushed), "%s: other packets", fast.source);
    if (fast.decoder)
      fail_unless(join(pipelines::decode_file(file, fast.decoder)) ==
                      join(pipelines::decode_samples(pushed, fast.decoder)),
                  "%s: other sound", fast.source);
  }
  fail_unless(complaint.empty(), "%s", complaint.c_str());
}
GST_END_TEST

// Demuxers say nothing of colours that the container does not name; the bitstream does.
GST_START_TEST(high_dynamic_range_from_another_file_stays_what_it_is) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4"), source = folder.file("source.mkv");
  pipelines::run(
      "ffmpeg -v error -f lavfi -i testsrc2=s=160x120:d=1 -pix_fmt yuv420p10le -c:v libx265 "
      "-x265-params log-level=0:hdr10=1:max-cll=1000,400:colorprim=bt2020:transfer=smpte2084:"
      "colormatrix=bt2020nc:master-display='G(13250,34500)B(7500,3000)R(34000,16000)"
      "WP(15635,16450)L(10000000,50)' " +
      source);
  record("filesrc location=" + source + " ! matroskademux ! h265parse", path);
  assert_in_order(path);
  const auto entry = only_track(path).entries.at(0);
  fail_unless(entry.colr && entry.colr->primaries == 9 && entry.colr->transfer == 16 &&
              entry.colr->matrix == 9);
  fail_unless(entry.mdcv.size() == 24 && entry.clli == Bytes({0x03, 0xe8, 0x01, 0x90}));
}
GST_END_TEST

// Files have the headers of MPEG-4 once, in their index: where they change, samples get them too.
GST_START_TEST(mpeg4_of_two_files_is_decoded_to_its_end) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  std::string branches;
  Bytes stream;
  for (const char* size : {"160x120", "320x240", "160x120"}) {
    const std::string source = folder.file(std::to_string(branches.size()) + ".mov");
    pipelines::run("ffmpeg -v error -f lavfi -i testsrc2=d=1:s=" + std::string(size) +
                   " -c:v mpeg4 -g 10 " + source);
    branches += " filesrc location=" + source + " ! qtdemux ! mpeg4videoparse ! c.";
    const Bytes decoded = join(pipelines::decode_file(source, "avdec_mpeg4"));
    stream.insert(stream.end(), decoded.begin(), decoded.end());
  }
  RecordingPipeline pipeline("concat name=c ! trailingmp4sink name=rec" + branches, path);
  fail_unless(pipeline.play_to_end(), "%s", pipelines::join(pipeline.complaints()).c_str());
  for (const std::string& file : {path, pipelines::as_killed(path)}) {
    assert_in_order(file);
    fail_unless_equals_int(only_track(file).samples.size(), 75);
    fail_unless(!stream.empty() && join(pipelines::decode_file(file, "avdec_mpeg4")) == stream);
  }
}
GST_END_TEST

static Suite* codec_variants_suite() {
  Suite* suite = suite_create("codec_variants");
  TCase* variants = tcase_create("variants");
  suite_add_tcase(suite, variants);
  tcase_add_test(variants, latm_is_recorded_from_its_first_whole_frame_on);
  tcase_add_test(variants, dependent_substreams_of_eac3_are_in_the_sample_they_belong_to);
  tcase_add_loop_test(variants, readers_find_rates_of_more_than_65_535_hz, 0,
                      static_cast<int>(std::size(kFast)));
  tcase_add_test(variants, mpeg4_of_two_files_is_decoded_to_its_end);
  tcase_add_test(variants, high_dynamic_range_from_another_file_stays_what_it_is);
  return suite;
}

GST_CHECK_MAIN(codec_variants)
