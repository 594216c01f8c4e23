// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a recorder must know of a sample made of NAL units, H.264 and H.265 alike: whether it is a
// picture, how decoding can start there, which parameter sets it brings. It looks at headers only,
// and trusts nothing it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/base/bit_reader.h"
#include "mp4/base/byte_source.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"

namespace mp4 {

enum class NalCodec { kNone, kAvc, kHevc };

// What a sequence parameter set says of the pictures.
struct SequenceInfo {
  uint32_t width = 0;  // after cropping
  uint32_t height = 0;
  std::optional<PixelAspectRatio> aspect;
  std::optional<Colour> colour;
  // Pictures that are decoded before one and presented after it, at most; 0 to 16. Nothing: not
  // said.
  std::optional<unsigned> reorder_depth;
  // For the decoder configuration record.
  uint32_t chroma_format = 1;
  uint32_t luma_depth = 8, chroma_depth = 8;
};

enum class NalKind { kOther, kSlice, kParameterSet, kDelimiter, kSei };

// H.264 and H.265: the NAL units up to the first slice.
AccessUnit scan_access_unit(NalCodec codec, const ByteSource& bytes, unsigned nal_length_size);

// ---- for the codecs' own parsers ----

// MaxDpbSize (H.264 A.3.1, H.265 A.4.2): no stream may reorder by more.
inline constexpr uint32_t kMostReordered = 16;

// The payload without emulation_prevention_three_byte (H.264 7.3.1, H.265 7.3.1.1).
std::vector<uint8_t> without_emulation_prevention(std::span<const uint8_t> nal);
// The same in place, for what is looked at in every sample. Returns what is left.
std::span<uint8_t> remove_emulation_prevention(std::span<uint8_t> nal);

// The parts that both codecs' VUI have alike (H.264 E.1.1, H.265 E.2.1).
void read_vui_aspect(BitReader& reader, SequenceInfo& sequence);
void read_vui_overscan(BitReader& reader);
void read_vui_video_signal(BitReader& reader, SequenceInfo& sequence);

// Takes what is cut off from the size; false: nothing is left.
bool crop(SequenceInfo& sequence, BitReader& reader, uint32_t unit_x, uint32_t unit_y);

}  // namespace mp4
