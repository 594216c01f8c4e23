// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/fragmented_movie.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"

namespace mp4 {
namespace {

int64_t earliest_ns(const Fragment& fragment, std::span<const MoovTrack> tracks) {
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const Fragment::Run& run : fragment.runs())
    for (const Fragment::Sample& sample : run.samples)
      earliest = std::min(earliest, tracks[run.track].config().timescale.to_ns(sample.shown()));
  return earliest;
}

void append(std::vector<uint8_t>& bytes, const std::vector<uint8_t>& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace

FragmentFrame FragmentedMovie::frame(const Fragment& fragment, uint64_t creation_time,
                                     std::span<const MoovTrack> tracks) {
  FragmentFrame frame;
  const bool first = !origin_ns_;
  if (first) origin_ns_ = earliest_ns(fragment, tracks);
  begin_tracks(fragment, tracks);
  if (first)
    frame.file_begin =
        begin_file(write_file_header(codec_brand(tracks)), moov(creation_time, tracks));
  else if (has_new_tracks_ || stale_)
    frame.revision = revise(moov(creation_time, tracks));
  has_new_tracks_ = stale_ = false;

  const std::vector<TrackRun> runs = place(fragment, tracks);
  const uint64_t mdat_size = kBoxHeaderSize + fragment.bytes();
  if (runs.empty()) {
    frame.padding = padding_after(mdat_size);
    frame.head = write_skip_header(mdat_size + frame.padding);
    return frame;
  }
  if (std::exchange(skips_number_, false)) ++sequence_number_;
  frame.visible = true;
  frame.head = write_moof(++sequence_number_, runs);
  frame.padding = padding_after(frame.head.size() + mdat_size);
  BoxWriter mdat;
  mdat.u32(narrow<uint32_t>(mdat_size + frame.padding));
  mdat.fourcc("mdat"_4cc);
  append(frame.head, mdat.bytes());
  return frame;
}

void FragmentedMovie::begin_tracks(const Fragment& fragment, std::span<const MoovTrack> tracks) {
  tracks_.resize(tracks.size());
  for (const Fragment::Run& run : fragment.runs())
    if (!tracks_[run.track].begun)
      begin(tracks_[run.track], run, tracks[run.track].config().timescale);
}

// With the first sample that is not presented before the movie begins. Where that cannot be decoded
// alone, with the last one before it at which decoding can start: what is presented before the
// movie begins is behind the edit.
std::optional<std::size_t> FragmentedMovie::find_begin(const Fragment::Run& run, Ticks origin) {
  const auto& samples = run.samples;
  const auto is_in = [&](const Fragment::Sample& sample) { return sample.shown() >= origin; };
  const auto is_access = [](const Fragment::Sample& sample) { return sample.random_access; };
  const auto first = std::find_if(samples.begin(), samples.end(), is_in);
  const bool needs_no_other = first == samples.end()
                                  ? std::all_of(samples.begin(), samples.end(), is_access)
                                  : is_access(*first);
  if (needs_no_other && first == samples.end()) return std::nullopt;
  const auto access = std::find_if(std::reverse_iterator(first), samples.rend(), is_access);
  const auto begin = needs_no_other || access == samples.rend() ? first : std::prev(access.base());
  if (begin == samples.end()) return std::nullopt;
  return static_cast<std::size_t>(begin - samples.begin());
}

void FragmentedMovie::begin(Track& track, const Fragment::Run& run, Timescale timescale) {
  const Ticks origin = timescale.from_ns(*origin_ns_);
  const auto begin = find_begin(run, origin);
  if (!begin) return;
  const auto first = run.samples.begin() + static_cast<std::ptrdiff_t>(*begin);
  Ticks earliest = first->shown();
  for (auto sample = first; sample != run.samples.end(); ++sample)
    earliest = std::min(earliest, sample->shown());
  earliest = std::max(earliest, origin);
  track.begun = has_new_tracks_ = true;
  track.media_time = std::max<Ticks>(0, earliest - first->dts);
  track.shift = track.media_time - origin;
  track.end = first->dts + track.shift;
  track.skipped = *begin;
  skips_number_ = sequence_number_ > 0;
}

std::vector<uint8_t> FragmentedMovie::moov(uint64_t creation_time,
                                           std::span<const MoovTrack> tracks) const {
  std::vector<InitialTrack> named;
  for (std::size_t i = 0; i < tracks_.size(); ++i)
    if (tracks_[i].begun && !tracks_[i].left_out)
      named.push_back({tracks[i].descriptions, tracks[i].tags, tracks[i].alternate_group,
                       tracks[i].id, tracks_[i].media_time});
  return write_initial_moov(creation_time, named);
}

std::vector<uint8_t> FragmentedMovie::begin_file(std::vector<uint8_t> bytes,
                                                 const std::vector<uint8_t>& moov) {
  moov_offset_ = bytes.size();
  moov_size_ = moov.size();
  written_moov_ = moov;
  append(bytes, moov);
  append(bytes, write_skip_header(reserve_));
  bytes.resize(narrow<std::size_t>(moov_offset_ + moov_size_ + reserve_));
  name_tracks();
  return bytes;
}

// The new moov stands within the reserve. The old one's box becomes a 'skip' that swallows it and
// the reserve's header; what is left of the reserve is the next one.
std::optional<FragmentFrame::Revision> FragmentedMovie::revise(std::vector<uint8_t> moov) {
  if (moov == written_moov_) return std::nullopt;
  const uint64_t room = reserve_ - std::min(reserve_, kBoxHeaderSize);
  // Other tags wait for the finished file where they would take the place of tracks to come.
  if (!has_new_tracks_ && moov.size() + reserve_for_tracks_ > room) return std::nullopt;
  if (moov.size() != room && moov.size() + kBoxHeaderSize > room) {
    leave_out_new_tracks();
    return std::nullopt;
  }
  FragmentFrame::Revision revision;
  revision.offset = moov_offset_ + moov_size_ + kBoxHeaderSize;
  revision.old_offset = moov_offset_;
  revision.hides_old = write_skip_header(moov_size_ + kBoxHeaderSize);
  moov_offset_ = revision.offset;
  moov_size_ = moov.size();
  reserve_ = room - moov_size_;
  revision.bytes = written_moov_ = std::move(moov);
  if (reserve_ > 0) append(revision.bytes, write_skip_header(reserve_));
  name_tracks();
  return revision;
}

void FragmentedMovie::name_tracks() {
  for (Track& track : tracks_) track.named = track.begun && !track.left_out;
}

void FragmentedMovie::leave_out_new_tracks() {
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    Track& track = tracks_[i];
    if (!track.begun || track.named || track.left_out) continue;
    track.left_out = true;
    left_out_.push_back(narrow<TrackIndex>(i));
  }
}

std::vector<TrackRun> FragmentedMovie::place(const Fragment& fragment,
                                             std::span<const MoovTrack> tracks) {
  std::vector<TrackRun> runs;
  uint64_t position = 0;
  for (const Fragment::Run& run : fragment.runs()) {
    Track& track = tracks_[run.track];
    if (track.named) {
      uint64_t skipped_bytes = 0;
      for (std::size_t i = 0; i < track.skipped; ++i)
        skipped_bytes += run.samples[i].payload.size();
      const Ticks first = run.samples[track.skipped].dts + track.shift;
      if (first > track.end) skips_number_ = true;
      track.end = std::max(track.end, first);
      const auto decode_time = narrow<uint64_t>(track.end);
      runs.push_back(
          {tracks[run.track].id, decode_time, position + skipped_bytes, place(track, run)});
      track.skipped = 0;
    }
    position += run.bytes;
  }
  return runs;
}

// Each sample lasts until the next one is decoded. One that begins late, because the one before was
// said to last longer than it did, ends in time all the same.
std::vector<TrackRun::Sample> FragmentedMovie::place(Track& track, const Fragment::Run& run) {
  std::vector<TrackRun::Sample> samples;
  for (std::size_t i = track.skipped; i < run.samples.size(); ++i) {
    const Fragment::Sample& sample = run.samples[i];
    const bool last = i + 1 == run.samples.size();
    Ticks end = track.end + run.last_duration;
    if (!last)
      end = run.samples[i + 1].dts + track.shift;
    else if (run.next_dts)
      end = *run.next_dts + track.shift;
    const auto duration = narrow<uint32_t>(std::max<Ticks>(1, end - track.end));
    const auto offset = narrow<int32_t>(sample.pts + track.shift - track.end);
    samples.push_back({duration, sample.payload.size(), offset, sample.sync});
    track.end += duration;
  }
  return samples;
}

}  // namespace mp4
