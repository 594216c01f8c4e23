// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the rules for audio frames, as pure logic: what is nominal, what stretches and shortens
// frames, what leaves them out. And of all rules at once, with random streams.
#include <random>

#include "timeline_tracks.h"

using namespace clocks;

namespace {

// The worst distance of the track's frames, from one of them on, to their times.
Ticks worst_distance(const Track& audio, size_t first, const std::vector<int64_t>& pts) {
  Ticks worst = 0;
  for (size_t i = first; i < audio.placed.size(); ++i)
    worst = std::max(worst, std::abs(audio.placed[i].dts - audio.stream.timescale.from_ns(pts[i])));
  return worst;
}

// What may happen to one stream, drawn by lot.
class RandomStream {
 public:
  RandomStream(Track& track, std::mt19937& random) : track_(track), random_(random) {
    has_dts_ = draw(3) == 0;
    nominal_ = track.stream.frame ? track.stream.timescale.to_ns(track.stream.frame) : 40 * kMs;
  }

  void push() {
    ++pushed_;
    now_ += nominal_ + draw(21) * kMs - 10 * kMs;
    if (draw(20) == 0) step();
    Stamps stamps{.pts = now_ + draw(4) * kMs};
    stamps.bidirectional = draw(3) == 0;
    if (has_dts_) stamps.dts = now_ - draw(3) * 40 * kMs;
    if (draw(30) == 0) stamps.pts.reset();
    if (draw(30) == 0) stamps.dts.reset();
    if (draw(4) == 0) stamps.duration = draw(100) * kMs;
    track_.push(stamps);
  }

  // As a camera that has recovered sends it.
  void push_clean() {
    ++pushed_;
    if (std::llabs(now_) > int64_t{1} << 60) now_ = 0;
    now_ += nominal_;
    Stamps stamps = at(now_);
    if (has_dts_) stamps.dts = now_;
    track_.push(stamps);
  }

  uint64_t pushed() const { return pushed_; }
  int64_t nominal() const { return nominal_; }

 private:
  int64_t draw(int64_t sides) { return static_cast<int64_t>(random_()) % sides; }

  void step() {
    constexpr int64_t kSteps[] = {kMs,         200 * kMs,    5 * kSecond,         60 * kSecond,
                                  7 * kHour,   40 * kHour,   int64_t{1} << 62,    -kMs,
                                  -300 * kMs,  -9 * kSecond, -60 * kSecond,       -7 * kHour,
                                  -40 * kHour, -kSecond,     -(int64_t{1} << 62), 0};
    const int64_t by = kSteps[draw(std::size(kSteps))];
    if (by > 100 * kHour || by < -100 * kHour)
      now_ = by;
    else if (std::llabs(now_) < int64_t{1} << 61)
      now_ += by;
    else
      now_ = 0;
    if (draw(2) == 0) track_.timeline.announce_start();
  }

  Track& track_;
  std::mt19937& random_;
  bool has_dts_;
  int64_t nominal_;
  int64_t now_ = 0;
  uint64_t pushed_ = 0;
};

}  // namespace

GST_START_TEST(jitter_below_half_a_frame_keeps_nominal_durations) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  std::mt19937 random(1);
  for (int64_t i = 0; i < 10'000; ++i) {
    const int64_t jitter = i ? static_cast<int64_t>(random() % 21) - 10 : 0;
    audio.push(at(frame_ns(i) + jitter * kMs));
    if (i) expect_near(audio.step(static_cast<size_t>(i)), 1024, 0);
  }
  fail_unless_equals_uint64(audio.counters.audio.stretched.value(), 0);
  fail_unless_equals_uint64(audio.counters.audio.shortened.value(), 0);
}
GST_END_TEST;

GST_START_TEST(a_hole_is_taken_up_by_the_frame_before) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  for (int64_t i : {0, 1, 2, 10, 11}) audio.push(at(frame_ns(i)));
  const Ticks steps[] = {1024, 1024, 8 * 1024, 1024};
  for (size_t i = 1; i < 5; ++i) fail_unless_equals_int64(audio.step(i), steps[i - 1]);
  fail_unless_equals_uint64(audio.counters.audio.stretched.value(), 1);
}
GST_END_TEST;

