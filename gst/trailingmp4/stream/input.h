// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: one pad's stream on its way into the file. Caps become a track's description, buffers
// become samples; what cannot be recorded is counted, or ends this track alone.
//
// All of it belongs to the pad's streaming thread, but for what is marked otherwise.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "recording/recording.h"
#include "recording/sync_gate.h"
#include "recording/timing/timeline.h"
#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/base/settings.h"
#include "trailingmp4/stream/counter_log.h"
#include "trailingmp4/stream/fault_warnings.h"
#include "trailingmp4/stream/input_tracks.h"
#include "trailingmp4/stream/statistics.h"

namespace trailingmp4 {

class Recorder;

// What a pad needs of one recording.
struct CycleSettings {
  std::shared_ptr<mp4::Recording> recording;
  std::shared_ptr<SharedClock> clock;
  ClockSettings clock_settings;
  LossPolicy loss_policy = LossPolicy::kKeep;
  bool start_at_sync = true;
};

class Input {
 public:
  // Why a waiting streaming thread must come back.
  enum Cancel : unsigned { kFlushing = 1, kReleased = 2, kStopping = 4 };

  explicit Input(GstPad* pad) : pad_(pad) {}

  GstFlowReturn chain(GstRef<GstBuffer> buffer);
  bool event(GstRef<GstEvent> event);
  void unlinked();  // any thread

  // Called by the Recorder with its lock held.
  void attach(Recorder* recorder) { recorder_ = recorder; }
  void begin_cycle(const CycleSettings& settings);
  void end_cycle() { cycle_.reset(); }
  void end_tracks();  // nothing comes any more
  void set_cancel(Cancel reason, bool on);
  StructureOwner stats(const mp4::Recording::Summary& summary) const;
  bool has_begun() const { return cycle_ && !cycle_->tracks.begun().empty(); }

  // Any thread.
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  GstPad* pad() const { return pad_; }
  std::optional<GstClockTime> position() const;  // stream time of the last sample

 private:
  // From READY to PAUSED until PAUSED to READY.
  struct Cycle {
    Cycle(GstPad* pad, const CycleSettings& the_settings)
        : settings(the_settings),
          timeline(settings.clock_settings, *settings.clock, time_counters),
          tracks(pad, settings.recording, time_counters),
          gate(settings.start_at_sync),
          warnings(counters, time_counters),
          counter_log(counters, time_counters) {}

    const CycleSettings settings;
    InputCounters counters;
    Timeline::Counters time_counters;
    Timeline timeline;
    InputTracks tracks;
    SyncGate gate;
    FaultWarnings warnings;
    CounterLog counter_log;
    std::string stream_id;
    mp4::TrackTags tags;
    bool given_up = false;
    GstFlowReturn given_up_flow = GST_FLOW_OK;
    bool expects_discont = true;  // the next buffer begins something, whatever was before
    std::optional<bool> is_live;
  };

  void caps_event(GstEvent* event);
  void segment_event(GstEvent* event);
  void tag_event(GstEvent* event);
  void stream_start_event(GstEvent* event);
  void sink_message_event(GstEvent* event);
  bool eos_event(GstEvent* event);
  void flush_event(GstEvent* event);

  void gap_event(GstEvent* event);

  GstFlowReturn record(GstRef<GstBuffer> buffer, bool damaged);
  GstFlowReturn place(GstRef<GstBuffer> buffer, const mp4::AccessUnit& unit);
  GstFlowReturn append(GstRef<GstBuffer> buffer, const mp4::AccessUnit& unit,
                       const mp4::SampleTimes& times, mp4::Ticks clip);
  void log_times(const Timeline::Stamps& stamps, const Timeline::Placed& placed);
  void end_text();
  std::optional<GstFlowReturn> append_silence(mp4::Ticks end);
  GstFlowReturn give_up(const char* sentence);
  // False: the policy ends the recording.
  bool note_loss();
  bool is_behind_loss(GstBuffer* buffer);
  Counter* stopped_by_gate(GstBuffer* buffer, const mp4::AccessUnit& unit, bool damaged);
  GstFlowReturn leave_out(Counter& reason);
  bool is_live();
  Timeline::Stamps stamps_of(GstBuffer* buffer, const mp4::AccessUnit& unit);
  std::optional<int64_t> running_time(GstClockTime time) const;
  void note_position(GstBuffer* buffer);

  GstPad* pad_;
  std::atomic<Recorder*> recorder_{nullptr};
  std::unique_ptr<Cycle> cycle_;
  GstSegment segment_{};
  std::atomic<unsigned> cancel_reasons_{0};
  std::atomic<bool> cancelled_{false};
  std::atomic<GstClockTime> position_{GST_CLOCK_TIME_NONE};
};

}  // namespace trailingmp4
