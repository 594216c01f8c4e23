// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The table of what cameras send: how each codec is made, and how readers call it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "media_track.h"

namespace pipelines {

struct CodecCase {
  const char* name;
  const char* source;          ///< up to the recorder
  const char* codec;           ///< as ffprobe names it
  const char* format;          ///< of the sample entry
  const char* decoder;         ///< of GStreamer
  const char* file = nullptr;  ///< ffmpeg's options for one that is the source
  size_t clip = 0;  ///< bytes of what is decoded that are not presented, at the beginning
};

std::span<const CodecCase> picture_codecs();
std::span<const CodecCase> sound_codecs();

/// Records one into that file, without a complaint. What of it is media.
MediaTrack record_codec(const CodecCase& one, const std::string& path);

/// Leaves out what is no media: encoders send headers first that the caps have too, and AV1 begins
/// each temporal unit with a delimiter that files leave out.
void keep_media(MediaTrack& track);

}  // namespace pipelines