GST_START_TEST(frames_too_early_shorten_those_before_to_no_less_than_half) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  audio.push(at(0));
  audio.push(at(frame_ns(1)));
  audio.push(at(frame_ns(2) - 11 * kMs));  // 528 ticks: more than half a frame
  audio.push(at(frame_ns(3) - 11 * kMs));  // 16 ticks are left of that
  fail_unless_equals_int64(audio.step(2), 512);
  fail_unless_equals_int64(audio.step(3), 1024);
  fail_unless_equals_uint64(audio.counters.audio.shortened.value(), 1);
  audio.push(at(frame_ns(2)));
  fail_unless_equals_int64(audio.step(4), 512);
}
GST_END_TEST;

GST_START_TEST(sixteen_frames_of_one_time_are_worked_off_and_the_rest_counted) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  std::vector<int64_t> kept;
  auto push = [&](int64_t pts) {
    const size_t before = audio.placed.size();
    audio.push(at(pts));
    if (audio.placed.size() > before) kept.push_back(pts);
  };
  for (int i = 0; i < 16; ++i) push(0);
  for (int64_t i = 1; i < 200; ++i) push(frame_ns(i));
  fail_unless_equals_uint64(audio.left_out, audio.counters.audio.left_out.value());
  fail_unless(audio.left_out > 0 && audio.left_out < 16);
  for (size_t i = 1; i < audio.placed.size(); ++i) fail_unless(audio.step(i) >= 512);
  fail_unless(worst_distance(audio, 0, kept) <= 4800 + 512);  // never further ahead than 100 ms
  fail_unless(worst_distance(audio, 50, kept) <= 512);
}
GST_END_TEST;

// A camera that sends faster than its times say: what does not fit is left out.
GST_START_TEST(a_lead_over_100_ms_leaves_frames_out_until_it_is_below) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < 1000; ++i) {
    const int64_t pts = frame_ns(i) - (std::clamp<int64_t>(i, 500, 600) - 500) * 15 * kMs;
    const uint64_t left_out = audio.left_out;
    audio.push(at(pts));
    if (audio.left_out == left_out) kept.push_back(pts);
  }
  fail_unless_equals_uint64(audio.left_out, audio.counters.audio.left_out.value());
  fail_unless(audio.left_out > 0);
  fail_unless(worst_distance(audio, 0, kept) <= 4800 + 512);
  fail_unless(worst_distance(audio, 700, kept) <= 512);
  fail_unless_equals_uint64(audio.counters.clock.reanchored.value(), 0);
}
GST_END_TEST;

