// SPDX-License-Identifier: LGPL-2.1-or-later
//
// push --recorder NAME --media NAME --seconds N --folder PATH [--recorders N] [--live] [--stall]
//
// One run: a thread for each track pushes the media into the recorders, and a line of JSON says
// what that took. --live: at the pace of the times. --stall: two seconds after the beginning the
// disk stands still for two seconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "faulty_syscalls.h"
#include "feeder.h"
#include "media.h"
#include "recorder_under_test.h"
#include "usage.h"

namespace bench {
namespace {

struct Options {
  std::string recorder, media, folder;
  double seconds = 10;
  int recorders = 1;
  bool live = false, stall = false;
};

struct One {
  std::unique_ptr<RecorderUnderTest> recorder;
  std::unique_ptr<InStep> in_step;
  std::vector<std::unique_ptr<Feeder>> feeders;
};

std::string path_of(const Options& options, int number) {
  return options.folder + "/" + options.recorder + "-" + std::to_string(number) + ".mp4";
}

bool set_up(const Options& options, const std::vector<TrackMedia>& media, int64_t begin_ns,
            std::vector<One>& all) {
  for (int i = 0; i < options.recorders; ++i) {
    const std::string path = path_of(options, i);
    std::filesystem::remove(path);
    One one{make_recorder(options.recorder, path), std::make_unique<InStep>(media.size()), {}};
    if (!one.recorder) return false;
    for (std::size_t track = 0; track < media.size(); ++track)
      one.feeders.push_back(
          std::make_unique<Feeder>(media[track], one.recorder->pad(media[track].kind()),
                                   // They do not all begin at once.
                                   Feeder::Pace{options.live, options.seconds,
                                                begin_ns + int64_t{i} * 37'000'000 % 2'000'000'000},
                                   *one.in_step, track));
    all.push_back(std::move(one));
  }
  return true;
}

// In the middle of it, the disk takes nothing for a while.
void stall(faults::FaultySyscalls& disk) {
  std::this_thread::sleep_for(std::chrono::seconds(3));
  disk.block(faults::Call::kWrite, disk.count(faults::Call::kWrite) + 1);
  if (!disk.wait_until_blocked()) std::fprintf(stderr, "The disk was not written to.\n");
  std::this_thread::sleep_for(std::chrono::seconds(2));
  disk.release();
}

void add_holds(const std::vector<One>& all, JsonLine& line) {
  // But for the first, with which a recorder makes its threads.
  std::vector<Feeder::Hold> holds;
  for (const One& one : all)
    for (const auto& feeder : one.feeders)
      if (!feeder->holds().empty())
        holds.insert(holds.end(), feeder->holds().begin() + 1, feeder->holds().end());
  if (holds.empty()) return;
  std::sort(holds.begin(), holds.end(),
            [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
  const auto at = [&](double part) {
    return holds[static_cast<std::size_t>(part * static_cast<double>(holds.size() - 1))].seconds;
  };
  double longest_wait = 0;
  int64_t waits = 0;
  for (const auto& hold : holds) {
    if (!hold.waited) continue;
    longest_wait = std::max(longest_wait, hold.seconds);
    ++waits;
  }
  line.add("hold_p50", at(0.5)).add("hold_p999", at(0.999)).add("hold_max", at(1));
  line.add("holds_waiting", static_cast<double>(waits)).add("longest_wait", longest_wait);
}

int run(const Options& options) {
  const std::vector<TrackMedia> media = media_of(options.media);
  std::vector<One> all;
  const int64_t before = resident_bytes();
  const int64_t begin_ns = monotonic_ns() + 500'000'000 + options.recorders * 5'000'000;
  if (media.empty() || !set_up(options, media, begin_ns, all)) return 2;
  const int64_t made = options.live ? before : resident_bytes();
  forget_peak();
  std::unique_ptr<faults::FaultySyscalls> disk;
  if (options.stall) disk = std::make_unique<faults::FaultySyscalls>(options.folder);
  const Usage begin = usage();
  for (One& one : all) one.recorder->play();
  for (One& one : all)
    for (auto& feeder : one.feeders) feeder->start();
  if (options.stall) stall(*disk);
  for (One& one : all)
    for (auto& feeder : one.feeders) feeder->join();
  const double eos = usage().wall;
  bool good = true;
  for (One& one : all) good = one.recorder->wait_until_finished() && good;
  const Usage end = usage();
  uint64_t samples = 0, bytes = 0, fragments = 0;
  for (const One& one : all) {
    fragments += one.recorder->fragments();
    for (const auto& feeder : one.feeders) {
      samples += feeder->samples();
      bytes += feeder->bytes();
      good = good && feeder->all_taken();
    }
  }
  JsonLine line;
  line.add("recorder", options.recorder).add("media", options.media).add("good", good);
  line.add(end - begin).add("samples", static_cast<double>(samples));
  line.add("bytes", static_cast<double>(bytes)).add("fragments", static_cast<double>(fragments));
  line.add("peak", static_cast<double>(peak_resident_bytes() - made)).add("finish", end.wall - eos);
  add_holds(all, line);
  line.print();
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  gst_init(nullptr, nullptr);
  const auto text = [&](const char* name, const char* otherwise) {
    return bench::argument(argc, argv, name, otherwise);
  };
  bench::Options options;
  options.recorder = text("recorder", "trailingmp4sink");
  options.media = text("media", "camera");
  options.folder = text("folder", "/tmp");
  options.seconds = std::stod(text("seconds", "10"));
  options.recorders = std::stoi(text("recorders", "1"));
  options.live = bench::has_argument(argc, argv, "live");
  options.stall = bench::has_argument(argc, argv, "stall");
  return bench::run(options);
}
