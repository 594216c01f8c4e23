// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/input.h"

#include <algorithm>
#include <utility>

#include "trailingmp4/base/log.h"
#include "trailingmp4/element/recorder.h"
#include "trailingmp4/element/upstream.h"
#include "trailingmp4/stream/buffer_payload.h"
#include "trailingmp4/stream/sample_bytes.h"
#include "trailingmp4/stream/statistics.h"
#include "trailingmp4/stream/tags.h"

namespace trailingmp4 {
namespace {

constexpr gsize kLargestSample = gsize{64} << 20;

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

void Input::begin_cycle(const CycleSettings& settings) {
  cycle_ = std::make_unique<Cycle>(pad_, settings);
  gst_segment_init(&segment_, GST_FORMAT_UNDEFINED);
  position_ = GST_CLOCK_TIME_NONE;
}

void Input::end_tracks() {
  if (cycle_) cycle_->tracks.end();
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
  GST_DEBUG_OBJECT(pad_, "event %" GST_PTR_FORMAT, static_cast<void*>(event.get()));
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
      if (cycle_) gap_event(event.get());
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

// A stream that starts again keeps its tags: since GStreamer 1.26 pads keep them as well, so they
// do not come again.
void Input::stream_start_event(GstEvent* event) {
  guint group_id = GST_GROUP_ID_INVALID;
  gst_event_parse_group_id(event, &group_id);
  const char* stream_id = nullptr;
  gst_event_parse_stream_start(event, &stream_id);
  if (cycle_) {
    if (cycle_->stream_id != stream_id) cycle_->tags = {};
    cycle_->stream_id = stream_id;
    cycle_->expects_discont = true;
  }
  recorder_.load()->stream_started(*this, group_id);
}

void Input::caps_event(GstEvent* event) {
  if (!cycle_) return;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  TrackCaps read;
  if (const mp4::Status status = read_caps(caps, read); !status.ok()) {
    give_up(status.text().c_str());
    return;
  }
  cycle_->timeline.leave_track();
  cycle_->tracks.set_caps(std::move(read), cycle_->timeline.end());
}

void Input::segment_event(GstEvent* event) {
  const bool first = segment_.format == GST_FORMAT_UNDEFINED;
  gst_event_copy_segment(event, &segment_);
  if (!cycle_) return;
  cycle_->expects_discont = true;
  if (segment_.format != GST_FORMAT_TIME)
    give_up("its segment is not in time.");
  else if (segment_.rate != 1.0)
    give_up("only playback at rate 1 can be recorded.");
  else if (!first)
    cycle_->timeline.announce_start(running_time(segment_.start));
}

void Input::tag_event(GstEvent* event) {
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  GstElement* element = recorder_.load()->element();
  if (gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_GLOBAL) recorder_.load()->merge_tags(tags);
  if (cycle_) {
    read_track_tags(tags, cycle_->tags);
    cycle_->tracks.set_tags(cycle_->tags);
  }
  gst_element_post_message(element,
                           gst_message_new_tag(GST_OBJECT(element), gst_tag_list_ref(tags)));
}

bool Input::eos_event(GstEvent* event) {
  Recorder* recorder = recorder_;
  if (!recorder->wait_until_playing(*this)) return false;
  end_text();
  end_tracks();
  recorder->ended(*this, gst_event_get_seqnum(event));
  return true;
}

// What upstream says of a stretch without data: whether it was lost, and that its time passed.
void Input::gap_event(GstEvent* event) {
  cycle_->counters.gaps.add();
  GstGapFlags flags{};
  gst_event_parse_gap_flags(event, &flags);
  GstClockTime begin = GST_CLOCK_TIME_NONE, duration = GST_CLOCK_TIME_NONE;
  gst_event_parse_gap(event, &begin, &duration);
  if (GST_CLOCK_TIME_IS_VALID(begin) && GST_CLOCK_TIME_IS_VALID(duration))
    if (const auto end = running_time(begin + std::min(duration, GST_CLOCK_TIME_NONE - 1 - begin)))
      cycle_->timeline.announce_gap(*end);
  if (flags & GST_GAP_FLAG_MISSING_DATA) note_loss();
}

void Input::flush_event(GstEvent* event) {
  Recorder* recorder = recorder_;
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) {
    recorder->cancel(*this, kFlushing, true);
    return;
  }
  recorder->flushed(*this);
  if (cycle_) cycle_->expects_discont = true;
  recorder->cancel(*this, kFlushing, false);
}

void Input::unlinked() {
  if (Recorder* recorder = recorder_) recorder->unlinked(*this);
}

// ---- buffers ----

GstFlowReturn Input::chain(GstRef<GstBuffer> buffer) {
  Recorder* recorder = recorder_;
  if (!recorder || !cycle_) return GST_FLOW_FLUSHING;
  const Recorder::Turn turn = recorder->wait_for_turn(*this, *cycle_->settings.recording);
  if (turn == Recorder::Turn::kCancelled) return GST_FLOW_FLUSHING;
  const bool damaged = is_behind_loss(buffer.get());
  if (damaged && !note_loss()) return cycle_->given_up_flow;
  GstFlowReturn flow = GST_FLOW_OK;
  if (turn == Recorder::Turn::kGo) {
    flow = record(std::move(buffer), damaged);
  } else {
    flow = leave_out(cycle_->counters.queue_full);
    cycle_->gate.close_after_loss();
  }
  cycle_->warnings.post(recorder->element(), pad_);
  return flow;
}

// Data was lost before this buffer, or in it, whatever becomes of it.
bool Input::is_behind_loss(GstBuffer* buffer) {
  const bool expected = std::exchange(cycle_->expects_discont, false);
  return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) && !expected;
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

GstFlowReturn Input::record(GstRef<GstBuffer> buffer, bool damaged) {
  if (cycle_->given_up) {
    leave_out(cycle_->counters.after_end);
    return cycle_->given_up_flow;
  }
  const gsize size = gst_buffer_get_size(buffer.get());
  if (!cycle_->tracks.has_caps()) return give_up("buffers came without caps.");
  if (segment_.format != GST_FORMAT_TIME) return give_up("buffers came without a segment.");
  if (size == 0) return leave_out(cycle_->counters.empty);
  if (size > kLargestSample) return give_up("a sample is larger than 64 MiB.");
  if (needs_copy(buffer.get())) {
    buffer = copy_to_system_memory(buffer.get());
    cycle_->counters.copied.add();
  }
  const auto unit = buffer ? look_into(cycle_->tracks, buffer.get()) : std::nullopt;
  if (!unit) return give_up("a sample's bytes cannot be read.");
  if (!unit->has_media) {
    // Headers that encoders send first are in the caps as well.
    if (GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_HEADER)) return GST_FLOW_OK;
    return leave_out(cycle_->counters.no_slice);
  }
  if (Counter* reason = stopped_by_gate(buffer.get(), *unit, damaged)) return leave_out(*reason);
  if (!cycle_->tracks.caps().is_complete()) return leave_out(cycle_->counters.before_sync);
  return place(std::move(buffer), *unit);
}

// Nothing of the buffer is recorded; upstream goes on.
GstFlowReturn Input::leave_out(Counter& reason) {
  reason.add();
  if (may_log(GST_LEVEL_DEBUG)) cycle_->counter_log.write(pad_, cycle_->timeline.offset());
  return GST_FLOW_OK;
}

bool Input::note_loss() {
  Cycle& cycle = *cycle_;
  cycle.counters.losses.add();
  // Sound has nothing to wait for.
  const bool has_pictures =
      cycle.tracks.has_caps() && cycle.tracks.caps().config.kind == mp4::TrackKind::kVideo;
  if (cycle.settings.loss_policy == LossPolicy::kWait && has_pictures)
    cycle.gate.close_after_loss();
  if (cycle.settings.loss_policy != LossPolicy::kError || cycle.given_up) return true;
  cycle.given_up = true;
  cycle.given_up_flow = recorder_.load()->end_with_error(
      *this, "upstream lost data, and loss-policy says that this is an error.");
  return false;
}

GstFlowReturn Input::place(GstRef<GstBuffer> buffer, const mp4::AccessUnit& unit) {
  Cycle& cycle = *cycle_;
  const Timeline::Stamps stamps = stamps_of(buffer.get(), unit);
  const auto placed = cycle.timeline.place(cycle.tracks.times(), stamps);
  if (may_log(GST_LEVEL_DEBUG)) log_times(stamps, placed);
  note_position(buffer.get());
  if (placed.verdict == Timeline::Verdict::kLeftOut) return GST_FLOW_OK;
  if (placed.verdict == Timeline::Verdict::kForbiddenGap) {
    cycle.given_up = true;
    cycle.given_up_flow = recorder_.load()->end_with_error(
        *this, "times jump by more than max-gap, and gap-policy says that this is an error.");
    return cycle.given_up_flow;
  }
  if (const auto ended = append_silence(placed.times.dts)) return *ended;
  if (placed.pause) {
    const GstFlowReturn flow = append(text_sample({}), unit, {*placed.pause, *placed.pause}, 0);
    if (flow != GST_FLOW_OK) return flow;
  }
  Clipping clipping;
  if (cycle.tracks.caps().config.kind == mp4::TrackKind::kAudio)
    clipping = clipping_of(buffer.get(), cycle.tracks.caps().config.timescale);
  mp4::SampleTimes times = placed.times;
  if (clipping.end < times.duration) times.duration -= clipping.end;
  return append(as_in_the_file(cycle.tracks, std::move(buffer), unit, placed.cut), unit, times,
                clipping.begin);
}

GstFlowReturn Input::append(GstRef<GstBuffer> buffer, const mp4::AccessUnit& unit,
                            const mp4::SampleTimes& times, mp4::Ticks clip) {
  Cycle& cycle = *cycle_;
  const InputTracks::Place place = cycle.tracks.place_sample(cycle.timeline.end(), clip);
  mp4::Recording::Sample sample{times, unit.access, place.description,
                                make_payload(std::move(buffer))};
  sample.times.dts -= place.clip;
  sample.times.pts -= place.clip;
  if (place.is_first) {
    sample.times.clip = place.clip;
    cycle.tracks.log_begin(place, sample, cycle.timeline.offset());
  }
  cycle.tracks.set_pcm_end(times.dts + times.duration);
  if (may_log(GST_LEVEL_LOG)) cycle.tracks.log_sample(place, sample);
  return flow_of(cycle.settings.recording->append(place.track, std::move(sample)));
}

void Input::log_times(const Timeline::Stamps& stamps, const Timeline::Placed& placed) {
  const auto time = [](std::optional<int64_t> ns) { return ns.value_or(GST_CLOCK_STIME_NONE); };
  GST_CAT_LOG_OBJECT(trailing_mp4_sink_time_debug, pad_,
                     "running time: PTS %" GST_STIME_FORMAT ", DTS %" GST_STIME_FORMAT
                     ", duration %" GST_STIME_FORMAT ", arrival %" GST_STIME_FORMAT
                     "; moved by %" GST_STIME_FORMAT ": %s, decoded at tick %" G_GINT64_FORMAT
                     ", presented at tick %" G_GINT64_FORMAT,
                     GST_STIME_ARGS(time(stamps.pts)), GST_STIME_ARGS(time(stamps.dts)),
                     GST_STIME_ARGS(time(stamps.duration)), GST_STIME_ARGS(time(stamps.arrival)),
                     GST_STIME_ARGS(cycle_->timeline.offset()),
                     placed.verdict == Timeline::Verdict::kPlaced ? "recorded" : "left out",
                     placed.times.dts, placed.times.pts);
  cycle_->counter_log.write(pad_, cycle_->timeline.offset());
}

// Frames of PCM follow each other without a hole, whatever came between. In pieces, as sound would
// have come, so that the queue's bound holds. A flow is returned where the sample itself cannot
// follow; what is missing then is made up for with the next one.
std::optional<GstFlowReturn> Input::append_silence(mp4::Ticks end) {
  constexpr gsize kLargestPiece = gsize{64} << 10;
  Cycle& cycle = *cycle_;
  const gsize frame = cycle.tracks.pcm_bytes();
  for (auto begin = cycle.tracks.pcm_end(); begin && *begin < end; begin = cycle.tracks.pcm_end()) {
    const Recorder::Turn turn = recorder_.load()->wait_for_turn(*this, *cycle.settings.recording);
    if (turn == Recorder::Turn::kCancelled) return GST_FLOW_FLUSHING;
    if (turn != Recorder::Turn::kGo) {
      cycle.counters.queue_full.add();
      return GST_FLOW_OK;
    }
    const auto most = static_cast<mp4::Ticks>(std::max<gsize>(1, kLargestPiece / frame));
    const mp4::Ticks frames = std::min(most, end - *begin);
    const GstFlowReturn flow =
        append(repeated_byte(cycle.tracks.caps().silence, static_cast<gsize>(frames) * frame),
               {.has_media = true, .access = {.sync = true}}, {*begin, *begin, frames}, 0);
    if (flow != GST_FLOW_OK) return flow;
  }
  return std::nullopt;
}

// Some readers give the last sample of all the length of the one before it.
void Input::end_text() {
  if (!cycle_ || cycle_->given_up || !cycle_->tracks.has_caps()) return;
  const auto* times = std::get_if<SparseTimes>(&cycle_->tracks.times());
  const auto pause = times ? times->pause_before(G_MAXINT64) : std::nullopt;
  if (pause)
    append(text_sample({}), {.has_media = true, .access = {.sync = true}}, {*pause, *pause}, 0);
}

// The counter of the reason; null: the picture may be recorded.
Counter* Input::stopped_by_gate(GstBuffer* buffer, const mp4::AccessUnit& unit, bool damaged) {
  const auto pts = running_time(GST_BUFFER_PTS(buffer));
  const SyncGate::Picture picture{unit, pts ? pts : running_time(GST_BUFFER_DTS(buffer)),
                                  bool{GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT)},
                                  damaged};
  switch (cycle_->gate.check(picture)) {
    case SyncGate::Verdict::kPass:
      return nullptr;
    case SyncGate::Verdict::kBeforeSync:
      return &cycle_->counters.before_sync;
    case SyncGate::Verdict::kAfterLoss:
      return &cycle_->counters.after_loss;
  }
  return nullptr;
}

