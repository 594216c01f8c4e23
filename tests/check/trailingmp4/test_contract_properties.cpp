// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can be seen of the element from outside: its class, templates, properties, interfaces, the
// statistics and its own messages.
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Owned;

guint64 uint64_property(GstElement* element, const char* name) {
  guint64 value = 0;
  g_object_get(element, name, &value, nullptr);
  return value;
}

std::string string_property(GstElement* element, const char* name) {
  gchar* value = nullptr;
  g_object_get(element, name, &value, nullptr);
  const Owned<gchar> owned(value);
  return value ? value : "(none)";
}

int enum_property(GstElement* element, const char* name) {
  gint value = -1;
  g_object_get(element, name, &value, nullptr);
  return value;
}

}  // namespace

// ---- the class ----

GST_START_TEST(the_factory_says_what_the_element_is) {
  GstElementFactory* factory = gst_element_factory_find("trailingmp4sink");
  fail_unless(factory != nullptr);
  bench::expect_text(gst_element_factory_get_metadata(factory, "klass"), "Codec/Muxer/Sink/File");
  fail_unless_equals_string(gst_element_factory_get_metadata(factory, "long-name"), "MP4 recorder");
  for (const char* key : {"description", "author"}) {
    const char* text = gst_element_factory_get_metadata(factory, key);
    fail_unless(text && *text, "no %s", key);
  }
  fail_unless_equals_int(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
  gst_object_unref(factory);
}
GST_END_TEST

GST_START_TEST(the_templates_stand_in_the_order_that_automatic_linking_needs) {
  Bench bench;
  const std::string video =
      "video/x-h264, stream-format=(string){ avc, avc3 }, alignment=(string)au; "
      "video/x-h265, stream-format=(string){ hvc1, hev1 }, alignment=(string)au; "
      "video/x-h266, stream-format=(string){ vvc1, vvi1 }, alignment=(string)au; "
      "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu; "
      "video/x-av1, alignment=(string)tu; video/x-vp8; video/x-vp9; "
      "video/mpeg, mpegversion=(int)4, systemstream=(boolean)false; image/jpeg";
  const std::string audio =
      "audio/mpeg, mpegversion=(int){ 2, 4 }, stream-format=(string)raw; "
      "audio/mpeg, mpegversion=(int)1, layer=(int)[ 1, 3 ]; audio/x-opus; audio/x-alaw; "
      "audio/x-mulaw; audio/x-raw, format=(string){ S16LE, S16BE, S24BE, S32BE, F32BE, F64BE }, "
      "layout=(string)interleaved; audio/x-ac3; audio/x-eac3, alignment=(string)iec61937; "
      "audio/x-eac3; audio/x-flac; audio/x-alac; audio/x-adpcm; audio/G722";
  const std::string metadata = "application/x-onvif-metadata";
  const std::string text = "text/x-raw, format=(string)utf8";
  const std::pair<const char*, std::string> expected[] = {
      {"sink_%u", video + "; " + audio + "; " + metadata + "; " + text},
      {"video_%u", video},
      {"audio_%u", audio},
      {"meta_%u", metadata},
      {"subtitle_%u", text}};
  GList* item = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(bench.element()));
  for (const auto& [name, caps_text] : expected) {
    fail_unless(item != nullptr);
    GstPadTemplate* templ = GST_PAD_TEMPLATE(item->data);
    fail_unless_equals_string(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), name);
    fail_unless_equals_int(GST_PAD_TEMPLATE_DIRECTION(templ), GST_PAD_SINK);
    fail_unless_equals_int(GST_PAD_TEMPLATE_PRESENCE(templ), GST_PAD_REQUEST);
    const Owned<GstCaps> wanted(gst_caps_from_string(caps_text.c_str()));
    const Owned<GstCaps> caps(gst_pad_template_get_caps(templ));
    fail_unless(gst_caps_is_equal(caps.get(), wanted.get()), "the caps of %s differ", name);
    item = item->next;
  }
  fail_unless(item == nullptr);
}
GST_END_TEST

