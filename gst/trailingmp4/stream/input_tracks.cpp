// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/input_tracks.h"

#include <algorithm>

#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/base/log.h"

namespace trailingmp4 {
namespace {

// Longer than that is no duration of a sample: a track that comes back after it is another one.
constexpr int64_t kLongestAbsence = int64_t{6} * 3600 * mp4::kNanosecondsPerSecond;

}  // namespace

TrackTimes InputTracks::times_for(const TrackCaps& caps) {
  const mp4::TrackConfig& config = caps.config;
  if (config.is_sparse()) return SparseTimes(config.timescale);
  if (mp4::pcm_frame_bytes(config)) return PcmTimes(config.timescale, counters_.audio);
  if (config.kind == mp4::TrackKind::kAudio)
    return AudioTimes(config.timescale, config.audio.frame_ticks, counters_.audio);
  auto retime = [this](std::span<const mp4::Ticks> decode_times) {
    return current_->track && recording_->retime(*current_->track, decode_times);
  };
  return VideoTimes(config.timescale, caps.picture_ns, counters_.video, retime);
}

void InputTracks::set_caps(TrackCaps caps, int64_t now) {
  if (current_ && !current_->track) {
    std::erase_if(streams_, [&](const auto& stream) { return stream.get() == current_; });
    current_ = nullptr;
  }
  if (Stream* stream = find(caps, now)) {
    current_ = stream;
    change_parameters(std::move(caps));
  } else {
    TrackTimes times = times_for(caps);
    current_ =
        streams_.emplace_back(std::make_unique<Stream>(std::move(caps), std::move(times))).get();
  }
  use_depth();
}

InputTracks::Stream* InputTracks::find(const TrackCaps& caps, int64_t now) const {
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
    const bool long_gone = stream->track && now - stream->last > kLongestAbsence;
    return stream->caps.fits(caps) && !long_gone;
  });
  return found == streams_.end() ? nullptr : found->get();
}

void InputTracks::change_parameters(TrackCaps caps) {
  // What only the samples say stays true until one says otherwise.
  const mp4::TrackConfig& known = current_->caps.config;
  if (caps.config.codec_config.empty()) caps.config.codec_config = known.codec_config;
  if (caps.config.video.width == 0) caps.config.video.width = known.video.width;
  if (caps.config.video.height == 0) caps.config.video.height = known.video.height;
  current_->caps.framed = caps.framed;
  if (caps.config == known) return;
  current_->caps = std::move(caps);
  note_change();
}

void InputTracks::note_change() {
  if (current_->track) current_->to_be_described = current_->changed = true;
}

void InputTracks::use_depth() {
  auto* times = std::get_if<VideoTimes>(&current_->times);
  if (times && current_->caps.depth) times->set_depth(current_->caps.depth);
  if (!times || !current_->caps.sets) return;
  const auto sequence = current_->caps.sets->sequence();
  times->set_depth(sequence ? sequence->reorder_depth : std::nullopt);
}

mp4::AccessUnit InputTracks::look_into(const mp4::ByteSource& sample) {
  if (current_->caps.sets) return look_for_sets(sample);
  const mp4::AccessUnit unit = current_->codec.look(sample, current_->caps.config);
  if (unit.described_anew) note_change();
  return unit;
}

mp4::AccessUnit InputTracks::look_for_sets(const mp4::ByteSource& sample) {
  const unsigned length_size = current_->caps.sets->nal_length_size();
  mp4::AccessUnit unit = mp4::scan_access_unit(current_->codec.nal, sample, length_size);
  std::vector<std::vector<uint8_t>> sets;
  for (const mp4::NalRange& range : unit.parameter_sets) {
    auto& set = sets.emplace_back(range.size);
    if (sample.read(range.offset, set) != range.size) sets.pop_back();
  }
  bring_sets(std::move(sets));
  return unit;
}

void InputTracks::bring_sets(std::vector<std::vector<uint8_t>> sets) {
  brought_ = std::move(sets);
  TrackCaps& caps = current_->caps;
  bool changed = false;
  for (const auto& set : brought_) changed = caps.sets->put(set) || changed;
  if (!changed) return;
  mp4::describe(*caps.sets, caps.config);
  note_change();
  use_depth();
}

