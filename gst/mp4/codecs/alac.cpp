// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/alac.h"

#include <array>

#include "mp4/base/bit_reader.h"

namespace mp4 {
namespace {

constexpr uint32_t kPair = 1;  // ID_CPE, the last of the elements that are looked at

// The first element of a packet (Apple Lossless Audio Codec, ALACDecoder::Decode): one that is not
// full says how many samples it has. 0: it is full.
uint32_t partial_samples(std::span<const uint8_t> head) {
  BitReader reader(head);
  if (reader.bits(3) > kPair) return 0;                       // ID_SCE or ID_CPE
  reader.bits(4);                                             // elementInstanceTag
  reader.bits(12);                                            // unused
  const bool is_partial = reader.bit();                       // partialFrame
  reader.bits(3);                                             // bytesShifted, escapeFlag
  const uint32_t samples = is_partial ? reader.bits(32) : 0;  // numSamples
  return reader.exhausted() ? 0 : samples;
}

}  // namespace

AccessUnit look_at_alac(const ByteSource& sample, TrackConfig& config) {
  std::array<uint8_t, 8> buffer{};
  const uint32_t samples =
      partial_samples(std::span<const uint8_t>(buffer).first(sample.read(0, buffer)));
  AccessUnit unit{.has_media = sample.size() > 0, .access = {.sync = true}};
  if (samples <= config.audio.frame_ticks) unit.duration = samples;
  return unit;
}

}  // namespace mp4
