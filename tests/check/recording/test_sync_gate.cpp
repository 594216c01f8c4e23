// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of which pictures are left out because they could not be decoded, as pure logic: at the
// start, after a loss, and those that lead a random access point.
#include "recording/sync_gate.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::AccessUnit;
using trailingmp4::SyncGate;
using Verdict = SyncGate::Verdict;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1000 * kMs;

// What a test pushes, each 40 ms after the one before.
class Pictures {
 public:
  explicit Pictures(bool start_at_sync = true) : gate(start_at_sync) {}

  Verdict push(const AccessUnit& unit, bool damaged = false, bool delta = true) {
    now_ += 40 * kMs;
    return gate.check({unit, now_, delta, damaged});
  }
  // Presented so much after the one before; it may be before.
  Verdict push_at(const AccessUnit& unit, int64_t ms) {
    return gate.check({unit, now_ + ms * kMs, true, false});
  }
  // How many ordinary pictures are left out until one passes.
  int until_one_passes(const AccessUnit& unit, Verdict left_out) {
    for (int count = 0; count < 1'000; ++count) {
      const Verdict verdict = push(unit);
      if (verdict == Verdict::kPass) return count;
      fail_unless(verdict == left_out);
    }
    return -1;
  }

  SyncGate gate;

 private:
  int64_t now_ = 0;
};

const AccessUnit kIdr{.has_media = true, .access = {.sync = true}};
const AccessUnit kCra{.has_media = true, .access = {.sync = true, .open_gop = true}};
const AccessUnit kOther{.has_media = true};
const AccessUnit kB{.has_media = true, .bidirectional = true};
const AccessUnit kOpen{.has_media = true, .access = {.open_gop = true}};
const AccessUnit kRoll{.has_media = true, .access = {.roll_distance = 20}};
const AccessUnit kLeading{.has_media = true, .leading = true};

}  // namespace

GST_START_TEST(a_track_begins_at_its_first_idr) {
  Pictures pictures;
  for (const AccessUnit& unit : {kOther, kB, kOpen, kRoll, kOther})
    fail_unless(pictures.push(unit) == Verdict::kBeforeSync);
  fail_unless(pictures.push(kIdr) == Verdict::kPass);
  for (const AccessUnit& unit : {kOther, kB, kOpen})
    fail_unless(pictures.push(unit) == Verdict::kPass);
}
GST_END_TEST;

GST_START_TEST(or_at_any_picture_where_told_so) {
  Pictures pictures(false);
  fail_unless(pictures.push(kOther) == Verdict::kPass);
}
GST_END_TEST;

GST_START_TEST(without_idr_another_random_access_point_will_do_after_two_seconds) {
  for (const AccessUnit& unit : {kOpen, kRoll}) {
    Pictures pictures;
    fail_unless_equals_int(pictures.until_one_passes(unit, Verdict::kBeforeSync), 50);
  }
  Pictures key;  // as upstream says
  for (int i = 0; i < 50; ++i) fail_unless(key.push(kOther, false, false) == Verdict::kBeforeSync);
  fail_unless(key.push(kOther, false, false) == Verdict::kPass);
  Pictures any;
  fail_unless_equals_int(any.until_one_passes(kOther, Verdict::kBeforeSync), 250);
}
GST_END_TEST;

// The clock steps, stands still or is missing while a picture is waited for.
GST_START_TEST(no_clock_makes_pictures_wait_for_ever) {
  constexpr int64_t kReordered[] = {120, -80, 40, 80};
  SyncGate gate(true);
  int64_t now = 3600 * kSecond;
  int waited = 0;
  for (;; ++waited) {
    switch (__i__) {
      case 0:  // back by an hour, once
        now += waited == 10 ? -3600 * kSecond : 40 * kMs;
        break;
      case 1:  // forward and back in turn
        now += waited % 2 ? -20 * kSecond : 20 * kSecond;
        break;
      case 2:  // reordered
        now += kReordered[waited % 4] * kMs;
        break;
      default:
        break;
    }
    std::optional<int64_t> time = now;
    if (__i__ == 4) time.reset();
    if (gate.check({kOther, time, true, false}) == Verdict::kPass) break;
    fail_unless(waited < 260, "waits for ever");
  }
  fail_unless(waited >= 245, "waited for %d pictures", waited);
}
GST_END_TEST;

GST_START_TEST(a_jump_ends_no_wait) {
  SyncGate gate(true);
  fail_unless(gate.check({kOther, 0, true, false}) == Verdict::kBeforeSync);
  fail_unless(gate.check({kOther, 3600 * kSecond, true, false}) == Verdict::kBeforeSync);
  fail_unless(gate.check({kIdr, 3601 * kSecond, true, false}) == Verdict::kPass);
}
GST_END_TEST;

