// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the element asks and tells upstream, and what it tells the bus of the streams: events to
// every linked pad, queries folded over all of them, STREAM_START and TAG messages.
#include <map>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Owned;

// The element before a pad: counts the events it gets and answers queries.
struct Upstream {
  explicit Upstream(Feed& feed) : pad(feed.source()) {
    gst_pad_set_element_private(pad, this);
    gst_pad_set_event_function(pad, on_event);
    gst_pad_set_query_function(pad, on_query);
  }

  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    auto* self = static_cast<Upstream*>(gst_pad_get_element_private(pad));
    ++self->events[GST_EVENT_TYPE(event)];
    gst_event_unref(event);
    return self->handles;
  }

  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    auto* self = static_cast<Upstream*>(gst_pad_get_element_private(pad));
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
      gst_query_set_latency(query, self->live, self->minimum, self->maximum);
      return self->answers;
    }
    if (GST_QUERY_TYPE(query) == GST_QUERY_DURATION) {
      gst_query_set_duration(query, GST_FORMAT_TIME, self->duration);
      return self->answers;
    }
    return gst_pad_query_default(pad, parent, query);
  }

  int count(GstEventType type) { return events[type]; }

  GstPad* pad;
  gboolean handles = TRUE;
  gboolean answers = TRUE;
  gboolean live = FALSE;
  GstClockTime minimum = 0, maximum = GST_CLOCK_TIME_NONE;
  gint64 duration = 0;
  std::map<int, int> events;
};

struct TwoPads : Bench {
  Feed& video = add_video();
  Feed& audio = add_audio();
  Upstream before_video{video};
  Upstream before_audio{audio};
};

struct Latency {
  gboolean answered = FALSE, live = FALSE;
  GstClockTime minimum = 0, maximum = 0;
};

Latency ask_latency(Bench& bench) {
  Latency latency;
  const Owned<GstQuery> query(gst_query_new_latency());
  latency.answered = gst_element_query(bench.element(), query.get());
  gst_query_parse_latency(query.get(), &latency.live, &latency.minimum, &latency.maximum);
  return latency;
}

GstEvent* new_seek() {
  return gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0,
                            GST_SEEK_TYPE_NONE, 0);
}

GstEvent* new_custom() {
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty("hello"));
}

}  // namespace

// ---- events ----

GST_START_TEST(upstream_events_reach_every_linked_pad) {
  TwoPads bench;
  GstPad* unlinked = gst_element_request_pad_simple(bench.element(), "sink_%u");
  bench.play();
  GstEvent* events[] = {new_seek(), gst_event_new_latency(GST_SECOND),
                        gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 0.5, 0, 0), new_custom()};
  for (GstEvent* event : events) {
    const GstEventType type = GST_EVENT_TYPE(event);
    fail_unless(gst_element_send_event(bench.element(), event));
    fail_unless_equals_int(bench.before_video.count(type), 1);
    fail_unless_equals_int(bench.before_audio.count(type), 1);
  }
  gst_element_release_request_pad(bench.element(), unlinked);
  gst_object_unref(unlinked);
}
GST_END_TEST

GST_START_TEST(an_upstream_event_that_one_pad_handles_is_handled) {
  TwoPads bench;
  bench.play();
  bench.before_video.handles = FALSE;
  fail_unless(gst_element_send_event(bench.element(), new_custom()));
  bench.before_audio.handles = FALSE;
  fail_if(gst_element_send_event(bench.element(), new_custom()));
}
GST_END_TEST

GST_START_TEST(a_seek_with_the_same_seqnum_is_sent_once) {
  TwoPads bench;
  bench.play();
  GstEvent* seek = new_seek();
  GstEvent* next = new_seek();
  for (int i = 0; i < 3; ++i)
    fail_unless(gst_element_send_event(bench.element(), gst_event_ref(seek)));
  fail_unless_equals_int(bench.before_video.count(GST_EVENT_SEEK), 1);
  fail_unless(gst_element_send_event(bench.element(), next));
  fail_unless_equals_int(bench.before_video.count(GST_EVENT_SEEK), 2);
  fail_unless_equals_int(bench.before_audio.count(GST_EVENT_SEEK), 2);
  gst_event_unref(seek);
}
GST_END_TEST

