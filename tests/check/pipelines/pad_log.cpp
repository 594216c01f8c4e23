// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pad_log.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

namespace pipelines {

namespace {

std::optional<int64_t> running_time(const GstSegment* segment, GstClockTime time) {
  guint64 value = 0;
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment == nullptr) return std::nullopt;
  const int sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, time, &value);
  if (sign == 0) return std::nullopt;
  return sign > 0 ? static_cast<int64_t>(value) : -static_cast<int64_t>(value);
}

MediaSample sample_of(GstPad* pad, GstBuffer* buffer) {
  g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment* segment = nullptr;
  if (event != nullptr) gst_event_parse_segment(event, &segment);
  MediaSample sample;
  sample.size = gst_buffer_get_size(buffer);
  sample.pts_ns = running_time(segment, GST_BUFFER_PTS(buffer));
  sample.dts_ns = running_time(segment, GST_BUFFER_DTS(buffer));
  sample.key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  sample.discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  sample.bytes.resize(sample.size);
  gst_buffer_extract(buffer, 0, sample.bytes.data(), sample.size);
  return sample;
}

size_t pcm_frame(const GstStructure* caps) {
  int channels = 1;
  gst_structure_get_int(caps, "channels", &channels);
  size_t bytes = 0;
  if (gst_structure_has_name(caps, "audio/x-alaw") || gst_structure_has_name(caps, "audio/x-mulaw"))
    bytes = 1;
  if (gst_structure_has_name(caps, "audio/x-raw"))  // S16LE, F32BE ...
    bytes = static_cast<size_t>(std::atoi(gst_structure_get_string(caps, "format") + 1)) / 8;
  return bytes * static_cast<size_t>(channels);
}

void describe(GstPad* pad, MediaTrack& track) {
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) return;
  g_autofree char* text = gst_caps_to_string(caps);
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  track.name = GST_OBJECT_NAME(pad);
  track.caps = text;
  const char* media_type = gst_structure_get_name(structure);
  track.video = g_str_has_prefix(media_type, "video/") || g_str_has_prefix(media_type, "image/");
  gst_structure_get_int(structure, "rate", &track.rate);
  track.pcm_frame = pcm_frame(structure);
}

}  // namespace

// What the probes need, which may outlive the log.
struct PadLog::Shared {
  using Ref = std::shared_ptr<Shared>;

  void note(GstPad* pad, GstBuffer* buffer);
  void note_event(GstPad* pad, GstEvent* event);
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  std::mutex mutex;
  std::map<std::string, MediaTrack> tracks;  // by the pad's name
};

void PadLog::Shared::note(GstPad* pad, GstBuffer* buffer) {
  MediaSample sample = sample_of(pad, buffer);
  const std::lock_guard lock(mutex);
  MediaTrack& track = tracks[GST_OBJECT_NAME(pad)];
  if (track.samples.empty()) describe(pad, track);
  track.samples.push_back(std::move(sample));
}

void PadLog::Shared::note_event(GstPad* pad, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_GAP) return;
  GstGapFlags flags{};
  gst_event_parse_gap_flags(event, &flags);
  const std::lock_guard lock(mutex);
  if (flags & GST_GAP_FLAG_MISSING_DATA) ++tracks[GST_OBJECT_NAME(pad)].missing_data;
}

GstPadProbeReturn PadLog::Shared::on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  Shared& shared = **static_cast<Ref*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    shared.note_event(pad, GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
  }
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    shared.note(pad, GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }
  GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    shared.note(pad, gst_buffer_list_get(list, i));
  return GST_PAD_PROBE_OK;
}

GstBuffer* buffer_of(const MediaSample& sample, int64_t later) {
  const auto time = [&](std::optional<int64_t> ns) {
    return ns ? static_cast<GstClockTime>(*ns + later) : GST_CLOCK_TIME_NONE;
  };
  GstBuffer* buffer = gst_buffer_new_memdup(sample.bytes.data(), sample.size);
  GST_BUFFER_PTS(buffer) = time(sample.pts_ns);
  GST_BUFFER_DTS(buffer) = time(sample.dts_ns);
  if (!sample.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

// Whether a list that arrives at the pad arrives once more buffer by buffer, as it does at a sink
// pad that nobody has given a function for lists.
bool splits_lists(GstPad* pad) {
  if (GST_PAD_IS_SRC(pad)) return false;
  g_autoptr(GstPad) plain = GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SINK)));
  return GST_PAD_CHAINLISTFUNC(pad) == GST_PAD_CHAINLISTFUNC(plain);
}

PadLog::PadLog() : shared_(std::make_shared<Shared>()) {}

void PadLog::watch(GstPad* pad) {
  const int lists = splits_lists(pad) ? 0 : GST_PAD_PROBE_TYPE_BUFFER_LIST;
  const auto types = static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | lists |
                                                  GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
  gst_pad_add_probe(pad, types, Shared::on_data, new Shared::Ref(shared_),
                    [](gpointer data) { delete static_cast<Shared::Ref*>(data); });
}

void PadLog::watch_sink_pads(GstElement* element) {
  constexpr auto kAdded = +[](GstElement*, GstPad* pad, PadLog* self) {
    if (GST_PAD_IS_SINK(pad)) self->watch(pad);
  };
  gst_element_foreach_sink_pad(
      element,
      [](GstElement*, GstPad* pad, gpointer self) -> gboolean {
        static_cast<PadLog*>(self)->watch(pad);
        return TRUE;
      },
      this);
  g_signal_connect(element, "pad-added", G_CALLBACK(kAdded), this);
}

MediaTracks PadLog::tracks() const {
  const std::lock_guard lock(shared_->mutex);
  MediaTracks tracks;
  for (const auto& [name, track] : shared_->tracks) tracks.push_back(track);
  return tracks;
}

size_t PadLog::count(bool video) const {
  const std::lock_guard lock(shared_->mutex);
  size_t count = 0;
  for (const auto& [name, track] : shared_->tracks)
    if (track.video == video) count += track.samples.size();
  return count;
}

}  // namespace pipelines
