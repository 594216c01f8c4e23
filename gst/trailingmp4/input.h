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

#include "gstref.h"
#include "mp4/avc.h"
#include "mp4/recording.h"
#include "statistics.h"
#include "timeline.h"
#include "trackcaps.h"

namespace trailingmp4 {

class Recorder;

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
  void begin_cycle(std::shared_ptr<mp4::Recording> recording, Anchors& anchors, bool start_at_sync);
  void end_cycle() { cycle_.reset(); }
  void set_cancel(Cancel reason, bool on);
  StructureOwner stats(const mp4::Recording::Summary& summary) const;

  // Any thread.
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  GstPad* pad() const { return pad_; }
  std::optional<GstClockTime> position() const;  // stream time of the last sample

 private:
  // From READY to PAUSED until PAUSED to READY.
  struct Cycle {
    std::shared_ptr<mp4::Recording> recording;
    Anchors& anchors;
    InputCounters counters;
    Timeline::Counters time_counters;
    bool start_at_sync;
    std::optional<TrackCaps> caps;
    std::unique_ptr<Timeline> timeline;
    std::atomic<int64_t> track{-1};  // index in the recording
    mp4::TrackTags tags;
    bool given_up = false;
    GstFlowReturn given_up_flow = GST_FLOW_OK;
    bool any_buffer = false;
    bool waits_for_sync = true;
    std::optional<int64_t> waiting_since;  // running time
  };

  void caps_event(GstEvent* event);
  void segment_event(GstEvent* event);
  void tag_event(GstEvent* event);
  void stream_start_event(GstEvent* event);
  void sink_message_event(GstEvent* event);
  bool eos_event(GstEvent* event);
  void flush_event(GstEvent* event);

  GstFlowReturn record(GstRef<GstBuffer> buffer);
  GstFlowReturn record_unit(GstRef<GstBuffer> buffer, const mp4::AvcAccessUnit& unit);
  GstFlowReturn give_up(const char* sentence);
  std::optional<mp4::AvcAccessUnit> look_into(GstBuffer* buffer) const;
  bool may_start(const mp4::AvcAccessUnit& unit, GstBuffer* buffer, const Timeline::Stamps& stamps);
  Timeline::Stamps stamps_of(GstBuffer* buffer) const;
  std::optional<int64_t> running_time(GstClockTime time) const;
  mp4::TrackIndex track();
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
