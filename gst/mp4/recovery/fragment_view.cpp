// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/fragment_view.h"

#include <algorithm>

#include "mp4/boxes/fragment_flags.h"
#include "mp4/recovery/box_view.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using Bytes = std::span<const uint8_t>;
using Sample = FragmentView::Sample;

// Of all tracks of a fragment; far above what recorders do.
constexpr std::size_t kMostSamples = 1 << 20;
constexpr uint64_t kLatest = uint64_t{1} << 48;  // no recording lasts as long

// What a track fragment says once of all its samples.
struct Defaults {
  uint32_t duration = 0, size = 0, flags = 0;
};

bool read_tfhd(Bytes body, FragmentView::Run& run, Defaults& defaults) {  // 8.8.7
  Fields fields(body);
  const uint32_t flags = read_full_box_header(fields).flags;
  run.track_id = fields.u32();
  if (!(flags & mp4::kBaseIsMoof) || flags & (mp4::kBaseDataOffset | mp4::kSampleDescription))
    return false;
  if (flags & mp4::kDefaultDuration) defaults.duration = fields.u32();
  if (flags & mp4::kDefaultSize) defaults.size = fields.u32();
  if (flags & mp4::kDefaultFlags) defaults.flags = fields.u32();
  return !fields.exhausted();
}

bool read_tfdt(Bytes body, FragmentView::Run& run) {  // 8.8.12
  Fields fields(body);
  const uint64_t time = fields.time(read_full_box_header(fields).version);
  run.decode_time = static_cast<mp4::Ticks>(time);
  return !fields.exhausted() && time < kLatest;
}

// 8.8.8. Samples lie between begin and end of the fragment; no sample is empty, so there are no
// more of them than bytes.
bool read_trun(Bytes body, const Defaults& defaults, uint64_t begin, uint64_t end,
               std::vector<Sample>& samples) {
  Fields fields(body);
  const uint32_t flags = read_full_box_header(fields).flags;
  const uint32_t count = fields.u32();
  if (!(flags & mp4::kDataOffset) || count == 0 || count > kMostSamples) return false;
  uint64_t position = fields.u32();
  const uint32_t first_flags = flags & mp4::kFirstFlags ? fields.u32() : defaults.flags;
  if (position < begin) return false;
  for (uint32_t i = 0; i < count; ++i) {
    Sample sample{position, defaults.size, defaults.duration, 0, false};
    if (flags & mp4::kDurations) sample.duration = fields.u32();
    if (flags & mp4::kSizes) sample.size = fields.u32();
    uint32_t sample_flags = i == 0 ? first_flags : defaults.flags;
    if (flags & mp4::kFlags) sample_flags = fields.u32();
    if (flags & mp4::kOffsets) sample.offset = fields.i32();
    sample.sync = !(sample_flags & mp4::kIsNonSync);
    position += sample.size;
    if (fields.exhausted() || sample.size == 0 || sample.duration == 0 || position > end)
      return false;
    samples.push_back(sample);
  }
  return true;
}

bool read_traf(Bytes traf, uint64_t begin, uint64_t end, FragmentView::Run& run) {  // 8.8.6
  Defaults defaults;
  return read_tfhd(find_box(traf, "tfhd"_4cc).body, run, defaults) &&
         read_tfdt(find_box(traf, "tfdt"_4cc).body, run) &&
         read_trun(find_box(traf, "trun"_4cc).body, defaults, begin, end, run.samples);
}

}  // namespace

uint64_t FragmentView::samples() const {
  uint64_t samples = 0;
  for (const Run& run : runs) samples += run.samples.size();
  return samples;
}

uint64_t FragmentView::end() const {
  uint64_t end = 0;
  for (const Run& run : runs)
    for (const Sample& sample : run.samples) end = std::max(end, sample.position + sample.size);
  return end;
}

void FragmentView::cut(uint64_t end) {
  for (Run& run : runs) {
    const auto is_cut = [&](const Sample& sample) { return sample.position + sample.size > end; };
    run.samples.erase(std::find_if(run.samples.begin(), run.samples.end(), is_cut),
                      run.samples.end());
  }
  std::erase_if(runs, [](const Run& run) { return run.samples.empty(); });
}

std::optional<FragmentView> read_fragment(Bytes moof, uint64_t size) {
  constexpr uint64_t kHeaders = 16;  // of the two boxes
  Fields mfhd(find_box(moof, "mfhd"_4cc).body);
  read_full_box_header(mfhd);
  FragmentView fragment{mfhd.u32(), {}};  // sequence_number, 8.8.5
  const uint64_t begin = moof.size() + kHeaders;
  uint64_t left = size - std::min(size, begin);  // no two runs have the same bytes
  std::size_t samples = 0;
  while (const auto box = next_box(moof)) {
    if (box->type != "traf"_4cc) continue;
    FragmentView::Run& run = fragment.runs.emplace_back();
    if (!read_traf(box->body, begin, size, run)) return std::nullopt;
    const FragmentView::Sample &first = run.samples.front(), &last = run.samples.back();
    const uint64_t bytes = last.position + last.size - first.position;
    samples += run.samples.size();
    if (bytes > left || samples > kMostSamples) return std::nullopt;
    left -= bytes;
  }
  if (mfhd.exhausted() || !moof.empty() || fragment.runs.empty()) return std::nullopt;
  return fragment;
}

}  // namespace finalize
