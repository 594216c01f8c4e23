// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Life and death: a thousand recordings without a leak, references after each, and the element used
// again. GStreamer's own tracer counts the objects, so this program starts with it on.
#include <unistd.h>

#include <string>

#include "element_bench.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using bench::Owned;
using bench::Picture;

void record_a_little(Bench& bench, Feed& video, Feed& audio) {
  bench.play();
  video.seek(0);
  audio.seek(0);
  video.start();
  audio.start();
  fail_unless_equals_int(video.push({.picture = Picture::kIdr}), GST_FLOW_OK);
  fail_unless_equals_int(audio.push(), GST_FLOW_OK);
}

GstTracer* leaks_tracer() {
  GList* tracers = gst_tracing_get_active_tracers();
  GstTracer* found = nullptr;
  for (GList* item = tracers; item; item = item->next)
    if (g_str_has_prefix(GST_OBJECT_NAME(item->data), "leakstracer"))
      found = GST_TRACER(item->data);
  g_list_free_full(tracers, gst_object_unref);
  fail_unless(found != nullptr, "the tracer of leaks is not active");
  return found;  // it lives until gst_deinit()
}

// Counts objects made and not freed from construction on.
class LeakCount {
 public:
  LeakCount() : tracer_(leaks_tracer()) {
    {
      Bench warm_up;  // what is made once for the process is made now
      record_a_little(warm_up, warm_up.add_video(), warm_up.add_audio());
    }
    g_signal_emit_by_name(tracer_, "activity-start-tracking");
  }
  ~LeakCount() { g_signal_emit_by_name(tracer_, "activity-stop-tracking"); }

  std::string leaked() {
    GstStructure* made = nullptr;
    g_signal_emit_by_name(tracer_, "activity-get-checkpoint", &made);
    const Owned<GstStructure> owned(made);
    const guint created = size_of(made, "objects-created-list");
    const guint removed = size_of(made, "objects-removed-list");
    if (created == removed) return "";
    return std::to_string(created) + " made, " + std::to_string(removed) + " freed";
  }

 private:
  static guint size_of(const GstStructure* lists, const char* name) {
    const GValue* list = gst_structure_get_value(lists, name);
    fail_unless(list != nullptr);
    return gst_value_list_get_size(list);
  }

  GstTracer* tracer_;
};

}  // namespace

GST_START_TEST(a_thousand_recordings_leak_nothing) {
  LeakCount leaks;
  {
    Bench bench;
    Feed& video = bench.add_video();
    Feed& audio = bench.add_audio();
    for (int i = 0; i < 1000; ++i) {
      record_a_little(bench, video, audio);
      if (i % 2) gst_element_send_event(bench.element(), gst_event_new_eos());
      bench.stop();
      const int finished = bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished");
      fail_unless(finished == 1, "recording %d was finished %d times: %s %s", i, finished,
                  bench.log().text(GST_MESSAGE_ERROR).c_str(),
                  bench.log().text(GST_MESSAGE_WARNING).c_str());
      if (i == 999) bench.movie();
      unlink(bench.location().c_str());
      bench.log().clear();
      bench.fresh_location();
    }
  }
  bench::expect_text(leaks.leaked(), "");
}
GST_END_TEST

GST_START_TEST(new_elements_and_pads_each_time_leak_nothing) {
  LeakCount leaks;
  for (int i = 0; i < 100; ++i) {
    Bench bench;
    Feed& video = bench.add_video();
    Feed& audio = bench.add_audio();
    record_a_little(bench, video, audio);
    if (i % 3 == 0) audio.release();
    if (i % 3 == 1) video.eos();
  }
  bench::expect_text(leaks.leaked(), "");
}
GST_END_TEST

GST_START_TEST(states_without_data_leak_nothing) {
  LeakCount leaks;
  {
    Bench bench;
    bench.add_video();
    for (int i = 0; i < 200; ++i) {
      bench.to(static_cast<GstState>(GST_STATE_READY + i % 3));
      bench.stop();
    }
    fail_if(bench.file_exists());
    bench.expect_quiet();
  }
  bench::expect_text(leaks.leaked(), "");
}
GST_END_TEST

GST_START_TEST(after_null_nobody_holds_the_element) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  const int before = GST_OBJECT_REFCOUNT_VALUE(bench.element());
  record_a_little(bench, video, audio);
  bench.stop();
  bench.log().clear();  // messages hold their source
  for (int i = 0; i < 1000 && GST_OBJECT_REFCOUNT_VALUE(bench.element()) != before; ++i)
    g_usleep(1000);  // the thread that wrote is on its last line
  fail_unless_equals_int(GST_OBJECT_REFCOUNT_VALUE(bench.element()), before);
}
GST_END_TEST

