// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which pads the end waits for: EOS, release and unlinking in every order, and pads on which
// nothing ever began.
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

struct Playing : Bench {
  Feed& video;
  Feed& audio;

  Playing() : video(add_video()), audio(add_audio()) {
    play();
    video.start();
    audio.start();
    fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
    fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
  }
};

// How a pad may stop to take part.
enum Way { kEos, kRelease, kUnlink };

void leave(Feed& feed, int way) {
  if (way == kEos) feed.eos();
  if (way == kRelease) feed.release();
  if (way == kUnlink) feed.unlink();
}

// A branch on a pad, with a queue before it whose sink stays unlinked.
void add_dangling_branch(Bench& bench, GstElement* queue) {
  fail_unless(gst_element_link_pads(queue, "src", bench.element(), "sink_%u"));
}

}  // namespace

GST_START_TEST(eos_on_one_pad_leaves_the_other_recording) {
  Playing bench;
  bench.audio.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  fail_unless_equals_int(bench.video.push_many(75), GST_FLOW_OK);
  bench.video.eos();
  bench.expect_eos();
  fail_unless_equals_int(bench.video.expected().size(), 100);
  bench.expect_file({&bench.video, &bench.audio});
  bench.expect_quiet();
}
GST_END_TEST

GST_START_TEST(eos_on_all_pads_finishes_the_file_then_posts_eos) {
  Playing bench;
  bench.video.eos();
  bench.audio.eos();
  bench.expect_eos();
  const std::vector<std::string> names = bench.log().names();
  fail_unless(names.size() >= 2);
  bench::expect_text(names[names.size() - 2], "trailingmp4sink-finished");
  bench::expect_text(names.back(), "eos");
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(eos_then_the_other_pad_leaves_posts_eos) {
  Playing bench;
  bench.video.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  leave(bench.audio, __i__);
  bench.expect_eos();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(a_pad_leaves_then_eos_on_the_other_posts_eos) {
  Playing bench;
  leave(bench.audio, __i__);
  fail_unless_equals_int(bench.video.push_many(50), GST_FLOW_OK);
  bench.video.eos();
  bench.expect_eos();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(releasing_all_pads_finishes_the_file_without_eos) {
  Playing bench;
  bench.video.release();
  fail_if(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"));
  bench.audio.release();
  bench.expect_finished();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(unlinking_all_pads_without_eos_leaves_the_recording_open) {
  Playing bench;
  bench.video.unlink();
  bench.audio.unlink();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  fail_if(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"));
  bench.video.link();
  fail_unless_equals_int(bench.video.push_many(25), GST_FLOW_OK);
  bench.video.eos();
  bench.stop();
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(eos_before_any_buffer_warns_and_posts_eos_without_a_file) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  video.eos();
  audio.eos();
  bench.expect_eos();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ERROR), 0);
  fail_unless(bench.log().text(GST_MESSAGE_WARNING).find("no file") != std::string::npos);
  const std::vector<std::string> names = bench.log().names();
  bench::expect_text(names[names.size() - 2], "warning");
  bench.stop();
  fail_if(bench.file_exists());
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_if(bench.log().count(GST_MESSAGE_ELEMENT));
}
GST_END_TEST

GST_START_TEST(eos_before_any_buffer_on_one_pad_records_the_other) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  audio.start();
  video.start();
  audio.eos();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  bench.expect_eos();
  bench.expect_quiet();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_second_eos_changes_nothing) {
  Playing bench;
  bench.audio.eos();
  bench.audio.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  bench.video.eos();
  bench.expect_eos();
  bench.video.eos();
  bench.audio.eos();
  bench.wait_until_at_rest();
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_EOS), 1);
  fail_unless_equals_int(bench.log().count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished"), 1);
  bench.expect_file({&bench.video, &bench.audio});
}
GST_END_TEST

GST_START_TEST(after_the_end_pads_return_eos_until_ready) {
  Playing bench;
  gst_element_send_event(bench.element(), gst_event_new_eos());
  bench.expect_eos();
  fail_unless_equals_int(bench.video.push(), GST_FLOW_EOS);
  fail_unless_equals_int(bench.audio.push_list(3), GST_FLOW_EOS);
  bench.to(GST_STATE_PAUSED);
  bench.to(GST_STATE_PLAYING);
  fail_unless_equals_int(bench.video.push(), GST_FLOW_EOS);
  bench.expect_file({&bench.video, &bench.audio});
  bench.to(GST_STATE_READY);
  bench.fresh_location();
  bench.video.expect_nothing();
  bench.audio.expect_nothing();
  bench.to(GST_STATE_PLAYING);
  fail_unless_equals_int(bench.video.push({.picture = bench::Picture::kIdr}), GST_FLOW_OK);
  fail_unless_equals_int(bench.video.push_many(10), GST_FLOW_OK);
  bench.stop();
  bench.expect_file(bench.video);
}
GST_END_TEST

GST_START_TEST(stopping_without_eos_finishes_the_file) {
  Playing bench;
  bench.to(static_cast<GstState>(__i__));
  bench.expect_file({&bench.video, &bench.audio});
  bench.expect_finished();
  fail_if(bench.log().count(GST_MESSAGE_EOS));
  bench.expect_quiet();
}
GST_END_TEST

GST_START_TEST(a_pad_that_was_never_linked_holds_nothing_back) {
  Playing bench;
  Bench::Location here = Bench::Location::current();
  GstPad* pad = gst_element_request_pad_simple(bench.element(), "sink_%u");
  bench.video.eos();
  bench.audio.eos();
  bench.expect_eos(here);
  gst_element_release_request_pad(bench.element(), pad);
  gst_object_unref(pad);
}
GST_END_TEST

GST_START_TEST(a_branch_that_ends_in_the_air_holds_nothing_back) {
  GstElement* queue = GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("queue", nullptr)));
  {
    Playing bench;
    add_dangling_branch(bench, queue);
    gst_element_set_state(queue, GST_STATE_PLAYING);
    bench.video.eos();
    bench.audio.eos();
    bench.expect_eos();
    bench.expect_file({&bench.video, &bench.audio});
    gst_element_set_state(queue, GST_STATE_NULL);
  }
  gst_object_unref(queue);
}
GST_END_TEST

