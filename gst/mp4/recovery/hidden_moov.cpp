// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/hidden_moov.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include "mp4/boxes/file_layout.h"
#include "mp4/recovery/box_view.h"
#include "mp4/recovery/growing_moov.h"
#include "mp4/recovery/sample_entry_view.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using Bytes = std::span<const uint8_t>;

// Of a track. Of longer ones the tables must be the same, byte for byte.
constexpr uint64_t kMostExpanded = uint64_t{4} << 20;

struct Sample {
  uint64_t offset = 0;
  uint32_t size = 0;
  mp4::Ticks dts = 0;
  mp4::Ticks late = 0;  // from decoding to presentation
  bool sync = true;
};

struct Track {
  Bytes stbl;
  mp4::TrackConfig config;
  uint32_t samples = 0;
};
using Tracks = std::map<uint32_t, Track>;  // by track_ID

bool is_container(mp4::FourCC type) {
  for (auto container : {"trak"_4cc, "edts"_4cc, "mdia"_4cc, "minf"_4cc, "stbl"_4cc, "udta"_4cc})
    if (type == container) return true;
  return false;
}

// Each box ends where the next one begins, and the last one with what holds it.
bool is_whole(Bytes boxes) {
  while (const auto box = next_box(boxes))
    if (is_container(box->type) && !is_whole(box->body)) return false;
  return boxes.empty();
}

Bytes find(Bytes boxes, std::initializer_list<mp4::FourCC> path) {
  for (mp4::FourCC type : path) boxes = find_box(boxes, type).body;
  return boxes;
}

// A table that goes on to the end of its box, behind fields of so many bytes.
std::optional<uint32_t> count_of(Fields& fields, uint64_t entry) {
  const uint32_t count = fields.u32();
  if (fields.exhausted() || fields.rest().size() != count * entry) return {};
  return count;
}

bool read_sizes(Bytes stsz, std::vector<Sample>& samples) {  // 8.7.3.2
  Fields fields(stsz);
  fields.skip(4);
  const uint32_t common = fields.u32();
  for (Sample& sample : samples) sample.size = common;
  if (!count_of(fields, common ? 0 : 4)) return false;
  if (common == 0)
    for (Sample& sample : samples) sample.size = fields.u32();
  return true;
}

template <typename F>                                             // f(sample, value)
bool read_runs(Bytes table, std::vector<Sample>& samples, F f) {  // 8.6.1.2, 8.6.1.3
  Fields fields(table);
  fields.skip(4);
  const auto count = count_of(fields, 8);
  if (!count) return false;
  std::size_t next = 0;
  for (uint32_t i = 0; i < *count; ++i) {
    const uint32_t length = fields.u32(), value = fields.u32();
    if (length > samples.size() - next) return false;
    for (uint32_t k = 0; k < length; ++k) f(samples[next++], value);
  }
  return next == samples.size();
}

bool read_syncs(Bytes stss, std::vector<Sample>& samples) {  // 8.6.2
  if (stss.empty()) return true;
  for (Sample& sample : samples) sample.sync = false;
  Fields fields(stss);
  fields.skip(4);
  const auto count = count_of(fields, 4);
  uint32_t last = 0;
  for (uint32_t i = 0; count && i < *count; ++i) {
    const uint32_t number = fields.u32();
    if (number <= last || number > samples.size()) return false;
    samples[number - 1].sync = true;
    last = number;
  }
  return count.has_value();
}

// 8.7.4, 8.7.5
bool read_places(const Track& track, std::vector<Sample>& samples) {
  const Bytes stco = find(track.stbl, {"stco"_4cc}), co64 = find(track.stbl, {"co64"_4cc});
  Fields offsets(co64.empty() ? stco : co64), runs(find(track.stbl, {"stsc"_4cc}));
  offsets.skip(4);
  runs.skip(4);
  const auto chunks = count_of(offsets, co64.empty() ? 4 : 8), entries = count_of(runs, 12);
  if (!chunks || !entries || *entries == 0) return false;
  uint32_t first = runs.u32(), length = 0, left = *entries;
  std::size_t next = 0;
  for (uint32_t chunk = 1; chunk <= *chunks; ++chunk) {
    if (left > 0 && chunk == first) {
      length = runs.u32();
      runs.skip(4);  // sample_description_index
      first = --left > 0 ? runs.u32() : 0;
    }
    uint64_t offset = co64.empty() ? offsets.u32() : offsets.u64();
    if (length == 0 || length > samples.size() - next) return false;
    for (uint32_t k = 0; k < length; ++k, ++next) {
      samples[next].offset = offset;
      offset += samples[next].size;
    }
  }
  return left == 0 && next == samples.size();
}

