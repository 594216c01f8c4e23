// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of tracks that are neither pictures nor compressed sound: ONVIF metadata, timed text, and
// PCM, of which every frame is a sample and a hole is silence.
#include <gst/audio/audio.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "bus_expectations.h"
#include "file_bytes.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Bytes;
using bench::Feed;
using bench::Kind;
using bench::Owned;

namespace {

constexpr GstClockTime kMs = GST_MSECOND;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

void start(Feed& feed, const char* caps_text) {
  const Owned<GstCaps> caps(gst_caps_from_string(caps_text));
  feed.stream_start();
  feed.caps(caps.get());
  feed.segment();
}

void push(Feed& feed, const Bytes& bytes, GstClockTime pts,
          GstClockTime duration = GST_CLOCK_TIME_NONE) {
  Owned<GstBuffer> buffer = bench::to_buffer(bytes);
  GST_BUFFER_PTS(buffer.get()) = pts;
  GST_BUFFER_DURATION(buffer.get()) = duration;
  fail_unless_equals_int(feed.push_buffer(buffer.release()), GST_FLOW_OK);
}

const boxes::Track& track_with(const boxes::Movie& movie, const char* format) {
  const auto found =
      std::find_if(movie.tracks.begin(), movie.tracks.end(),
                   [&](const boxes::Track& track) { return track.entries.at(0).format == format; });
  fail_unless(found != movie.tracks.end(), "no track of %s", format);
  return *found;
}

// Bytes and presentation of every sample, in ms.
struct Shown {
  Bytes bytes;
  int64_t ms;
  bool operator==(const Shown&) const = default;
};

std::vector<Shown> shown(const std::string& path, const boxes::Movie& movie,
                         const boxes::Track& track) {
  std::vector<Shown> all;
  for (const boxes::Sample& sample : track.samples)
    all.push_back({boxes::read_sample(path, sample),
                   (boxes::presentation_ns(movie, track, sample) + 500'000) / 1'000'000});
  return all;
}

// The file as it is, and as a kill before its last step would have left it.
std::vector<std::string> states_of(const Bench& bench) {
  std::vector<std::string> paths{bench.location()};
  if (g_getenv("TEST_WITHOUT_FRAGMENTS")) return paths;
  Bytes bytes = boxes::load_file(bench.location());
  boxes::put_number(bytes, 40, 16, 8);
  paths.push_back(bench.location() + ".killed");
  fail_unless(boxes::store_file(paths.back(), bytes));
  return paths;
}

boxes::Movie read(const std::string& path) {
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  fail_unless(movie->problems.empty(), "%s",
              movie->problems.empty() ? "" : movie->problems[0].c_str());
  return *movie;
}

constexpr char kOnvif[] = "application/x-onvif-metadata, encoding=utf8";
constexpr char kText[] = "text/x-raw, format=utf8";
constexpr char kAlaw[] = "audio/x-alaw, rate=8000, channels=1";

// 20 ms of G.711 that begins with its number.
Bytes g711(int number) {
  Bytes bytes(160, static_cast<uint8_t>(number));
  bytes[0] = static_cast<uint8_t>(number >> 8);
  return bytes;
}

Bytes sound_of(const std::string& path, const boxes::Track& track) {
  Bytes sound;
  for (const boxes::Sample& sample : track.samples) {
    const Bytes bytes = boxes::read_sample(path, sample);
    sound.insert(sound.end(), bytes.begin(), bytes.end());
  }
  return sound;
}

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace

// Documents at odd times, one of them late: each is true until the next.
GST_START_TEST(onvif_metadata_is_an_xml_track_about_the_video) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& meta = bench.add(Kind::kAudio, __i__ ? "meta_%u" : "sink_%u");
  bench.play();
  video.start();
  start(meta, kOnvif);
  const std::vector<Shown> documents{{bytes_of("<tt:MetadataStream/>"), 120},
                                     {bytes_of("<tt:MetadataStream><tt:Event/>"), 125},
                                     {bytes_of("<tt:MetadataStream>a</tt:>"), 15'000}};
  for (const Shown& document : documents)
    push(meta, document.bytes, static_cast<GstClockTime>(document.ms) * kMs, 3 * GST_SECOND);
  video.push_many(50);
  video.eos();
  meta.eos();
  bench.expect_eos();
  bench.expect_quiet();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = track_with(movie, "metx");
    fail_unless_equals_string(track.handler.c_str(), "meta");
    fail_unless(track.describes == track_with(movie, "avc1").id);
    const std::string entry(track.entries[0].config.begin(), track.entries[0].config.end());
    fail_unless(entry == std::string("\0http://www.onvif.org/ver10/schema\0\0", 36));
    fail_unless(shown(path, movie, track) == documents);
  }
}
GST_END_TEST;

// Between two texts, and after the last, nothing is shown.
GST_START_TEST(texts_are_shown_for_as_long_as_they_last) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& text = bench.add(Kind::kAudio, __i__ ? "subtitle_%u" : "sink_%u");
  bench.play();
  video.start();
  start(text, kText);
  push(text, bytes_of("door opens"), 200 * kMs, 500 * kMs);
  push(text, bytes_of("door closes"), 1000 * kMs, 300 * kMs);
  push(text, bytes_of("right after"), 1300 * kMs, 200 * kMs);
  video.push_many(50);
  video.eos();
  text.eos();
  bench.expect_eos();
  bench.expect_quiet();
  const auto with_length = [](const std::string& words) {
    return bytes_of(std::string{'\0', static_cast<char>(words.size())} + words);
  };
  const std::vector<Shown> expected{{with_length("door opens"), 200},
                                    {with_length(""), 700},
                                    {with_length("door closes"), 1000},
                                    {with_length("right after"), 1300},
                                    {with_length(""), 1500}};
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = track_with(movie, "tx3g");
    fail_unless_equals_string(track.handler.c_str(), "sbtl");
    fail_unless(shown(path, movie, track) == expected);
  }
}
GST_END_TEST;

// The length of a text has 16 bits.
GST_START_TEST(a_text_that_is_too_long_ends_with_a_whole_character) {
  Bench bench;
  Feed& text = bench.add(Kind::kAudio, "subtitle_%u");
  bench.play();
  start(text, kText);
  const std::string words = std::string(size_t(__i__), 'a') + [] {
    std::string signs;
    for (int i = 0; i < 20'000; ++i) signs += "\u20ac\U0001f4f7";  // of three and four bytes
    return signs;
  }();
  push(text, bytes_of(words), 0, 500 * kMs);
  text.eos();
  bench.expect_eos();
  const boxes::Movie movie = read(bench.location());
  const Bytes sample = boxes::read_sample(bench.location(), movie.tracks.at(0).samples.at(0));
  fail_unless_equals_int(sample.size(), size_t{2} + (sample[0] << 8 | sample[1]));
  fail_unless(sample.size() + 3 >= 2 + 65'535);
  fail_unless(g_utf8_validate(reinterpret_cast<const char*>(sample.data()) + 2,
                              static_cast<gssize>(sample.size() - 2), nullptr));
}
GST_END_TEST;

// A camera that only now and then has something to say keeps no fragment open and closes none.
GST_START_TEST(sparse_tracks_neither_jump_nor_end_fragments) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& meta = bench.add(Kind::kAudio);
  bench.play();
  video.start();
  start(meta, kOnvif);
  push(meta, bytes_of("first"), 0);
  push(meta, bytes_of("an hour later"), 3600 * GST_SECOND);
  push(meta, bytes_of("and again"), 3600 * GST_SECOND);
  push(meta, bytes_of("a day later"), 24 * 3600 * GST_SECOND);
  push(meta, bytes_of("back"), 10 * kMs);
  video.push_many(10);
  video.eos();
  meta.eos();
  bench.expect_eos();
  bench.expect_quiet();
  if (!g_getenv("TEST_WITHOUT_FRAGMENTS")) fail_unless_equals_uint64(bench.stat("fragments"), 1);
  const boxes::Movie movie = read(bench.location());
  const auto documents = shown(bench.location(), movie, track_with(movie, "metx"));
  fail_unless_equals_int64(documents.at(1).ms, 3'600'000);
  fail_unless_equals_int64(documents.at(3).ms, 7 * 3'600'000);
  fail_unless_equals_int(documents.size(), 5);
}
GST_END_TEST;

// ---- PCM ----

GST_START_TEST(each_frame_of_pcm_is_a_sample_and_tables_stay_constant) {
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, kAlaw);
  Bytes expected;
  for (int i = 0; i < 200; ++i) {
    push(sound, g711(i), static_cast<GstClockTime>(i) * 20 * kMs);
    append(expected, g711(i));
  }
  sound.eos();
  bench.expect_eos();
  bench.expect_quiet();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = track_with(movie, "alaw");
    fail_unless(sound_of(path, track) == expected);
    for (const boxes::Sample& sample : track.samples)
      fail_unless_equals_uint64(sample.duration, sample.size);
  }
  const boxes::Movie movie = read(bench.location());
  fail_unless_equals_uint64(movie.tracks[0].samples.size(), 200 * 160);
  const auto size = boxes::load_file(bench.location()).size() - expected.size();
  fail_unless(size < 20'000, "%zu bytes beside the sound", size);
}
GST_END_TEST;

struct Hole {
  GstClockTime before_ms;
  size_t silent_frames;
};
constexpr Hole kHoles[] = {{9, 0}, {20, 160}, {1000, 8000}, {9000, 72'000}};

GST_START_TEST(a_hole_in_pcm_is_filled_with_silence) {
  const Hole& hole = kHoles[__i__];
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, kAlaw);
  Bytes expected;
  for (int i = 0; i < 100; ++i) {
    const GstClockTime later = i < 50 ? 0 : hole.before_ms;
    push(sound, g711(i), (static_cast<GstClockTime>(i) * 20 + later) * kMs);
    if (i == 50) append(expected, Bytes(hole.silent_frames, 0xd5));
    append(expected, g711(i));
  }
  sound.eos();
  bench.expect_eos();
  fail_unless_equals_uint64(bench.stat(sound, "frames-stretched"), hole.silent_frames ? 1 : 0);
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    fail_unless(sound_of(path, movie.tracks[0]) == expected);
  }
}
GST_END_TEST;

// While the queue is full sound is dropped, and silence stands for it: nothing behind it is early.
GST_START_TEST(pcm_that_a_full_queue_drops_becomes_silence) {
  Bench bench;
  g_object_set(bench.element(), "max-queue-bytes", guint64{4096}, nullptr);
  gst_util_set_object_arg(G_OBJECT(bench.element()), "queue-full", "drop");
  // Sound that comes faster than time, and of which more than ten seconds are dropped, would jump.
  gst_util_set_object_arg(G_OBJECT(bench.element()), "gap-policy", "keep");
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, kAlaw);
  constexpr int kBuffers = 3000;
  for (int i = 0; i < kBuffers; ++i) push(sound, g711(i), static_cast<GstClockTime>(i) * 20 * kMs);
  bench.wait_until_at_rest();  // there is room again
  push(sound, g711(kBuffers), static_cast<GstClockTime>(kBuffers) * 20 * kMs);
  sound.eos();
  bench.expect_eos();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = movie.tracks.at(0);
    const Bytes bytes = sound_of(path, track);
    for (size_t at = 0; at + 160 <= bytes.size(); at += 160) {
      const Bytes wanted = g711(static_cast<int>(at / 160)), silence(160, 0xd5);
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      fail_unless(std::equal(wanted.begin(), wanted.end(), begin) ||
                      std::equal(silence.begin(), silence.end(), begin),
                  "%s: other sound after %zu buffers of %zu: %02x %02x %02x", path.c_str(),
                  at / 160, bytes.size() / 160, bytes[at], bytes[at + 1], bytes[at + 159]);
    }
  }
}
GST_END_TEST;