GST_START_TEST(the_element_is_a_sink_with_tags_and_presets) {
  Bench bench;
  fail_unless(GST_OBJECT_FLAG_IS_SET(bench.element(), GST_ELEMENT_FLAG_SINK));
  fail_unless(GST_IS_TAG_SETTER(bench.element()));
  fail_unless(GST_IS_PRESET(bench.element()));
  fail_unless(GST_IS_URI_HANDLER(bench.element()));
}
GST_END_TEST

GST_START_TEST(tags_of_the_application_stand_in_the_file) {
  Bench bench;
  gst_tag_setter_add_tags(GST_TAG_SETTER(bench.element()), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE,
                          "the yard", GST_TAG_COMMENT, "camera 4", nullptr);
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.event(gst_event_new_tag(gst_tag_list_new(GST_TAG_ARTIST, "nobody", nullptr)));
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  bench.stop();
  const boxes::Movie movie = bench.expect_file(video);
  bench::expect_text(movie.tags.at("\xc2\xa9nam"), "the yard");
  bench::expect_text(movie.tags.at("\xc2\xa9"
                                   "cmt"),
                     "camera 4");
}
GST_END_TEST

// ---- properties ----

GST_START_TEST(defaults_are_as_documented) {
  Owned<GstElement> element(
      GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("trailingmp4sink", nullptr))));
  bench::expect_text(string_property(element.get(), "location"), "(none)");
  guint mode = 0;
  gboolean start_at_sync = FALSE;
  g_object_get(element.get(), "file-mode", &mode, "start-at-sync", &start_at_sync, nullptr);
  fail_unless_equals_int(mode, 0640);
  fail_unless(start_at_sync);
  gboolean overwrite = TRUE;
  g_object_get(element.get(), "overwrite", &overwrite, nullptr);
  fail_if(overwrite);
  fail_unless_equals_uint64(uint64_property(element.get(), "fragment-duration"), GST_SECOND);
  fail_unless_equals_uint64(uint64_property(element.get(), "sync-interval"), 0);
  fail_unless_equals_uint64(uint64_property(element.get(), "max-queue-bytes"), 64 << 20);
  fail_unless_equals_uint64(uint64_property(element.get(), "stop-timeout"), 0);
  fail_unless_equals_int(enum_property(element.get(), "queue-full"), 0);
  fail_unless_equals_uint64(uint64_property(element.get(), "max-gap"), 10 * GST_SECOND);
  fail_unless_equals_int(enum_property(element.get(), "gap-policy"), 0);
  fail_unless_equals_uint64(uint64_property(element.get(), "max-step-back"), 200 * GST_MSECOND);
  fail_unless_equals_int(enum_property(element.get(), "loss-policy"), 0);
}
GST_END_TEST

GST_START_TEST(each_property_has_a_blurb_and_says_when_it_may_change) {
  Bench bench;
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(bench.element()), &count);
  int own = 0;
  for (guint i = 0; i < count; ++i) {
    const GParamSpec* spec = specs[i];
    if (spec->owner_type != G_OBJECT_TYPE(bench.element())) continue;
    ++own;
    const char* blurb = g_param_spec_get_blurb(specs[i]);
    fail_unless(blurb && strlen(blurb) > 10, "%s has no blurb", spec->name);
    fail_unless(strstr(blurb, ". Since 0."), "%s: since which version?", spec->name);
    if (!(spec->flags & G_PARAM_WRITABLE)) continue;
    fail_unless(spec->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING),
                "%s does not say when it may change", spec->name);
  }
  g_free(specs);
  fail_unless_equals_int(own, 14);
}
GST_END_TEST

