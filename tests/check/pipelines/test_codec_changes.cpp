// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every codec whose parameters change in mid-stream and change back: parameters that travel in the
// samples stay in one track, others have a track each, which is gone on with when they come back.
// Finished, killed and finalised (without fragments: finished) the file holds every sample with its
// bytes and its time, as three readers see it, and players play it.
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "box_reader.h"
#include "codec_cases.h"
#include "file_readers.h"
#include "pad_log.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::Bytes;
using pipelines::CodecCase;
using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::MediaTracks;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

constexpr int64_t kSecond = 1'000'000'000;

struct Change {
  const char* name;
  const char* first;  // up to the recorder
  const char* second;
  const char* decoder = nullptr;  // of the track that has both; nothing: each has one
  const char* codecs[2] = {};     // as ffprobe names them, where they are others
  const char* files[2] = {};      // ffmpeg's options for what the sources read
  uint8_t silence = 0;            // of PCM, whose tracks have no holes
  bool lacks_headers = false;     // which the caps alone have: the recorder puts them in
  bool first_again = false;       // the first description is the last as well
};

#define SIZED(size) \
  "videotestsrc pattern=ball num-buffers=15 ! video/x-raw,format=I420,framerate=25/1," size " ! "
#define SMALL SIZED("width=160,height=120")
#define LARGE SIZED("width=320,height=180")
// For 0.6 and 0.4 seconds: as many bytes are in no two tracks.
#define SIXTY(caps) SOUND("60", caps)
#define FORTY(caps) SOUND("40", caps)
#define SOUND(buffers, caps)                                                        \
  "audiotestsrc volume=0.4 freq=443 num-buffers=" buffers " samplesperbuffer=" caps \
  " ! audioconvert ! "
#define AT_8 "80 ! audio/x-raw,rate=8000"
#define AT_16 "160 ! audio/x-raw,rate=16000"
#define AT_22 "441 ! audio/x-raw,rate=22050"
#define AT_44 "441 ! audio/x-raw,rate=44100"
#define AT_48 "480 ! audio/x-raw,rate=48000"
#define RTP(name) " ! rtp" name "pay ! rtp" name "depay"
#define AVC                                                              \
  "x264enc threads=1 speed-preset=ultrafast key-int-max=10 ! h264parse " \
  "config-interval=-1 ! video/x-h264,stream-format=avc3"
#define HEVC                                                                             \
  "x265enc speed-preset=ultrafast key-int-max=10 option-string=log-level=0 ! h265parse " \
  "config-interval=-1 ! video/x-h265,stream-format=hev1"
#define AV1 "av1enc usage-profile=realtime cpu-used=8"
#define VP9 "vp9enc deadline=1 cpu-used=8"
#define MPEG4(size) "-f lavfi -i testsrc2=s=" size ":d=0.6 -c:v mpeg4 -g 8 -f mov"
#define RTP_MPEG4 " ! rtpmp4vpay config-interval=-1 ! rtpmp4vdepay ! mpeg4videoparse"

