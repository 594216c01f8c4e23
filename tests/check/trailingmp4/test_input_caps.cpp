// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of caps and segments that cannot be recorded: the track ends with one warning that names
// its pad, upstream hears nothing of it, and the other track is complete. Without another track it
// is one error.
#include <random>

#include "bus_expectations.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::audio_caps;
using bench::Bench;
using bench::Bytes;
using bench::expect_only;
using bench::Feed;
using bench::Kind;
using bench::Owned;
using bench::stream_error;
using bench::stream_warning;
using bench::video_caps;

namespace {

// A good track and one in trouble.
struct Desk {
  explicit Desk(Kind bad_kind)
      : good(bench.add(bad_kind == Kind::kVideo ? Kind::kAudio : Kind::kVideo)),
        bad(bench.add(bad_kind)) {
    bench.play();
    good.start();
    good.push_many(40);
  }

  // The good track goes on and is complete, the bad one is swallowed and counted.
  void expect_good_alone(bool bad_reached_us = true) {
    const GstFlowReturn wanted = bad_reached_us ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;
    for (uint64_t i = 0; i < 5; ++i) {
      Owned<GstBuffer> lost = bench::to_buffer(bench::noise(i, 100));
      GST_BUFFER_PTS(lost.get()) = i * GST_MSECOND;
      fail_unless_equals_int(bad.push_buffer(lost.release()), wanted);
    }
    if (bad_reached_us) fail_unless(bench.stat(bad, "dropped-after-end") >= 4);
    good.push_many(40);
    good.eos();
    bad.eos();
    bench.expect_eos();
    bench.expect_file({&good, &bad});
  }

  std::string bad_name() const {
    const Owned<gchar> name(gst_object_get_name(GST_OBJECT(bad.pad())));
    return name.get();
  }

  Bench bench;
  Feed& good;
  Feed& bad;
};

struct BadConfig {
  Kind kind;
  Bytes codec_data;
  const char* word;
};

// What codec_data may not be. Empty: there is none.
const std::vector<BadConfig>& bad_configs() {
  static const std::vector<BadConfig> configs = [] {
    Bytes three_byte_lengths = bench::avc_config(), version = bench::avc_config();
    Bytes truncated = bench::avc_config(), long_sps = bench::avc_config();
    three_byte_lengths[4] = 0xfe;
    version[0] = 0;
    truncated.resize(20);
    long_sps[6] = 0xff;
    return std::vector<BadConfig>{
        {Kind::kVideo, {}, "codec_data"},
        {Kind::kAudio, {}, "codec_data"},
        {Kind::kVideo, {0x01}, "damaged"},
        {Kind::kVideo, {0x01, 0x42, 0xc0, 0x15, 0xff, 0xe1}, "damaged"},
        {Kind::kVideo, three_byte_lengths, "damaged"},
        {Kind::kVideo, version, "damaged"},
        {Kind::kVideo, truncated, "damaged"},
        {Kind::kVideo, long_sps, "damaged"},
        {Kind::kVideo, Bytes(100, 0xff), "damaged"},
        {Kind::kVideo, Bytes(100, 0x00), "damaged"},
        {Kind::kAudio, {0x11}, "damaged"},
        {Kind::kAudio, {0x00, 0x00}, "damaged"},
        {Kind::kAudio, {0x16, 0x90}, "damaged"},                    // rate 13: reserved
        {Kind::kAudio, {0x17, 0x80, 0x00, 0x00, 0x10}, "damaged"},  // rate 0
        {Kind::kAudio, {0x11, 0xc8}, "damaged"},                    // channels 9: reserved
        {Kind::kAudio, Bytes(4, 0xff), "damaged"},
    };
  }();
  return configs;
}

Owned<GstCaps> caps_of(Kind kind, const Bytes& codec_data) {
  return kind == Kind::kVideo ? video_caps(codec_data) : audio_caps(codec_data);
}

// Caps that no pad template allows.
struct Refused {
  const char* pad;
  const char* caps;
};
const Refused kRefused[] = {
    {"sink_%u", "video/x-h264,stream-format=avc,alignment=nal"},
    {"video_%u", "video/x-h264,stream-format=avc,alignment=nal"},
    {"sink_%u", "video/x-h264,stream-format=byte-stream,alignment=au"},
    {"sink_%u", "video/x-h264,stream-format=byte-stream,alignment=nal"},
    {"sink_%u", "audio/mpeg,mpegversion=4,stream-format=adts"},
    {"sink_%u", "audio/mpeg,mpegversion=1,layer=4"},
    {"sink_%u", "audio/x-vorbis"},
    {"sink_%u", "video/x-raw"},
    {"sink_%u", "audio/x-raw,format=S24_32LE"},
    {"sink_%u", "text/x-raw,format=pango-markup"},
    {"meta_%u", "text/x-raw,format=utf8"},
    {"subtitle_%u", "application/x-onvif-metadata"},
    {"video_%u", "audio/mpeg,mpegversion=4,stream-format=raw"},
    {"audio_%u", "video/x-h264,stream-format=avc,alignment=au"},
};

GstSegment segment_of(int which) {
  GstSegment segment;
  gst_segment_init(&segment, which == 0 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
  const double rates[] = {1.0, 2.0, -1.0, 0.5};
  segment.rate = rates[which];
  segment.stop = which == 2 ? 100 * GST_SECOND : segment.stop;
  return segment;
}

constexpr const char* kSegmentWords[] = {"not in time", "rate 1", "rate 1", "rate 1"};

}  // namespace

GST_START_TEST(caps_that_cannot_be_recorded_are_refused_at_the_link) {
  const Refused& refused = kRefused[__i__];
  Bench bench;
  const Owned<GstCaps> caps(gst_caps_from_string(refused.caps));
  GstPadTemplate* templ = gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get());
  const Owned<GstPad> source(
      GST_PAD(gst_object_ref_sink(gst_pad_new_from_template(templ, nullptr))));
  gst_object_unref(templ);
  const Owned<GstPad> pad(gst_element_request_pad_simple(bench.element(), refused.pad));
  fail_unless_equals_int(gst_pad_link(source.get(), pad.get()), GST_PAD_LINK_NOFORMAT);
  gst_element_release_request_pad(bench.element(), pad.get());
}
GST_END_TEST;

