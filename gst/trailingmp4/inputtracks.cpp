// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inputtracks.h"

#include <algorithm>

namespace trailingmp4 {
namespace {

// Longer than that is no duration of a sample: a track that comes back after it is another one.
constexpr int64_t kLongestAbsence = int64_t{6} * 3600 * mp4::kNanosecondsPerSecond;

}  // namespace

TrackTimes InputTracks::times_for(const TrackCaps& caps) {
  const mp4::TrackConfig& config = caps.config;
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
  if (caps.config == current_->caps.config) return;
  current_->caps = std::move(caps);
  current_->to_be_described = current_->changed = true;
}

void InputTracks::use_depth() {
  auto* times = std::get_if<VideoTimes>(&current_->times);
  if (!times || !current_->caps.sets) return;
  const auto sequence = current_->caps.sets->sequence();
  times->set_depth(sequence ? sequence->reorder_depth : std::nullopt);
}

void InputTracks::bring_sets(std::vector<std::vector<uint8_t>> sets) {
  brought_ = std::move(sets);
  TrackCaps& caps = current_->caps;
  bool changed = false;
  for (const auto& set : brought_) changed = caps.sets->put(set) || changed;
  if (!changed) return;
  mp4::describe(*caps.sets, caps.config);
  if (current_->track) current_->to_be_described = current_->changed = true;
  use_depth();
}

// Readers that take only the first description, and those that come from elsewhere in the file,
// find the parameters in the sample.
// A picture set goes behind what the sample brings itself: it may refer to that.
std::vector<InputTracks::Insertion> InputTracks::sets_to_insert(const mp4::AccessUnit& unit) {
  const auto brought = std::move(brought_);
  brought_.clear();
  const bool due = current_->to_be_described || unit.access.any();
  if (!current_->changed || !due || !current_->caps.sets) return {};
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

InputTracks::Place InputTracks::place_sample(int64_t now) {
  Stream& stream = *current_;
  if (!stream.track) {
    stream.track = recording_->add_track(stream.caps.config, alternative_to(stream));
    recording_->set_track_tags(*stream.track, tags_);
    const std::lock_guard lock(mutex_);
    begun_.push_back(*stream.track);
  }
  if (stream.to_be_described) {
    const auto description = recording_->add_description(*stream.track, stream.caps.config);
    stream.description = description.value_or(stream.description);
    stream.to_be_described = false;
  }
  stream.last = now;
  return {*stream.track, stream.description};
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