const Change kPictures[] = {
    {"H.264", SMALL AVC, LARGE AVC, "h264parse ! avdec_h264"},
    {"H.265", SMALL HEVC, LARGE HEVC, "h265parse ! avdec_h265"},
    {"H.264 and H.265", SMALL AVC, SMALL HEVC, nullptr, {"h264", "hevc"}},
    {"AV1", SMALL AV1, LARGE AV1, "av1parse ! av1dec"},
    {"VP8", SMALL "vp8enc deadline=1", LARGE "vp8enc deadline=1", "vp8dec"},
    {"VP8 by RTP", SMALL "vp8enc deadline=1" RTP("vp8"), LARGE "vp8enc deadline=1" RTP("vp8"),
     "vp8dec"},
    {"VP9", SMALL VP9, LARGE VP9, "vp9dec"},
    {"VP9 by RTP", SMALL VP9 RTP("vp9"), LARGE VP9 RTP("vp9"), "vp9dec"},
    {.name = "MPEG-4",
     .first = "qtdemux ! mpeg4videoparse config-interval=-1",
     .second = "qtdemux ! mpeg4videoparse config-interval=-1",
     .decoder = "avdec_mpeg4",
     .files = {MPEG4("160x120"), MPEG4("320x240")}},
    {.name = "MPEG-4 by RTP",
     .first = "qtdemux" RTP_MPEG4,
     .second = "qtdemux" RTP_MPEG4,
     .decoder = "avdec_mpeg4",
     .files = {MPEG4("160x120"), MPEG4("320x240")}},
    {.name = "MPEG-4 without headers",
     .first = "qtdemux",
     .second = "qtdemux",
     .decoder = "avdec_mpeg4",
     .files = {MPEG4("160x120"), MPEG4("320x240")},
     .lacks_headers = true},
    {.name = "MJPEG",
     .first = SMALL "jpegenc",
     .second = LARGE "jpegenc",
     .decoder = "jpegdec",
     .first_again = true},
    {.name = "MJPEG, first large",
     .first = LARGE "jpegenc",
     .second = SMALL "jpegenc",
     .decoder = "jpegdec",
     .first_again = true},
    {.name = "MJPEG by RTP",
     .first = SMALL "jpegenc" RTP("jpeg"),
     .second = LARGE "jpegenc" RTP("jpeg"),
     .decoder = "jpegdec",
     .first_again = true},
    {"MJPEG and VP8", SMALL "jpegenc", SMALL "vp8enc deadline=1", nullptr, {"mjpeg", "vp8"}},
};

#define ONE ",channels=1"
#define TWO ",channels=2"
#define SIX(mask) ",channels=6,channel-mask=(bitmask)" mask
#define AAC "avenc_aac ! aacparse"
#define MP3 "lamemp3enc ! mpegaudioparse"
#define MP2 "avenc_mp2 ! mpegaudioparse"
#define AC3 "avenc_ac3 ! ac3parse"
#define EAC3 "avenc_eac3 ! ac3parse"
#define FLAC "flacenc ! flacparse"
#define ALAC "avenc_alac"
#define RAW(format) "audio/x-raw,format=" format

