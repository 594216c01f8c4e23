// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash_scenarios.h"

namespace mp4_test {
namespace {

using mp4::Ticks;

constexpr Ticks kPicture = 1'800;  // 20 ms

void append_pictures(Film& film, mp4::TrackIndex video, Ticks from, Ticks to) {
  for (Ticks i = from; i < to; ++i) {
    film.append(video, {i * kPicture, i * kPicture, kPicture}, i % 6 == 0);
    if (i % 6 == 5) film.settle();
  }
}

void append_frames(Film& film, mp4::TrackIndex audio, Ticks from, Ticks to) {
  for (Ticks i = from; i < to; ++i) film.append(audio, {i * 1'024, i * 1'024, 1'024}, true);
}

void record_one_track(Film& film) { append_pictures(film, film.add_track(video_config()), 0, 25); }

void record_two_tracks(Film& film) {
  const auto video = film.add_track(video_config()), audio = film.add_track(audio_config());
  for (Ticks part = 0; part < 4; ++part) {
    append_frames(film, audio, part * 5, part * 5 + 5);
    append_pictures(film, video, part * 6, part * 6 + 6);
  }
}

void record_reordered(Film& film) {
  const auto video = film.add_track(video_config());
  const Ticks order[] = {0, 3, 1, 2};
  for (Ticks i = 0; i < 25; ++i) {
    const Ticks place = i == 0 ? 0 : order[(i - 1) % 3 + 1] + (i - 1) / 3 * 3;
    film.append(video, {(i - 1) * kPicture, place * kPicture, 0}, i == 0);
    if (i % 6 == 5) film.settle();
  }
}

void record_variable_rate(Film& film) {
  const auto video = film.add_track(video_config());
  Ticks time = 0;
  for (Ticks i = 0; i < 25; ++i, time += 500 + 700 * (i % 5)) {
    film.append(video, {time, time, 0}, i % 4 == 0);
    if (i % 6 == 5) film.settle();
  }
}

void record_late_track(Film& film) {
  const auto video = film.add_track(video_config());
  append_pictures(film, video, 0, 12);
  const auto audio = film.add_track(audio_config());
  append_frames(film, audio, 12, 18);
  append_pictures(film, video, 12, 24);
  append_frames(film, audio, 18, 24);
}

void record_change(Film& film) {
  const auto video = film.add_track(video_config());
  append_pictures(film, video, 0, 12);
  auto other = video_config();
  other.video.aspect = {4, 3};
  const auto description = film.recording->add_description(video, other);
  for (Ticks i = 12; i < 24; ++i) {
    film.append(video, {i * kPicture, i * kPicture, kPicture}, i % 6 == 0, description.value_or(0));
    if (i % 6 == 5) film.settle();
  }
}

void record_released(Film& film) {
  const auto video = film.add_track(video_config()), audio = film.add_track(audio_config());
  append_frames(film, audio, 0, 4);
  film.recording->end_track(audio);
  append_pictures(film, video, 0, 24);
}

void record_one_fragment(Film& film) {
  append_pictures(film, film.add_track(video_config()), 0, 4);
}

void record_nothing(Film& film) { film.add_track(video_config()); }

void record_over_4_gib(Film& film) {
  const auto video = film.add_track(video_config());
  film.append_large(video, {0, 0, kPicture});
  append_pictures(film, video, 1, 25);
}

// As fast as it goes: fragments share syncs.
void record_in_a_rush(Film& film) {
  const auto video = film.add_track(video_config());
  for (Ticks i = 0; i < 40; ++i) film.append(video, {i * kPicture, i * kPicture, 0}, i % 6 == 0);
}

}  // namespace

const std::vector<Scenario> kScenarios = {
    {"one track", {}, record_one_track},
    {"two tracks", {}, record_two_tracks},
    {"reordered pictures", {}, record_reordered},
    {"variable frame rate", {}, record_variable_rate},
    {"late track", {}, record_late_track},
    {"parameter change", {}, record_change},
    {"released pad", {}, record_released},
    {"one fragment", {}, record_one_fragment},
    {"nothing", {}, record_nothing},
    {"in a rush", {}, record_in_a_rush},
    {"over 4 GiB", {}, record_over_4_gib},
    {"no fragments", {.fragment_ns = 0}, record_one_track},
    {"full disk", {.room = 75'000}, record_one_track},
    {"full disk that holds no room", {.room = 9'000, .holds_room = false}, record_one_track},
    {"full disk without room for moov", {.room = 8'400, .holds_room = false}, record_one_track},
    {"overwrite", {.overwrites = true}, record_two_tracks},
    {"overwrite without fragments", {.fragment_ns = 0, .overwrites = true}, record_one_track},
};

}  // namespace mp4_test