GST_START_TEST(every_property_can_be_set_from_a_launch_line) {
  GError* error = nullptr;
  Owned<GstElement> element(gst_parse_launch(
      "trailingmp4sink location=/nowhere/a.mp4 file-mode=384 max-queue-bytes=1000 queue-full=drop "
      "stop-timeout=5000000000 start-at-sync=false",
      &error));
  fail_unless(error == nullptr);
  gst_object_ref_sink(element.get());
  guint mode = 0;
  gboolean start_at_sync = TRUE;
  g_object_get(element.get(), "file-mode", &mode, "start-at-sync", &start_at_sync, nullptr);
  bench::expect_text(string_property(element.get(), "location"), "/nowhere/a.mp4");
  fail_unless_equals_int(mode, 0600);
  fail_if(start_at_sync);
  fail_unless_equals_uint64(uint64_property(element.get(), "max-queue-bytes"), 1000);
  fail_unless_equals_uint64(uint64_property(element.get(), "stop-timeout"), 5 * GST_SECOND);
  fail_unless_equals_int(enum_property(element.get(), "queue-full"), 1);
}
GST_END_TEST

GST_START_TEST(location_and_mode_are_refused_while_recording) {
  Bench bench;
  const std::string location = bench.location();
  bench.to(__i__ ? GST_STATE_PLAYING : GST_STATE_PAUSED);
  ASSERT_WARNING(g_object_set(bench.element(), "location", "/other.mp4", nullptr));
  ASSERT_WARNING(g_object_set(bench.element(), "file-mode", 0777, nullptr));
  ASSERT_WARNING(g_object_set(bench.element(), "start-at-sync", FALSE, nullptr));
  bench::expect_text(string_property(bench.element(), "location"), location);
}
GST_END_TEST

GST_START_TEST(a_property_may_be_set_to_the_value_that_it_has_in_any_state) {
  const GstState kStates[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};
  Bench bench;
  bench.to(kStates[__i__]);
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(bench.element()), &count);
  for (guint i = 0; i < count; ++i) {
    if (specs[i]->owner_type != G_OBJECT_TYPE(bench.element())) continue;
    if (!(specs[i]->flags & G_PARAM_WRITABLE)) continue;
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(bench.element()), specs[i]->name, &value);
    g_object_set_property(G_OBJECT(bench.element()), specs[i]->name, &value);  // a warning is fatal
    g_value_unset(&value);
  }
  g_free(specs);
}
GST_END_TEST

GST_START_TEST(a_fragment_of_less_than_10_ms_is_warned_of_once) {
  struct {
    guint64 duration;
    int warnings;
  } const kCases[] = {{1000, 1}, {9'999'999, 1}, {10'000'000, 0}, {0, 0}, {GST_SECOND, 0}};
  Bench bench;
  g_object_set(bench.element(), "fragment-duration", kCases[__i__].duration, nullptr);
  for (int i = 0; i < 2; ++i) {
    bench.fresh_location();
    bench.play();
    bench.to(GST_STATE_READY);
    fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), kCases[__i__].warnings);
  }
  if (kCases[__i__].warnings == 0) return;
  const std::string text = bench.log().text(GST_MESSAGE_WARNING);
  for (const std::string& word : {std::string("fragment-duration"), std::string("nanoseconds"),
                                  std::to_string(kCases[__i__].duration)})
    fail_unless(text.find(word) != std::string::npos, "no \"%s\" in: %s", word.c_str(),
                text.c_str());
}
GST_END_TEST

GST_START_TEST(the_others_may_change_while_recording) {
  Bench bench;
  bench.play();
  g_object_set(bench.element(), "max-queue-bytes", guint64{5}, "stop-timeout", guint64{7}, nullptr);
  gst_util_set_object_arg(G_OBJECT(bench.element()), "queue-full", "drop");
  fail_unless_equals_uint64(uint64_property(bench.element(), "max-queue-bytes"), 5);
  fail_unless_equals_uint64(uint64_property(bench.element(), "stop-timeout"), 7);
  fail_unless_equals_int(enum_property(bench.element(), "queue-full"), 1);
}
GST_END_TEST