// Nothing: the tables do not agree.
std::optional<std::vector<Sample>> expand(const Track& track) {
  std::vector<Sample> samples(track.samples);
  mp4::Ticks time = 0;
  const bool agree = read_sizes(find(track.stbl, {"stsz"_4cc}), samples) &&
                     read_runs(find(track.stbl, {"stts"_4cc}), samples,
                               [&](Sample& sample, uint32_t duration) {
                                 sample.dts = time;
                                 time += duration;
                               }) &&
                     read_syncs(find(track.stbl, {"stss"_4cc}), samples) &&
                     read_places(track, samples);
  const Bytes ctts = find(track.stbl, {"ctts"_4cc});
  const auto put = [](Sample& sample, uint32_t offset) {
    sample.late = static_cast<int32_t>(offset);
  };
  if (!agree || (!ctts.empty() && !read_runs(ctts, samples, put))) return {};
  return samples;
}

bool read_descriptions(Track& track) {  // 8.5.2
  Fields fields(find(track.stbl, {"stsd"_4cc}));
  fields.skip(4);
  const uint32_t count = fields.u32();
  Bytes entries = fields.rest();
  for (uint32_t i = 0; i < count; ++i) {
    const auto entry = next_box(entries);
    mp4::TrackConfig config = track.config;
    if (!entry || !read_sample_entry(*entry, config)) return false;
    if (i == 0) track.config = std::move(config);
  }
  return count > 0 && entries.empty();
}

bool read_track(Bytes trak, Track& track, uint32_t& id) {
  GrowingTrack header;
  if (!read_track_header(trak, header)) return false;
  id = header.id;
  track.config = std::move(header.config);
  track.stbl = find(trak, {"mdia"_4cc, "minf"_4cc, "stbl"_4cc});
  Fields stsz(find(track.stbl, {"stsz"_4cc}));
  stsz.skip(8);
  track.samples = stsz.u32();
  return !stsz.exhausted() && track.samples > 0 && read_descriptions(track);
}

std::optional<Tracks> read_tracks(Bytes moov) {
  Tracks tracks;
  while (const auto box = next_box(moov)) {
    if (box->type != "trak"_4cc) continue;
    Track track;
    uint32_t id = 0;
    if (!read_track(box->body, track, id) || !tracks.emplace(id, std::move(track)).second)
      return {};
  }
  return tracks;
}

bool have_same_tables(const Track& one, const Track& other) {
  for (auto type :
       {"stsz"_4cc, "stts"_4cc, "ctts"_4cc, "stss"_4cc, "stco"_4cc, "co64"_4cc, "stsc"_4cc})
    if (!std::ranges::equal(find(one.stbl, {type}), find(other.stbl, {type}))) return false;
  return true;
}

// What is in no fragment comes first. The fragments' times may be some ticks off.
bool ends_with(const Track& track, const Track* known, uint64_t end) {
  if (known && known->samples > track.samples) return false;
  const auto all = expand(track);
  if (!all) return false;
  for (const Sample& sample : *all)
    if (sample.offset < mp4::kHeaderSize || sample.size > end || sample.offset > end - sample.size)
      return false;
  if (!known) return true;
  const auto fragments = expand(*known);
  if (!fragments) return false;
  const auto first = all->end() - static_cast<std::ptrdiff_t>(fragments->size());
  const mp4::Ticks second = track.config.timescale.ticks_per_second;
  return std::equal(fragments->begin(), fragments->end(), first, [&](auto& wanted, auto& found) {
    const mp4::Ticks dts = found.dts - first->dts - (wanted.dts - fragments->front().dts);
    const mp4::Ticks late = found.late - first->late - (wanted.late - fragments->front().late);
    return found.offset == wanted.offset && found.size == wanted.size &&
           found.sync == wanted.sync && std::abs(dts) <= second && std::abs(late) <= second;
  });
}

bool is_like(const Track& track, const Track& known) {
  return track.config.kind == known.config.kind &&
         track.config.timescale == known.config.timescale &&
         track.config.format == known.config.format;
}

}  // namespace

bool can_use_moov(Bytes hidden, Bytes anew, uint64_t end) {
  const auto tracks = read_tracks(hidden), known = read_tracks(anew);
  if (!is_whole(hidden) || find(hidden, {"mvhd"_4cc}).empty() || !tracks || !known) return false;
  if (!find(hidden, {"mvex"_4cc}).empty()) return false;
  for (const auto& [id, track] : *known)
    if (!tracks->contains(id) || !is_like(tracks->at(id), track)) return false;
  for (const auto& [id, track] : *tracks) {
    const Track* same = known->contains(id) ? &known->at(id) : nullptr;
    if (same && have_same_tables(track, *same)) continue;
    if (track.samples > kMostExpanded || !ends_with(track, same, end)) return false;
  }
  return true;
}

}  // namespace finalize
