// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Recording: one file's life, from the first sample to the finished file. Pads append from any
// thread; the samples gather in the open fragment, closed fragments go to the I/O thread.
//
//   kWaiting    nothing appended yet; there is no file        -> kRecording by the first sample,
//                                                                kNothing by end()
//   kNothing    ended before the first sample; there is no file
//   kRecording  the I/O thread runs, samples are taken        -> kEnding by end() or a limit,
//                                                                kFailed by the I/O thread
//   kEnding     no sample is taken; the I/O thread writes what -> kEnded, kFailed by the I/O thread
//               is queued and then the ending
//   kEnded      the file is finished and closed
//   kFailed     writing failed; the file is closed as it was. The first error stays.
//
// Locks: mutex_, then FileWriter's. Neither is held over a system call, a wait or an announcement.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "file_writer.h"
#include "fragment.h"
#include "moov.h"
#include "movie_file.h"
#include "output_file.h"
#include "track_config.h"
#include "track_tracker.h"

namespace mp4 {

class Recording final : public std::enable_shared_from_this<Recording>, private FileWriter::Work {
 public:
  struct Settings {
    uint64_t max_queue_bytes = uint64_t{64} << 20;
    int64_t fragment_ns = kNanosecondsPerSecond;  // a fragment is closed when it spans as much
    uint32_t max_samples = UINT32_MAX - 1;        // of a track: what 'stsz' can count
    uint64_t max_moov_bytes = (uint64_t{1} << 32) - (uint64_t{64} << 20);
  };

  struct TrackSummary {
    TrackKind kind;
    uint32_t samples;
    uint64_t bytes;
    int64_t duration_ns;
    uint64_t damaged;  // samples that became zeros
  };
  struct Summary {
    int64_t duration_ns = 0;
    uint64_t bytes_written = 0;
    uint64_t bytes_synced = 0;
    uint64_t queued_bytes = 0;
    bool limit_reached = false;  // a limit of the format ended the recording
    std::vector<TrackSummary> tracks;
  };

  // What others hear of, on the I/O thread, without a lock. The recording may be ended and waited
  // for from inside. Dropped after the last call, which is finished or failed.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void opened() = 0;
    virtual void track_damaged(TrackIndex track) = 0;  // once a track
    virtual void finished(const Summary& summary) = 0;
    virtual void failed(const Status& status) = 0;
  };

  enum class Taken { kYes, kEnded, kFailed };

  struct Sample {
    SampleTimes times;
    RandomAccess access;
    uint32_t description = 0;  // as add_description() said; 0: that of add_track()
    Payload payload;
  };

  Recording(std::unique_ptr<OutputFile> file, std::shared_ptr<Listener> listener,
            const Settings& settings);
  ~Recording();

  // alternative_to: a track that this one stands in for at other times (8.3.2, alternate_group).
  TrackIndex add_track(const TrackConfig& config, std::optional<TrackIndex> alternative_to = {});
  // Another sample description of the same kind and timescale; the index of an equal one if there
  // is one. Nothing: there are as many as can be.
  std::optional<uint32_t> add_description(TrackIndex track, const TrackConfig& config);
  void set_track_tags(TrackIndex track, const TrackTags& tags);
  void set_movie_tags(std::vector<MovieTag> tags);
  void set_max_queue_bytes(uint64_t bytes) { writer_.set_max_bytes(bytes); }
  // While not, no fragment is closed just because time has passed. At first: not.
  void set_running(bool running);

  // Never waits. The sample's dts must be above that of the track's previous one.
  Taken append(TrackIndex track, Sample sample);

  // Other decode times for the track's samples, rising and as many as there are. False: too late,
  // some are in a closed fragment.
  bool retime(TrackIndex track, std::span<const Ticks> decode_times);

  bool has_room() { return writer_.has_room(); }
  void wait_for_room(const std::function<bool()>& gives_up) { writer_.wait_for_room(gives_up); }
  void wake() { writer_.wake(); }

  bool started();  // a sample was appended

  // Starts the ending; the first call counts. False: there is no file, because nothing was
  // appended. Else finished or failed is or was announced.
  bool end();
  // True: nothing is going on any more.
  bool wait_until_ended(std::chrono::milliseconds timeout) {
    return writer_.wait_until_done(timeout);
  }

  // The latest end of presentation of what was appended, on the tracks' common clock.
  std::optional<int64_t> latest_end_ns();
  Summary summary();

 private:
  enum class State { kWaiting, kNothing, kRecording, kEnding, kEnded, kFailed };
  struct Track;
  struct News;

  void begin() override;
  void write(Fragment& fragment) override;
  void deadline() override;
  void finish() override;
  bool has_news() override;
  void announce() override;

  void take(TrackIndex index, Sample sample);  // mutex_ held
  bool start();                                // mutex_ held
  void start_ending();                         // mutex_ held
  void close_fragment();                       // mutex_ held
  bool fragment_is_due() const;                // mutex_ held
  void arm_deadline();                         // mutex_ held
  void fail(const Status& status);
  Summary summarise();                         // mutex_ held
  std::vector<MoovTrack> moov_tracks() const;  // mutex_ held, or nothing appends any more

  const Settings settings_;
  std::mutex mutex_;
  State state_ = State::kWaiting;
  std::shared_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Track>> tracks_;
  MoovInfo info_;
  Fragment open_;
  uint64_t next_offset_ = MovieFile::kFirstSampleOffset;  // where the open fragment will stand
  uint16_t alternate_groups_ = 0;
  bool running_ = false;
  bool limit_reached_ = false;
  uint64_t bytes_written_ = 0;
  uint64_t bytes_synced_ = 0;
  std::unique_ptr<News> news_;  // to be announced

  MovieFile file_;  // the I/O thread's
  FileWriter writer_;
};

}  // namespace mp4
