// SPDX-License-Identifier: LGPL-2.1-or-later
#include "input.h"

#include <algorithm>

#include "bufferpayload.h"
#include "recorder.h"
#include "statistics.h"
#include "tags.h"

GST_DEBUG_CATEGORY_EXTERN(trailing_mp4_sink_debug);
#define GST_CAT_DEFAULT trailing_mp4_sink_debug

namespace trailingmp4 {
namespace {

constexpr gsize kLargestSample = gsize{64} << 20;
// Without an IDR picture for so long, a recovery point will do; and at last any picture.
constexpr int64_t kWaitForIdr = 2 * mp4::kNanosecondsPerSecond;
constexpr int64_t kWaitForAnySync = 10 * mp4::kNanosecondsPerSecond;

GstFlowReturn flow_of(mp4::Recording::Taken taken) {
  switch (taken) {
    case mp4::Recording::Taken::kYes:
      return GST_FLOW_OK;
    case mp4::Recording::Taken::kEnded:
      return GST_FLOW_EOS;
    case mp4::Recording::Taken::kFailed:
      return GST_FLOW_ERROR;
  }
  return GST_FLOW_ERROR;
}

}  // namespace

// ---- with the Recorder's lock held ----

void Input::begin_cycle(std::shared_ptr<mp4::Recording> recording, Anchors& anchors,
                        bool start_at_sync) {
  cycle_.reset(new Cycle{.recording = std::move(recording),
                         .anchors = anchors,
                         .start_at_sync = start_at_sync,
                         .waits_for_sync = start_at_sync});
  gst_segment_init(&segment_, GST_FORMAT_UNDEFINED);
  position_ = GST_CLOCK_TIME_NONE;
}

void Input::set_cancel(Cancel reason, bool on) {
  const unsigned reasons = on ? cancel_reasons_ | reason : cancel_reasons_ & ~reason;
  cancel_reasons_ = reasons;
  cancelled_ = reasons != 0;
}

std::optional<GstClockTime> Input::position() const {
  const GstClockTime position = position_;
  if (!GST_CLOCK_TIME_IS_VALID(position)) return std::nullopt;
  return position;
}

// ---- events ----

bool Input::event(GstRef<GstEvent> event) {
  Recorder* recorder = recorder_;
  if (!recorder) return false;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START:
      stream_start_event(event.get());
      return true;
    case GST_EVENT_CAPS:
      caps_event(event.get());
      return true;
    case GST_EVENT_SEGMENT:
      segment_event(event.get());
      return true;
    case GST_EVENT_TAG:
      tag_event(event.get());
      return true;
    case GST_EVENT_GAP:
      if (!recorder->wait_until_playing(*this)) return false;
      if (cycle_) cycle_->counters.gaps.add();
      return true;
    case GST_EVENT_EOS:
      return eos_event(event.get());
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      flush_event(event.get());
      return true;
    case GST_EVENT_SINK_MESSAGE:
      sink_message_event(event.get());
      return true;
    default:
      return gst_pad_event_default(pad_, GST_OBJECT_PARENT(pad_), event.release());
  }
}

void Input::sink_message_event(GstEvent* event) {
  GstMessage* message = nullptr;
  gst_event_parse_sink_message(event, &message);
  if (message) gst_element_post_message(recorder_.load()->element(), message);
}

void Input::stream_start_event(GstEvent* event) {
  guint group_id = GST_GROUP_ID_INVALID;
  gst_event_parse_group_id(event, &group_id);
  if (cycle_) cycle_->tags = {};
  recorder_.load()->stream_started(*this, group_id);
}

void Input::caps_event(GstEvent* event) {
  if (!cycle_) return;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  TrackCaps read;
  const bool has_samples = cycle_->track >= 0;
  if (const mp4::Status status = read_caps(caps, read); !status.ok()) {
    give_up(status.text().c_str());
  } else if (has_samples && !read.same_description(*cycle_->caps)) {
    give_up("the stream's parameters changed.");
  } else if (!has_samples) {
    cycle_->timeline = std::make_unique<Timeline>(
        Timeline::Stream{read.config.timescale, read.config.audio.frame_ticks}, cycle_->anchors,
        cycle_->time_counters);
    cycle_->caps = std::move(read);
  }
}