GST_START_TEST(two_properties_set_at_once_both_stay) {
  constexpr guint64 kTimes = 20000;
  Bench bench;
  int lost[2] = {};
  auto set_often = [&](const char* name, int& lost_values) {
    for (guint64 i = 1; i <= kTimes; ++i) {
      g_object_set(bench.element(), name, i, nullptr);
      if (uint64_property(bench.element(), name) != i) ++lost_values;
    }
  };
  std::thread other([&] { set_often("max-queue-bytes", lost[0]); });
  set_often("stop-timeout", lost[1]);
  other.join();
  fail_unless_equals_int(lost[0] + lost[1], 0);
}
GST_END_TEST

// ---- statistics ----

GST_START_TEST(stats_tell_of_the_recording_while_it_runs_and_after_it) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  fail_unless_equals_uint64(bench.stat("bytes-written"), 0);
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(20), GST_FLOW_OK);
  guint64 bytes = 0;
  for (const bench::Expected& sample : video.expected()) bytes += sample.bytes.size();
  fail_unless_equals_uint64(bench.stat(video, "samples"), 50);
  fail_unless_equals_uint64(bench.stat(video, "bytes"), bytes);
  fail_unless_equals_uint64(bench.stat(audio, "samples"), 20);
  fail_unless_equals_uint64(bench.stat("duration"), 2 * GST_SECOND);
  bench.to(GST_STATE_READY);
  struct stat found {};
  fail_unless_equals_int(stat(bench.location().c_str(), &found), 0);
  const auto size = static_cast<guint64>(found.st_size);
  for (const GstState state : {GST_STATE_READY, GST_STATE_NULL}) {
    bench.to(state);
    fail_unless_equals_uint64(bench.stat(video, "samples"), 50);
    fail_unless_equals_uint64(bench.stat(audio, "samples"), 20);
    fail_unless_equals_uint64(bench.stat("bytes-written"), size);
    fail_unless_equals_uint64(bench.stat("bytes-synced"), bench.stat("bytes-written"));
    fail_unless_equals_uint64(bench.stat("queue-bytes"), 0);
  }
}
GST_END_TEST

GST_START_TEST(stats_have_every_field_for_each_track) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  for (const char* field : {"samples",
                            "bytes",
                            "duration",
                            "damaged",
                            "dropped-empty",
                            "dropped-no-slice",
                            "dropped-before-sync",
                            "dropped-after-loss",
                            "dropped-queue-full",
                            "dropped-after-end",
                            "dropped-lead",
                            "losses",
                            "gaps",
                            "copied",
                            "missing-pts",
                            "moved",
                            "unusable-dts",
                            "depth-grown",
                            "restarts",
                            "reanchored",
                            "worked-off",
                            "steps-undone",
                            "gaps-collapsed",
                            "gaps-shortened",
                            "frames-shortened",
                            "frames-stretched"}) {
    const guint64 expected = field == std::string("samples")    ? 1
                             : field == std::string("bytes")    ? video.expected()[0].bytes.size()
                             : field == std::string("duration") ? 40 * GST_MSECOND
                                                                : 0;
    fail_unless_equals_uint64(bench.stat(video, field), expected);
  }
}
GST_END_TEST

// ---- messages ----

GST_START_TEST(opened_and_finished_come_once_each_in_order) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(20), GST_FLOW_OK);
  const auto opened = bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  fail_unless(GST_MESSAGE_SRC(opened.get()) == GST_OBJECT(bench.element()));
  bench::expect_text(gst_structure_get_string(gst_message_get_structure(opened.get()), "location"),
                     bench.location());
  bench.stop();
  std::vector<std::string> own;
  for (const std::string& name : bench.log().names())
    if (name.starts_with("trailingmp4sink-")) own.push_back(name);
  fail_unless_equals_int(own.size(), 2);
  bench::expect_text(own[0], "trailingmp4sink-opened");
  bench::expect_text(own[1], "trailingmp4sink-finished");
}
GST_END_TEST

