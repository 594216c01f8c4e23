// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/fragment_assembler.h"

#include <algorithm>
#include <utility>

#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/codecs/codec.h"

namespace mp4 {
namespace {

constexpr uint64_t kFragmentBytes = uint64_t{32} << 20;
constexpr uint32_t kFragmentSamples = 30'000;
constexpr std::size_t kMostDescriptions = 1'000;  // of a track; far above what cameras have

Ticks nominal_duration(const TrackConfig& config) {
  if (config.audio.frame_ticks) return config.audio.frame_ticks;
  return config.timescale.ticks_per_second / (config.kind == TrackKind::kVideo ? 30 : 50);
}

}  // namespace

FragmentAssembler::Track::Track(const TrackConfig& config, uint16_t group)
    : descriptions{config},
      pcm_bytes(pcm_frame_bytes(config)),
      alternate_group(group),
      tracker(config.timescale, nominal_duration(config)) {}

Ticks FragmentAssembler::Track::last_end() const {
  const auto mark = tracker.mark();
  if (!held) return mark.presentation_end();
  const Ticks end =
      held->times.pts + (held->times.duration ? held->times.duration : mark.last_duration);
  return mark.samples ? std::max(mark.presentation_end(), end) : end;
}

Ticks FragmentAssembler::Track::first_shown() const {
  const auto mark = tracker.mark();
  if (!held) return mark.first_shown();
  const Ticks shown = held->times.pts + held->times.clip;
  return mark.samples ? std::min(mark.first_shown(), shown) : shown;
}

// ---- tracks ----

TrackIndex FragmentAssembler::add_track(const TrackConfig& config,
                                        std::optional<TrackIndex> alternative_to) {
  uint16_t group = 0;
  if (alternative_to) {
    uint16_t& others = tracks_[*alternative_to]->alternate_group;
    if (others == 0) others = ++alternate_groups_;
    group = others;
  }
  tracks_.push_back(std::make_unique<Track>(config, group));
  return narrow<TrackIndex>(tracks_.size() - 1);
}

std::optional<uint32_t> FragmentAssembler::add_description(TrackIndex track,
                                                           const TrackConfig& config) {
  auto& descriptions = tracks_[track]->descriptions;
  const auto found = std::find(descriptions.begin(), descriptions.end(), config);
  const auto index = narrow<uint32_t>(found - descriptions.begin());
  if (found != descriptions.end()) return index;
  if (descriptions.size() >= kMostDescriptions) return std::nullopt;
  descriptions.push_back(config);
  return index;
}

void FragmentAssembler::set_tags(TrackIndex track, const TrackTags& tags) {
  if (tracks_[track]->tags == tags) return;
  tracks_[track]->tags = tags;
  movie_.tags_changed();
}

// ---- samples ----

void FragmentAssembler::append(TrackIndex index, Sample sample) {
  release(index, false);
  Track& track = *tracks_[index];
  if (track.id == 0) track.id = ++ids_;
  track.held = std::move(sample);
  track.held_since = steady_now();
  if (track.pcm_bytes) release(index, false);
}

void FragmentAssembler::end_track(TrackIndex track) { release(track, false); }

void FragmentAssembler::release(TrackIndex index, bool cut_short) {
  Track& track = *tracks_[index];
  if (!track.held) return;
  Sample sample = std::move(*track.held);
  track.held.reset();
  track.was_cut_short = cut_short;
  track.tracker.describe(sample.description);
  track.tracker.append(sample.times, sample.payload.size(), sample.access,
                       track.samples_in(sample.payload));
  if (open_.empty()) open_since_ = steady_now();
  open_.add(index, track.timescale().to_ns(sample.times.dts),
            {sample.times.dts, sample.times.pts, sample.access.sync, sample.access.any(),
             sample.times.clip, std::move(sample.payload)},
            track.spacing());
}

bool FragmentAssembler::retime(TrackIndex index, std::span<const Ticks> decode_times) {
  Track& track = *tracks_[index];
  const bool all_open = track.tracker.samples() == open_.samples_of(index);
  if (!all_open || track.samples() != decode_times.size()) return false;
  if (track.held) track.held->times.dts = decode_times.back();
  const auto released = decode_times.first(track.tracker.samples());
  if (released.empty()) return true;
  track.tracker.retime(released);
  open_.retime(index, released, track.timescale().to_ns(released.front()));
  return true;
}

// ---- fragments ----

bool FragmentAssembler::is_due() const {
  return open_.longest_ns() >= settings_.fragment_ns || open_.bytes() >= kFragmentBytes ||
         open_.samples() >= kFragmentSamples;
}

std::optional<SteadyTime> FragmentAssembler::deadline() const {
  std::optional<SteadyTime> oldest;
  if (!open_.empty()) oldest = open_since_;
  for (const auto& track : tracks_)
    if (track->held) oldest = std::min(oldest.value_or(track->held_since), track->held_since);
  if (!oldest) return std::nullopt;
  return *oldest + std::chrono::nanoseconds(settings_.fragment_ns);
}

bool FragmentAssembler::release_overdue(SteadyTime now) {
  const auto since = now - std::chrono::nanoseconds(settings_.fragment_ns);
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i]->held || tracks_[i]->held_since > since) continue;
    release(narrow<TrackIndex>(i), true);
    return true;
  }
  return false;
}