GST_START_TEST(pictures_that_lead_the_first_one_are_left_out) {
  Pictures h265;
  fail_unless(h265.push(kCra) == Verdict::kPass);
  fail_unless(h265.push_at(kLeading, -20) == Verdict::kBeforeSync);
  fail_unless(h265.push(kOther) == Verdict::kPass);
  fail_unless(h265.push(kCra) == Verdict::kPass);
  fail_unless(h265.push_at(kLeading, -20) == Verdict::kPass);  // what they need is there

  Pictures h264;
  while (h264.push(kOpen) != Verdict::kPass) continue;
  fail_unless(h264.push_at(kB, -20) == Verdict::kBeforeSync);
  fail_unless(h264.push_at(kB, 20) == Verdict::kPass);
  fail_unless(h264.push_at(kOther, -20) == Verdict::kPass);  // no B picture: jitter
  fail_unless(h264.push(kIdr) == Verdict::kPass);
  fail_unless(h264.push_at(kB, -20) == Verdict::kPass);
}
GST_END_TEST;

// What leads a picture comes right after it; later pictures with such times are of a clock that
// stepped.
GST_START_TEST(a_clock_that_steps_back_later_costs_no_picture) {
  for (const AccessUnit& next : {kOther, kB}) {
    Pictures pictures;
    while (pictures.push(kOpen) != Verdict::kPass) continue;
    fail_unless(pictures.push_at(kB, -20) == Verdict::kBeforeSync);
    fail_unless(pictures.push(next) == Verdict::kPass);
    for (int64_t ms : {-500, -400, -300}) fail_unless(pictures.push_at(kB, ms) == Verdict::kPass);
  }
}
GST_END_TEST;

GST_START_TEST(after_an_idr_no_picture_is_too_early) {
  Pictures pictures;
  fail_unless(pictures.push(kIdr) == Verdict::kPass);
  fail_unless(pictures.push_at(kB, -20) == Verdict::kPass);
}
GST_END_TEST;

GST_START_TEST(after_a_loss_an_undamaged_sync_sample_is_waited_for) {
  Pictures pictures;
  pictures.push(kIdr);
  pictures.push(kOther);
  pictures.gate.close_after_loss();
  fail_unless(pictures.push(kOther, true) == Verdict::kAfterLoss);
  fail_unless(pictures.push(kIdr, true) == Verdict::kAfterLoss);  // damaged itself
  fail_unless(pictures.push(kOther) == Verdict::kAfterLoss);
  fail_unless(pictures.push(kIdr) == Verdict::kPass);
  fail_unless(pictures.push(kOther) == Verdict::kPass);
}
GST_END_TEST;

GST_START_TEST(a_damaged_sync_sample_will_do_after_two_groups_without_better) {
  Pictures pictures;
  pictures.push(kIdr);
  for (int round = 0; round < 2; ++round) {
    pictures.gate.close_after_loss();
    fail_unless(pictures.push(kOther, true) == Verdict::kAfterLoss);
    for (int i = 0; i < 2; ++i) {
      pictures.gate.close_after_loss();  // each of them is another loss
      fail_unless(pictures.push(kIdr, true) == Verdict::kAfterLoss);
      fail_unless(pictures.push(kOther) == Verdict::kAfterLoss);
    }
    pictures.gate.close_after_loss();
    fail_unless(pictures.push(kIdr, true) == Verdict::kPass);
    fail_unless(pictures.push(kOther) == Verdict::kPass);
  }
}
GST_END_TEST;

GST_START_TEST(a_loss_before_the_first_picture_is_a_start) {
  Pictures pictures;
  pictures.gate.close_after_loss();
  fail_unless(pictures.push(kOther) == Verdict::kAfterLoss);
  fail_unless(pictures.push(kIdr) == Verdict::kPass);
}
GST_END_TEST;

static Suite* sync_gate_suite() {
  Suite* suite = suite_create("sync_gate");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_add_test(rules, a_track_begins_at_its_first_idr);
  tcase_add_test(rules, or_at_any_picture_where_told_so);
  tcase_add_test(rules, without_idr_another_random_access_point_will_do_after_two_seconds);
  tcase_add_loop_test(rules, no_clock_makes_pictures_wait_for_ever, 0, 5);
  tcase_add_test(rules, a_jump_ends_no_wait);
  tcase_add_test(rules, pictures_that_lead_the_first_one_are_left_out);
  tcase_add_test(rules, a_clock_that_steps_back_later_costs_no_picture);
  tcase_add_test(rules, after_an_idr_no_picture_is_too_early);
  tcase_add_test(rules, after_a_loss_an_undamaged_sync_sample_is_waited_for);
  tcase_add_test(rules, a_damaged_sync_sample_will_do_after_two_groups_without_better);
  tcase_add_test(rules, a_loss_before_the_first_picture_is_a_start);
  return suite;
}

GST_CHECK_MAIN(sync_gate)
