// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The codec table of the shell: which caps can be written, and what they say of the track. Adding a
// codec takes a row there, a function that reads its caps, and a row in mp4/codecs/codec.cpp.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

#include "mp4/base/status.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/codec.h"
#include "mp4/codecs/parameter_sets.h"

namespace trailingmp4 {

// What the caps say, and what a pad must know to look into the samples.
struct TrackCaps {
  mp4::TrackConfig config;
  std::optional<int64_t> picture_ns;       // from one picture to the next, as the caps say it
  std::optional<unsigned> depth;           // of reordering, where it is the codec's
  mp4::Ticks clip = 0;                     // of the first sample: what decoders need to settle
  int layer = 0;                           // of MPEG audio, which the file does not say
  uint8_t silence = 0;                     // PCM: the byte that silence is made of
  bool framed = true;                      // each buffer is a whole sample, and nothing else
  std::optional<mp4::ParameterSets> sets;  // in force, of samples made of NAL units

  const mp4::Codec& codec() const { return mp4::codec_of(config); }
  // Samples of the other can stand in the track of this one, with a description of their own.
  bool fits(const TrackCaps& other) const;
  // All is known that the file must say; else the samples bring it.
  bool is_complete() const;
};

// kInvalid with a sentence where the caps cannot be written.
mp4::Status read_caps(const GstCaps* caps, TrackCaps& result);
// Whether the table has the media type, whatever else the caps say.
bool is_known_media_type(const GstCaps* caps);

// What the pads' templates say: all that can be written, or all of one kind.
std::string template_caps();
std::string template_caps(mp4::TrackKind kind);

}  // namespace trailingmp4
