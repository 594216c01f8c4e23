// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/opus.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mp4/base/box_writer.h"

namespace mp4 {
namespace {

constexpr Ticks kLongestPacket = 5760;  // 120 ms (RFC 6716, 3.2)

Ticks frame_ticks(uint8_t toc) {  // RFC 6716, table 2
  constexpr std::array<Ticks, 4> kSilk{480, 960, 1920, 2880}, kCelt{120, 240, 480, 960};
  const unsigned config = toc >> 3;
  if (config < 12) return kSilk[config & 3];
  return config < 16 ? kSilk[config & 1] : kCelt[config & 3];
}

Ticks packet_ticks(std::span<const uint8_t> head) {  // RFC 6716, 3.2
  if (head.empty()) return 0;
  const unsigned code = head[0] & 3;
  Ticks frames = code == 0 ? 1 : 2;
  if (code == 3) frames = head.size() > 1 ? head[1] & 0x3f : 0;
  const Ticks ticks = frames * frame_ticks(head[0]);
  return ticks <= kLongestPacket ? ticks : 0;
}

}  // namespace

bool is_valid(const OpusSpecific& opus) {
  constexpr uint8_t kSilence = 255;
  if (opus.mapping_family == 0) return opus.channels == 1 || opus.channels == 2;
  if (opus.channels == 0 || opus.streams == 0 || opus.coupled > opus.streams) return false;
  const int decoded = opus.streams + opus.coupled;
  return decoded <= 255 && opus.mapping.size() == opus.channels &&
         std::ranges::all_of(opus.mapping, [&](uint8_t channel) {
           return channel < decoded || channel == kSilence;
         });
}

std::optional<OpusSpecific> parse_opus_head(std::span<const uint8_t> packet) {  // RFC 7845, 5.1
  constexpr std::size_t kHeader = 19, kMapping = 21;
  if (packet.size() < kHeader || std::memcmp(packet.data(), "OpusHead", 8) != 0)
    return std::nullopt;
  if (packet[8] >> 4 != 0) return std::nullopt;  // version
  const auto u16 = [&](std::size_t at) {
    return static_cast<uint16_t>(packet[at] | packet[at + 1] << 8);
  };
  OpusSpecific opus;
  opus.channels = packet[9];
  opus.pre_skip = u16(10);
  opus.input_rate = u16(12) | uint32_t{u16(14)} << 16;
  opus.gain = static_cast<int16_t>(u16(16));
  opus.mapping_family = packet[18];
  if (opus.mapping_family != 0) {
    if (packet.size() < kMapping + opus.channels) return std::nullopt;
    opus.streams = packet[19];
    opus.coupled = packet[20];
    const auto mapping = packet.subspan(kMapping, opus.channels);
    opus.mapping.assign(mapping.begin(), mapping.end());
  }
  return is_valid(opus) ? std::optional(opus) : std::nullopt;
}

std::vector<uint8_t> opus_specific_box(const OpusSpecific& opus) {
  BoxWriter w;
  w.u8(0);                    // Version
  w.u8(opus.channels);        // OutputChannelCount
  w.u16(opus.pre_skip);       // PreSkip
  w.u32(opus.input_rate);     // InputSampleRate
  w.i16(opus.gain);           // OutputGain
  w.u8(opus.mapping_family);  // ChannelMappingFamily
  if (opus.mapping_family != 0) {
    w.u8(opus.streams);   // StreamCount
    w.u8(opus.coupled);   // CoupledCount
    w.raw(opus.mapping);  // ChannelMapping
  }
  return w.take();
}

std::optional<uint16_t> opus_pre_skip(std::span<const uint8_t> box) {
  constexpr std::size_t kFixed = 11, kPreSkip = 2;
  if (box.size() < kFixed || box[0] != 0) return std::nullopt;  // Version
  return static_cast<uint16_t>(box[kPreSkip] << 8 | box[kPreSkip + 1]);
}

AccessUnit look_at_opus(const ByteSource& sample, TrackConfig&) {
  std::array<uint8_t, 8> buffer{};
  const auto head = std::span<const uint8_t>(buffer).first(sample.read(0, buffer));
  const bool is_header =
      head.size() == buffer.size() && (std::memcmp(head.data(), "OpusHead", 8) == 0 ||
                                       std::memcmp(head.data(), "OpusTags", 8) == 0);
  AccessUnit unit;
  unit.has_media = !head.empty() && !is_header;
  unit.access.sync = true;
  if (unit.has_media) unit.duration = packet_ticks(head);
  return unit;
}

}  // namespace mp4
