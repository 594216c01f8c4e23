// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/left_over_tracks.h"

#include <algorithm>
#include <limits>
#include <set>

#include "mp4/base/narrow.h"
#include "mp4/boxes/moov.h"
#include "mp4/codecs/nal.h"
#include "mp4/recovery/sample_entry_view.h"

namespace finalize {
namespace {

constexpr std::size_t kMostTracks = 1'000;
constexpr std::size_t kMostDescriptions = 1'000;                     // of a track
constexpr std::size_t kMostDescriptionBytes = std::size_t{4} << 20;  // of a track
constexpr uint64_t kMostSamples = UINT32_MAX - 1ull;                 // of a track (8.7.3.2)

// The bytes of one sample in the file.
class SampleBytes final : public mp4::ByteSource {
 public:
  SampleBytes(const mp4::ByteSource& file, uint64_t offset, uint32_t size)
      : file_(file), offset_(offset), size_(size) {}

  uint64_t size() const override { return size_; }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override {
    if (offset >= size_) return 0;
    const auto count = mp4::narrow<std::size_t>(size_ - offset);
    return file_.read(offset_ + offset, destination.first(std::min(destination.size(), count)));
  }

 private:
  const mp4::ByteSource& file_;
  const uint64_t offset_;
  const uint32_t size_;
};

}  // namespace

// Each sample says how long it lasts, so there is no nominal length.
LeftOverTracks::Track::Track(GrowingTrack growing)
    : id(growing.id),
      tags(growing.tags),
      alternate_group(growing.alternate_group),
      media_time(growing.media_time),
      codec(mp4::codec_of(growing.config)),
      pcm_bytes(mp4::pcm_frame_bytes(growing.config)),
      descriptions{std::move(growing.config)},
      current(descriptions[0]),
      tracker(descriptions[0].timescale, 1) {}

// Frames of PCM last a tick each, and all that there are of them are whole.
bool LeftOverTracks::Track::can_hold(const FragmentView::Sample& sample) const {
  if (pcm_bytes == 0) return true;
  return sample.size % pcm_bytes == 0 && sample.size / pcm_bytes == sample.duration;
}

// Sound is not reordered: what its media begins before its presentation is clipped.
mp4::Ticks LeftOverTracks::Track::clip() const {
  const bool is_first = tracker.samples() == 0;
  return is_first && descriptions[0].kind == mp4::TrackKind::kAudio ? media_time : 0;
}

bool LeftOverTracks::begin(GrowingMovie movie) {
  if (movie.tracks.size() > kMostTracks) return false;
  creation_time_ = movie.creation_time;
  for (GrowingTrack& growing : movie.tracks) {
    Track& track = tracks_.emplace_back(std::move(growing));
    if (!mp4::ParameterSets::can_hold(track.codec.nal)) continue;
    track.sets =
        mp4::ParameterSets::from_record(track.codec.nal, track.descriptions[0].codec_config);
    if (!track.sets) return false;
  }
  return true;
}

const LeftOverTracks::Track* LeftOverTracks::find(uint32_t id) const {
  const auto found = std::find_if(tracks_.begin(), tracks_.end(),
                                  [&](const Track& track) { return track.id == id; });
  return found == tracks_.end() ? nullptr : &*found;
}

bool LeftOverTracks::can_add(const FragmentView& fragment) const {
  if (fragment.sequence_number <= sequence_number_) return false;
  std::set<uint32_t> ids;
  for (const FragmentView::Run& run : fragment.runs) {
    const Track* track = find(run.track_id);
    if (!track || !ids.insert(run.track_id).second || run.decode_time < track->end) return false;
    uint64_t samples = track->tracker.samples();
    for (const FragmentView::Sample& sample : run.samples) {
      if (!track->can_hold(sample)) return false;
      samples += track->samples_in(sample);
    }
    if (samples > kMostSamples) return false;
  }
  return true;
}

void LeftOverTracks::add(const mp4::ByteSource& file, uint64_t offset,
                         const FragmentView& fragment) {
  sequence_number_ = fragment.sequence_number;
  for (const FragmentView::Run& run : fragment.runs) {
    auto& track = const_cast<Track&>(*find(run.track_id));
    mp4::Ticks time = run.decode_time - track.media_time;
    for (const FragmentView::Sample& sample : run.samples) {
      const mp4::RandomAccess access = look_into(file, track, offset, sample);
      track.tracker.append({time, time + sample.offset, sample.duration, track.clip()}, sample.size,
                           access, track.samples_in(sample));
      time += sample.duration;
    }
    track.tracker.place_chunk(offset + run.samples.front().position);
    track.end = time + track.media_time;
  }
}

// What a recorder looks at too: how decoding can start there, and the parameters it brings. Of what
// the fragment says itself, that counts.
mp4::RandomAccess LeftOverTracks::look_into(const mp4::ByteSource& file, Track& track,
                                            uint64_t offset, const FragmentView::Sample& sample) {
  const SampleBytes bytes(file, offset + sample.position, sample.size);
  mp4::AccessUnit unit;
  if (track.sets) {
    unit = look_for_sets(bytes, track);
  } else if (track.codec.look && track.codec.carries_parameters) {
    unit = track.codec.look(bytes, track.current);
    if (unit.described_anew) describe_anew(track);
  }
  // Of PCM each frame is one that decoding can start at.
  unit.access.sync = sample.sync || track.pcm_bytes != 0;
  return unit.access;
}

mp4::AccessUnit LeftOverTracks::look_for_sets(const mp4::ByteSource& sample, Track& track) {
  const unsigned length_size = track.sets->nal_length_size();
  mp4::AccessUnit unit = mp4::scan_access_unit(track.codec.nal, sample, length_size);
  bool changed = false;
  for (const mp4::NalRange& range : unit.parameter_sets) {
    std::vector<uint8_t> set(range.size);
    if (sample.read(range.offset, set) == set.size()) changed = track.sets->put(set) || changed;
  }
  if (!changed) return unit;
  track.current = track.descriptions[0];
  mp4::describe(*track.sets, track.current);
  describe_anew(track);
  return unit;
}

void LeftOverTracks::describe_anew(Track& track) {
  auto& known = track.descriptions;
  const auto found = std::find(known.begin(), known.end(), track.current);
  const auto index = mp4::narrow<uint32_t>(found - known.begin());
  if (found == known.end()) {
    track.description_bytes += track.current.codec_config.size();
    const bool is_too_much = track.description_bytes > kMostDescriptionBytes;
    if (known.size() >= kMostDescriptions || is_too_much) return;
    known.push_back(track.current);
  }
  track.tracker.describe(index);
}

uint64_t LeftOverTracks::samples() const {
  uint64_t samples = 0;
  for (const Track& track : tracks_) samples += track.tracker.samples();
  return samples;
}

std::size_t LeftOverTracks::tracks() const {
  return static_cast<std::size_t>(
      std::count_if(tracks_.begin(), tracks_.end(),
                    [](const Track& track) { return track.tracker.samples() > 0; }));
}

int64_t LeftOverTracks::duration_ns() const {
  int64_t begin = std::numeric_limits<int64_t>::max(), end = 0;
  for (const Track& track : tracks_) {
    const auto mark = track.tracker.mark();
    if (mark.samples == 0) continue;
    const mp4::Timescale timescale = track.descriptions[0].timescale;
    begin = std::min(begin, timescale.to_ns(mark.first_shown()));
    end = std::max(end, timescale.to_ns(mark.presentation_end()));
  }
  return std::max<int64_t>(0, end - std::min(begin, end));
}

mp4::Boxes LeftOverTracks::moov() const {
  std::vector<mp4::MoovTrack> tracks;
  for (const Track& track : tracks_)
    tracks.push_back({track.descriptions, track.tags, track.tracker, track.id,
                      track.alternate_group, track.tracker.mark()});
  return mp4::write_moov({.creation_time = creation_time_}, tracks);
}

}  // namespace finalize
