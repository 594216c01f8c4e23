// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SIGKILL at random times, on live recorders with real encoders. Whenever it comes, the file reads
// without a complaint, and what is missing at its end is no more than was promised.
//
// KILLS=1000 in the environment kills so many recorders with short fragments, and a tenth of that
// with those of the default length.
#include <gst/gst.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "box_reader.h"
#include "child_process.h"
#include "file_readers.h"
#include "libav_reader.h"
#include "pushed_counts.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::ChildProcess;
using pipelines::ScratchFolder;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{5};
constexpr std::chrono::seconds kStartLimit{60};

constexpr unsigned kKillsInCi = 200;

// What a fragment may wait for besides its own length: this process and its siblings share two
// processors, perhaps with the rest of the tests, and one disk, whose sync takes as long as all
// that the others have written. It is the worst of all kills; the median has far less.
constexpr int64_t kLoadedWorstNs = 2'000'000'000;
constexpr int64_t kLoadedMedianNs = 250'000'000;

struct Plan {
  unsigned kills;
  unsigned at_once;
  milliseconds fragment;
  milliseconds earliest, latest;  // from when there is a file
};

// A fragment that is being filled, and the one before, which is being written meanwhile.
int64_t promised(const Plan& plan) { return 2 * plan.fragment.count() * 1'000'000; }

unsigned kills_asked_for() {
  const char* asked = getenv("KILLS");
  return asked != nullptr ? static_cast<unsigned>(std::atoi(asked)) : kKillsInCi;
}

