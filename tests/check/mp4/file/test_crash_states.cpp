// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of every state in which a crash may leave a recording: killed at any byte, or without power
// at any moment with any sectors there. What was published, and durable, is there, each sample
// once, byte for byte, with its times. And tests that recorders which are wrong would be found out.
//
// CRASH_STATES=all looks at every state; otherwise it is some of them, and all near what is done by
// eight bytes.
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crash_judge.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4_test::DiskCall;
using mp4_test::DiskState;
using mp4_test::Film;
using mp4_test::Judge;
using mp4_test::kScenarios;
using mp4_test::Mutant;
using mp4_test::Scenario;
using mp4_test::Thinning;

struct Verdict {
  std::string problems;  // empty: none
  std::size_t states;
};

Verdict judge(const Scenario& scenario, Mutant mutant, const Thinning& killed,
              const Thinning& powerless) {
  Film film(mutant, scenario.settings);
  scenario.record(film);
  film.finish();
  const std::vector<DiskCall> calls = film.disk->calls();
  Judge judge(film, calls);
  each_killed_state(calls, killed, [&](const DiskState& state) { judge.judge_killed(state); });
  judge.expect_all_recorded();
  each_powerless_state(calls, powerless,
                       [&](const DiskState& state) { judge.judge_powerless(state); });
  return {judge.problems_text(), judge.states()};
}

bool looks_at_all() { return getenv("CRASH_STATES") != nullptr; }

}  // namespace

GST_START_TEST(no_crash_costs_what_was_published) {
  const Scenario& scenario = kScenarios[static_cast<std::size_t>(__i__)];
  const std::size_t stride = looks_at_all() ? 1 : 97;
  const auto [problems, states] = judge(scenario, Mutant::kNone, {stride}, {stride});
  g_print("%s: %zu states\n", scenario.name, states);
  fail_unless(problems.empty(), "%s: %s", scenario.name, problems.c_str());
}
GST_END_TEST;

GST_START_TEST(a_recorder_that_is_wrong_is_found_out) {
  const auto mutant = static_cast<Mutant>(__i__);
  const std::string shown_by = mutant == Mutant::kRevisionNotSynced  ? "late track"
                               : mutant == Mutant::kRenameBeforeSync ? "overwrite"
                                                                     : "one track";
  const auto scenario =
      std::find_if(kScenarios.begin(), kScenarios.end(),
                   [&](const Scenario& candidate) { return candidate.name == shown_by; });
  fail_if(judge(*scenario, mutant, {97}, {29}).problems.empty(),
          "mutant %d is as good as the recorder", __i__);
}
GST_END_TEST;

static Suite* crash_states_suite() {
  Suite* suite = suite_create("crash_states");
  TCase* crashes = tcase_create("crashes");
  suite_add_tcase(suite, crashes);
  tcase_set_timeout(crashes, looks_at_all() ? 7'200 : 120);
  tcase_add_loop_test(crashes, no_crash_costs_what_was_published, 0,
                      static_cast<int>(kScenarios.size()));
  tcase_add_loop_test(crashes, a_recorder_that_is_wrong_is_found_out,
                      static_cast<int>(Mutant::kFlipBeforeSync),
                      static_cast<int>(Mutant::kMutants));
  return suite;
}

GST_CHECK_MAIN(crash_states)
