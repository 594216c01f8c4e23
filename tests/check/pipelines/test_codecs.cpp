// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every codec that cameras send, from a real encoder, where there is one through a real payloader
// and depayloader: all packets are in the file with their bytes and times, finished, killed and
// finalised, readers name the codec, and what is decoded is what the encoder's own stream gives.
#include <gst/gst.h>

#include <algorithm>
#include <cstdio>
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
using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

#define PICTURES                                                                             \
  "videotestsrc pattern=ball num-buffers=40 ! video/x-raw,format=I420,width=160,height=120," \
  "framerate=25/1 ! "
#define SOUND(rate)                                                                        \
  "audiotestsrc num-buffers=80 samplesperbuffer=800 volume=0.4 freq=443 ! audioconvert ! " \
  "audio/x-raw,channels=2,rate=" rate " ! audioconvert ! "
#define MONO                                                                 \
  "audiotestsrc num-buffers=100 samplesperbuffer=160 volume=0.4 freq=443 ! " \
  "audio/x-raw,channels=1,rate=8000 ! "
#define RTP(name) " ! rtp" name "pay ! rtp" name "depay"

struct Case {
  const char* name;
  const char* source;          // up to the recorder
  const char* codec;           // as ffprobe names it
  const char* format;          // of the sample entry
  const char* decoder;         // of GStreamer
  const char* file = nullptr;  // ffmpeg's options for one that is the source
  size_t clip = 0;             // bytes of what is decoded that are not presented, at the beginning
};

const Case kPictures[] = {
    {"H.265",
     PICTURES "x265enc speed-preset=ultrafast key-int-max=20 option-string=log-level=0"
              " ! h265parse" RTP("h265") " ! h265parse",
     "hevc", "hvc1", "h265parse ! avdec_h265"},
    {"H.265, sets in the samples",
     PICTURES "x265enc speed-preset=ultrafast key-int-max=20 option-string=log-level=0"
              " ! h265parse ! video/x-h265,stream-format=hev1",
     "hevc", "hev1", "h265parse ! avdec_h265"},
    {"AV1", PICTURES "av1enc usage-profile=realtime cpu-used=8 keyframe-max-dist=20 ! av1parse",
     "av1", "av01", "av1parse ! av1dec"},
    {"AV1 without a parser", PICTURES "av1enc usage-profile=realtime cpu-used=8", "av1", "av01",
     "av1parse ! av1dec"},
    {"VP8", PICTURES "vp8enc deadline=1 keyframe-max-dist=20" RTP("vp8"), "vp8", "vp08", "vp8dec"},
    {"VP9", PICTURES "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=20" RTP("vp9"), "vp9", "vp09",
     "vp9dec"},
    {"MPEG-4", "qtdemux", "mpeg4", "mp4v", "avdec_mpeg4",
     "-f lavfi -i testsrc2=s=160x120:d=2 -c:v mpeg4 -g 20 -f mov"},
    {"MPEG-4 with B-VOPs", "qtdemux ! mpeg4videoparse", "mpeg4", "mp4v", "avdec_mpeg4",
     "-f lavfi -i testsrc2=s=160x120:d=2 -c:v mpeg4 -bf 2 -g 20 -f mov"},
    {"MJPEG", PICTURES "jpegenc" RTP("jpeg"), "mjpeg", "mp4v", "jpegdec"},
};