// What comes too early is caught up with, a tenth of each buffer, and then goes on untouched.
GST_START_TEST(pcm_ahead_of_its_times_is_brought_back_to_them) {
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, kAlaw);
  for (int i = 0; i < 200; ++i) {
    const GstClockTime earlier = i < 50 ? 0 : 40;
    push(sound, g711(i), (static_cast<GstClockTime>(i) * 20 - earlier) * kMs);
  }
  sound.eos();
  bench.expect_eos();
  const boxes::Movie movie = read(bench.location());
  const auto frames = static_cast<int64_t>(movie.tracks[0].samples.size());
  fail_unless(frames <= 200 * 160 - 40 * 8 + 80, "%d frames", static_cast<int>(frames));
  fail_unless(frames >= 200 * 160 - 40 * 8 - 80, "%d frames", static_cast<int>(frames));
  const Bytes bytes = sound_of(bench.location(), movie.tracks[0]);
  Bytes tail;
  for (int i = 150; i < 200; ++i) append(tail, g711(i));
  fail_unless(std::equal(tail.rbegin(), tail.rend(), bytes.rbegin()));
}
GST_END_TEST;

// Half a frame at a buffer's end belongs to no frame.
GST_START_TEST(only_whole_frames_of_pcm_are_recorded) {
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, "audio/x-raw, format=S16LE, rate=8000, channels=2, layout=interleaved");
  push(sound, Bytes(642, 1), 0);
  push(sound, Bytes(3, 2), 20 * kMs);
  push(sound, Bytes(640, 3), 20 * kMs);
  sound.eos();
  bench.expect_eos();
  const boxes::Movie movie = read(bench.location());
  Bytes expected(640, 1);
  append(expected, Bytes(640, 3));
  fail_unless(sound_of(bench.location(), movie.tracks[0]) == expected);
  fail_unless_equals_int(movie.tracks[0].samples[0].size, 4);
}
GST_END_TEST;