std::optional<int64_t> Input::running_time(GstClockTime time) const {
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment_.format != GST_FORMAT_TIME) return std::nullopt;
  guint64 value = 0;
  const int sign = gst_segment_to_running_time_full(&segment_, GST_FORMAT_TIME, time, &value);
  if (sign == 0) return std::nullopt;
  const auto held = static_cast<int64_t>(std::min<guint64>(value, G_MAXINT64));
  return sign > 0 ? held : -held;
}

Timeline::Stamps Input::stamps_of(GstBuffer* buffer, const mp4::AccessUnit& unit) {
  Timeline::Stamps stamps;
  stamps.bidirectional = unit.bidirectional;
  stamps.length = unit.duration;
  if (is_live()) stamps.arrival = recorder_.load()->clock_time();
  stamps.pts = running_time(GST_BUFFER_PTS(buffer));
  stamps.dts = running_time(GST_BUFFER_DTS(buffer));
  const GstClockTime duration = GST_BUFFER_DURATION(buffer);
  // Metadata is true until the next says otherwise, whatever its duration is said to be.
  const bool lasts = cycle_->tracks.caps().config.kind == mp4::TrackKind::kMetadata;
  if (GST_CLOCK_TIME_IS_VALID(duration) && !lasts)
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

bool Input::is_live() {
  if (!cycle_->is_live) cycle_->is_live = trailingmp4::is_live(pad_);
  return *cycle_->is_live;
}

// ---- statistics ----

StructureOwner Input::stats(const mp4::Recording::Summary& summary) const {
  if (!cycle_) return {};
  mp4::Recording::TrackSummary sum{};
  for (mp4::TrackIndex index : cycle_->tracks.begun()) {
    if (index >= summary.tracks.size()) continue;
    const auto& track = summary.tracks[index];
    sum.samples += track.samples;
    sum.bytes += track.bytes;
    sum.damaged += track.damaged;
    sum.duration_ns = std::max(sum.duration_ns, track.duration_ns);
  }
  const GString8 name(gst_object_get_name(GST_OBJECT(pad_)));
  return track_stats(name.get(), sum, cycle_->counters, cycle_->time_counters);
}

}  // namespace trailingmp4
