// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Codec: what the file and its writer must know of a codec, one row each: adding one takes a row
// here and, in the shell, one in the table of caps.
#pragma once

#include <cstdint>

#include "mp4/base/byte_source.h"
#include "mp4/base/fourcc.h"
#include "mp4/base/track_config.h"
#include "mp4/codecs/access_unit.h"
#include "mp4/codecs/nal.h"

namespace mp4 {

struct Codec {
  FourCC format;            // of the sample entry
  uint8_t object_type = 0;  // of its 'esds'
  FourCC configuration{};   // the box in the entry that holds TrackConfig::codec_config; 0: none
  // Samples bring their parameters: others are another description of the same track. Else they
  // make another track.
  bool carries_parameters = false;
  // The configuration can stand before a sample as it is, for readers that have another one.
  bool config_leads_samples = false;
  NalCodec nal = NalCodec::kNone;
  uint8_t pcm_bytes = 0;  // of one channel's sample where each frame is a sample of the file
  // Nothing: each sample can be decoded alone and lasts as long as the others. May complete and
  // change the configuration where the sample brings it.
  AccessUnit (*look)(const ByteSource& sample, TrackConfig& config) = nullptr;
};

// Nothing: no such codec is known.
const Codec* find_codec(FourCC format, uint8_t object_type);
const Codec& codec_of(const TrackConfig& config);

// Bytes of one frame of PCM or G.711, all channels, which is one sample of the finished file and
// lasts one tick; 0: it is neither.
uint32_t pcm_frame_bytes(const TrackConfig& config);

}  // namespace mp4