struct Layout {
  const char* caps;
  const char* format;
  uint16_t bits;
  Bytes bitmap;  // of 'chan', nothing: there is none
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{
      {"audio/x-alaw, rate=8000, channels=1", "alaw", 16, {0, 0, 0, 4}},
      {"audio/x-raw, format=S16LE, rate=48000, channels=2, layout=interleaved",
       "sowt",
       16,
       {0, 0, 0, 3}},
      {"audio/x-raw, format=S24BE, rate=48000, channels=6, layout=interleaved, "
       "channel-mask=(bitmask)0x3f",
       "in24",
       24,
       {0, 0, 0, 0x3f}},
      {"audio/x-raw, format=F32BE, rate=48000, channels=3, layout=interleaved", "fl32", 32, {}},
  };
  return all;
}

GST_START_TEST(pcm_says_its_bits_and_where_its_channels_are) {
  const Layout& layout = layouts()[size_t(__i__)];
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, layout.caps);
  push(sound, Bytes(4800, 1), 0);
  sound.eos();
  bench.expect_eos();
  const boxes::SampleEntry entry = read(bench.location()).tracks[0].entries[0];
  bench::expect_text(entry.format, layout.format);
  fail_unless_equals_int(entry.sample_bits, layout.bits);
  fail_unless_equals_int(entry.chan.empty(), layout.bitmap.empty());
  if (!layout.bitmap.empty())
    fail_unless(Bytes(entry.chan.begin() + 8, entry.chan.begin() + 12) == layout.bitmap);
}
GST_END_TEST;

