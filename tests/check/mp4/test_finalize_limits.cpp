// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what trailingmp4-finalize takes of fragments that claim far more than there is. Samples
// cost a file nothing where they are a hole in it, so what they say must cost little memory.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "fragment_view.h"
#include "left_over_tracks.h"
#include "mp4/moof.h"
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

static Suite* finalize_limits_suite() {
  Suite* suite = suite_create("finalize_limits");
  TCase* limits = tcase_create("limits");
  suite_add_tcase(suite, limits);
  tcase_add_test(limits, frames_of_pcm_need_no_table_whatever_the_fragment_says);
  tcase_add_test(limits, a_fragment_of_more_samples_than_any_recorder_makes_is_not_taken);
  return suite;
}

GST_CHECK_MAIN(finalize_limits)