// What the template does not allow, of a kind that it has, and what is to be done about it.
struct MidAir {
  const char* caps;
  const char* word;
};
const MidAir kMidAir[] = {
    {"video/x-h264,stream-format=byte-stream,alignment=nal,width=320,height=240", "h264parse"},
    {"video/x-h264,stream-format=avc,alignment=nal,width=320,height=240", "h264parse"},
    {"video/x-h265,stream-format=byte-stream,alignment=au", "h265parse"},
    {"video/x-av1,stream-format=annexb,alignment=tu", "av1parse"},
    {"video/x-vp9,alignment=frame", "vp9parse"},
    {"video/mpeg,mpegversion=4,systemstream=false", "mpeg4videoparse"},
    {"audio/mpeg,mpegversion=4,stream-format=adts", "aacparse"},
    {"audio/mpeg,mpegversion=1,rate=48000,channels=2", "mpegaudioparse"},
    {"audio/x-flac", "flacparse"},
    {"audio/x-raw,format=U8,rate=48000,channels=2,layout=interleaved", "audioconvert"},
    {"audio/x-raw,format=S16LE,rate=48000,channels=2,layout=non-interleaved", "audioconvert"},
    {"audio/x-alaw", "rate"},
    {"audio/x-alac", "codec_data"},
    {"audio/x-opus,channels=6,channel-mapping-family=0", "how its channels are coded"},
    {"audio/x-opus,channels=2,channel-mapping-family=1,stream-count=1,coupled-count=2", "channels"},
    {"audio/x-opus,channels=6,channel-mapping-family=1,stream-count=2,coupled-count=2", "channels"},
    {"audio/x-adpcm,layout=g726,rate=8000,channels=1", "avdec_g726"},
    {"audio/G722,rate=16000,channels=1", "avdec_g722"},
    {"application/x-onvif-metadata,encoding=exi", "UTF-8"},
    {"text/x-raw,format=pango-markup", "utf8"},
};

// Upstream hears nothing of it: a source would end all its streams.
GST_START_TEST(caps_refused_in_mid_air_leave_the_other_track_alone) {
  const MidAir& refused = kMidAir[__i__];
  Desk desk(Kind::kVideo);
  const Owned<GstCaps> caps(gst_caps_from_string(refused.caps));
  desk.bad.stream_start();
  desk.bad.caps(caps.get());
  desk.bad.segment();
  expect_only(desk.bench, stream_warning({desk.bad_name(), refused.word}));
  desk.expect_good_alone();
}
GST_END_TEST;

GST_START_TEST(bad_codec_data_ends_the_track_alone) {
  const BadConfig& config = bad_configs()[size_t(__i__)];
  Desk desk(config.kind);
  desk.bad.stream_start();
  desk.bad.caps(caps_of(config.kind, config.codec_data).get());
  desk.bad.segment();
  expect_only(desk.bench, stream_warning({desk.bad_name(), config.word}));
  desk.expect_good_alone();
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_WARNING), 1);
}
GST_END_TEST;