void Input::segment_event(GstEvent* event) {
  const bool first = segment_.format == GST_FORMAT_UNDEFINED;
  gst_event_copy_segment(event, &segment_);
  if (!cycle_) return;
  if (segment_.format != GST_FORMAT_TIME)
    give_up("its segment is not in time.");
  else if (segment_.rate != 1.0)
    give_up("only playback at rate 1 can be recorded.");
  else if (!first && cycle_->timeline)
    cycle_->timeline->expect_step_back(running_time(segment_.start));
}

void Input::tag_event(GstEvent* event) {
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  GstElement* element = recorder_.load()->element();
  if (gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_GLOBAL) recorder_.load()->merge_tags(tags);
  if (cycle_) {
    read_track_tags(tags, cycle_->tags);
    if (cycle_->track >= 0) cycle_->recording->set_track_tags(track(), cycle_->tags);
  }
  gst_element_post_message(element,
                           gst_message_new_tag(GST_OBJECT(element), gst_tag_list_ref(tags)));
}

bool Input::eos_event(GstEvent* event) {
  Recorder* recorder = recorder_;
  if (!recorder->wait_until_playing(*this)) return false;
  recorder->ended(*this, gst_event_get_seqnum(event));
  return true;
}

void Input::flush_event(GstEvent* event) {
  Recorder* recorder = recorder_;
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) {
    recorder->cancel(*this, kFlushing, true);
    return;
  }
  recorder->flushed(*this);
  recorder->cancel(*this, kFlushing, false);
}

void Input::unlinked() {
  if (Recorder* recorder = recorder_) recorder->unlinked(*this);
}

// ---- buffers ----

GstFlowReturn Input::chain(GstRef<GstBuffer> buffer) {
  Recorder* recorder = recorder_;
  if (!recorder || !cycle_) return GST_FLOW_FLUSHING;
  switch (recorder->wait_for_turn(*this, *cycle_->recording)) {
    case Recorder::Turn::kCancelled:
      return GST_FLOW_FLUSHING;
    case Recorder::Turn::kQueueFull:
      cycle_->counters.queue_full.add();
      cycle_->waits_for_sync = true;
      return GST_FLOW_OK;
    case Recorder::Turn::kGo:
      return record(std::move(buffer));
  }
  return GST_FLOW_ERROR;
}

// The first fault is said, then the track is silent: upstream must not hear of it, since rtspsrc
// and others stop all their streams when one pad does not return OK.
GstFlowReturn Input::give_up(const char* sentence) {
  if (!cycle_->given_up) {
    cycle_->given_up = true;
    cycle_->given_up_flow = recorder_.load()->give_up(*this, sentence);
  }
  return cycle_->given_up_flow;
}

GstFlowReturn Input::record(GstRef<GstBuffer> buffer) {
  if (cycle_->given_up) {
    cycle_->counters.after_end.add();
    return cycle_->given_up_flow;
  }
  const gsize size = gst_buffer_get_size(buffer.get());
  if (!cycle_->caps) return give_up("buffers came without caps.");
  if (segment_.format != GST_FORMAT_TIME) return give_up("buffers came without a segment.");
  if (size == 0) {
    cycle_->counters.empty.add();
    return GST_FLOW_OK;
  }
  if (size > kLargestSample) return give_up("a sample is larger than 64 MiB.");
  if (needs_copy(buffer.get())) {
    buffer = copy_to_system_memory(buffer.get());
    cycle_->counters.copied.add();
  }
  const auto unit = buffer ? look_into(buffer.get()) : std::nullopt;
  if (!unit) return give_up("a sample's bytes cannot be read.");
  if (!unit->has_slice) {
    cycle_->counters.no_slice.add();
    return GST_FLOW_OK;
  }
  return record_unit(std::move(buffer), *unit);
}

