// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of every state in which a crash may leave a recording: killed at any byte, or without power
// at any moment with any sectors there. What was published, and durable, is there, each sample
// once, byte for byte, with its times. And tests that recorders which are wrong would be found out.
//
// CRASH_STATES=all looks at every state; otherwise it is some of them, and all near what is done by
// eight bytes.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "box_reader.h"
#include "crash_scenarios.h"
#include "file_bytes.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using mp4::Ticks;
using mp4_test::audio_config;
using mp4_test::DiskCall;
using mp4_test::DiskState;
using mp4_test::Film;
using mp4_test::Mutant;
using mp4_test::Scenario;
using mp4_test::Thinning;
using mp4_test::video_config;
using Kind = DiskCall::Kind;

constexpr Ticks kPicture = 1'800;  // 20 ms
constexpr unsigned kProbed = 50;   // each such state is opened by ffprobe too

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

// As fast as it goes: fragments share syncs.
void record_in_a_rush(Film& film) {
  const auto video = film.add_track(video_config());
  for (Ticks i = 0; i < 40; ++i) film.append(video, {i * kPicture, i * kPicture, 0}, i % 6 == 0);
}

const Scenario kScenarios[] = {
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
    {"no fragments", {.fragment_ns = 0}, record_one_track},
    {"full disk", {.room = 75'000}, record_one_track},
    {"full disk that holds no room", {.room = 9'000, .holds_room = false}, record_one_track},
    {"overwrite", {.overwrites = true}, record_two_tracks},
    {"overwrite without fragments", {.fragment_ns = 0, .overwrites = true}, record_one_track},
};

// ---- what must hold ----

// What the calls to the disk did so far.
struct Progress {
  std::size_t published = 0;
  bool flipped = false;
};

class Judge {
 public:
  Judge(const Film& film, const std::vector<DiskCall>& calls) : film_(film) {
    Progress progress;
    progress_.push_back(progress);
    uint64_t first_fragment = 0;
    for (const DiskCall& call : calls) {
      if (call.kind == Kind::kWrite && call.offset == 0) first_fragment = call.bytes.size();
      const bool eight = call.kind == Kind::kWrite && call.bytes.size() == 8;
      // Not the header of a moov that found no space at first.
      const bool visible = eight && !std::equal(call.bytes.begin() + 4, call.bytes.end(), "skip");
      if (visible && call.offset == 40) progress.flipped = true;
      if (visible && call.offset >= first_fragment) ++progress.published;
      progress_.push_back(progress);
    }
    for (const Film::Track& track : film.tracks)
      for (const Film::Sample& sample : track.samples)
        origin_ = std::min(origin_, track.timescale.to_ns(sample.times.pts));
  }
  ~Judge() { unlink(path_.c_str()); }

  void judge_killed(const DiskState& state) {
    const Progress& done = progress_[state.calls];
    look(state);
    if (film_.settings.overwrites && !state.has_name) return;  // the old file is untouched
    if (done.flipped) return expect_finished();
    if (done.published == 0) return expect_nothing();
    expect_fragments(done.published, done.published);
    const auto [known, is_new] = samples_of_.insert({done.published, counts()});
    if (!is_new && known->second != counts()) problem("other samples than before");
  }

  void judge_powerless(const DiskState& state) {
    const Progress& done = progress_[state.calls];
    const Progress& durable = progress_[state.synced];
    if (film_.settings.overwrites && !state.has_name) return;
    if (film_.settings.overwrites && durable.published == 0 && !durable.flipped)
      problem("the old file is gone and nothing of the new one is durable");
    if (durable.published == 0 && !durable.flipped && !done.flipped) return;  // nothing is promised
    look(state);
    if (durable.flipped) return expect_finished();
    if (done.flipped && movie_ && !movie_->fragmented) return expect_finished();
    if (durable.published == 0) return expect_nothing();
    expect_fragments(durable.published, done.published);
  }

  void expect_all_recorded() {
    if (film_.witness->failure() || samples_of_.empty()) return;
    if (finished_ != all_samples()) problem("not all samples are in the finished file");
  }

  const std::set<std::string>& problems() const { return problems_; }
  std::size_t states() const { return states_; }

 private:
  using Counts = std::map<uint32_t, std::size_t>;  // samples of each track

  void look(const DiskState& state) {
    state_ = &state;
    ++states_;
    fail_unless(boxes::store_file(path_, state.file));
    movie_ = boxes::read_movie(path_);
    if (states_ % kProbed == 0) probe();
  }

  void probe() {
    if (!movie_ || counts().empty()) return;
    const std::string command =
        "ffprobe -v quiet -count_packets -show_entries stream=nb_read_packets -of csv=p=0 " + path_;
    FILE* pipe = popen(command.c_str(), "r");
    char line[64];
    std::size_t packets = 0, samples = 0;
    while (fgets(line, sizeof line, pipe)) packets += strtoul(line, nullptr, 10);
    if (pclose(pipe) != 0) problem("ffprobe does not open it");
    for (const auto& [id, count] : counts()) samples += count;
    if (packets != samples)
      problem("ffprobe finds " + std::to_string(packets) + " of " + std::to_string(samples));
  }

  void problem(const std::string& text) {
    if (problems_.size() < 20)
      problems_.insert("after " + std::to_string(state_ ? state_->calls : 0) + " calls: " + text);
  }

  Counts counts() const {
    Counts counts;
    if (movie_)
      for (const boxes::Track& track : movie_->tracks)
        if (!track.samples.empty()) counts[track.id] = track.samples.size();
    return counts;
  }
  Counts all_samples() const {
    Counts counts;
    for (std::size_t i = 0; i < film_.by_id.size(); ++i)
      counts[static_cast<uint32_t>(i + 1)] = film_.tracks[film_.by_id[i]].samples.size();
    return counts;
  }

  void expect_nothing() {
    if (!counts().empty()) problem("samples that were not published");
  }

  void expect_finished() {
    if (!movie_) return problem("the finished file does not open");
    if (movie_->fragmented || movie_->top.size() != 3) problem("it is not finished");
    expect_no_problems(false);
    expect_right_samples();
    finished_ = counts();
  }

  void expect_fragments(std::size_t fewest, std::size_t most) {
    if (!movie_) return problem("it does not open");
    if (!movie_->fragmented) return problem("it is finished before the flip");
    const auto is_moof = [](const boxes::Box& box) { return box.type == "moof"; };
    const auto fragments =
        static_cast<std::size_t>(std::count_if(movie_->top.begin(), movie_->top.end(), is_moof));
    if (fragments < fewest || fragments > most)
      problem(std::to_string(fragments) + " fragments, not " + std::to_string(fewest));
    const auto is_moov = [](const boxes::Box& box) { return box.type == "moov"; };
    if (std::count_if(movie_->top.begin(), movie_->top.end(), is_moov) > 1)
      problem("a second moov is visible");
    expect_no_problems(true);
    // Of two that were published and are not durable, the second may be there alone.
    expect_right_samples(fewest < most);
  }

  // The hidden tail alone may claim more than there is.
  void expect_no_problems(bool growing) {
    uint64_t end = state_->file.size();
    if (growing)
      for (auto box = movie_->top.rbegin(); box != movie_->top.rend(); ++box)
        if (box->type == "moof" || box->type == "mdat") {
          end = box->offset + box->size;
          break;
        }
    for (const std::string& text : movie_->problems) {
      const auto at = std::min(text.rfind("offset "), text.rfind('@'));
      const auto number = text.find_first_of("0123456789", at);
      if (number == std::string::npos || strtoull(&text[number], nullptr, 10) < end) problem(text);
    }
  }

  void expect_right_samples(bool may_have_holes = false) {
    for (const boxes::Track& found : movie_->tracks) {
      if (found.id == 0 || found.id > film_.by_id.size()) return problem("a track too many");
      const Film::Track& track = film_.tracks[film_.by_id[found.id - 1]];
      auto next = track.samples.begin();
      for (const boxes::Sample& sample : found.samples) {
        while (may_have_holes && next != track.samples.end() && !has_bytes(sample, *next)) ++next;
        if (next == track.samples.end()) return problem("samples too many, or with other bytes");
        expect_right(found, sample, track, *next++);
      }
    }
  }

  bool has_bytes(const boxes::Sample& out, const Film::Sample& in) const {
    const auto begin = state_->file.begin() + static_cast<std::ptrdiff_t>(out.offset);
    return out.offset + out.size <= state_->file.size() && out.size == in.bytes.size() &&
           std::equal(in.bytes.begin(), in.bytes.end(), begin);
  }

  void expect_right(const boxes::Track& found, const boxes::Sample& out, const Film::Track& track,
                    const Film::Sample& in) {
    const int64_t late = boxes::presentation_ns(*movie_, found, out) -
                         (track.timescale.to_ns(in.times.pts) - origin_);
    if (std::abs(late) > 12'000) problem("a sample is " + std::to_string(late) + " ns late");
    if (out.sync != in.sync) problem("a sync sample is wrong");
    if (!has_bytes(out, in)) problem("a sample has other bytes");
  }

  const Film& film_;
  std::vector<Progress> progress_;  // after so many calls
  int64_t origin_ = INT64_MAX;
  const std::string path_ =
      (access("/dev/shm", W_OK) == 0 ? "/dev/shm/crash-state-" : "/tmp/crash-state-") +
      std::to_string(getpid()) + ".mp4";
  const DiskState* state_ = nullptr;
  std::optional<boxes::Movie> movie_;
  std::map<std::size_t, Counts> samples_of_;
  Counts finished_;
  std::set<std::string> problems_;
  std::size_t states_ = 0;
};

struct Verdict {
  std::set<std::string> problems;
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
  return {judge.problems(), judge.states()};
}

bool looks_at_all() { return getenv("CRASH_STATES") != nullptr; }

std::string text_of(const std::set<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += "\n  " + problem;
  return text;
}

}  // namespace

GST_START_TEST(no_crash_costs_what_was_published) {
  const Scenario& scenario = kScenarios[__i__];
  const std::size_t stride = looks_at_all() ? 1 : 61;
  const auto [problems, states] = judge(scenario, Mutant::kNone, {stride}, {stride});
  g_print("%s: %zu states\n", scenario.name, states);
  fail_unless(problems.empty(), "%s: %s", scenario.name, text_of(problems).c_str());
}
GST_END_TEST;

GST_START_TEST(a_recorder_that_is_wrong_is_found_out) {
  const auto mutant = static_cast<Mutant>(__i__);
  const std::string shown_by = mutant == Mutant::kRevisionNotSynced  ? "late track"
                               : mutant == Mutant::kRenameBeforeSync ? "overwrite"
                                                                     : "one track";
  const auto scenario =
      std::find_if(std::begin(kScenarios), std::end(kScenarios),
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
                      static_cast<int>(std::size(kScenarios)));
  tcase_add_loop_test(crashes, a_recorder_that_is_wrong_is_found_out,
                      static_cast<int>(Mutant::kFlipBeforeSync),
                      static_cast<int>(Mutant::kMutants));
  return suite;
}

GST_CHECK_MAIN(crash_states)
