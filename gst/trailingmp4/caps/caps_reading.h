// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the functions that read the caps of one codec each have in common. They stand in
// video_caps.cpp, audio_caps.cpp and other_caps.cpp, and are named in the table of track_caps.cpp.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trailingmp4/caps/track_caps.h"

namespace trailingmp4 {

using ReadCaps = mp4::Status(const GstStructure* caps, TrackCaps& result);

ReadCaps read_h264, read_h265, read_h266, read_av1, read_vp8, read_vp9, read_mpeg4_visual,
    read_jpeg;
ReadCaps read_mpeg_audio, read_opus, read_alaw, read_mulaw, read_raw_audio, read_ac3, read_eac3,
    read_flac, read_alac, refuse_adpcm, refuse_g722;
ReadCaps read_onvif_metadata, read_text;

inline mp4::Status invalid(std::string sentence) {
  return {mp4::StatusCode::kInvalid, std::move(sentence)};
}

// Bytes of a buffer in the caps, or of the first one of a list; empty where there is none.
std::vector<uint8_t> buffer_field(const GstStructure* caps, const char* field);
int int_field(const GstStructure* caps, const char* field, int otherwise);

}  // namespace trailingmp4
