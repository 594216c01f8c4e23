// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of data that upstream says was lost, in each way it can say so, under each loss-policy. The
// buffer that says so may be one that is not recorded itself.
#include <string>

#include "bus_expectations.h"
#include "element_bench.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Bytes;
using bench::Feed;
using bench::Picture;
using faults::Call;
using faults::FaultySyscalls;

// A video that has begun.
struct Desk : Bench {
  explicit Desk(const char* policy) : video(add_video()) {
    gst_util_set_object_arg(G_OBJECT(element()), "loss-policy", policy);
    play();
    video.start();
    video.push_many(5);
  }

  uint64_t losses() { return stat(video, "losses"); }

  Feed& video;
};

enum Sign { kPicture, kNoSlice, kEmpty, kGap, kSigns };

// Says to the element that data was lost. Nothing of it is recorded, but for a picture under
// `keep`.
GstFlowReturn tell_loss(Feed& video, int sign, bool picture_is_recorded) {
  const auto discont = [](const Bytes& bytes) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes.size(), nullptr);
    gst_buffer_fill(buffer, 0, bytes.data(), bytes.size());
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    return buffer;
  };
  switch (sign) {
    case kPicture:
      return video.push({.picture = Picture::kOther,
                         .flags = GST_BUFFER_FLAG_DISCONT,
                         .recorded = picture_is_recorded});
    case kNoSlice:
      return video.push_buffer(discont(bench::with_lengths({{0x06, 0x05, 0x01, 0x00, 0x80}})));
    case kEmpty:
      return video.push_buffer(discont({}));
    default: {
      GstEvent* gap = gst_event_new_gap(video.position(), bench::kPictureDuration);
      gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
      fail_unless(video.event(gap));
      return GST_FLOW_OK;
    }
  }
}

}  // namespace

GST_START_TEST(keep_counts_and_keeps_all) {
  Desk desk("keep");
  for (int round = 1; round <= 3; ++round) {
    fail_unless_equals_int(tell_loss(desk.video, __i__, true), GST_FLOW_OK);
    fail_unless_equals_int(desk.video.push({.picture = Picture::kOther}), GST_FLOW_OK);
    fail_unless_equals_uint64(desk.losses(), round);
  }
  desk.stop();
  fail_unless_equals_uint64(desk.stat(desk.video, "dropped-after-loss"), 0);
  desk.expect_file(desk.video);
}
GST_END_TEST;

GST_START_TEST(wait_leaves_out_pictures_until_a_sync_sample) {
  Desk desk("wait");
  fail_unless_equals_int(tell_loss(desk.video, __i__, false), GST_FLOW_OK);
  for (int i = 0; i < 3; ++i)
    fail_unless_equals_int(desk.video.push({.picture = Picture::kOther, .recorded = false}),
                           GST_FLOW_OK);
  fail_unless_equals_int(desk.video.push({.picture = Picture::kIdr}), GST_FLOW_OK);
  fail_unless_equals_int(desk.video.push({.picture = Picture::kOther}), GST_FLOW_OK);
  desk.stop();
  fail_unless_equals_uint64(desk.losses(), 1);
  fail_unless_equals_uint64(desk.stat(desk.video, "dropped-after-loss"), __i__ == kPicture ? 4 : 3);
  desk.expect_file(desk.video);
}
GST_END_TEST;

GST_START_TEST(error_ends_the_recording_well) {
  Desk desk("error");
  const GstFlowReturn flow = tell_loss(desk.video, __i__, false);
  if (__i__ != kGap) fail_unless_equals_int(flow, GST_FLOW_ERROR);
  fail_unless_equals_int(desk.video.push({.recorded = false}), GST_FLOW_ERROR);
  fail_unless(desk.log().text(GST_MESSAGE_ERROR).find("loss-policy") != std::string::npos);
  desk.expect_finished();
  desk.stop();
  fail_unless_equals_int(desk.log().count(GST_MESSAGE_ERROR), 1);
  desk.expect_file(desk.video);
}
GST_END_TEST;

// Where something begins, the flag says no more than that; once, on whatever buffer it is.
GST_START_TEST(the_first_buffer_of_a_segment_tells_no_loss) {
  Desk desk("keep");
  for (int sign = kPicture; sign < kGap; ++sign) {
    desk.video.segment();
    fail_unless_equals_int(tell_loss(desk.video, sign, true), GST_FLOW_OK);
    fail_unless_equals_uint64(desk.losses(), sign);
    fail_unless_equals_int(tell_loss(desk.video, kPicture, true), GST_FLOW_OK);
    fail_unless_equals_uint64(desk.losses(), sign + 1);
  }
  desk.stop();
  desk.expect_file(desk.video);
}
GST_END_TEST;

GST_START_TEST(a_loss_is_counted_though_the_queue_is_full) {
  Bench bench;
  Feed& video = bench.add_video();
  g_object_set(bench.element(), "max-queue-bytes", guint64{64 * 1024}, nullptr);
  gst_util_set_object_arg(G_OBJECT(bench.element()), "queue-full", "drop");
  bench.play();
  video.start();
  FaultySyscalls disk(bench.folder().path());
  disk.block(Call::kWrite, 1);
  for (int i = 0; bench.stat(video, "dropped-queue-full") == 0; ++i) {
    fail_unless_equals_int(video.push({.size = 4096}), GST_FLOW_OK);
    fail_unless(i < 200, "nothing is ever dropped");
  }
  fail_unless_equals_int(tell_loss(video, kPicture, false), GST_FLOW_OK);
  fail_unless_equals_uint64(bench.stat(video, "dropped-queue-full"), 2);
  fail_unless_equals_uint64(bench.stat(video, "losses"), 1);
  disk.release();
}
GST_END_TEST;

GST_START_TEST(losses_are_told_while_pictures_are_waited_for) {
  Desk desk("wait");
  fail_unless_equals_int(tell_loss(desk.video, kPicture, false), GST_FLOW_OK);
  fail_unless_equals_int(desk.log().count(GST_MESSAGE_WARNING), 1);
}
GST_END_TEST;

static Suite* losses_suite() {
  Suite* suite = suite_create("losses");
  TCase* tcase = tcase_create("policies");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, keep_counts_and_keeps_all, 0, kSigns);
  tcase_add_loop_test(tcase, wait_leaves_out_pictures_until_a_sync_sample, 0, kSigns);
  tcase_add_loop_test(tcase, error_ends_the_recording_well, 0, kSigns);
  tcase_add_test(tcase, the_first_buffer_of_a_segment_tells_no_loss);
  tcase_add_test(tcase, a_loss_is_counted_though_the_queue_is_full);
  tcase_add_test(tcase, losses_are_told_while_pictures_are_waited_for);
  return suite;
}

GST_CHECK_MAIN(losses)
