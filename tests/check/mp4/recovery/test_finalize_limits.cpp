// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what trailingmp4-finalize takes of fragments that claim far more than there is. Samples
// cost a file nothing where they are a hole in it, so what they say must cost little memory.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/boxes/initial_moov.h"
#include "mp4/boxes/moof.h"
#include "mp4/recovery/fragment_view.h"
#include "mp4/recovery/left_over.h"
#include "mp4/recovery/left_over_tracks.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using finalize::FragmentView;
using finalize::GrowingMovie;
using finalize::GrowingTrack;
using finalize::LeftOverTracks;
using namespace mp4::literals;

constexpr uint64_t kBoxHeader = 8;

// So long, and all of it zeros.
class HollowFile final : public mp4::ByteSource {
 public:
  uint64_t size() const override { return UINT32_MAX; }
  std::size_t read(uint64_t, std::span<uint8_t> destination) const override {
    std::fill(destination.begin(), destination.end(), uint8_t{0});
    return destination.size();
  }
};

LeftOverTracks telephone() {
  GrowingTrack track;
  track.id = 1;
  track.config.kind = mp4::TrackKind::kAudio;
  track.config.timescale = {8'000};
  track.config.format = "ulaw"_4cc;
  track.config.audio = {.channels = 1, .rate = 8'000, .bits = 16};
  GrowingMovie movie;
  movie.tracks.push_back(track);
  LeftOverTracks tracks;
  fail_unless(tracks.begin(std::move(movie)));
  return tracks;
}

// Whether a fragment is taken that has so many samples of a byte and a tick in each of its tracks.
bool is_read(uint32_t samples, uint32_t tracks) {
  std::vector<mp4::TrackRun> runs;
  for (uint32_t i = 0; i < tracks; ++i) {
    mp4::TrackRun& run = runs.emplace_back();
    run.track_id = i + 1;
    run.decode_time = 0;
    run.position = uint64_t{i} * samples;
    run.samples.assign(samples, {.duration = 1, .size = 1, .offset = 0, .sync = true});
  }
  const std::vector<uint8_t> moof = mp4::write_moof(1, runs);
  const uint64_t size = moof.size() + kBoxHeader + uint64_t{samples} * tracks;
  return finalize::read_fragment(std::span(moof).subspan(kBoxHeader), size).has_value();
}

// Zeros, but for what is put into it.
class SparseFile final : public mp4::ByteSource {
 public:
  uint64_t size() const override { return size_; }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override {
    if (offset >= size_) return 0;
    const uint64_t end = std::min(size_, offset + destination.size());
    std::fill(destination.begin(), destination.end(), uint8_t{0});
    for (const auto& [begin, bytes] : pieces_)
      for (uint64_t at = std::max(begin, offset); at < std::min(end, begin + bytes.size()); ++at)
        destination[at - offset] = bytes[at - begin];
    return end - offset;
  }
  void append(std::vector<uint8_t> bytes) {
    size_ += bytes.size();
    pieces_.emplace_back(size_ - bytes.size(), std::move(bytes));
  }
  void append_zeros(uint64_t count) { size_ += count; }

 private:
  std::vector<std::pair<uint64_t, std::vector<uint8_t>>> pieces_;
  uint64_t size_ = 0;
};

std::vector<uint8_t> box_header(uint64_t size, const char (&type)[5]) {
  mp4::BoxWriter writer;
  writer.u32(mp4::narrow<uint32_t>(size));
  writer.text(type);
  return writer.take();
}

// Of samples of a byte, or the first of another size, and a tick each.
void append_fragment(SparseFile& file, uint32_t number, uint32_t samples, uint32_t first_size) {
  mp4::TrackRun run{
      .track_id = 1, .decode_time = uint64_t{number} << 24, .position = 0, .samples = {}};
  run.samples.assign(samples, {.duration = 1, .size = 1, .offset = 0, .sync = true});
  run.samples.front().size = first_size;
  const uint64_t bytes = samples - 1 + first_size;
  std::vector<uint8_t> moof = mp4::write_moof(number, std::span(&run, 1));
  const uint64_t padding = mp4::padding_after(moof.size() + kBoxHeader + bytes);
  file.append(std::move(moof));
  file.append(box_header(kBoxHeader + bytes + padding, "mdat"));
  file.append_zeros(bytes + padding);
}

// AddressSanitizer keeps what was freed, and takes its time.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITISED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(IS_SANITISED)
constexpr bool kIsSanitised = true;
#else
constexpr bool kIsSanitised = false;
#endif

long most_memory() {  // that was used at a time, in KiB
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace

// Decoding can start at each frame, whatever a fragment says: a table of them all would be longer
// than the sound.
GST_START_TEST(frames_of_pcm_need_no_table_whatever_the_fragment_says) {
  constexpr uint32_t kFrames = 1 << 22;
  const FragmentView fragment{1, {{1, 0, {{16, 1, 1, 0, false}, {17, kFrames, kFrames, 0, true}}}}};
  LeftOverTracks tracks = telephone();
  fail_unless(tracks.can_add(fragment));
  tracks.add(HollowFile(), 0, fragment);
  fail_unless_equals_uint64(tracks.samples(), kFrames + 1);
  fail_unless(tracks.moov().size() < 4'096, "%" G_GUINT64_FORMAT " bytes", tracks.moov().size());
}
GST_END_TEST;

// Recorders close them at 30000.
GST_START_TEST(a_fragment_of_more_samples_than_any_recorder_makes_is_not_taken) {
  fail_unless(is_read(60'000, 1));
  fail_unless(is_read(300'000, 3));
  fail_if(is_read(1'100'000, 1));
  fail_if(is_read(300'000, 4));
}
GST_END_TEST;

// Two sizes are two numbers to the recorder, and a table of all samples in the file.
GST_START_TEST(an_index_that_cannot_be_the_hidden_one_is_not_made_to_be_compared) {
  const std::vector<mp4::TrackConfig> description{{.kind = mp4::TrackKind::kMetadata,
                                                   .format = "metx"_4cc,
                                                   .timescale = {1'000},
                                                   .codec_config = {0, 'x', 0}}};
  const mp4::TrackTags tags;
  const mp4::InitialTrack track{description, tags, 0, 1, 0};
  SparseFile file;
  file.append(mp4::write_file_header());
  file.append(mp4::write_initial_moov(0, std::span(&track, 1)));
  append_fragment(file, 1, 2, 2);
  constexpr uint32_t kFragments = kIsSanitised ? 5 : 40, kEach = 1'000'000;
  for (uint32_t i = 0; i < kFragments; ++i) append_fragment(file, i + 2, kEach, 1);
  file.append(box_header(16, "skip"));
  file.append(box_header(8, "moov"));
  finalize::LeftOver left_over;
  const long before = most_memory();
  fail_unless(left_over.read(file, [](uint64_t) {}).ok());
  const long taken = most_memory() - before;
  fail_unless_equals_uint64(left_over.tracks().samples(), 2 + uint64_t{kFragments} * kEach);
  fail_if(left_over.has_finished_moov());
  fail_unless(left_over.moov().size() > uint64_t{4} * kFragments * kEach);
  fail_unless(kIsSanitised || taken < 80 * 1'024, "%ld KiB", taken);
}
GST_END_TEST;

static Suite* finalize_limits_suite() {
  Suite* suite = suite_create("finalize_limits");
  TCase* limits = tcase_create("limits");
  suite_add_tcase(suite, limits);
  tcase_add_test(limits, frames_of_pcm_need_no_table_whatever_the_fragment_says);
  tcase_add_test(limits, an_index_that_cannot_be_the_hidden_one_is_not_made_to_be_compared);
  tcase_add_test(limits, a_fragment_of_more_samples_than_any_recorder_makes_is_not_taken);
  return suite;
}

GST_CHECK_MAIN(finalize_limits)