GST_START_TEST(bad_codec_data_of_the_only_track_is_an_error) {
  const BadConfig& config = bad_configs()[size_t(__i__)];
  Bench bench;
  Feed& feed = bench.add(config.kind);
  bench.play();
  feed.stream_start();
  feed.caps(caps_of(config.kind, config.codec_data).get());
  feed.segment();
  const Owned<gchar> name(gst_object_get_name(GST_OBJECT(feed.pad())));
  expect_only(bench, stream_error({name.get(), config.word}));
  fail_unless_equals_int(feed.push(), GST_FLOW_ERROR);
  bench.stop();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  fail_if(bench.file_exists());
}
GST_END_TEST;

// Whatever it is: no crash, a file in order, and the other track complete.
GST_START_TEST(random_codec_data_harms_nobody_else) {
  std::mt19937 random(static_cast<unsigned>(__i__));
  const Kind kind = __i__ % 2 ? Kind::kVideo : Kind::kAudio;
  Desk desk(kind);
  Bytes config = kind == Kind::kVideo ? bench::avc_config() : bench::audio_specific_config();
  if (__i__ % 4 < 2) config = bench::noise(random(), 1 + random() % 64);
  for (int i = 0; i < 3; ++i) config[random() % config.size()] = static_cast<uint8_t>(random());
  desk.bad.stream_start();
  desk.bad.caps(caps_of(kind, config).get());
  desk.bad.segment();
  for (int i = 0; i < 3; ++i) fail_unless_equals_int(desk.bad.push(), GST_FLOW_OK);
  if (desk.bench.log().count(GST_MESSAGE_WARNING)) desk.bad.expect_nothing();
  desk.good.push_many(40);
  desk.good.eos();
  desk.bad.eos();
  desk.bench.expect_eos();
  const auto movie = boxes::read_movie(desk.bench.location());
  fail_unless(movie.has_value());
  const boxes::Track* track = track_of(desk.bench.location(), *movie, desk.good);
  fail_unless(track != nullptr);
  fail_unless_equals_uint64(track->samples.size(), 80);
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ERROR), 0);
  fail_unless(desk.bench.log().count(GST_MESSAGE_WARNING) <= 1);
}
GST_END_TEST;

GST_START_TEST(buffers_without_caps_end_the_track_alone) {
  Desk desk(Kind::kAudio);
  desk.bad.stream_start();
  desk.bad.segment();
  fail_unless_equals_int(desk.bad.push({.recorded = false}), GST_FLOW_OK);
  expect_only(desk.bench, stream_warning({desk.bad_name(), "without caps"}));
  desk.expect_good_alone();
}
GST_END_TEST;

GST_START_TEST(buffers_without_segment_end_the_track_alone) {
  Desk desk(Kind::kAudio);
  desk.bad.stream_start();
  desk.bad.caps();
  ASSERT_WARNING(desk.bad.push({.recorded = false}));  // GStreamer's own word on it
  expect_only(desk.bench, stream_warning({desk.bad_name(), "without a segment"}));
}
GST_END_TEST;

GST_START_TEST(a_segment_that_cannot_be_recorded_ends_the_track_alone) {
  Desk desk(Kind::kVideo);
  desk.bad.stream_start();
  desk.bad.caps();
  desk.bad.segment(segment_of(__i__));
  expect_only(desk.bench, stream_warning({desk.bad_name(), kSegmentWords[__i__]}));
  desk.expect_good_alone();
}
GST_END_TEST;

GST_START_TEST(a_bad_segment_later_keeps_what_was_recorded) {
  Desk desk(Kind::kVideo);
  desk.bad.start();
  desk.bad.push_many(30);
  desk.bad.segment(segment_of(__i__));
  expect_only(desk.bench, stream_warning({desk.bad_name(), kSegmentWords[__i__]}));
  desk.expect_good_alone();
}
GST_END_TEST;

GST_START_TEST(damaged_codec_data_later_ends_the_track_and_keeps_what_was_recorded) {
  const Kind kind = __i__ == 0 ? Kind::kVideo : Kind::kAudio;
  Desk desk(kind);
  desk.bad.start();
  desk.bad.push_many(30);
  desk.bad.caps(caps_of(kind, Bytes{0x01}).get());
  expect_only(desk.bench, stream_warning({desk.bad_name(), "damaged"}));
  desk.expect_good_alone();
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_WARNING), 1);
}
GST_END_TEST;

GST_START_TEST(other_codec_data_before_the_first_sample_is_taken) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.caps(video_caps(bench::other_avc_config()).get());
  video.push_many(30);
  video.eos();
  bench.expect_eos();
  bench.expect_quiet();
  const boxes::Movie movie = bench.expect_file(video);
  fail_unless(movie.tracks[0].entries[0].config == bench::other_avc_config());
}
GST_END_TEST;

