// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of trailingmp4-finalize as a program that may crash itself: for states in which a crash
// left a recording, every state in which a crash may leave that file while it is being finished. It
// holds what it held, or is finished; and the next run finishes it.
//
// CRASH_STATES=all looks at every state.
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crash_judge.h"
#include "memory_source.h"
#include "mp4/recovery/finalize.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using finalize::LeftOver;
using mp4_test::Bytes;
using mp4_test::CrashDisk;
using mp4_test::CrashFile;
using mp4_test::DiskCall;
using mp4_test::DiskState;
using mp4_test::Film;
using mp4_test::Judge;
using mp4_test::kScenarios;
using mp4_test::Mutant;
using mp4_test::Thinning;

bool looks_at_all() { return getenv("CRASH_STATES") != nullptr; }

// What the program does to a file: all calls to the disk. Empty: it refused.
std::vector<DiskCall> finish(const Bytes& file) {
  const mp4_test::MemorySource source(file);
  LeftOver left_over;
  if (!left_over.read(source, [](uint64_t) {}).ok()) return {};
  if (left_over.kind() == LeftOver::Kind::kFinished) return {};
  const auto disk = std::make_shared<CrashDisk>();
  const auto status = finalize::finish(left_over, std::make_unique<CrashFile>(disk, file));
  fail_unless(status.ok(), "%s", status.text().c_str());
  return disk->calls();
}

bool is_flip(const DiskCall& call) {
  return call.kind == DiskCall::Kind::kWrite && call.offset == 40 && call.bytes.size() == 8;
}

// A file that a crash left, and all that may become of it.
class LeftOverJudge {
 public:
  LeftOverJudge(Judge& judge, const DiskState& left)
      : judge_(judge), published_(judge.published(left.calls)), calls_(finish(left.file)) {
    if (published_ > 0) before_ = judge_.judge_growing(left, published_);
    flip_ = static_cast<std::size_t>(std::find_if(calls_.begin(), calls_.end(), is_flip) -
                                     calls_.begin());
    if (published_ > 0 && calls_.empty()) judge_.problem("it was not finished");
  }

  void judge_all(const Thinning& thinning) {
    if (calls_.empty()) return;
    each_killed_state(calls_, thinning, [&](const DiskState& state) {
      if (state.calls < CrashFile::kCallsBefore) return;
      const bool finished = state.calls > flip_;
      judge_state(state, finished, finished);
      if (!finished && published_ > 0) judge_.expect_hidden_tail();
      if (++states_ % 16 == 0 && state.calls <= flip_) judge_next_run(state);
    });
    each_powerless_state(calls_, thinning, [&](const DiskState& state) {
      if (state.calls < CrashFile::kCallsBefore) return;
      judge_state(state, state.synced > flip_, state.calls > flip_);
    });
  }

 private:
  void judge_state(const DiskState& state, bool must_be_finished, bool may_be) {
    const bool finished =
        state.file.size() > 48 &&
        std::any_of(&state.file[40], &state.file[47], [](uint8_t byte) { return byte != 0; });
    if (must_be_finished || (finished && may_be)) return expect_finished(state);
    if (finished) judge_.problem("it is finished before its time");
    if (published_ > 0 && judge_.judge_growing(state, published_) != before_)
      judge_.problem("other samples than before it was to be finished");
  }

  void expect_finished(const DiskState& state) {
    const Judge::Counts found = judge_.judge_finished(state);
    for (const auto& [track, samples] : before_)
      if (!found.contains(track) || found.at(track) < samples)
        judge_.problem("samples were lost by finishing");
    if (after_.empty()) after_ = found;
    if (after_ != found) judge_.problem("it is finished with other samples than another time");
  }

  // Killed, and run again.
  void judge_next_run(const DiskState& state) {
    const std::vector<DiskCall> again = finish(state.file);
    if (again.empty()) return judge_.problem("the next run does not finish it");
    each_killed_state(again, {1u << 20}, [&](const DiskState& last) {
      if (last.calls == again.size()) expect_finished(last);
    });
  }

  Judge& judge_;
  std::size_t published_;
  std::vector<DiskCall> calls_;
  std::size_t flip_ = 0;
  Judge::Counts before_, after_;
  std::size_t states_ = 0;
};

}  // namespace

// After each call of the recorder, so with fragments that are hidden and whole, and moovs that are;
// and some in the middle of a write.
GST_START_TEST(a_recording_may_be_finished_whenever_it_ended) {
  const auto& scenario = kScenarios[static_cast<std::size_t>(__i__)];
  Film film(Mutant::kNone, scenario.settings);
  scenario.record(film);
  film.finish();
  if (film.disk->hole().size > 0)
    return;  // its zeros look like lost sectors, and are not in memory
  const auto calls = film.disk->calls();
  Judge judge(film, calls);
  const Thinning left{looks_at_all() ? 199u : 2'999u};
  const Thinning states{looks_at_all() ? 13u : 997u};
  std::size_t left_overs = 0;
  each_killed_state(calls, left, [&](const DiskState& state) {
    const bool is_growing = !judge.flipped(state.calls);
    if (!is_growing || (!looks_at_all() && ++left_overs % 31 != 0)) return;
    LeftOverJudge(judge, state).judge_all(states);
  });
  g_print("%s: %zu states\n", scenario.name, judge.states());
  fail_unless(judge.problems().empty(), "%s: %s", scenario.name, judge.problems_text().c_str());
}
GST_END_TEST;

static Suite* finalize_crashes_suite() {
  Suite* suite = suite_create("finalize_crashes");
  TCase* crashes = tcase_create("crashes");
  suite_add_tcase(suite, crashes);
  tcase_set_timeout(crashes, looks_at_all() ? 7'200 : 120);
  tcase_add_loop_test(crashes, a_recording_may_be_finished_whenever_it_ended, 0,
                      static_cast<int>(kScenarios.size()));
  return suite;
}

GST_CHECK_MAIN(finalize_crashes)