const Case kSounds[] = {
    {"AAC by RFC 3640", SOUND("48000") "avenc_aac ! aacparse" RTP("mp4g"), "aac", "mp4a",
     "aacparse ! avdec_aac"},
    {"AAC with six channels",
     "audiotestsrc num-buffers=80 ! audio/x-raw,channels=6,rate=48000,channel-mask=(bitmask)0x3f"
     " ! audioconvert ! avenc_aac ! aacparse",
     "aac", "mp4a", "aacparse ! avdec_aac"},
    // The encoder says how much of it decoders need to settle: 312 samples of two channels.
    {"Opus", SOUND("48000") "opusenc", "opus", "Opus", "opusdec", nullptr, 312 * 4},
    {"Opus by RTP", SOUND("48000") "opusenc frame-size=10" RTP("opus"), "opus", "Opus", "opusdec"},
    {"A-law", MONO "alawenc" RTP("pcma"), "pcm_alaw", "alaw", "alawdec"},
    {"mu-law", MONO "mulawenc" RTP("pcmu"), "pcm_mulaw", "ulaw", "mulawdec"},
    {"L16", SOUND("44100") "audio/x-raw,format=S16BE" RTP("L16"), "pcm_s16be", "twos",
     "audioconvert ! audio/x-raw,format=S16BE"},
    {"L24", SOUND("48000") "audio/x-raw,format=S24BE" RTP("L24"), "pcm_s24be", "in24",
     "audioconvert ! audio/x-raw,format=S24BE"},
    {"PCM S16LE", SOUND("48000") "audio/x-raw,format=S16LE", "pcm_s16le", "sowt",
     "audioconvert ! audio/x-raw,format=S16LE"},
    {"PCM S32BE", SOUND("48000") "audio/x-raw,format=S32BE", "pcm_s32be", "in32",
     "audioconvert ! audio/x-raw,format=S32BE"},
    {"PCM F32BE", SOUND("48000") "audio/x-raw,format=F32BE", "pcm_f32be", "fl32",
     "audioconvert ! audio/x-raw,format=F32BE"},
    {"PCM F64BE", SOUND("48000") "audio/x-raw,format=F64BE", "pcm_f64be", "fl64",
     "audioconvert ! audio/x-raw,format=F64BE"},
    {"MP3", SOUND("44100") "lamemp3enc ! mpegaudioparse" RTP("mpa") " ! mpegaudioparse", "mp3",
     "mp4a", "mpegaudioparse ! avdec_mp3"},
    {"MP3 of low rate", SOUND("22050") "lamemp3enc ! mpegaudioparse", "mp3", "mp4a",
     "mpegaudioparse ! avdec_mp3"},
    // Its object type does not tell the layer, and ffprobe says the best known of them.
    {"MP2", SOUND("48000") "avenc_mp2 ! mpegaudioparse", "mp3", "mp4a",
     "mpegaudioparse ! avdec_mp2float"},
    {"AC-3", SOUND("48000") "avenc_ac3 ! ac3parse" RTP("ac3") " ! ac3parse", "ac3", "ac-3",
     "ac3parse ! avdec_ac3"},
    {"E-AC-3", SOUND("48000") "avenc_eac3 ! ac3parse", "eac3", "ec-3", "ac3parse ! avdec_eac3"},
    {"FLAC", SOUND("48000") "flacenc ! flacparse", "flac", "fLaC", "flacparse ! flacdec"},
    {"FLAC without a parser", SOUND("48000") "flacenc", "flac", "fLaC", "flacparse ! flacdec"},
    {"ALAC", SOUND("48000") "avenc_alac", "alac", "alac", "avdec_alac"},
};

bool starts_with(const MediaSample& sample, std::initializer_list<uint8_t> bytes) {
  return sample.size >= bytes.size() &&
         std::equal(bytes.begin(), bytes.end(), sample.bytes.begin());
}

// What of the stream is media: encoders send headers first that the caps have too, and AV1 begins
// each temporal unit with a delimiter that files leave out.
void keep_media(MediaTrack& track) {
  std::erase_if(track.samples, [&](const MediaSample& sample) {
    return track.caps.starts_with("audio/x-flac") && !starts_with(sample, {0xff, 0xf8});
  });
  if (!track.caps.starts_with("video/x-av1")) return;
  for (MediaSample& sample : track.samples) {
    if (!starts_with(sample, {0x12, 0x00})) continue;
    sample.bytes.erase(sample.bytes.begin(), sample.bytes.begin() + 2);
    sample.size = sample.bytes.size();
  }
}

