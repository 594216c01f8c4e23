// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Media made of nothing: caps that are right in every bit, and samples that are well-formed on the
// outside and noise inside. Each sample's bytes are unique, so that a file shows which it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gst_owners.h"

namespace bench {

using Bytes = std::vector<uint8_t>;

inline constexpr int kWidth = 320, kHeight = 240, kRate = 48000, kChannels = 2;
inline constexpr GstClockTime kPictureDuration = 40 * GST_MSECOND;  // 25 pictures a second
inline constexpr unsigned kFrameTicks = 1024;                       // of an AAC frame, at kRate

// The avcC of a 320x240 constrained baseline stream, with 4-byte NAL unit lengths.
const Bytes& avc_config();
// The same of a main profile stream: another picture parameter world.
const Bytes& other_avc_config();
// AAC LC, 48 kHz, stereo.
const Bytes& audio_specific_config();

// stream_format: avc or avc3. Without codec_data: pass an empty one.
Owned<GstCaps> video_caps(std::span<const uint8_t> codec_data = avc_config(),
                          const char* stream_format = "avc");
Owned<GstCaps> audio_caps(std::span<const uint8_t> codec_data = audio_specific_config());

enum class Picture { kIdr, kOther };

// An access unit of one slice, size bytes with its length. Two of different seeds never agree.
Bytes access_unit(uint64_t seed, Picture picture, size_t size = 400);
// One raw AAC frame.
Bytes audio_frame(uint64_t seed, size_t size = 200);
// Noise of a seed: the same each time.
Bytes noise(uint64_t seed, size_t size);

// Puts each NAL unit behind its 4-byte length, 14496-15 5.3.4.2.
Bytes with_lengths(const std::vector<Bytes>& nal_units);

Owned<GstBuffer> to_buffer(std::span<const uint8_t> bytes);

}  // namespace bench
