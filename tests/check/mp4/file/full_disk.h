// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of full disks record, and what must be there afterwards. Include it last, as
// gstcheck.h itself.
#pragma once

#include <string>

#include "box_reader.h"
#include "test_recording.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace full_disk {

using mp4::Ticks;
using mp4_test::TestRecording;

constexpr Ticks kPicture = 3'000;
constexpr unsigned kPictures = 31;  // of a fragment
constexpr std::size_t kSample = 3'000;

// A second of video, and the first picture of the next.
inline void append_second(TestRecording& recording, mp4::TrackIndex video, unsigned second) {
  const unsigned begin = second == 0 ? 0 : second * kPictures + 1;
  for (unsigned i = begin; i <= (second + 1) * kPictures; ++i)
    recording.append(video, {i * kPicture, i * kPicture, kPicture}, i % kPictures == 0, kSample);
}

// False: the disk is full.
inline bool is_written(TestRecording& recording, unsigned fragments) {
  fail_unless(mp4_test::eventually([&] {
    const auto summary = recording.recording->summary();
    return recording.witness->failure() || summary.fragments_published >= fragments ||
           (!mp4_test::fragments_are_on() && summary.queued_bytes == 0);
  }));
  return !recording.witness->failure();
}

inline void expect_full(TestRecording& recording) {
  recording.recording->end();
  fail_unless(recording.witness->wait_until_ended());
  fail_unless(recording.recording->wait_until_ended(mp4_test::kLong));
  fail_unless(recording.witness->failure().has_value(), "%s", recording.witness->heard().c_str());
  fail_unless(recording.witness->failure()->code() == mp4::StatusCode::kNoSpace);
  fail_unless(recording.append(0, {1 << 30, 1 << 30, 0}) == mp4::Recording::Taken::kFailed);
}

// It is finished, and holds whole fragments from the first on, fewer than there were. Returns how
// many.
inline unsigned expect_finished(TestRecording& recording, const std::string& where) {
  fail_unless(recording.witness->heard() == "opened, finished", "%s: %s", where.c_str(),
              recording.witness->heard().c_str());
  const auto movie = recording.read();
  fail_unless(movie.has_value(), "%s", where.c_str());
  const std::size_t samples = movie->tracks[0].samples.size();
  fail_unless(samples > 0 && samples % kPictures == 0, "%s: %zu samples", where.c_str(), samples);
  const std::string differences = recording.shortened_differences({samples});
  fail_unless(differences.empty(), "%s: %s", where.c_str(), differences.c_str());
  return static_cast<unsigned>(samples / kPictures);
}

}  // namespace full_disk