GST_START_TEST(an_element_may_go_with_its_pads_still_requested) {
  GstElement* element = gst_element_factory_make("trailingmp4sink", nullptr);
  gst_object_ref_sink(element);
  GstPad* pad = gst_element_request_pad_simple(element, "sink_%u");
  GstPad* other = gst_element_request_pad_simple(element, "audio_%u");
  gpointer watched_element = element, watched_pad = pad;
  g_object_add_weak_pointer(G_OBJECT(element), &watched_element);
  g_object_add_weak_pointer(G_OBJECT(pad), &watched_pad);
  gst_object_unref(pad);
  gst_object_unref(other);
  gst_object_unref(element);
  fail_unless(watched_element == nullptr);
  fail_unless(watched_pad == nullptr);
}
GST_END_TEST

GST_START_TEST(a_pad_may_outlive_its_element) {
  GstElement* element = gst_element_factory_make("trailingmp4sink", nullptr);
  gst_object_ref_sink(element);
  GstPad* pad = gst_element_request_pad_simple(element, "sink_%u");
  gst_object_unref(element);
  fail_unless(GST_PAD_PARENT(pad) == nullptr);
  gst_pad_set_active(pad, TRUE);
  Owned<GstBuffer> buffer = bench::to_buffer(bench::access_unit(1, Picture::kIdr));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_send_event(pad, gst_event_new_stream_start("x"));
  gst_pad_send_event(pad, gst_event_new_caps(bench::video_caps().get()));
  gst_pad_send_event(pad, gst_event_new_segment(&segment));
  fail_if(gst_pad_chain(pad, buffer.release()) == GST_FLOW_OK);
  gst_pad_send_event(pad, gst_event_new_eos());
  gst_pad_set_active(pad, FALSE);
  gst_object_unref(pad);
}
GST_END_TEST

// ---- used again ----

GST_START_TEST(an_element_records_again_to_another_location) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  for (int i = 0; i < 3; ++i) {
    record_a_little(bench, video, audio);
    bench.to(__i__ ? GST_STATE_NULL : GST_STATE_READY);
    bench.expect_file({&video, &audio});
    bench.expect_quiet();
    bench.fresh_location();
    video.expect_nothing();
    audio.expect_nothing();
  }
  fail_unless_equals_int(bench.folder().count(), 3);
}
GST_END_TEST

GST_START_TEST(a_second_recording_to_the_same_location_fails_and_spares_the_first) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  record_a_little(bench, video, audio);
  bench.to(__i__ ? GST_STATE_NULL : GST_STATE_READY);
  fail_unless_equals_int(gst_element_set_state(bench.element(), GST_STATE_PLAYING),
                         GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 1);
  fail_unless(bench.log().text(GST_MESSAGE_ERROR).find(bench.location()) != std::string::npos);
  bench.stop();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_location_on_which_nothing_was_recorded_can_be_used_again) {
  Bench bench;
  Feed& video = bench.add_video();
  for (int i = 0; i < 3; ++i) {
    bench.play();
    bench.to(GST_STATE_READY);
  }
  bench.play();
  video.start();
  fail_unless_equals_int(video.push(), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST

static Suite* test_contract_cycles_suite(void) {
  Suite* suite = suite_create("contract_cycles");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, a_thousand_recordings_leak_nothing);
  tcase_add_test(tests, new_elements_and_pads_each_time_leak_nothing);
  tcase_add_test(tests, states_without_data_leak_nothing);
  tcase_add_test(tests, after_null_nobody_holds_the_element);
  tcase_add_test(tests, an_element_may_go_with_its_pads_still_requested);
  tcase_add_test(tests, a_pad_may_outlive_its_element);
  tcase_add_loop_test(tests, an_element_records_again_to_another_location, 0, 2);
  tcase_add_loop_test(tests, a_second_recording_to_the_same_location_fails_and_spares_the_first, 0,
                      2);
  tcase_add_test(tests, a_location_on_which_nothing_was_recorded_can_be_used_again);
  return suite;
}

int main(int argc, char** argv) {
  g_setenv("GST_TRACERS", "leaks", TRUE);
  // A disk takes half a minute for the syncs of a thousand files.
  if (access("/dev/shm", W_OK) == 0) g_setenv("TMPDIR", "/dev/shm", TRUE);
  gst_check_init(&argc, &argv);
  return gst_check_run_suite(test_contract_cycles_suite(), "test_contract_cycles", __FILE__);
}