const Change kSounds[] = {
    {"AAC, rate", SIXTY(AT_48 ONE) AAC, FORTY(AT_44 ONE) AAC},
    {"AAC, channels", SIXTY(AT_48 ONE) AAC, FORTY(AT_48 TWO) AAC},
    {"Opus, channels", SIXTY(AT_48 ONE) "opusenc", FORTY(AT_48 TWO) "opusenc"},
    {"Opus by RTP, channels", SIXTY(AT_48 ONE) "opusenc" RTP("opus"),
     FORTY(AT_48 TWO) "opusenc" RTP("opus")},
    {.name = "A-law, rate",
     .first = SIXTY(AT_8 ONE) "alawenc",
     .second = FORTY(AT_16 ONE) "alawenc",
     .silence = 0xd5},
    {.name = "mu-law, channels",
     .first = SIXTY(AT_8 ONE) "mulawenc" RTP("pcmu"),
     .second = FORTY(AT_8 TWO) "mulawenc",
     .silence = 0xff},
    {"A-law and AAC",
     SIXTY(AT_8 ONE) "alawenc",
     FORTY(AT_8 ONE) AAC,
     nullptr,
     {"pcm_alaw", "aac"},
     {},
     0xd5},
    {"L16, rate", SIXTY(AT_44 TWO) RAW("S16BE") RTP("L16"),
     FORTY(AT_48 TWO) RAW("S16BE") RTP("L16")},
    {"L24, channels", SIXTY(AT_48 TWO) RAW("S24BE") RTP("L24"),
     FORTY(AT_48 ONE) RAW("S24BE") RTP("L24")},
    {"S16LE, channels", SIXTY(AT_48 TWO) RAW("S16LE"), FORTY(AT_48 ONE) RAW("S16LE")},
    {"S16LE, layout", SIXTY(AT_48 SIX("0x3f")) RAW("S16LE"),
     FORTY(AT_48 SIX("0x60f")) RAW("S16LE")},
    {"S16LE and S32BE",
     SIXTY(AT_48 TWO) RAW("S16LE"),
     FORTY(AT_48 TWO) RAW("S32BE"),
     nullptr,
     {"pcm_s16le", "pcm_s32be"}},
    {"F32BE, rate", SIXTY(AT_48 TWO) RAW("F32BE"), FORTY(AT_44 TWO) RAW("F32BE")},
    {"F64BE, channels", SIXTY(AT_48 ONE) RAW("F64BE"), FORTY(AT_48 TWO) RAW("F64BE")},
    {"MP3, rate", SIXTY(AT_44 TWO) MP3, FORTY(AT_48 TWO) MP3},
    {"MP3, low rate", SIXTY(AT_44 TWO) MP3, SOUND("20", AT_22 TWO) MP3},
    {"MP3, channels", SIXTY(AT_44 TWO) MP3 RTP("mpa") " ! mpegaudioparse",
     FORTY(AT_44 ONE) MP3 RTP("mpa") " ! mpegaudioparse"},
    {"MP2, rate", SIXTY(AT_48 TWO) MP2, FORTY(AT_44 TWO) MP2},
    {"MP2, channels", SIXTY(AT_48 TWO) MP2, FORTY(AT_48 ONE) MP2},
    {"MP3 and MP2", SIXTY(AT_48 TWO) MP3, FORTY(AT_48 TWO) MP2},
    {"MP2 and MP3 of low rate", SOUND("30", AT_22 TWO) MP2, SOUND("20", AT_22 TWO) MP3},
    {"AC-3, rate", SIXTY(AT_48 TWO) AC3, FORTY(AT_44 TWO) AC3},
    {"AC-3, channels", SIXTY(AT_48 TWO) AC3 RTP("ac3") " ! ac3parse",
     FORTY(AT_48 ONE) AC3 RTP("ac3") " ! ac3parse"},
    {"AC-3, bit rate", SIXTY(AT_48 TWO) "avenc_ac3 bitrate=192000 ! ac3parse",
     FORTY(AT_48 TWO) "avenc_ac3 bitrate=128000 ! ac3parse", "ac3parse ! avdec_ac3"},
    {"E-AC-3, rate", SIXTY(AT_48 TWO) EAC3, FORTY(AT_44 TWO) EAC3},
    {"E-AC-3, channels", SIXTY(AT_48 TWO) EAC3, FORTY(AT_48 ONE) EAC3},
    {"AC-3 and E-AC-3", SIXTY(AT_48 TWO) AC3, FORTY(AT_48 TWO) EAC3, nullptr, {"ac3", "eac3"}},
    {"FLAC, rate", SIXTY(AT_48 TWO) FLAC, FORTY(AT_44 TWO) FLAC},
    {"FLAC, channels", SIXTY(AT_48 TWO) FLAC, FORTY(AT_48 ONE) FLAC},
    {"ALAC, rate", SIXTY(AT_48 TWO) ALAC, FORTY(AT_44 TWO) ALAC},
    {"ALAC, channels", SIXTY(AT_48 TWO) ALAC, FORTY(AT_48 ONE) ALAC},
};

// What an encoder gave, and what a recording of that alone says of it.
struct Part {
  MediaTrack media;
  std::string codec;
  boxes::SampleEntry entry;
};

Part record_part(const Change& change, int number, const ScratchFolder& folder) {
  const std::string path = folder.file(number ? "second.mp4" : "first.mp4");
  const CodecCase one{change.name,    number ? change.second : change.first,
                      nullptr,        nullptr,
                      change.decoder, change.files[number]};
  Part part{pipelines::record_codec(one, path), pipelines::codec_name(path), {}};
  const auto movie = boxes::read_movie(path);
  fail_unless(movie && movie->tracks.size() == 1 && movie->tracks[0].entries.size() == 1, "%s",
              change.name);
  part.entry = movie->tracks[0].entries[0];
  if (change.codecs[number]) fail_unless_equals_string(part.codec.c_str(), change.codecs[number]);
  return part;
}

