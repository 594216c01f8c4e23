// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The codec table: which caps can be written, and what they say of the track.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "mp4/parameter_sets.h"
#include "mp4/status.h"
#include "mp4/track_config.h"

namespace trailingmp4 {

// What the caps say, and what a pad must know to look into the samples.
struct TrackCaps {
  mp4::TrackConfig config;
  std::optional<int64_t> picture_ns;  // from one picture to the next, as the caps say it

  // Samples made of NAL units, and their parameter sets in force.
  mp4::NalCodec nal_codec = mp4::NalCodec::kNone;
  std::optional<mp4::ParameterSets> sets;

  // Samples of the other can stand in the track of this one, with a description of their own.
  bool fits(const TrackCaps& other) const;
};

// kInvalid with a sentence where the caps cannot be written.
mp4::Status read_caps(const GstCaps* caps, TrackCaps& result);

// What the pads' templates say.
inline constexpr char kVideoCaps[] =
    "video/x-h264, stream-format=(string){ avc, avc3 }, alignment=(string)au; "
    "video/x-h265, stream-format=(string){ hvc1, hev1 }, alignment=(string)au";
inline constexpr char kAudioCaps[] = "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw";

}  // namespace trailingmp4
