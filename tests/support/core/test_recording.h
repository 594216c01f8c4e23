// SPDX-License-Identifier: LGPL-2.1-or-later
//
// TestRecording: a recording into a temporary folder over a faulty disk that remembers what was
// appended, and compares it with what the tests' own reader finds in the file.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "box_reader.h"
#include "faulty_file.h"
#include "mp4/file/posix_output_file.h"
#include "recording/recording.h"
#include "test_payload.h"

namespace mp4_test {

/// Far longer than anything here takes; a test that needs it has failed.
inline constexpr std::chrono::seconds kLong{60};

/// Where a folder is. Thousands of files in memory, where there is a file system for it, do not
/// wait for the syncs of a disk.
enum class Medium { kDisk, kMemory };

class TemporaryFolder {
 public:
  explicit TemporaryFolder(Medium medium = Medium::kDisk);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Writes down what a recording says; each hook runs inside the callback, after that.
class Witness final : public mp4::Recording::Listener {
 public:
  std::function<void()> when_opened, when_damaged, when_finished, when_failed;
  std::function<void()> when_told;  ///< why the recording failed, or had to end

  void opened(const mp4::Recording::Summary& summary) override;
  void track_damaged(mp4::TrackIndex track) override;
  void track_left_out(mp4::TrackIndex track) override;
  void track_grew_long(mp4::TrackIndex track) override;
  void had_to_end(const mp4::Status& why) override;
  void finished(const mp4::Recording::Summary& summary, const mp4::Status& why) override;
  void failed(const mp4::Status& status) override;

  /// "opened, damaged 1, finished"
  std::string heard();
  std::optional<mp4::Recording::Summary> summary();  ///< of finished
  std::optional<mp4::Status> failure();              ///< of failed, or why it had to be finished
  bool wait_until_opened(std::chrono::milliseconds timeout = kLong);
  /// Finished or failed.
  bool wait_until_ended(std::chrono::milliseconds timeout = kLong);

 private:
  void hear(const std::string& what, const std::function<void()>& hook);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string heard_;
  bool opened_ = false;
  std::optional<mp4::Recording::Summary> summary_;
  std::optional<mp4::Status> failure_;
};

mp4::TrackConfig video_config();  ///< 320x240, 90 kHz
mp4::TrackConfig audio_config();  ///< AAC, 48 kHz, stereo

/// Whether recordings are published in fragments where a test does not say: the suites are run in
/// both ways.
bool fragments_are_on();
mp4::Recording::Settings default_settings();

class TestRecording {
 public:
  explicit TestRecording(const mp4::Recording::Settings& settings = default_settings());
  /// Into another folder than its own.
  TestRecording(const std::string& location, const mp4::Recording::Settings& settings);

  TemporaryFolder folder;
  std::string path;
  std::shared_ptr<FaultyDisk> disk;
  std::shared_ptr<Witness> witness;
  std::shared_ptr<mp4::Recording> recording;

  mp4::TrackIndex add_track(const mp4::TrackConfig& config);
  /// A sample of invented bytes.
  mp4::Recording::Taken append(mp4::TrackIndex track, const mp4::SampleTimes& times,
                               bool sync = true, std::size_t size = 100);
  mp4::Recording::Taken append(mp4::TrackIndex track, const mp4::SampleTimes& times, bool sync,
                               mp4::Payload payload, Bytes expected);
  /// Samples of one after the other, `step` ticks apart; the first of each `group` is sync.
  void append_many(mp4::TrackIndex track, unsigned count, mp4::Ticks step, unsigned group = 1);

  /// What was appended goes into fragments, without waiting for what follows it.
  void release_held();
  /// Fragments that the disk was given, published or not.
  unsigned fragments_written() { return disk->count(Verb::kReserve); }

  /// Ends it and waits. True: the file is finished.
  bool finish();
  /// Once it is over: whether all that the recording held is gone.
  bool is_freed();

  std::optional<boxes::Movie> read() const { return boxes::read_movie(path); }
  /// What is wrong with the file, or not as it was appended; empty if all is well.
  std::string differences() const;
  /// The same of a file that is not finished: it holds the first samples of each track, as many as
  /// `samples` says of the track. The movie begins at `origin_ns`.
  std::string growing_differences(const std::vector<std::size_t>& samples,
                                  int64_t origin_ns = 0) const;
  /// The same of a finished file that does not hold all.
  std::string shortened_differences(const std::vector<std::size_t>& samples) const;
  /// Every fragment that was closed is published.
  bool wait_until_published(uint64_t fragments);

 private:
  struct Appended {
    mp4::SampleTimes times;
    bool sync;
    Bytes bytes;
  };
  struct Track {
    mp4::Timescale timescale;
    std::vector<Appended> samples;
  };

  std::string compare(const boxes::Movie& movie, const boxes::Track& found,
                      const Track& track) const;
  std::string compare_begin(const boxes::Movie& movie, const std::vector<std::size_t>& samples,
                            int64_t origin_ns) const;
  std::string compare_sample(const boxes::Sample& out, const Appended& in, int64_t late_ns) const;

  std::vector<Track> tracks_;
  uint32_t seed_ = 0;
};

/// Asks again and again until it is true. False: it did not become so.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout = kLong);

}  // namespace mp4_test
