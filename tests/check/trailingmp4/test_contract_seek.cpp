// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A seek in a pipeline that is not live, filesrc ! qtdemux: the file goes on where it was, with
// what comes after the seek, and sound and picture stay together.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Kind;
using bench::Owned;

constexpr int kPictures = 500;  // 20 s
constexpr int kPicturesBeforeSeek = 120;

// The file that is played: what the element itself records of synthetic media.
struct Source : Bench {
  Feed& video;
  Feed& audio;

  Source() : video(add_video()), audio(add_audio()) {
    play();
    video.start();
    audio.start();
    for (int i = 0; i < kPictures / 50; ++i) {
      fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
      fail_unless_equals_int(audio.push_many(94), GST_FLOW_OK);
    }
    stop();
    expect_file({&video, &audio});
  }
};

// filesrc ! qtdemux, both streams through queues to the element.
struct Player {
  bench::TempFolder folder;
  std::string location = folder.file("again.mp4");
  Owned<GstElement> pipeline;
  Owned<GstElement> sink;
  std::atomic<int> pictures{0};

  explicit Player(const std::string& source) {
    const std::string line = "filesrc location=" + source +
                             " ! qtdemux name=d trailingmp4sink name=s location=" + location +
                             " d.video_0 ! queue ! s.video_0 d.audio_0 ! queue ! s.audio_0";
    GError* error = nullptr;
    pipeline.reset(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(line.c_str(), &error))));
    fail_unless(error == nullptr, "%s", error ? error->message : "");
    sink.reset(gst_bin_get_by_name(GST_BIN(pipeline.get()), "s"));
    const Owned<GstPad> pad(gst_element_get_static_pad(sink.get(), "video_0"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, count_and_hold, this, nullptr);
  }
  ~Player() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }

  // At that picture the element pauses: what comes now waits until the flush takes it away.
  static GstPadProbeReturn count_and_hold(GstPad*, GstPadProbeInfo*, gpointer data) {
    auto* self = static_cast<Player*>(data);
    const int number = ++self->pictures;
    if (number == kPicturesBeforeSeek) gst_element_set_state(self->sink.get(), GST_STATE_PAUSED);
    return GST_PAD_PROBE_OK;
  }

  void seek_to_start() {
    fail_unless(gst_element_seek_simple(
        pipeline.get(), GST_FORMAT_TIME,
        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT), 0));
  }

  void expect_eos() {
    const Owned<GstBus> bus(gst_element_get_bus(pipeline.get()));
    const Owned<GstMessage> message(gst_bus_timed_pop_filtered(
        bus.get(), 30 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    fail_unless(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS);
  }
};

// Which of the source's samples these are, by their bytes.
std::vector<size_t> numbers_of(const std::string& path, const boxes::Track& track,
                               const std::vector<bench::Expected>& source) {
  std::vector<size_t> numbers;
  for (const boxes::Sample& sample : track.samples) {
    const auto bytes = boxes::read_sample(path, sample);
    const auto found = std::find_if(source.begin(), source.end(),
                                    [&](const auto& known) { return known.bytes == bytes; });
    numbers.push_back(static_cast<size_t>(found - source.begin()));
  }
  return numbers;
}

// How many samples come before the one with which the source begins anew.
size_t length_of_first_part(const std::vector<size_t>& numbers) {
  return static_cast<size_t>(std::find(numbers.begin() + 1, numbers.end(), 0) - numbers.begin());
}

// The beginning of the source, and then all of it. Returns when the second part begins.
int64_t expect_two_parts(const std::string& path, const boxes::Movie& movie,
                         const boxes::Track& track, const Feed& source) {
  const std::vector<size_t> numbers = numbers_of(path, track, source.expected());
  const size_t before = length_of_first_part(numbers);
  fail_unless(before > 10 && before < source.expected().size(), "%zu before the seek", before);
  fail_unless_equals_int(numbers.size(), before + source.expected().size());
  const int64_t start = boxes::presentation_ns(movie, track, track.samples[before]);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t number = i < before ? i : i - before;
    fail_unless_equals_int(numbers[i], number);
    const int64_t part = i < before ? 0 : start;
    const int64_t off = boxes::presentation_ns(movie, track, track.samples[i]) -
                        (part + source.expected()[number].pts_ns);
    fail_unless(std::abs(off) < 25 * 1000, "sample %zu is off by %" G_GINT64_FORMAT " ns", i, off);
  }
  return start;
}

}  // namespace

GST_START_TEST(playing_a_file_through_records_it_again) {
  Source source;
  Player player(source.location());
  gst_element_set_state(player.pipeline.get(), GST_STATE_PAUSED);
  player.pictures = kPicturesBeforeSeek;  // nothing is held
  gst_element_set_state(player.pipeline.get(), GST_STATE_PLAYING);
  player.expect_eos();
  gst_element_set_state(player.pipeline.get(), GST_STATE_NULL);
  const auto movie = boxes::read_movie(player.location);
  fail_unless(movie && movie->problems.empty());
  const auto differences =
      bench::file_differences(player.location, *movie, {&source.video, &source.audio});
  fail_unless(differences.empty(), "%s", differences.empty() ? "" : differences[0].c_str());
}
GST_END_TEST

GST_START_TEST(after_a_seek_to_the_start_the_file_holds_both_parts_in_sync) {
  Source source;
  Player player(source.location());
  gst_element_set_state(player.pipeline.get(), GST_STATE_PLAYING);
  while (player.pictures < kPicturesBeforeSeek) g_usleep(1000);
  g_usleep(100 * 1000);
  if (__i__) gst_element_set_state(player.pipeline.get(), GST_STATE_PAUSED);
  player.seek_to_start();
  gst_element_set_state(player.sink.get(), GST_STATE_PLAYING);
  gst_element_set_state(player.pipeline.get(), GST_STATE_PLAYING);
  player.expect_eos();
  gst_element_set_state(player.pipeline.get(), GST_STATE_NULL);

  const auto movie = boxes::read_movie(player.location);
  fail_unless(movie && movie->problems.empty());
  fail_unless_equals_int(movie->tracks.size(), 2);
  const boxes::Track* video = bench::track_of(player.location, *movie, source.video);
  const boxes::Track* audio = bench::track_of(player.location, *movie, source.audio);
  fail_unless(video && audio);
  const int64_t video_start = expect_two_parts(player.location, *movie, *video, source.video);
  const int64_t audio_start = expect_two_parts(player.location, *movie, *audio, source.audio);
  // Audio frames follow each other without a hole while that costs less than half of one.
  fail_unless(std::abs(video_start - audio_start) < 10'700'000,
              "%" G_GINT64_FORMAT " ns apart after the seek", video_start - audio_start);
}
GST_END_TEST

static Suite* test_contract_seek_suite(void) {
  Suite* suite = suite_create("contract_seek");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, playing_a_file_through_records_it_again);
  tcase_add_loop_test(tests, after_a_seek_to_the_start_the_file_holds_both_parts_in_sync, 0, 2);
  return suite;
}

GST_CHECK_MAIN(test_contract_seek)