// How long it is until what follows.
int64_t length_of(const MediaTrack& track) {
  std::vector<int64_t> times;
  for (const MediaSample& sample : track.samples) times.push_back(*sample.pts_ns);
  std::sort(times.begin(), times.end());
  const int64_t last = times.back();
  if (!track.pcm_frame) return last + last - times[times.size() - 2];
  const auto frames = static_cast<int64_t>(track.samples.back().size / track.pcm_frame);
  return last + frames * kSecond / track.rate;
}

// To silence up to there: the frames of PCM follow each other.
void fill(MediaTrack& track, int64_t end, uint8_t silence) {
  if (!track.pcm_frame || track.samples.empty()) return;
  size_t bytes = 0;
  for (const MediaSample& sample : track.samples) bytes += sample.size;
  const int64_t length = end - *track.samples.front().pts_ns;
  const auto frames = static_cast<size_t>((length * track.rate + kSecond / 2) / kSecond);
  const size_t missing = frames * track.pcm_frame - bytes;
  track.samples.push_back({.bytes = Bytes(missing, silence), .size = missing});
}

// What the caps say of a codec.
Bytes codec_data(const MediaTrack& track) {
  g_autoptr(GstCaps) caps = gst_caps_from_string(track.caps.c_str());
  const GValue* value = gst_structure_get_value(gst_caps_get_structure(caps, 0), "codec_data");
  fail_unless(value != nullptr);
  GstBuffer* buffer = gst_value_get_buffer(value);
  Bytes bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

class Changing : public RecordingPipeline {
 public:
  Changing(const Change& change, const std::string& path)
      : RecordingPipeline("appsrc name=in format=time max-bytes=0 ! trailingmp4sink name=rec",
                          path),
        change_(change) {}

  /// The one, the other and so on, each once more. What has to be in the file.
  MediaTracks play(const MediaTrack& first, const MediaTrack& second);

 private:
  void push(const MediaTrack& part, int64_t later, MediaTrack& track);

  const Change& change_;
};

void Changing::push(const MediaTrack& part, int64_t later, MediaTrack& track) {
  const auto in = element("in");
  g_autoptr(GstCaps) caps = gst_caps_from_string(part.caps.c_str());
  gst_app_src_set_caps(GST_APP_SRC(in.get()), caps);
  fill(track, later, change_.silence);
  const bool changed = change_.lacks_headers && !track.samples.empty();
  const Bytes headers = changed ? codec_data(part) : Bytes{};
  for (const MediaSample& sample : part.samples) {
    gst_app_src_push_buffer(GST_APP_SRC(in.get()), pipelines::buffer_of(sample, later));
    MediaSample& expected = track.samples.emplace_back(sample);
    *expected.pts_ns += later;
    if (expected.dts_ns) *expected.dts_ns += later;
    if (!sample.key) continue;
    expected.bytes.insert(expected.bytes.begin(), headers.begin(), headers.end());
    expected.size = expected.bytes.size();
  }
}

MediaTracks Changing::play(const MediaTrack& first, const MediaTrack& second) {
  set_state(GST_STATE_PLAYING);
  MediaTracks tracks{first};
  if (!change_.decoder) tracks.push_back(second);
  for (MediaTrack& track : tracks) track.samples.clear();
  int64_t later = kSecond;  // decode times may be before
  for (int i = 0; i < 4; ++i) {
    const MediaTrack& part = i % 2 ? second : first;
    push(part, later, i % 2 ? tracks.back() : tracks.front());
    later += length_of(part);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(element("in").get()));
  fail_unless(play_to_end(), "%s: %s", change_.name, pipelines::join(complaints()).c_str());
  fail_unless(complaints().empty(), "%s: %s", change_.name, pipelines::join(complaints()).c_str());
  return tracks;
}

void assert_none(const Change& change, const std::string& file,
                 const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s, %s: %s", change.name, file.c_str(),
              pipelines::join(lines).c_str());
}

