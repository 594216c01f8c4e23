// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a buffer is as a sample of the file: what it says of itself, and its bytes as the codec's
// binding to MP4 has them.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "mp4/codecs/access_unit.h"
#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/stream/input_tracks.h"

namespace trailingmp4 {

// Where the codec has nothing to look into, each sample stands for itself. Nothing: the bytes
// cannot be read.
std::optional<mp4::AccessUnit> look_into(InputTracks& tracks, GstBuffer* buffer);

// After look_into(). cut: frames of PCM that are left out at the beginning.
GstRef<GstBuffer> as_in_the_file(InputTracks& tracks, GstRef<GstBuffer> buffer,
                                 const mp4::AccessUnit& unit, mp4::Ticks cut);

// Its length, and the text (3GPP TS 26.245, 5.17); nothing is said by one without text.
GstRef<GstBuffer> text_sample(GstRef<GstBuffer> text);

// What of a buffer's sound is not to be heard (GstAudioClippingMeta), in ticks.
struct Clipping {
  mp4::Ticks begin = 0, end = 0;
};
Clipping clipping_of(GstBuffer* buffer, mp4::Timescale timescale);

}  // namespace trailingmp4
