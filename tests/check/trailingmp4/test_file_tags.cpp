// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what tags become: orientation and language of a track, title and the like of the movie.
// Read by the tests' own reader and by FFmpeg's.
#include <algorithm>
#include <array>
#include <cmath>

#include "element_bench.h"
#include "libav_reader.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Feed;

namespace {

using Point = std::array<double, 2>;

void expect_text(const std::string& found, const std::string& wanted) {
  fail_unless(found == wanted, "\"%s\" instead of \"%s\"", found.c_str(), wanted.c_str());
}

GstEvent* track_tag(const char* name, const char* value) {
  return gst_event_new_tag(gst_tag_list_new(name, value, nullptr));
}

GstEvent* global_tag(const char* name, const char* value) {
  GstTagList* tags = gst_tag_list_new(name, value, nullptr);
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  return gst_event_new_tag(tags);
}

// What it says of the noise inside our samples is not heard.
libav::File read_by_ffmpeg(const Bench& bench) {
  return libav::read_file(bench.location(), libav::Heard::kFatal);
}

// One video track of a second, with what happens between its start and its first sample.
template <typename Before>
boxes::Movie record(Bench& bench, Before before) {
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  before(video);
  video.push_many(25);
  video.eos();
  bench.expect_eos();
  bench.expect_quiet();
  return bench.expect_file(video);
}

boxes::Movie record_with(const char* tag, const char* value) {
  Bench bench;
  return record(bench, [&](Feed& video) { video.event(track_tag(tag, value)); });
}

// Where the matrix of the track header puts a point of the picture, 6.2.2.
Point shown_at(const boxes::Track& track, Point point) {
  const auto& matrix = track.matrix;
  auto fixed = [&](size_t i) { return matrix[i] / 65'536.0; };
  return {fixed(0) * point[0] + fixed(3) * point[1] + fixed(6),
          fixed(1) * point[0] + fixed(4) * point[1] + fixed(7)};
}

// GST_TAG_IMAGE_ORIENTATION: flipped left to right first, then rotated clockwise.
struct Orientation {
  const char* tag;
  bool flipped;
  int degrees;
};
const Orientation kOrientations[] = {
    {"rotate-0", false, 0},         {"rotate-90", false, 90},       {"rotate-180", false, 180},
    {"rotate-270", false, 270},     {"flip-rotate-0", true, 0},     {"flip-rotate-90", true, 90},
    {"flip-rotate-180", true, 180}, {"flip-rotate-270", true, 270},
};

Point turned(const Orientation& orientation, Point point) {
  double width = bench::kWidth, height = bench::kHeight;
  if (orientation.flipped) point[0] = width - point[0];
  for (int degrees = 0; degrees < orientation.degrees; degrees += 90) {
    point = {height - point[1], point[0]};
    std::swap(width, height);
  }
  return point;
}

void expect_orientation(const boxes::Track& track, const Orientation& orientation) {
  for (const Point& corner : {Point{0, 0}, Point{320, 0}, Point{0, 240}, Point{100, 30}}) {
    const Point found = shown_at(track, corner), wanted = turned(orientation, corner);
    fail_unless(found == wanted, "%s: %g, %g is shown at %g, %g, not %g, %g", orientation.tag,
                corner[0], corner[1], found[0], found[1], wanted[0], wanted[1]);
  }
  fail_unless_equals_int(track.matrix[8], 0x40000000);
}

struct Language {
  const char* tag;
  const char* in_file;
};
const Language kLanguages[] = {{"de", "deu"},  {"eng", "eng"}, {"fr", "fra"},
                               {"ger", "deu"}, {"xx", "und"},  {"klingon", "und"}};

struct Text {
  const char* tag;
  const char* value;
  const char* key;
  const char* ffmpeg;  // what it calls it
};
const Text kTexts[] = {
    {GST_TAG_TITLE,
     "Gr\xc3\xbc\xc3\x9f"
     "e",
     "\xc2\xa9nam", "title"},
    {GST_TAG_ARTIST, "Camera 7",
     "\xc2\xa9"
     "ART",
     "artist"},
    {GST_TAG_ALBUM, "Garden",
     "\xc2\xa9"
     "alb",
     "album"},
    {GST_TAG_COMMENT, "windy",
     "\xc2\xa9"
     "cmt",
     "comment"},
    {GST_TAG_DESCRIPTION, "trees", "desc", "description"},
    {GST_TAG_COPYRIGHT, "nobody", "cprt", "copyright"},
    {GST_TAG_GENRE, "nature", "\xc2\xa9gen", "genre"},
    {GST_TAG_COMPOSER, "the wind", "\xc2\xa9wrt", "composer"},
};

}  // namespace

GST_START_TEST(orientation_becomes_the_matrix) {
  const Orientation& orientation = kOrientations[__i__];
  Bench bench;
  const boxes::Movie movie = record(bench, [&](Feed& video) {
    video.event(track_tag(GST_TAG_IMAGE_ORIENTATION, orientation.tag));
  });
  expect_orientation(movie.tracks[0], orientation);
  fail_unless(movie.tracks[0].width == 320 && movie.tracks[0].height == 240);
  if (orientation.flipped || orientation.degrees == 0) return;
  const auto counterclockwise = read_by_ffmpeg(bench).streams.at(0).rotation;
  fail_unless(counterclockwise.has_value());
  fail_unless_equals_int((std::lround(*counterclockwise) + orientation.degrees) % 360, 0);
}
GST_END_TEST;

GST_START_TEST(an_orientation_that_does_not_exist_is_none) {
  const char* tags[] = {"rotate-45", "upside-down", "rotate-", "flip-rotate-360"};
  expect_orientation(record_with(GST_TAG_IMAGE_ORIENTATION, tags[__i__]).tracks[0],
                     kOrientations[0]);
}
GST_END_TEST;

GST_START_TEST(orientation_and_language_may_come_after_the_first_sample) {
  Bench bench;
  const boxes::Movie movie = record(bench, [&](Feed& video) {
    video.push_many(10);
    video.event(track_tag(GST_TAG_IMAGE_ORIENTATION, "rotate-90"));
    video.event(track_tag(GST_TAG_LANGUAGE_CODE, "de"));
  });
  expect_orientation(movie.tracks[0], kOrientations[1]);
  expect_text(movie.tracks[0].language, "deu");
}
GST_END_TEST;

GST_START_TEST(language_is_written_in_three_letters) {
  const Language& language = kLanguages[__i__];
  Bench bench;
  const boxes::Movie movie = record(
      bench, [&](Feed& video) { video.event(track_tag(GST_TAG_LANGUAGE_CODE, language.tag)); });
  expect_text(movie.tracks[0].language, language.in_file);
  expect_text(read_by_ffmpeg(bench).streams.at(0).tags["language"], language.in_file);
}
GST_END_TEST;

GST_START_TEST(each_track_has_the_tags_of_its_own_pad) {
  Bench bench;
  Feed& first = bench.add_audio();
  Feed& second = bench.add_audio();
  bench.play();
  first.start();
  second.start();
  first.event(track_tag(GST_TAG_LANGUAGE_CODE, "de"));
  second.event(track_tag(GST_TAG_LANGUAGE_CODE, "en"));
  first.push_many(20);
  second.push_many(20);
  first.eos();
  second.eos();
  bench.expect_eos();
  const boxes::Movie movie = bench.expect_file({&first, &second});
  expect_text(movie.tracks[0].language, "deu");
  expect_text(movie.tracks[1].language, "eng");
}
GST_END_TEST;

// From the application, or from the stream.
GST_START_TEST(texts_of_the_movie_are_in_the_file) {
  Bench bench;
  if (__i__ == 0) {
    for (const Text& text : kTexts)
      gst_tag_setter_add_tags(GST_TAG_SETTER(bench.element()), GST_TAG_MERGE_APPEND, text.tag,
                              text.value, nullptr);
  }
  const boxes::Movie movie = record(bench, [&](Feed& video) {
    if (__i__ == 1)
      for (const Text& text : kTexts) video.event(global_tag(text.tag, text.value));
  });
  libav::Tags tags = read_by_ffmpeg(bench).tags;
  for (const Text& text : kTexts) {
    const auto found = movie.tags.find(text.key);
    fail_unless(found != movie.tags.end(), "no %s", text.tag);
    expect_text(found->second, text.value);
    expect_text(tags[text.ffmpeg], text.value);
  }
}
GST_END_TEST;

GST_START_TEST(the_date_is_in_the_file_and_the_encoder_is_us) {
  Bench bench;
  GstDateTime* date = gst_date_time_new(2.0f, 2024, 5, 6, 7, 8, 9);
  gst_tag_setter_add_tags(GST_TAG_SETTER(bench.element()), GST_TAG_MERGE_REPLACE, GST_TAG_DATE_TIME,
                          date, nullptr);
  gst_date_time_unref(date);
  const boxes::Movie movie = record(bench, [](Feed&) {});
  const auto day = movie.tags.find(
      "\xc2\xa9"
      "day");
  fail_unless(day != movie.tags.end());
  expect_text(day->second.substr(0, 19), "2024-05-06T07:08:09");
  const auto encoder = movie.tags.find("\xc2\xa9too");
  fail_unless(encoder != movie.tags.end());
  fail_unless(encoder->second.find("trailingmp4sink") == 0);
}
GST_END_TEST;

GST_START_TEST(a_date_without_a_time_will_do) {
  Bench bench;
  GDate* date = g_date_new_dmy(6, G_DATE_MAY, 2024);
  gst_tag_setter_add_tags(GST_TAG_SETTER(bench.element()), GST_TAG_MERGE_REPLACE, GST_TAG_DATE,
                          date, nullptr);
  g_date_free(date);
  const boxes::Movie movie = record(bench, [](Feed&) {});
  const auto day = movie.tags.find(
      "\xc2\xa9"
      "day");
  fail_unless(day != movie.tags.end());
  expect_text(day->second, "2024-05-06");
}
GST_END_TEST;

GST_START_TEST(a_text_that_the_application_sets_later_replaces_the_earlier_one) {
  Bench bench;
  auto set_title = [&](const char* title) {
    gst_tag_setter_add_tags(GST_TAG_SETTER(bench.element()), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE,
                            title, nullptr);
  };
  set_title("first");
  const boxes::Movie movie = record(bench, [&](Feed& video) {
    video.push_many(10);
    set_title("second");
  });
  expect_text(movie.tags.at("\xc2\xa9nam"), "second");
}
GST_END_TEST;

GST_START_TEST(texts_of_one_track_are_not_the_movies) {
  const boxes::Movie movie = record_with(GST_TAG_TITLE, "of a track");
  fail_unless(movie.tags.find("\xc2\xa9nam") == movie.tags.end());
}
GST_END_TEST;

// A pad keeps the tags of a stream that starts again, and brings them to the next recording.
GST_START_TEST(texts_of_one_stream_are_not_in_the_recording_of_the_next) {
  Bench bench;
  Feed& video = bench.add_video();
  for (int recording = 0; recording < 2; ++recording) {
    bench.log().clear();
    bench.fresh_location();
    video.expect_nothing();
    bench.play();
    video.change_stream();
    video.start();
    if (recording == 0) {
      video.event(global_tag(GST_TAG_TITLE, "of the first"));
      video.event(track_tag(GST_TAG_LANGUAGE_CODE, "de"));
    }
    video.seek(0);
    video.push({.picture = bench::Picture::kIdr});
    video.push_many(10);
    video.eos();
    bench.expect_eos();
    bench.stop();
  }
  const boxes::Movie movie = bench.expect_file(video);
  fail_unless(movie.tags.find("\xc2\xa9nam") == movie.tags.end());
  expect_text(movie.tracks[0].language, "und");
}
GST_END_TEST;

GST_START_TEST(a_stream_that_starts_again_keeps_its_tags_and_another_has_none) {
  const bool is_another = __i__ == 1;
  Bench bench;
  const boxes::Movie movie = record(bench, [&](Feed& video) {
    video.event(track_tag(GST_TAG_LANGUAGE_CODE, "de"));
    video.push_many(10);
    if (is_another) video.change_stream();
    video.start();
    video.event(track_tag(GST_TAG_IMAGE_ORIENTATION, "rotate-90"));
  });
  expect_orientation(movie.tracks[0], kOrientations[1]);
  expect_text(movie.tracks[0].language, is_another ? "und" : "deu");
}
GST_END_TEST;

static Suite* file_tags_suite() {
  Suite* suite = suite_create("file_tags");
  TCase* tags = tcase_create("tags");
  suite_add_tcase(suite, tags);
  tcase_set_timeout(tags, 60);
  tcase_add_loop_test(tags, orientation_becomes_the_matrix, 0,
                      static_cast<int>(std::size(kOrientations)));
  tcase_add_loop_test(tags, an_orientation_that_does_not_exist_is_none, 0, 4);
  tcase_add_test(tags, orientation_and_language_may_come_after_the_first_sample);
  tcase_add_loop_test(tags, language_is_written_in_three_letters, 0,
                      static_cast<int>(std::size(kLanguages)));
  tcase_add_test(tags, each_track_has_the_tags_of_its_own_pad);
  tcase_add_loop_test(tags, texts_of_the_movie_are_in_the_file, 0, 2);
  tcase_add_test(tags, the_date_is_in_the_file_and_the_encoder_is_us);
  tcase_add_test(tags, a_date_without_a_time_will_do);
  tcase_add_test(tags, a_text_that_the_application_sets_later_replaces_the_earlier_one);
  tcase_add_test(tags, texts_of_one_track_are_not_the_movies);
  tcase_add_test(tags, texts_of_one_stream_are_not_in_the_recording_of_the_next);
  tcase_add_loop_test(tags, a_stream_that_starts_again_keeps_its_tags_and_another_has_none, 0, 2);
  return suite;
}

GST_CHECK_MAIN(file_tags)
