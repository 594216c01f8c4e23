// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sample entries of 'stsd' (ISO/IEC 14496-12, 8.5.2; -14, 5.6; -15, 5.4.2), one function each.
#pragma once

#include "mp4/base/box_writer.h"
#include "mp4/base/track_config.h"

namespace mp4 {

// ISO/IEC 14496-12, 8.5.2 BitRateBox and ISO/IEC 14496-1, 7.2.6.6: known when the media is.
struct BitRates {
  uint32_t buffer_size = 0;  // bytes
  uint32_t max_bitrate = 0;  // bits per second, in any second
  uint32_t avg_bitrate = 0;  // bits per second
};

void write_sample_entry(BoxWriter& writer, const TrackConfig& config, const BitRates& rates);

}  // namespace mp4
