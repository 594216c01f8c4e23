// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The codec table: which caps can be written, and what they say of the track.
#pragma once

#include <gst/gst.h>

#include "mp4/status.h"
#include "mp4/track_config.h"

namespace trailingmp4 {

// What the caps say, and what a pad must know to look into the samples.
struct TrackCaps {
  mp4::TrackConfig config;
  unsigned nal_length_size = 0;  // 0: samples are not made of NAL units

  // The samples of both can stand in one track.
  bool same_description(const TrackCaps& other) const;
};

// kInvalid with a sentence where the caps cannot be written.
mp4::Status read_caps(const GstCaps* caps, TrackCaps& result);

// What the pads' templates say.
inline constexpr char kVideoCaps[] =
    "video/x-h264, stream-format=(string){ avc, avc3 }, alignment=(string)au";
inline constexpr char kAudioCaps[] = "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw";

}  // namespace trailingmp4