GST_START_TEST(upstream_events_are_refused_without_linked_pads) {
  Bench bench;
  bench.play();
  fail_if(gst_element_send_event(bench.element(), new_custom()));
}
GST_END_TEST

// ---- queries ----

GST_START_TEST(latency_folds_all_linked_pads) {
  TwoPads bench;
  bench.play();
  bench.before_video.live = TRUE;
  bench.before_video.minimum = 100;
  bench.before_video.maximum = 700;
  bench.before_audio.live = TRUE;
  bench.before_audio.minimum = 200;
  bench.before_audio.maximum = 500;
  const Latency both = ask_latency(bench);
  fail_unless(both.answered && both.live);
  fail_unless_equals_uint64(both.minimum, 200);
  fail_unless_equals_uint64(both.maximum, 500);
}
GST_END_TEST

GST_START_TEST(latency_of_a_pad_that_is_not_live_does_not_count) {
  TwoPads bench;
  bench.play();
  bench.before_video.live = TRUE;
  bench.before_video.minimum = 100;
  bench.before_audio.minimum = 900;
  bench.before_audio.maximum = 950;
  const Latency latency = ask_latency(bench);
  fail_unless(latency.answered && latency.live);
  fail_unless_equals_uint64(latency.minimum, 100);
  fail_unless_equals_uint64(latency.maximum, GST_CLOCK_TIME_NONE);
}
GST_END_TEST

GST_START_TEST(latency_is_unanswered_when_nobody_upstream_knows) {
  TwoPads bench;
  bench.play();
  bench.before_video.answers = FALSE;
  fail_unless(ask_latency(bench).answered);
  bench.before_audio.answers = FALSE;
  fail_if(ask_latency(bench).answered);
}
GST_END_TEST

GST_START_TEST(position_is_the_stream_time_of_the_latest_sample) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  gint64 position = -1;
  fail_if(gst_element_query_position(bench.element(), GST_FORMAT_TIME, &position));
  bench.play();
  video.start();
  audio.start();
  fail_if(gst_element_query_position(bench.element(), GST_FORMAT_TIME, &position));
  fail_unless_equals_int(video.push_many(10), GST_FLOW_OK);
  fail_unless(gst_element_query_position(bench.element(), GST_FORMAT_TIME, &position));
  fail_unless_equals_int64(position, 360 * GST_MSECOND);
  fail_unless_equals_int(audio.push(), GST_FLOW_OK);
  fail_unless(gst_element_query_position(bench.element(), GST_FORMAT_TIME, &position));
  fail_unless_equals_int64(position, 360 * GST_MSECOND);
}
GST_END_TEST

GST_START_TEST(position_is_in_stream_time_not_in_running_time) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.stream_start();
  video.caps();
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = 100 * GST_SECOND;
  segment.time = 7 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  video.segment(segment);
  video.seek(101 * GST_SECOND);
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  gint64 position = -1;
  fail_unless(gst_element_query_position(bench.element(), GST_FORMAT_TIME, &position));
  fail_unless_equals_int64(position, 8 * GST_SECOND);
}
GST_END_TEST

GST_START_TEST(position_in_bytes_is_what_was_written) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  gint64 position = -1;
  fail_unless(gst_element_query_position(bench.element(), GST_FORMAT_BYTES, &position));
  fail_unless_equals_int64(position, 0);
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  video.eos();
  bench.expect_eos();
  fail_unless(gst_element_query_position(bench.element(), GST_FORMAT_BYTES, &position));
  fail_unless_equals_uint64(static_cast<guint64>(position), bench.stat("bytes-written"));
  fail_unless(position > 30 * 100);
  fail_if(gst_element_query_position(bench.element(), GST_FORMAT_BUFFERS, &position));
}
GST_END_TEST

