// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Recording: one file's life, from the first sample to the finished file. Pads append from any
// thread; the samples gather in the open fragment (FragmentAssembler), closed fragments go to the
// I/O thread, which appends them to the file, makes them durable and publishes them.
//
//   kWaiting    nothing appended yet; there is no file        -> kRecording by the first sample,
//                                                                kNothing by end()
//   kNothing    ended before the first sample; there is no file
//   kRecording  the I/O thread runs, samples are taken        -> kEnding by end() or a limit,
//                                                                kFailed by the I/O thread
//   kEnding     no sample is taken; the I/O thread writes what -> kEnded, kFailed by the I/O thread
//               is queued and then the ending. Where the disk
//               is full, what is queued is dropped instead
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

#include "mp4/base/log.h"
#include "mp4/base/track_config.h"
#include "mp4/boxes/moov.h"
#include "mp4/file/fragment.h"
#include "mp4/file/movie_file.h"
#include "mp4/file/output_file.h"
#include "mp4/samples/track_tracker.h"
#include "recording/file_writer.h"
#include "recording/fragment_assembler.h"

namespace mp4 {

class Recording final : public std::enable_shared_from_this<Recording>, private FileWriter::Work {
 public:
  struct Settings {
    uint64_t max_queue_bytes = uint64_t{64} << 20;
    // A fragment lasts so long, and is in the file, durable and published, soon after. 0: none is
    // published; the file cannot be read until it is finished.
    int64_t fragment_ns = kNanosecondsPerSecond;
    int64_t sync_interval_ns = 0;           // at least; less than a fragment means that
    uint32_t max_samples = UINT32_MAX - 1;  // of a track: what 'stsz' can count
    uint64_t max_moov_bytes = (uint64_t{1} << 32) - (uint64_t{64} << 20);
    uint64_t moov_reserve = 16 * 1024;  // for tracks that begin later, as FragmentAssembler
    // Of a track, after which the listener hears that readers may refuse it: GStreamer's qtdemux
    // (1.22) does at 6.55 million. Not of PCM, which readers take by the chunk.
    uint32_t many_samples = 6'000'000;
    Log log = {};
  };

  struct TrackSummary {
    TrackKind kind;
    uint32_t samples;
    uint64_t bytes;
    int64_t duration_ns;
    uint64_t damaged;  // samples that became zeros
  };
  struct Summary {
    // Of the file's time 0, on the tracks' common clock, as far as it is known: earlier samples of
    // a track that begins later move it. Nothing: no sample yet.
    std::optional<int64_t> zero_ns;
    int64_t duration_ns = 0;
    uint64_t bytes_written = 0;
    uint64_t bytes_synced = 0;
    uint64_t fragments_published = 0;
    uint64_t queued_bytes = 0;
    bool limit_reached = false;  // a limit of the format ended the recording
    std::vector<TrackSummary> tracks;
  };

  // What others hear of, on the I/O thread, without a lock. The recording may be ended and waited
  // for from inside. Dropped after the last call, which is finished or failed.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void opened(const Summary& summary) = 0;
    virtual void track_damaged(TrackIndex track) = 0;  // once a track
    // Readers find the track in the finished file only.
    virtual void track_left_out(TrackIndex track) = 0;
    virtual void track_grew_long(TrackIndex track) = 0;  // once a track
    // The recording had to end; what was written so far is being finished.
    virtual void had_to_end(const Status& why) = 0;
    // The file is finished, with all that was written. Not ok: that is why it had to end.
    virtual void finished(const Summary& summary, const Status& why) = 0;
    // The file is not finished.
    virtual void failed(const Status& status) = 0;
  };

  enum class Taken { kYes, kEnded, kFailed };

  using Sample = FragmentAssembler::Sample;

  Recording(std::unique_ptr<OutputFile> file, std::shared_ptr<Listener> listener,
            const Settings& settings);
  ~Recording();

  // As FragmentAssembler says.
  TrackIndex add_track(const TrackConfig& config, std::optional<TrackIndex> alternative_to = {});
  // Another sample description of the same kind and timescale; the index of an equal one if there
  // is one. Nothing: there are as many as can be.
  std::optional<uint32_t> add_description(TrackIndex track, const TrackConfig& config);
  void set_track_tags(TrackIndex track, const TrackTags& tags);
  void set_movie_tags(std::vector<MovieTag> tags);
  void set_max_queue_bytes(uint64_t bytes) { writer_.set_max_bytes(bytes); }
  // While not, no fragment is closed just because time has passed. At first: not.
  void set_running(bool running);

  // Never waits. The sample's dts must be above that of the track's previous one. kFailed only
  // after the listener has heard why; what comes between is dropped.
  Taken append(TrackIndex track, Sample sample);

  // Other decode times for the track's samples, rising and as many as there are. False: too late,
  // some are in a closed fragment.
  bool retime(TrackIndex track, std::span<const Ticks> decode_times);

  // The track's last sample is complete: what comes after it is far away, or nothing. Never waits.
  void end_track(TrackIndex track);

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
  struct InFile {  // of a track
    TrackTracker::Mark mark;
    uint64_t damaged = 0;
  };
  struct News;

  void begin() override;
  void write(Fragment& fragment) override;
  void commit() override;
  void settle() override;
  void deadline() override;
  void finish() override;
  bool has_news() override;
  void announce() override;

  void take(TrackIndex index, Sample sample);  // mutex_ held
  bool start();                                // mutex_ held
  void start_ending();                         // mutex_ held
  void close_fragment();                       // mutex_ held
  void arm_deadline();                         // mutex_ held
  void end_for(const Status& status);
  void fail(const Status& status);
  void log_failure(const char* what, const Status& status) const;
  bool is_over();        // nothing more is to be written but the ending, or not even that
  void note_progress();  // mutex_ held
  Summary summarise();   // mutex_ held

  const Settings settings_;
  std::mutex mutex_;
  State state_ = State::kWaiting;
  std::shared_ptr<Listener> listener_;
  FragmentAssembler assembler_;
  std::vector<InFile> in_file_;  // as of the last fragment that was written
  bool running_ = false;
  bool deadline_armed_ = false;
  bool limit_reached_ = false;
  Status end_reason_;     // why the recording had to end
  bool is_told_ = false;  // that it had to, or failed
  uint64_t bytes_written_ = 0;
  uint64_t bytes_synced_ = 0;
  uint64_t fragments_published_ = 0;
  std::unique_ptr<News> news_;  // to be announced

  MovieFile file_;  // the I/O thread's
  FileWriter writer_;
};

}  // namespace mp4
