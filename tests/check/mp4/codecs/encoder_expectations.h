// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the core must find in the parameter sets of a real encoder, H.264 and H.265 alike. Include
// it last, as gstcheck.h itself.
#pragma once

#include <algorithm>

#include "encoded_file.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace mp4_test {

// Pictures to encode, and what their sequence parameter set must say of them.
struct Encoded {
  const char* size;
  const char* options;
  uint32_t width, height;
  uint32_t chroma_format = 1, depth = 8;
  mp4::PixelAspectRatio aspect{1, 1};
  mp4::Colour colour{};
};

inline void expect_sequence(const EncodedFile& file, const Encoded& encoded) {
  fail_unless(file.sets.has_value());
  fail_unless_equals_int(file.sets->nal_length_size(), 4);
  fail_unless(file.sets->record() == file.record);
  const auto sequence = file.sets->sequence();
  fail_unless(sequence.has_value());
  fail_unless_equals_int(sequence->width, encoded.width);
  fail_unless_equals_int(sequence->height, encoded.height);
  fail_unless_equals_int(sequence->chroma_format, encoded.chroma_format);
  fail_unless_equals_int(sequence->luma_depth, encoded.depth);
  fail_unless_equals_int(sequence->chroma_depth, encoded.depth);
  fail_unless(sequence->aspect.value_or(mp4::PixelAspectRatio()) == encoded.aspect);
  const mp4::Colour colour = sequence->colour.value_or(mp4::Colour{});
  fail_unless(colour == encoded.colour, "%d %d %d %d", colour.primaries, colour.transfer,
              colour.matrix, colour.full_range);
}

// How an encoder is told to reorder, and by how many pictures it does.
struct Reordering {
  const char* params;
  unsigned depth;
};

inline void expect_reordering(const EncodedFile& file, unsigned depth) {
  fail_unless(file.sets.has_value());
  fail_unless(file.sets->sequence()->reorder_depth == depth);
  fail_unless_equals_int(file.reordered(), depth);
}

template <typename F>
long count_units(const EncodedFile& file, F of_unit) {
  return std::count_if(file.units.begin(), file.units.end(), of_unit);
}

}  // namespace mp4_test