GST_START_TEST(caps_that_change_nothing_in_the_file_go_on) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.push_many(30);
  const Owned<GstCaps> caps = video_caps();
  gst_caps_set_simple(caps.get(), "framerate", GST_TYPE_FRACTION, 30, 1, nullptr);
  fail_unless(video.caps(caps.get()));
  video.push_many(30);
  video.eos();
  bench.expect_eos();
  bench.expect_quiet();
  bench.expect_file(video);
}
GST_END_TEST;

// What of a recording is over in good order stays so when another track fails then.
GST_START_TEST(a_track_that_fails_after_eos_of_the_other_is_a_warning) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.push_many(50);
  if (__i__ == 0) fail_unless(video.eos());
  audio.caps(audio_caps(Bytes{0x01}).get());
  if (__i__ == 1) fail_unless(video.eos());
  fail_unless_equals_int(audio.push({.recorded = false}), GST_FLOW_OK);
  bench.expect_eos();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(the_release_of_the_last_good_track_ends_the_recording_with_an_error) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.push_many(50);
  audio.caps(audio_caps(Bytes{0x01}).get());
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  video.release();
  bench.expect_finished();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(a_gap_without_a_segment_in_time_is_counted_alone) {
  Bench bench;
  Feed& good = bench.add_video();
  Feed& video = bench.add_video();
  bench.play();
  good.start();
  video.stream_start();
  video.caps();
  if (__i__ == 1) video.segment(segment_of(0));
  fail_unless(video.gap(0, GST_SECOND));
  fail_unless_equals_uint64(bench.stat(video, "gaps"), 1);
  good.push_many(5);
  bench.stop();
  bench.expect_file(good);
}
GST_END_TEST;

GST_START_TEST(two_tracks_in_trouble_are_an_error_and_what_they_had_is_in_the_file) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.push_many(50);
  audio.push_many(90);
  video.caps(video_caps(Bytes{0x01}).get());
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  audio.caps(audio_caps(Bytes{0x01}).get());
  const Owned<gchar> name(gst_object_get_name(GST_OBJECT(audio.pad())));
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  fail_unless(bench.log().text(GST_MESSAGE_ERROR).find(name.get()) != std::string::npos);
  fail_unless_equals_int(audio.push({.recorded = false}), GST_FLOW_ERROR);
  bench.expect_finished();
  bench.stop();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  bench.expect_file({&video, &audio});
}
GST_END_TEST;

static Suite* input_caps_suite() {
  Suite* suite = suite_create("input_caps");
  TCase* caps = tcase_create("caps");
  const int configs = static_cast<int>(bad_configs().size());
  suite_add_tcase(suite, caps);
  tcase_set_timeout(caps, 60);
  tcase_add_loop_test(caps, caps_that_cannot_be_recorded_are_refused_at_the_link, 0,
                      static_cast<int>(std::size(kRefused)));
  tcase_add_loop_test(caps, caps_refused_in_mid_air_leave_the_other_track_alone, 0,
                      static_cast<int>(std::size(kMidAir)));
  tcase_add_loop_test(caps, bad_codec_data_ends_the_track_alone, 0, configs);
  tcase_add_loop_test(caps, bad_codec_data_of_the_only_track_is_an_error, 0, configs);
  tcase_add_loop_test(caps, random_codec_data_harms_nobody_else, 0, 40);
  tcase_add_test(caps, buffers_without_caps_end_the_track_alone);
  tcase_add_test(caps, buffers_without_segment_end_the_track_alone);
  tcase_add_loop_test(caps, a_segment_that_cannot_be_recorded_ends_the_track_alone, 0, 4);
  tcase_add_loop_test(caps, a_bad_segment_later_keeps_what_was_recorded, 0, 4);
  tcase_add_loop_test(caps, damaged_codec_data_later_ends_the_track_and_keeps_what_was_recorded, 0,
                      2);
  tcase_add_test(caps, other_codec_data_before_the_first_sample_is_taken);
  tcase_add_test(caps, caps_that_change_nothing_in_the_file_go_on);
  tcase_add_test(caps, two_tracks_in_trouble_are_an_error_and_what_they_had_is_in_the_file);
  tcase_add_loop_test(caps, a_track_that_fails_after_eos_of_the_other_is_a_warning, 0, 2);
  tcase_add_test(caps, the_release_of_the_last_good_track_ends_the_recording_with_an_error);
  tcase_add_loop_test(caps, a_gap_without_a_segment_in_time_is_counted_alone, 0, 2);
  return suite;
}

GST_CHECK_MAIN(input_caps)