// ---- clipped sound ----

constexpr char kOpus[] = "audio/x-opus, rate=48000, channels=2, channel-mapping-family=0";

// A packet of 20 ms.
void push_packet(Feed& feed, int number, guint64 begin, guint64 end) {
  Bytes packet = bench::noise(static_cast<uint64_t>(number), 60);
  packet[0] = 0xfc;
  Owned<GstBuffer> buffer = bench::to_buffer(packet);
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(number) * 20 * kMs;
  if (begin || end)
    gst_buffer_add_audio_clipping_meta(buffer.get(), GST_FORMAT_DEFAULT, begin, end);
  fail_unless_equals_int(feed.push_buffer(buffer.release()), GST_FLOW_OK);
}

// All packets are there; an edit leaves out what is not to be heard of the first, and the last is
// so much shorter. What is clipped in between is the decoder's business.
GST_START_TEST(clipped_sound_is_an_edit) {
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  start(sound, kOpus);
  for (int i = 0; i < 100; ++i)
    push_packet(sound, i, i == 0 || i == 50 ? 312 : 0, i == 99 ? 200 : 0);
  sound.eos();
  bench.expect_eos();
  bench.expect_quiet();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = movie.tracks.at(0);
    fail_unless_equals_int(track.samples.size(), 100);
    fail_unless_equals_int(track.edits.size(), 1);
    fail_unless_equals_int64(track.edits[0].media_time, 312);
    fail_unless_equals_int64(boxes::presentation_ns(movie, track, track.samples[1]),
                             (960 - 312) * GST_SECOND / 48'000);
    for (size_t i = 0; i < 100; ++i)
      fail_unless_equals_uint64(track.samples[i].duration, i < 99 ? 960 : 760);
    fail_unless_equals_string(track.groups.empty() ? "roll" : track.groups[0].grouping_type.c_str(),
                              "roll");
  }
  const boxes::Movie movie = read(bench.location());
  fail_unless_equals_uint64(movie.duration, uint64_t{100 * 960 - 312 - 200} * 90'000 / 48'000);
  fail_unless(movie.tracks[0].groups.at(0).entries.at(0) == Bytes({0xff, 0xfc}));  // -4: 80 ms
}
GST_END_TEST;