MediaTrack record(const Case& one, const std::string& path) {
  const std::string source = one.file ? "filesrc location=" + path + ".source ! " : "";
  if (one.file) pipelines::run("ffmpeg -v error " + std::string(one.file) + " " + path + ".source");
  RecordingPipeline pipeline(source + one.source + " ! trailingmp4sink name=rec", path);
  fail_unless(pipeline.play_to_end(), "%s: %s", one.name,
              pipelines::join(pipeline.complaints()).c_str());
  fail_unless(pipeline.complaints().empty(), "%s: %s", one.name,
              pipelines::join(pipeline.complaints()).c_str());
  MediaTracks pushed = pipeline.pushed();
  fail_unless_equals_int(pushed.size(), 1);
  keep_media(pushed[0]);
  return pushed[0];
}

void assert_none(const Case& one, const char* state, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s, %s: %s", one.name, state, pipelines::join(lines).c_str());
}

Bytes join(const std::vector<Bytes>& pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

std::vector<std::string> sums_of(const MediaTrack& track) {
  std::vector<std::string> sums;
  for (const MediaSample& sample : track.samples) {
    g_autofree char* sum =
        g_compute_checksum_for_data(G_CHECKSUM_MD5, sample.bytes.data(), sample.size);
    sums.push_back(sum);
  }
  return sums;
}

void check_packets(const Case& one, const std::string& path, const MediaTrack& pushed) {
  if (pushed.pcm_frame) return;  // of which each reader makes others
  fail_unless(pipelines::packet_sums(path) == sums_of(pushed), "%s: other packets", one.name);
}

// What is presented is what the encoder's own stream gives, but for what is clipped.
void check_decoded(const Case& one, const char* state, const std::string& path,
                   const MediaTrack& pushed) {
  assert_none(one, state, pipelines::player_complaints(path));
  const Bytes stream = join(pipelines::decode_samples(pushed, one.decoder));
  const Bytes found = join(pipelines::decode_file(path, one.decoder));
  fail_unless(!found.empty() && stream.size() >= one.clip + found.size());
  const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(one.clip);
  fail_unless(std::equal(found.begin(), found.end(), begin), "%s, %s: decoded to something else",
              one.name, state);
  if (one.clip == 0)
    fail_unless(found.size() == stream.size(), "%s, %s: %zu decoded bytes, not %zu", one.name,
                state, found.size(), stream.size());
}

void check(const Case& one) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const MediaTrack pushed = record(one, path);
  fail_unless_equals_string(pipelines::codec_name(path).c_str(), one.codec);
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  fail_unless_equals_string(movie->tracks.at(0).entries.at(0).format.c_str(), one.format);
  assert_none(one, "finished", pipelines::faults(path, {pushed}));
  check_packets(one, path, pushed);
  check_decoded(one, "finished", path, pushed);
  const std::string killed = pipelines::as_killed(path);
  assert_none(one, "killed", pipelines::faults(killed, {pushed}));
  check_decoded(one, "killed", killed, pushed);
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", one.name, complaint.c_str());
  assert_none(one, "finalised", pipelines::box_problems(finalized));
  assert_none(one, "finalised",
              pipelines::differences({pushed}, pipelines::read_with_boxes(finalized)));
}

GST_START_TEST(readers_name_pictures_find_every_packet_and_decode_it) { check(kPictures[__i__]); }
GST_END_TEST

GST_START_TEST(readers_name_sounds_find_every_packet_and_decode_it) { check(kSounds[__i__]); }
GST_END_TEST

Suite* codecs_suite() {
  Suite* suite = suite_create("codecs");
  // Two processes run them, by these names.
  TCase* pictures = tcase_create("pictures");
  suite_add_tcase(suite, pictures);
  tcase_add_loop_test(pictures, readers_name_pictures_find_every_packet_and_decode_it, 0,
                      static_cast<int>(std::size(kPictures)));
  TCase* sounds = tcase_create("sounds");
  suite_add_tcase(suite, sounds);
  tcase_add_loop_test(sounds, readers_name_sounds_find_every_packet_and_decode_it, 0,
                      static_cast<int>(std::size(kSounds)));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(codecs)