GST_START_TEST(finished_says_where_how_long_and_how_much) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  fail_unless_equals_int(audio.push_many(20), GST_FLOW_OK);
  bench.stop();
  const auto finished = bench.expect_finished();
  const GstStructure* details = gst_message_get_structure(finished.get());
  bench::expect_text(gst_structure_get_string(details, "location"), bench.location());
  guint64 duration = 0, bytes = 0;
  fail_unless(gst_structure_get_uint64(details, "duration", &duration));
  fail_unless(gst_structure_get_uint64(details, "bytes", &bytes));
  fail_unless_equals_uint64(duration, 2 * GST_SECOND);
  struct stat found {};
  fail_unless_equals_int(stat(bench.location().c_str(), &found), 0);
  fail_unless_equals_uint64(bytes, static_cast<guint64>(found.st_size));
  const GValue* samples = gst_structure_get_value(details, "samples");
  fail_unless(samples && GST_VALUE_HOLDS_ARRAY(samples));
  fail_unless_equals_int(gst_value_array_get_size(samples), 2);
  fail_unless_equals_uint64(g_value_get_uint64(gst_value_array_get_value(samples, 0)), 50);
  fail_unless_equals_uint64(g_value_get_uint64(gst_value_array_get_value(samples, 1)), 20);
  fail_unless_equals_int(gst_structure_n_fields(details), 5);
}
GST_END_TEST

// Sound begins first, and an earlier sample of the later track moves the file's time 0.
GST_START_TEST(opened_and_finished_tell_the_running_time_of_the_files_time_zero) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  audio.stream_start();
  audio.caps();
  audio.segment(0, 7 * GST_SECOND);
  fail_unless_equals_int(audio.push_many(5), GST_FLOW_OK);
  const auto opened = bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");
  guint64 zero = 0;
  fail_unless(
      gst_structure_get_uint64(gst_message_get_structure(opened.get()), "running-time", &zero));
  fail_unless_equals_uint64(zero, 7 * GST_SECOND);
  video.stream_start();
  video.caps();
  video.segment(0, 6 * GST_SECOND + (__i__ ? 2 * GST_SECOND : 0));
  fail_unless_equals_int(video.push_many(50), GST_FLOW_OK);
  bench.stop();
  const auto finished = bench.expect_finished();
  fail_unless(
      gst_structure_get_uint64(gst_message_get_structure(finished.get()), "running-time", &zero));
  fail_unless_equals_uint64(zero, __i__ ? 7 * GST_SECOND : 6 * GST_SECOND);
}
GST_END_TEST

static Suite* test_contract_properties_suite(void) {
  Suite* suite = suite_create("contract_properties");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, the_factory_says_what_the_element_is);
  tcase_add_test(tests, the_templates_stand_in_the_order_that_automatic_linking_needs);
  tcase_add_test(tests, the_element_is_a_sink_with_tags_and_presets);
  tcase_add_test(tests, tags_of_the_application_stand_in_the_file);
  tcase_add_test(tests, defaults_are_as_documented);
  tcase_add_test(tests, each_property_has_a_blurb_and_says_when_it_may_change);
  tcase_add_test(tests, every_property_can_be_set_from_a_launch_line);
  tcase_add_loop_test(tests, location_and_mode_are_refused_while_recording, 0, 2);
  tcase_add_loop_test(tests, a_property_may_be_set_to_the_value_that_it_has_in_any_state, 0, 4);
  tcase_add_loop_test(tests, a_fragment_of_less_than_10_ms_is_warned_of_once, 0, 5);
  tcase_add_test(tests, the_others_may_change_while_recording);
  tcase_add_test(tests, two_properties_set_at_once_both_stay);
  tcase_add_test(tests, stats_tell_of_the_recording_while_it_runs_and_after_it);
  tcase_add_test(tests, stats_have_every_field_for_each_track);
  tcase_add_test(tests, opened_and_finished_come_once_each_in_order);
  tcase_add_test(tests, finished_says_where_how_long_and_how_much);
  tcase_add_loop_test(tests, opened_and_finished_tell_the_running_time_of_the_files_time_zero, 0,
                      2);
  return suite;
}

GST_CHECK_MAIN(test_contract_properties)