// Readers that take only the first description, and those that come from elsewhere in the file,
// find the parameters in the sample.
// A picture set goes behind what the sample brings itself: it may refer to that.
std::vector<InputTracks::Insertion> InputTracks::sets_to_insert(const mp4::AccessUnit& unit) {
  const auto brought = std::move(brought_);
  brought_.clear();
  const bool due = current_->to_be_described || unit.access.any();
  if (!current_->changed || !due) return {};
  const std::vector<uint8_t>& config = current_->caps.config.codec_config;
  if (current_->codec.config_leads_samples && !unit.brings_config) return {{0, config}};
  if (!current_->caps.sets) return {};
  using Which = mp4::ParameterSets::Which;
  const mp4::ParameterSets& sets = *current_->caps.sets;
  uint64_t behind = unit.sets_position;
  if (!unit.parameter_sets.empty())
    behind = unit.parameter_sets.back().offset + unit.parameter_sets.back().size;
  std::vector<Insertion> insertions{
      {behind, sets.missing_from(brought, Which::kPicture)},
      {unit.sets_position, sets.missing_from(brought, Which::kSequence)}};
  std::erase_if(insertions, [](const Insertion& insertion) { return insertion.bytes.empty(); });
  return insertions;
}

InputTracks::Place InputTracks::place_sample(int64_t now, mp4::Ticks clip) {
  Stream& stream = *current_;
  const bool is_first = !stream.track;
  if (is_first) {
    stream.clip = std::max(stream.caps.clip, clip);
    stream.track = recording_->add_track(stream.caps.config, alternative_to(stream));
    recording_->set_track_tags(*stream.track, tags_);
    const std::lock_guard lock(mutex_);
    begun_.push_back(*stream.track);
  }
  if (stream.to_be_described) describe(stream);
  stream.last = now;
  return {*stream.track, stream.description, stream.clip, is_first};
}

void InputTracks::describe(Stream& stream) {
  const auto description = recording_->add_description(*stream.track, stream.caps.config);
  if (description && *description != stream.description)
    GST_INFO_OBJECT(pad_, "track %u goes by sample description %u from here on", *stream.track + 1,
                    *description + 1);
  stream.description = description.value_or(stream.description);
  stream.to_be_described = false;
}

void InputTracks::log_begin(const Place& place, const mp4::Recording::Sample& sample,
                            int64_t offset_ns) const {
  const mp4::Timescale timescale = current_->caps.config.timescale;
  const auto caps = GstRef<GstCaps>::adopt(gst_pad_get_current_caps(pad_));
  GST_INFO_OBJECT(pad_,
                  "track %u begins at running time %" GST_STIME_FORMAT
                  ", moved by %" GST_STIME_FORMAT ", caps %" GST_PTR_FORMAT,
                  place.track + 1, GST_STIME_ARGS(timescale.to_ns(sample.times.pts) - offset_ns),
                  GST_STIME_ARGS(offset_ns), static_cast<void*>(caps.get()));
}

void InputTracks::log_sample(const Place& place, const mp4::Recording::Sample& sample) const {
  GST_LOG_OBJECT(pad_,
                 "track %u, sample description %u: DTS %" G_GINT64_FORMAT ", PTS %" G_GINT64_FORMAT
                 ", duration %" G_GINT64_FORMAT " (ticks of 1/%u s), %u bytes%s",
                 place.track + 1, place.description + 1, sample.times.dts, sample.times.pts,
                 sample.times.duration, current_->caps.config.timescale.ticks_per_second,
                 sample.payload.size(), sample.access.sync ? ", sync sample" : "");
}

std::optional<mp4::Ticks> InputTracks::pcm_end() const {
  if (!current_->pcm_bytes || !current_->track) return std::nullopt;
  return current_->pcm_end;
}

std::optional<mp4::TrackIndex> InputTracks::alternative_to(const Stream& stream) const {
  for (const auto& other : streams_)
    if (other->track && other->caps.config.kind == stream.caps.config.kind) return other->track;
  return std::nullopt;
}

void InputTracks::end() {
  for (mp4::TrackIndex track : begun()) recording_->end_track(track);
}

void InputTracks::set_tags(const mp4::TrackTags& tags) {
  tags_ = tags;
  for (mp4::TrackIndex track : begun()) recording_->set_track_tags(track, tags);
}

std::vector<mp4::TrackIndex> InputTracks::begun() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

}  // namespace trailingmp4