// A camera whose crystal is off by 300 ppm, slow or fast, for a day.
GST_START_TEST(drift_is_followed_within_half_a_frame_and_loses_nothing) {
  Tracks tracks;
  Track& audio = tracks.add(kAudio);
  const int64_t drift = __i__ ? 300 : -300;
  constexpr int64_t kFrames = 86'400LL * 48'000 / 1024;
  int64_t nominal = 0;
  Ticks last = 0;
  for (int64_t i = 0; i < kFrames; ++i) {
    const int64_t pts = frame_ns(i) + frame_ns(i) / 1'000'000 * drift;
    const auto placed = audio.timeline.place(audio.times, at(pts));
    if (placed.verdict != Verdict::kPlaced) fail("frame %" G_GINT64_FORMAT " is lost", i);
    expect_near(placed.times.pts, audio.stream.timescale.from_ns(pts), 513);
    nominal += placed.times.dts - last == 1024;
    last = placed.times.dts;
  }
  fail_unless(nominal > kFrames - 6'000, "%" G_GINT64_FORMAT " frames nominal", nominal);
}
GST_END_TEST;

GST_START_TEST(the_frame_length_is_that_of_the_stream) {
  Tracks tracks;
  Track& audio = tracks.add({{44'100}, 960});
  for (int64_t i = 0; i < 1000; ++i) audio.push(at(i * 960 * kSecond / 44'100));
  for (size_t i = 1; i < 1000; ++i) fail_unless_equals_int64(audio.step(i), 960);
}
GST_END_TEST;

// Times, their absence, steps and announcements by lot: Track::push checks what must hold.
// What gets longer while another track has the pad is the track's own last frame.
GST_START_TEST(a_track_that_comes_back_was_not_away_for_longer_than_32_bits_hold) {
  constexpr int64_t kPause = 4 * kHour;
  const auto no_end = [] { return std::optional<int64_t>(); };
  Timeline::Counters counters;
  SharedClock shared(no_end);
  Timeline timeline({.gap_policy = GapPolicy::kKeep}, shared, counters);
  TrackTimes own{AudioTimes({96'000}, 1024, counters.audio)};
  TrackTimes other{AudioTimes({48'000}, 1024, counters.audio)};
  const Ticks before = timeline.place(own, at(0)).times.dts;
  timeline.place(other, at(kPause));
  const auto back = timeline.place(own, at(2 * kPause));
  fail_unless(back.verdict == Verdict::kPlaced);
  fail_unless(back.times.dts - before > Ticks{INT32_MAX} - 2 * 96'000);
  fail_unless(back.times.dts - before <= Ticks{INT32_MAX});
  fail_unless_equals_uint64(counters.clock.gaps_shortened.value(), 1);
}
GST_END_TEST;

GST_START_TEST(nothing_but_counted_audio_is_lost_whatever_comes) {
  std::mt19937 random(static_cast<unsigned>(__i__));
  Tracks tracks;
  std::deque<RandomStream> streams;
  constexpr Stream kDeep{{90'000}, 0, 2};
  constexpr Stream kStreams[] = {kVideo,           kAudio, {{8000}, 960},
                                 {{96'000}, 1024}, kDeep,  kVideoOfUnknownDepth};
  for (const auto& stream : kStreams) streams.emplace_back(tracks.add(stream), random);
  for (int i = 0; i < 1000; ++i) streams[random() % streams.size()].push();
  for (int i = 0; i < 1000; ++i)
    for (RandomStream& stream : streams) stream.push_clean();
  for (size_t i = 0; i < streams.size(); ++i) {
    const Track& track = tracks.tracks[i];
    // Whatever was: it is steady again, or up to a tenth faster, to make up for a step.
    const size_t count = track.placed.size();
    const int64_t off =
        track.pts_ns(count - 1) - track.pts_ns(count - 51) - 50 * streams[i].nominal();
    const int64_t jitter = track.stream.frame ? streams[i].nominal() : kMs;
    if (off > jitter || off < -jitter - 7 * streams[i].nominal())
      fail("stream %zu is off its pace by %" G_GINT64_FORMAT, i, off);
    fail_unless_equals_uint64(track.placed.size() + track.left_out, streams[i].pushed());
    fail_unless_equals_uint64(track.left_out, track.counters.audio.left_out.value());
    if (track.stream.frame == 0) fail_unless_equals_uint64(track.left_out, 0);
  }
}
GST_END_TEST;

static Suite* timeline_audio_suite() {
  Suite* suite = suite_create("timeline_audio");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_set_timeout(rules, 120);
  tcase_add_test(rules, jitter_below_half_a_frame_keeps_nominal_durations);
  tcase_add_test(rules, a_hole_is_taken_up_by_the_frame_before);
  tcase_add_test(rules, frames_too_early_shorten_those_before_to_no_less_than_half);
  tcase_add_test(rules, sixteen_frames_of_one_time_are_worked_off_and_the_rest_counted);
  tcase_add_test(rules, a_lead_over_100_ms_leaves_frames_out_until_it_is_below);
  tcase_add_loop_test(rules, drift_is_followed_within_half_a_frame_and_loses_nothing, 0, 2);
  tcase_add_test(rules, the_frame_length_is_that_of_the_stream);
  tcase_add_test(rules, a_track_that_comes_back_was_not_away_for_longer_than_32_bits_hold);
  tcase_add_loop_test(rules, nothing_but_counted_audio_is_lost_whatever_comes, 0, 40);
  return suite;
}

GST_CHECK_MAIN(timeline_audio)
