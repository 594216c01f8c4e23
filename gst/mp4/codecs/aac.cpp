// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/aac.h"

#include <array>

#include "mp4/base/bit_reader.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// 14496-3, table 1.18
constexpr std::array<uint32_t, 13> kRates{96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                          22050, 16000, 12000, 11025, 8000,  7350};
constexpr uint32_t kExplicitRate = 15;
// Table 1.19, by channelConfiguration; 0 is given by a program config element, 255 reserved.
constexpr std::array<uint8_t, 16> kChannels{0,   1,   2,   3, 4, 5,  6, 8,
                                            255, 255, 255, 7, 8, 24, 8, 255};
constexpr uint32_t kSbr = 5;
constexpr uint32_t kParametricStereo = 29;
constexpr uint32_t kEscape = 31;
constexpr uint32_t kLowDelay = 23;
constexpr uint32_t kEnhancedLowDelay = 39;
constexpr uint32_t kMaxRate = 192'000;

uint32_t object_type(BitReader& reader) {  // table 1.16
  const uint32_t type = reader.bits(5);
  return type == kEscape ? 32 + reader.bits(6) : type;
}

uint32_t sampling_frequency(BitReader& reader) {
  const uint32_t index = reader.bits(4);
  if (index == kExplicitRate) return reader.bits(24);
  return index < kRates.size() ? kRates[index] : 0;
}

// The object types whose own configuration begins with frameLengthFlag: those with a
// GASpecificConfig (4.4.1), and ELDSpecificConfig (4.6.20).
bool has_frame_length_flag(uint32_t type) {
  return (type >= 1 && type <= 4) || type == 6 || type == 7 || type == 17 ||
         (type >= 19 && type <= kLowDelay) || type == kEnhancedLowDelay;
}

// program_config_element (4.4.1.1, table 4.2), which a GASpecificConfig has where
// channelConfiguration is 0. 0: it is not there.
uint8_t channels_of_program(BitReader reader) {
  if (reader.bit()) reader.bits(14);  // dependsOnCoreCoder, coreCoderDelay
  reader.bit();                       // extensionFlag
  reader.bits(4 + 2 + 4);             // element_instance_tag, object_type, sampling_frequency_index
  const uint32_t front = reader.bits(4), side = reader.bits(4), back = reader.bits(4);
  uint32_t channels = reader.bits(2);  // num_lfe_channel_elements
  reader.bits(3 + 4);                  // num_assoc_data_, num_valid_cc_elements
  if (reader.bit()) reader.bits(4);    // mono_mixdown
  if (reader.bit()) reader.bits(4);    // stereo_mixdown
  if (reader.bit()) reader.bits(3);    // matrix_mixdown_idx, pseudo_surround_enable
  for (uint32_t i = 0; i < front + side + back; ++i) {
    channels += 1 + reader.bit();  // is_cpe
    reader.bits(4);                // element_tag_select
  }
  return reader.exhausted() ? 0 : narrow<uint8_t>(channels);
}

uint32_t samples_in_frame(uint32_t type, bool short_frames) {
  const bool half = type == kLowDelay || type == kEnhancedLowDelay;
  return (short_frames ? 960 : 1024) / (half ? 2 : 1);
}

}  // namespace

std::optional<AacConfig> parse_audio_specific_config(std::span<const uint8_t> config) {
  BitReader reader(config);
  uint32_t type = object_type(reader);
  AacConfig result;
  result.rate = sampling_frequency(reader);
  uint8_t channels = kChannels[reader.bits(4)];
  if (type == kSbr || type == kParametricStereo) {
    sampling_frequency(reader);  // extensionSamplingFrequency: of the output, not of the samples
    type = object_type(reader);
  }
  const bool short_frames = has_frame_length_flag(type) && reader.bit();
  if (channels == 0 && has_frame_length_flag(type) && type != kEnhancedLowDelay)
    channels = channels_of_program(reader);
  if (reader.exhausted() || type == 0 || channels == 255) return std::nullopt;
  if (result.rate == 0 || result.rate > kMaxRate) return std::nullopt;
  result.channels = channels;
  result.frame_ticks = samples_in_frame(type, short_frames);
  return result;
}

}  // namespace mp4