std::optional<Fragment> FragmentAssembler::close() {
  if (open_.empty()) return std::nullopt;
  complete_runs();
  std::vector<MoovTrack> tracks = moov_tracks();
  FragmentFrame frame;
  if (settings_.fragmented)
    frame = movie_.frame(open_, info_.creation_time, tracks);
  else if (next_offset_ == 0)
    frame.file_begin = write_file_header(codec_brand(tracks));
  next_offset_ = place_chunks(frame);
  std::vector<TrackTracker::Mark> marks;
  for (std::size_t i = 0; i < tracks.size(); ++i)
    marks.push_back(tracks[i].mark = mark_of(*tracks_[i]));
  open_.close(std::move(marks), std::move(frame), moov_size_bound(info_, tracks));
  Fragment next;
  next.expect_as_in(open_);
  return std::exchange(open_, std::move(next));
}

Fragment FragmentAssembler::discard() {
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i]->held) continue;
    Sample sample = std::move(*tracks_[i]->held);
    tracks_[i]->held.reset();
    open_.add(narrow<TrackIndex>(i), 0, {0, 0, false, false, 0, std::move(sample.payload)});
  }
  return std::exchange(open_, Fragment());
}

void FragmentAssembler::complete_runs() {
  for (Fragment::Run& run : open_.runs()) {
    Track& track = *tracks_[run.track];
    if (track.held)
      run.next_dts = track.held->times.dts;
    else if (track.pcm_bytes)
      run.last_duration = track.samples_in(run.samples.back().payload);
    else
      run.last_duration = duration_to_say(track);
  }
}

// Of a track's last sample, whose successor is not there. A successor that has not come while a
// fragment lasts is not near, so half of that is short enough.
Ticks FragmentAssembler::duration_to_say(const Track& track) const {
  const Ticks duration = track.tracker.mark().last_duration;
  if (!track.was_cut_short) return duration;
  return std::min(duration, track.timescale().from_ns(settings_.fragment_ns)) / 2;
}

// The tables at this moment. How long the last sample lasts is known if its successor is.
TrackTracker::Mark FragmentAssembler::mark_of(const Track& track) {
  TrackTracker::Mark mark = track.tracker.mark();
  if (mark.samples && track.held) mark.last_duration = track.held->times.dts - mark.last_dts;
  return mark;
}

uint64_t FragmentAssembler::place_chunks(const FragmentFrame& frame) {
  uint64_t offset = next_offset_ + frame.file_begin.size() + frame.head.size();
  for (const Fragment::Run& run : open_.runs()) {
    tracks_[run.track]->tracker.place_chunk(offset);
    offset += run.bytes;
  }
  return offset + frame.padding;
}

std::vector<MoovTrack> FragmentAssembler::moov_tracks() const {
  std::vector<MoovTrack> tracks;
  for (const auto& track : tracks_)
    tracks.push_back(
        {track->descriptions, track->tags, track->tracker, track->id, track->alternate_group, {}});
  return tracks;
}

}  // namespace mp4