GstFlowReturn Input::record_unit(GstRef<GstBuffer> buffer, const mp4::AvcAccessUnit& unit) {
  Cycle& cycle = *cycle_;
  if (GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT) && cycle.any_buffer)
    cycle.counters.discont.add();
  cycle.any_buffer = true;
  const Timeline::Stamps stamps = stamps_of(buffer.get());
  if (!may_start(unit, buffer.get(), stamps)) {
    cycle.counters.before_sync.add();
    return GST_FLOW_OK;
  }
  const auto times = cycle.timeline->place(stamps);
  note_position(buffer.get());
  if (!times) return GST_FLOW_OK;
  mp4::Recording::Sample sample{*times, unit.idr, make_payload(std::move(buffer))};
  return flow_of(cycle.recording->append(track(), std::move(sample)));
}

// Audio has no NAL units; each of its samples stands for itself.
std::optional<mp4::AvcAccessUnit> Input::look_into(GstBuffer* buffer) const {
  const unsigned nal_length_size = cycle_->caps->nal_length_size;
  if (nal_length_size == 0) return mp4::AvcAccessUnit{.has_slice = true, .idr = true};
  const BufferBytes bytes(buffer);
  if (!bytes.readable()) return std::nullopt;
  return mp4::scan_avc_access_unit(bytes, nal_length_size);
}

bool Input::may_start(const mp4::AvcAccessUnit& unit, GstBuffer* buffer,
                      const Timeline::Stamps& stamps) {
  Cycle& cycle = *cycle_;
  if (!cycle.waits_for_sync || unit.idr) {
    cycle.waits_for_sync = false;
    return true;
  }
  const auto now = stamps.pts ? stamps.pts : stamps.dts;
  if (!now) return false;
  if (!cycle.waiting_since) cycle.waiting_since = now;
  const int64_t waited = *now - *cycle.waiting_since;
  const bool random_access =
      unit.recovery_point || !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (waited < kWaitForIdr || (!random_access && waited < kWaitForAnySync)) return false;
  cycle.waits_for_sync = false;
  cycle.waiting_since.reset();
  return true;
}

std::optional<int64_t> Input::running_time(GstClockTime time) const {
  if (!GST_CLOCK_TIME_IS_VALID(time)) return std::nullopt;
  guint64 value = 0;
  const int sign = gst_segment_to_running_time_full(&segment_, GST_FORMAT_TIME, time, &value);
  if (sign == 0) return std::nullopt;
  const auto held = static_cast<int64_t>(std::min<guint64>(value, G_MAXINT64));
  return sign > 0 ? held : -held;
}

Timeline::Stamps Input::stamps_of(GstBuffer* buffer) const {
  Timeline::Stamps stamps;
  stamps.pts = running_time(GST_BUFFER_PTS(buffer));
  stamps.dts = running_time(GST_BUFFER_DTS(buffer));
  const GstClockTime duration = GST_BUFFER_DURATION(buffer);
  if (GST_CLOCK_TIME_IS_VALID(duration))
    stamps.duration = static_cast<int64_t>(std::min<guint64>(duration, G_MAXINT64));
  return stamps;
}

void Input::note_position(GstBuffer* buffer) {
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(time)) return;
  guint64 position = 0;
  if (gst_segment_to_stream_time_full(&segment_, GST_FORMAT_TIME, time, &position) > 0)
    position_ = position;
}

// The track begins with its first sample.
mp4::TrackIndex Input::track() {
  if (cycle_->track < 0) {
    const mp4::TrackIndex index = cycle_->recording->add_track(cycle_->caps->config);
    cycle_->recording->set_track_tags(index, cycle_->tags);
    cycle_->track = index;
  }
  return static_cast<mp4::TrackIndex>(cycle_->track.load());
}

// ---- statistics ----

StructureOwner Input::stats(const mp4::Recording::Summary& summary) const {
  if (!cycle_) return {};
  const int64_t index = cycle_->track;
  mp4::Recording::TrackSummary track{};
  if (index >= 0 && static_cast<size_t>(index) < summary.tracks.size())
    track = summary.tracks[static_cast<size_t>(index)];
  const GString8 name(gst_object_get_name(GST_OBJECT(pad_)));
  return track_stats(name.get(), track, cycle_->counters, cycle_->time_counters);
}

}  // namespace trailingmp4
