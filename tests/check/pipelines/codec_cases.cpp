// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec_cases.h"

#include <algorithm>
#include <cstdio>

#include "child_process.h"
#include "recording_pipeline.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace pipelines {
namespace {

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

const CodecCase kPictures[] = {
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

const CodecCase kSounds[] = {
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

}  // namespace

std::span<const CodecCase> picture_codecs() { return kPictures; }

std::span<const CodecCase> sound_codecs() { return kSounds; }

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

MediaTrack record_codec(const CodecCase& one, const std::string& path) {
  const std::string source = one.file ? "filesrc location=" + path + ".source ! " : "";
  if (one.file) run("ffmpeg -v error " + std::string(one.file) + " " + path + ".source");
  RecordingPipeline pipeline(source + one.source + " ! trailingmp4sink name=rec", path);
  fail_unless(pipeline.play_to_end(), "%s: %s", one.name, join(pipeline.complaints()).c_str());
  fail_unless(pipeline.complaints().empty(), "%s: %s", one.name,
              join(pipeline.complaints()).c_str());
  MediaTracks pushed = pipeline.pushed();
  fail_unless_equals_int(pushed.size(), 1);
  keep_media(pushed[0]);
  return pushed[0];
}

}  // namespace pipelines