// One recorder, from its start to its end.
class Victim {
 public:
  Victim(const ScratchFolder& folder, unsigned number, const Plan& plan, milliseconds life)
      : folder_(folder.path()),
        name_(std::to_string(number)),
        counts_(map_pushed_counts(path() + ".counts")),
        life_(life),
        process_(command(plan), folder_) {}
  ~Victim() {
    if (counts_ != nullptr) munmap(counts_, sizeof *counts_);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  [[nodiscard]] const PushedCounts& pushed() const { return *counts_; }
  [[nodiscard]] std::string path() const { return folder_ + "/" + name_ + ".mp4"; }
  [[nodiscard]] std::string output() const { return process_.output(); }

  // Kills it when its time has come. Whether that has been.
  bool look() {
    const auto now = steady_clock::now();
    if (!has_file_) {
      has_file_ = std::filesystem::exists(path());
      fail_unless(has_file_ || now < begin_ + kStartLimit, "no file: %s", output().c_str());
      begin_ = now;
    }
    fail_unless(!process_.wait(milliseconds(0)), "it ended by itself: %s", output().c_str());
    if (!has_file_ || now < begin_ + life_) return false;
    process_.signal(SIGKILL);
    fail_unless(process_.wait(std::chrono::seconds(30)) == -SIGKILL);
    return true;
  }

  void remove_files() const {
    std::filesystem::remove(path());
    std::filesystem::remove(path() + ".counts");
  }

 private:
  // Half of what a victim costs is its start: avenc_aac would double that by loading FFmpeg.
  [[nodiscard]] std::string command(const Plan& plan) const {
    return "exec '" COUNTED_LAUNCH "' " + name_ +
           ".mp4.counts 'trailingmp4sink name=rec location=" + name_ +
           ".mp4 fragment-duration=" + std::to_string(plan.fragment.count() * 1'000'000) +
           " videotestsrc is-live=true pattern=ball"
           " ! video/x-raw,width=160,height=120,framerate=25/1"
           " ! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=25"
           " ! h264parse ! rec.video_0"
           " audiotestsrc is-live=true samplesperbuffer=1024 ! voaacenc ! aacparse ! rec.audio_0'";
  }

  std::string folder_, name_;
  PushedCounts* counts_;
  milliseconds life_;
  steady_clock::time_point begin_ = steady_clock::now();
  bool has_file_ = false;
  ChildProcess process_;
};

// Where the track ends in the file, on the time line of what was pushed.
int64_t recorded_end(const boxes::Movie& movie, const char* handler, int64_t begin) {
  for (const boxes::Track& track : movie.tracks) {
    if (track.handler != handler || track.samples.empty()) continue;
    const boxes::Sample& last = track.samples.back();
    const double duration = static_cast<double>(last.duration) * 1e9 / track.timescale;
    return begin + boxes::presentation_ns(movie, track, last) + static_cast<int64_t>(duration);
  }
  return begin;
}

// What the killed recorder lost of what it was given: the worse of its tracks.
int64_t loss(const boxes::Movie& movie, const PushedCounts& pushed) {
  const int64_t begin = std::min<int64_t>(pushed.video.begin, pushed.audio.begin);
  return std::max(pushed.video.end - recorded_end(movie, "vide", begin),
                  pushed.audio.end - recorded_end(movie, "soun", begin));
}

// FFmpeg's libraries find every sample, and say nothing else.
void assert_libav_agrees(const std::string& path, const boxes::Movie& movie) {
  const libav::File file = libav::read_file(path, libav::Heard::kWarnings);
  fail_unless(file.opened && file.log.empty(), "libav: %s", file.log.c_str());
  fail_unless_equals_uint64(file.streams.size(), movie.tracks.size());
  for (std::size_t i = 0; i < movie.tracks.size(); ++i)
    fail_unless_equals_uint64(file.streams[i].packets.size(), movie.tracks[i].samples.size());
}

std::size_t samples_of(const boxes::Movie& movie) {
  std::size_t samples = 0;
  for (const boxes::Track& track : movie.tracks) samples += track.samples.size();
  return samples;
}

// trailingmp4-finalize makes a plain file of it that has all that could be read, and perhaps a
// fragment that could not yet.
void assert_can_be_finished(const std::string& path, const boxes::Movie& before) {
  const pipelines::Outcome outcome = pipelines::run("'" FINALIZE "' '" + path + "'");
  fail_unless(outcome.status == 0, "%s", outcome.output.c_str());
  const auto movie = boxes::read_movie(path);
  fail_unless(movie && !movie->fragmented && movie->top.size() == 3, "%s", outcome.output.c_str());
  fail_unless(movie->problems.empty(), "%s", movie->problems.front().c_str());
  fail_unless(samples_of(*movie) >= samples_of(before), "%s", outcome.output.c_str());
}

// The kill came within the write of a fragment: what is there of it is hidden, as it is to be.
bool is_hidden_tail(const std::string& problem) {
  return problem.starts_with("skip: size ") &&
         problem.find(" beyond the end of the file") != std::string::npos;
}

// Returns what is lost, in nanoseconds. A recorder whose first fragment was not durable yet has
// lost all, which may not have been much.
int64_t inspect(const Victim& victim, unsigned number, const Plan& plan) {
  const std::string path = victim.path();
  const PushedCounts& pushed = victim.pushed();
  const auto movie = boxes::read_movie(path);
  if (!movie) {
    const int64_t lost =
        std::max(pushed.video.end - pushed.video.begin, pushed.audio.end - pushed.audio.begin);
    fail_unless(lost <= promised(plan) + kLoadedWorstNs, "kill %u: nothing to be read\n%s", number,
                victim.output().c_str());
    return lost;
  }
  auto problems = pipelines::box_problems(path);
  std::erase_if(problems, is_hidden_tail);
  fail_unless(problems.empty(), "kill %u: %s\n%s", number, pipelines::join(problems).c_str(),
              victim.output().c_str());
  fail_unless(movie->fragmented, "kill %u: it is finished", number);
  // A track that began late may be named before its first fragment is published.
  const bool has_samples = std::any_of(movie->tracks.begin(), movie->tracks.end(),
                                       [](const auto& track) { return !track.samples.empty(); });
  fail_unless(has_samples, "kill %u: it is empty", number);
  const bool all_have = std::none_of(movie->tracks.begin(), movie->tracks.end(),
                                     [](const auto& track) { return track.samples.empty(); });
  if (all_have) assert_libav_agrees(path, *movie);
  assert_can_be_finished(path, *movie);
  return loss(*movie, pushed);
}

// The losses of all kills, sorted.
std::vector<int64_t> kill_all(const Plan& plan) {
  const ScratchFolder folder;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> life(static_cast<int>(plan.earliest.count()),
                                          static_cast<int>(plan.latest.count()));
  std::vector<std::unique_ptr<Victim>> victims(std::min(plan.at_once, plan.kills));
  std::vector<int64_t> losses;
  unsigned started = 0;
  while (losses.size() < plan.kills) {
    for (auto& victim : victims) {
      if (!victim && started < plan.kills)
        victim = std::make_unique<Victim>(folder, started++, plan, milliseconds(life(random)));
      if (!victim || !victim->look()) continue;
      losses.push_back(inspect(*victim, static_cast<unsigned>(losses.size()), plan));
      victim->remove_files();
      victim.reset();
    }
    std::this_thread::sleep_for(kLook);
  }
  std::sort(losses.begin(), losses.end());
  return losses;
}

void assert_little_is_lost(const Plan& plan) {
  if (plan.kills == 0) return;
  const std::vector<int64_t> losses = kill_all(plan);
  const int64_t median = losses[losses.size() / 2];
  std::printf("%u kills, fragments of %d ms: %d ms lost at the median, %d ms at worst\n",
              plan.kills, static_cast<int>(plan.fragment.count()),
              static_cast<int>(median / 1'000'000), static_cast<int>(losses.back() / 1'000'000));
  fail_unless(median <= promised(plan) + kLoadedMedianNs, "lost at the median: %d ms",
              static_cast<int>(median / 1'000'000));
  fail_unless(losses.back() <= promised(plan) + kLoadedWorstNs, "lost at worst: %d ms",
              static_cast<int>(losses.back() / 1'000'000));
}

GST_START_TEST(a_kill_loses_little_more_than_a_short_fragment) {
  assert_little_is_lost({.kills = kills_asked_for(),
                         .at_once = 8,
                         .fragment = milliseconds(100),
                         .earliest = milliseconds(300),
                         .latest = milliseconds(1500)});
}
GST_END_TEST

GST_START_TEST(a_kill_loses_little_more_than_a_fragment_of_the_default_length) {
  assert_little_is_lost({.kills = kills_asked_for() / 10,
                         .at_once = 8,
                         .fragment = milliseconds(1000),
                         .earliest = milliseconds(1200),
                         .latest = milliseconds(3000)});
}
GST_END_TEST

Suite* kill_suite() {
  Suite* suite = suite_create("kill");
  // Processes of their own run them, by these names.
  TCase* short_ones = tcase_create("short");
  suite_add_tcase(suite, short_ones);
  tcase_set_timeout(short_ones, 60 + kills_asked_for());
  tcase_add_test(short_ones, a_kill_loses_little_more_than_a_short_fragment);
  TCase* default_ones = tcase_create("default");
  suite_add_tcase(suite, default_ones);
  tcase_set_timeout(default_ones, 60 + kills_asked_for());
  tcase_add_test(default_ones, a_kill_loses_little_more_than_a_fragment_of_the_default_length);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(kill)
