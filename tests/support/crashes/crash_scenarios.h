// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Film: a short recording onto a CrashDisk, and what was recorded. Scenario: how one is made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crash_disk.h"
#include "crash_mutants.h"
#include "test_recording.h"

namespace mp4_test {

class Film {
 public:
  struct Settings {
    int64_t fragment_ns = 100'000'000;
    uint64_t room = UINT64_MAX;
    bool holds_room = true;
    bool overwrites = false;
  };

  Film(Mutant mutant, const Settings& the_settings)
      : settings(the_settings),
        disk(std::make_shared<CrashDisk>(settings.room, settings.holds_room)),
        witness(std::make_shared<Witness>()),
        recording(std::make_shared<mp4::Recording>(
            std::make_unique<MutantFile>(mutant, std::make_unique<CrashFile>(disk)), witness,
            mp4::Recording::Settings{.fragment_ns = settings.fragment_ns, .moov_reserve = 4'000})) {
  }

  struct Sample {
    mp4::SampleTimes times;
    bool sync;
    Bytes bytes;
    uint32_t large = 0;  // so many zeros instead
  };
  struct Track {
    mp4::Timescale timescale;
    std::vector<Sample> samples;
  };

  mp4::TrackIndex add_track(const mp4::TrackConfig& config) {
    tracks.push_back({config.timescale, {}});
    return recording->add_track(config);
  }
  void append(mp4::TrackIndex track, const mp4::SampleTimes& times, bool sync,
              uint32_t description = 0) {
    ++seed_;
    Bytes bytes = some_bytes(150 + seed_ % 40, seed_);
    const auto taken =
        recording->append(track, {times, {.sync = sync}, description, make_payload(bytes)});
    if (tracks[track].samples.empty()) by_id.push_back(track);
    if (taken == mp4::Recording::Taken::kYes)
      tracks[track].samples.push_back({times, sync, std::move(bytes)});
  }
  // After it, positions are close to 4 GiB and soon above.
  void append_large(mp4::TrackIndex track, const mp4::SampleTimes& times) {
    constexpr uint32_t kSize = 0xffffe000;
    recording->append(track, {times, {.sync = true}, 0, make_large_payload(kSize)});
    by_id.push_back(track);
    tracks[track].samples.push_back({times, true, {}, kSize});
  }
  // To be called once a fragment: all but the last one are published, as far as the disk lets them.
  void settle() {
    if (settings.fragment_ns == 0) return;
    const uint64_t closed = settled_++;
    eventually(
        [&] {
          return witness->failure() || witness->summary() ||
                 recording->summary().fragments_published >= closed;
        },
        std::chrono::milliseconds(500));
  }
  void finish() {
    if (recording->end()) witness->wait_until_ended();
    recording->wait_until_ended(kLong);
  }

  const Settings settings;
  std::shared_ptr<CrashDisk> disk;
  std::shared_ptr<Witness> witness;
  std::shared_ptr<mp4::Recording> recording;
  std::vector<Track> tracks;
  std::vector<mp4::TrackIndex> by_id;  // the file's first track is that of the first sample

 private:
  uint32_t seed_ = 0;
  uint64_t settled_ = 0;
};

struct Scenario {
  const char* name;
  Film::Settings settings;
  void (*record)(Film& film);
};

extern const std::vector<Scenario> kScenarios;

}  // namespace mp4_test
