// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Recorder: what the element is between its pads and the recording: settings, who takes part, when
// samples are taken, how it ends, and what the bus hears of it. It lives as long as the element.
//
// When no pad takes part any more (see roster.h) and some pad is at EOS, or the last pad was
// released, the recording ends.
//
// Locks: mutex_, then Recording's; that of MovieTags apart from both. With mutex_ held nothing is
// posted, pushed or waited for but the gate itself.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mp4/file/posix_output_file.h"
#include "recording/recording.h"
#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/base/settings.h"
#include "trailingmp4/element/roster.h"
#include "trailingmp4/stream/input.h"
#include "trailingmp4/stream/tags.h"

namespace trailingmp4 {

class Recorder {
 public:
  enum class Turn { kGo, kCancelled, kQueueFull };

  explicit Recorder(GstElement* element) : element_(element) {}

  GstElement* element() const { return element_; }
  Settings settings();
  void change_settings(const std::function<void(Settings&)>& change);
  StructureOwner stats();
  guint64 bytes_written();

  // State changes. False: an error was posted.
  bool prepare();      // NULL to READY: looks at the location
  bool start();        // READY to PAUSED
  void play();         // PAUSED to PLAYING
  void pause();        // PLAYING to PAUSED
  void begin_stop();   // PAUSED to READY, before the pads are deactivated
  void finish_stop();  // and after
  void forget();       // READY to NULL

  void add(Input& input);
  void cancel(Input& input, Input::Cancel reason, bool on);
  void remove(Input& input);

  // Streaming threads. wait_until_playing: false when cancelled.
  bool wait_until_playing(const Input& input);
  Turn wait_for_turn(const Input& input, mp4::Recording& recording);
  void stream_started(Input& input, guint group_id);
  void ended(Input& input, guint32 seqnum);
  void flushed(Input& input);
  void unlinked(Input& input);
  // The track ends with a warning, or an error if there is no other.
  GstFlowReturn give_up(Input& input, const char* sentence);
  // The recording ends well, with an error on the bus.
  GstFlowReturn end_with_error(Input& input, const char* sentence);
  std::optional<int64_t> clock_time() const;  // of the pipeline's clock
  void merge_tags(const GstTagList* tags);    // of global scope: they are the movie's

  // The I/O thread: the file of that cycle is closed.
  void recording_done(unsigned cycle, bool success);

  // The application's EOS: ends every pad, in any state, without waiting for its thread.
  // False: not recording.
  bool end_all(guint32 seqnum);

 private:
  bool expects_stream();
  void warn_of_short_fragments();
  std::vector<GstRef<GstPad>> silent_pads();
  CycleSettings cycle_settings() const;  // mutex_ held
  void end_if_due();
  void end_without_tracks(const std::string& text);
  void end_recording(mp4::Recording& recording);
  void post_eos_if_due();
  void hand_over_tags(mp4::Recording& recording);
  void wait_for_ending(mp4::Recording& recording, GstClockTime timeout);
  std::shared_ptr<mp4::Recording> recording();

  GstElement* element_;
  std::mutex mutex_;
  MovieTags tags_;
  std::condition_variable gate_;
  std::atomic<bool> playing_{false};
  bool stopping_ = false;
  Settings settings_;
  std::unique_ptr<mp4::PosixOutputFile> target_;  // looked at, not created
  Settings target_settings_;                      // with which it was
  Roster roster_;
  std::shared_ptr<mp4::Recording> recording_;
  std::shared_ptr<SharedClock> clock_;
  StructureOwner last_stats_;             // of the recording before, between two
  std::vector<StructureOwner> released_;  // statistics of pads that are gone
  std::string open_location_;             // of recording_
  unsigned cycle_ = 0;                    // counts recordings
  bool reached_eos_ = false;              // everything ended, by EOS
  bool forced_eos_ = false;               // the application's EOS: nothing takes it back but READY
  bool eos_posted_ = false;               // since PLAYING
  bool done_ = false;                     // the file is finished, or there is none
  guint32 eos_seqnum_ = 0;
  bool warned_of_short_fragments_ = false;
  std::optional<guint> group_id_;  // of the last STREAM_START message
  std::atomic<bool> drops_when_full_{false};
};

}  // namespace trailingmp4