GST_START_TEST(a_pad_whose_source_has_not_begun_is_waited_for) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();  // its stream begins later
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  audio.start();
  fail_unless_equals_int(audio.push_many(47), GST_FLOW_OK);
  audio.eos();
  bench.expect_eos();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_pad_whose_source_never_began_leaves_and_the_end_comes) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  leave(audio, __i__);
  bench.expect_eos();
  bench.expect_file({&video, &audio});
}
GST_END_TEST

GST_START_TEST(a_pad_requested_after_eos_of_the_others_is_waited_for_once_it_has_begun) {
  Bench bench;
  Feed& video = bench.add_video();
  Feed& audio = bench.add_audio();
  bench.play();
  video.start();
  audio.start();
  fail_unless_equals_int(video.push_many(25), GST_FLOW_OK);
  video.eos();
  Feed& late = bench.add_audio();
  late.start();
  fail_unless_equals_int(late.push_many(20), GST_FLOW_OK);
  audio.eos();
  bench.expect_none_at_rest(GST_MESSAGE_EOS);
  late.eos();
  bench.expect_eos();
  bench.expect_file({&video, &audio, &late});
}
GST_END_TEST

static Suite* test_contract_eos_suite(void) {
  Suite* suite = suite_create("contract_eos");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, eos_on_one_pad_leaves_the_other_recording);
  tcase_add_test(tests, eos_on_all_pads_finishes_the_file_then_posts_eos);
  tcase_add_loop_test(tests, eos_then_the_other_pad_leaves_posts_eos, kEos, kUnlink + 1);
  tcase_add_loop_test(tests, a_pad_leaves_then_eos_on_the_other_posts_eos, kEos, kUnlink + 1);
  tcase_add_test(tests, releasing_all_pads_finishes_the_file_without_eos);
  tcase_add_test(tests, unlinking_all_pads_without_eos_leaves_the_recording_open);
  tcase_add_test(tests, eos_before_any_buffer_warns_and_posts_eos_without_a_file);
  tcase_add_test(tests, eos_before_any_buffer_on_one_pad_records_the_other);
  tcase_add_test(tests, a_second_eos_changes_nothing);
  tcase_add_test(tests, after_the_end_pads_return_eos_until_ready);
  tcase_add_loop_test(tests, stopping_without_eos_finishes_the_file, GST_STATE_NULL,
                      GST_STATE_READY + 1);
  tcase_add_test(tests, a_pad_that_was_never_linked_holds_nothing_back);
  tcase_add_test(tests, a_branch_that_ends_in_the_air_holds_nothing_back);
  tcase_add_test(tests, a_pad_whose_source_has_not_begun_is_waited_for);
  tcase_add_loop_test(tests, a_pad_whose_source_never_began_leaves_and_the_end_comes, kRelease,
                      kUnlink + 1);
  tcase_add_test(tests, a_pad_requested_after_eos_of_the_others_is_waited_for_once_it_has_begun);
  return suite;
}

GST_CHECK_MAIN(test_contract_eos)