GST_START_TEST(duration_is_the_longest_of_upstream) {
  TwoPads bench;
  bench.play();
  bench.before_video.duration = 5 * GST_SECOND;
  bench.before_audio.duration = 6 * GST_SECOND;
  gint64 duration = -1;
  fail_unless(gst_element_query_duration(bench.element(), GST_FORMAT_TIME, &duration));
  fail_unless_equals_int64(duration, 6 * GST_SECOND);
  bench.before_video.answers = bench.before_audio.answers = FALSE;
  fail_if(gst_element_query_duration(bench.element(), GST_FORMAT_TIME, &duration));
}
GST_END_TEST

GST_START_TEST(seeking_is_answered_with_no) {
  Bench bench;
  bench.add_video();
  bench.play();
  const Owned<GstQuery> query(gst_query_new_seeking(GST_FORMAT_TIME));
  fail_unless(gst_element_query(bench.element(), query.get()));
  gboolean seekable = TRUE;
  gst_query_parse_seeking(query.get(), nullptr, &seekable, nullptr, nullptr);
  fail_if(seekable);
}
GST_END_TEST

// ---- messages ----

GST_START_TEST(stream_start_is_posted_once_per_group_with_its_id) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  Feed& other = bench.add_audio();
  bench.play();
  video.start(7);
  audio.start(7);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_STREAM_START), 1);
  guint group = 0;
  fail_unless(gst_message_parse_group_id(bench.expect(GST_MESSAGE_STREAM_START).get(), &group));
  fail_unless_equals_int(group, 7);
  other.start(8);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_STREAM_START), 2);
}
GST_END_TEST

GST_START_TEST(stream_start_is_posted_again_in_the_next_recording) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start(7);
  bench.to(GST_STATE_READY);
  bench.log().clear();
  bench.play();
  video.push();
  bench.expect(GST_MESSAGE_STREAM_START);
}
GST_END_TEST

GST_START_TEST(each_tag_event_becomes_a_tag_message) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  for (const char* title : {"first", "second"})
    video.event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, title, nullptr)));
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_TAG), 2);
  GstTagList* tags = nullptr;
  gst_message_parse_tag(bench.log().wait_for(GST_MESSAGE_TAG, "", 1).get(), &tags);
  gchar* title = nullptr;
  fail_unless(gst_tag_list_get_string(tags, GST_TAG_TITLE, &title));
  fail_unless_equals_string(title, "second");
  g_free(title);
  gst_tag_list_unref(tags);
}
GST_END_TEST

static Suite* test_contract_upstream_suite(void) {
  Suite* suite = suite_create("contract_upstream");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, upstream_events_reach_every_linked_pad);
  tcase_add_test(tests, an_upstream_event_that_one_pad_handles_is_handled);
  tcase_add_test(tests, a_seek_with_the_same_seqnum_is_sent_once);
  tcase_add_test(tests, upstream_events_are_refused_without_linked_pads);
  tcase_add_test(tests, latency_folds_all_linked_pads);
  tcase_add_test(tests, latency_of_a_pad_that_is_not_live_does_not_count);
  tcase_add_test(tests, latency_is_unanswered_when_nobody_upstream_knows);
  tcase_add_test(tests, position_is_the_stream_time_of_the_latest_sample);
  tcase_add_test(tests, position_is_in_stream_time_not_in_running_time);
  tcase_add_test(tests, position_in_bytes_is_what_was_written);
  tcase_add_test(tests, duration_is_the_longest_of_upstream);
  tcase_add_test(tests, seeking_is_answered_with_no);
  tcase_add_test(tests, stream_start_is_posted_once_per_group_with_its_id);
  tcase_add_test(tests, stream_start_is_posted_again_in_the_next_recording);
  tcase_add_test(tests, each_tag_event_becomes_a_tag_message);
  return suite;
}

GST_CHECK_MAIN(test_contract_upstream)