void expect_entry(const Change& change, const boxes::SampleEntry& entry, const Part& part) {
  const boxes::SampleEntry& alone = part.entry;
  fail_unless_equals_string(entry.format.c_str(), alone.format.c_str());
  fail_unless(entry.object_type == alone.object_type && entry.config == alone.config &&
                  entry.chan == alone.chan && entry.width == alone.width &&
                  entry.height == alone.height && entry.channels == alone.channels &&
                  entry.sample_rate == alone.sample_rate,
              "%s: another %s than that of %s alone", change.name, entry.format.c_str(),
              part.codec.c_str());
}

// A fragment names the first description, and its samples the others.
void check_descriptions(const Change& change, const std::string& file, const Part (&parts)[2],
                        size_t descriptions) {
  const auto movie = boxes::read_movie(file);
  fail_unless(movie.has_value());
  if (change.decoder) {
    fail_unless_equals_int(movie->tracks.size(), 1);
    const boxes::Track& track = movie->tracks[0];
    const bool again = change.first_again && descriptions > 1;
    fail_unless_equals_int(track.entries.size(), descriptions + again);
    for (size_t i = 0; i < track.entries.size(); ++i)
      expect_entry(change, track.entries[i], parts[i % 2]);
    const size_t count = parts[0].media.samples.size(),
                 both = count + parts[1].media.samples.size();
    for (size_t i = 0; i < track.samples.size(); ++i)
      fail_unless_equals_int(track.samples[i].description_index,
                             descriptions > 1 && i % both >= count ? 2 : 1);
    return;
  }
  fail_unless_equals_int(movie->tracks.size(), 2);
  fail_unless(movie->tracks[0].alternate_group != 0);
  fail_unless_equals_int(movie->tracks[0].alternate_group, movie->tracks[1].alternate_group);
  for (size_t i = 0; i < 2; ++i) {
    fail_unless_equals_int(movie->tracks[i].entries.size(), 1);
    expect_entry(change, movie->tracks[i].entries[0], parts[i]);
    fail_unless_equals_string(pipelines::codec_name(file, static_cast<int>(i)).c_str(),
                              parts[i].codec.c_str());
  }
}

void check_decoded(const Change& change, const std::string& file, const MediaTracks& expected) {
  assert_none(change, file, pipelines::player_complaints(file));
  if (!change.decoder) return;
  const auto stream = pipelines::decode_samples(expected[0], change.decoder);
  fail_unless(!stream.empty() && pipelines::decode_file(file, change.decoder) == stream,
              "%s, %s: decoded to something else", change.name, file.c_str());
}

void check(const Change& change) {
  const ScratchFolder folder;
  const Part parts[] = {record_part(change, 0, folder), record_part(change, 1, folder)};
  const std::string path = folder.file("recorded.mp4");
  Changing recording(change, path);
  const MediaTracks expected = recording.play(parts[0].media, parts[1].media);
  for (const std::string& file : pipelines::readable_states(path)) {
    assert_none(change, file, pipelines::faults(file, expected));
    check_descriptions(change, file, parts, file == path && change.decoder ? 2 : 1);
    check_decoded(change, file, expected);
  }
  if (!pipelines::fragments_are_on()) return;
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", change.name, complaint.c_str());
  assert_none(change, finalized, pipelines::faults(finalized, expected));
  check_descriptions(change, finalized, parts, change.decoder ? 2 : 1);
}

GST_START_TEST(pictures_that_change_and_change_back_are_whole_and_in_time) {
  check(kPictures[__i__]);
}
GST_END_TEST

GST_START_TEST(sound_that_changes_and_changes_back_is_whole_and_in_time) { check(kSounds[__i__]); }
GST_END_TEST

Suite* codec_changes_suite() {
  Suite* suite = suite_create("codec_changes");
  // Processes of their own run them, by these names.
  TCase* pictures = tcase_create("pictures");
  suite_add_tcase(suite, pictures);
  tcase_add_loop_test(pictures, pictures_that_change_and_change_back_are_whole_and_in_time, 0,
                      static_cast<int>(std::size(kPictures)));
  TCase* sounds = tcase_create("sounds");
  suite_add_tcase(suite, sounds);
  tcase_add_loop_test(sounds, sound_that_changes_and_changes_back_is_whole_and_in_time, 0,
                      static_cast<int>(std::size(kSounds)));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(codec_changes)