// Sound and picture stay together: what is clipped comes before, not after.
GST_START_TEST(clipping_moves_no_sound) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& sound = bench.add_audio();
  bench.play();
  video.start();
  start(sound, kOpus);
  video.push_many(25);
  for (int i = 0; i < 50; ++i) push_packet(sound, i, i == 0 ? 312 : 0, 0);
  video.eos();
  sound.eos();
  bench.expect_eos();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    const boxes::Track& track = track_with(movie, "Opus");
    const boxes::Track& pictures = track_with(movie, "avc1");
    fail_unless_equals_int64(boxes::presentation_ns(movie, pictures, pictures.samples[0]), 0);
    const int64_t second = boxes::presentation_ns(movie, track, track.samples[1]);
    fail_unless(std::abs(second - 13'500'000) < 12'000, "%d ns", static_cast<int>(second));
  }
}
GST_END_TEST;

// ---- sound whose frames are not known at first ----

constexpr char kAac[] =
    "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)1190, framed=(boolean)";

// rtpmp4adepay gives packets as they come until it knows where a frame begins.
GST_START_TEST(what_is_no_frame_is_left_out) {
  const Owned<GstCaps> packets(gst_caps_from_string((std::string(kAac) + "false").c_str()));
  const Owned<GstCaps> frames(gst_caps_from_string((std::string(kAac) + "true").c_str()));
  Bench bench;
  Feed& sound = bench.add_audio();
  bench.play();
  sound.stream_start();
  std::vector<Bytes> expected;
  for (int i = 0; i < 20; ++i) {
    const bool is_frame = i % 10 != 0;  // also when the camera begins again
    if (i % 10 < 2) sound.caps(is_frame ? frames.get() : packets.get());
    if (i == 0) sound.segment();
    const Bytes bytes = bench::noise(static_cast<uint64_t>(i), 60);
    push(sound, bytes, gst_util_uint64_scale(i, 1024 * GST_SECOND, 48'000));
    if (is_frame) expected.push_back(bytes);
  }
  sound.eos();
  bench.expect_eos();
  for (const std::string& path : states_of(bench)) {
    const boxes::Movie movie = read(path);
    fail_unless_equals_int(movie.tracks.size(), 1);
    std::vector<Bytes> found;
    for (const boxes::Sample& sample : movie.tracks[0].samples)
      found.push_back(boxes::read_sample(path, sample));
    fail_unless(found == expected);
  }
}
GST_END_TEST;

static Suite* other_tracks_suite() {
  Suite* suite = suite_create("other_tracks");
  TCase* tracks = tcase_create("tracks");
  suite_add_tcase(suite, tracks);
  tcase_add_loop_test(tracks, onvif_metadata_is_an_xml_track_about_the_video, 0, 2);
  tcase_add_loop_test(tracks, texts_are_shown_for_as_long_as_they_last, 0, 2);
  tcase_add_loop_test(tracks, a_text_that_is_too_long_ends_with_a_whole_character, 0, 7);
  tcase_add_test(tracks, sparse_tracks_neither_jump_nor_end_fragments);
  tcase_add_test(tracks, each_frame_of_pcm_is_a_sample_and_tables_stay_constant);
  tcase_add_loop_test(tracks, a_hole_in_pcm_is_filled_with_silence, 0,
                      static_cast<int>(std::size(kHoles)));
  tcase_add_test(tracks, pcm_that_a_full_queue_drops_becomes_silence);
  tcase_add_test(tracks, pcm_ahead_of_its_times_is_brought_back_to_them);
  tcase_add_test(tracks, only_whole_frames_of_pcm_are_recorded);
  tcase_add_loop_test(tracks, pcm_says_its_bits_and_where_its_channels_are, 0,
                      static_cast<int>(layouts().size()));
  tcase_add_test(tracks, clipped_sound_is_an_edit);
  tcase_add_test(tracks, clipping_moves_no_sound);
  tcase_add_test(tracks, what_is_no_frame_is_left_out);
  return suite;
}

GST_CHECK_MAIN(other_tracks)
