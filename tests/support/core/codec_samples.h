// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What tests of the codecs' own parsers share: a look at a sample in memory, and what holds
// whatever the sample is. Include it last, as gstcheck.h itself.
#pragma once

#include <cstdint>
#include <vector>

#include "memory_source.h"
#include "mp4/codecs/codec.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace mp4_test {

struct CodecName {
  mp4::FourCC format;
  uint8_t object_type = 0;
};

inline mp4::TrackConfig config_of(const CodecName& name) {
  mp4::TrackConfig config;
  config.format = name.format;
  config.object_type = name.object_type;
  return config;
}

inline mp4::AccessUnit look(const std::vector<uint8_t>& sample, mp4::TrackConfig& config) {
  const mp4::Codec* codec = mp4::find_codec(config.format, config.object_type);
  fail_unless(codec && codec->look);
  return codec->look(MemorySource(sample), config);
}

/// Looks twice: a sample whose parameters are known describes nothing anew, and of the track only
/// what the codec's bytes can say is changed. Returns what the first look found.
inline mp4::AccessUnit look_sanely(const std::vector<uint8_t>& sample, mp4::TrackConfig& config) {
  constexpr uint64_t kMostBytes = 20'000;
  const mp4::TrackConfig before = config;
  const mp4::Codec& codec = mp4::codec_of(config);
  const MemorySource source(sample);
  const mp4::AccessUnit unit = codec.look(source, config);
  fail_unless(source.bytes_read <= kMostBytes);
  fail_unless(unit.skip <= sample.size());
  fail_unless(unit.duration >= 0 && unit.duration <= 1 << 17);
  fail_unless_equals_int(unit.described_anew, !(config == before));
  fail_unless(config.codec_config.size() <= 5'000);
  const mp4::TrackConfig known = config;
  fail_if(codec.look(MemorySource(sample), config).described_anew);
  fail_unless(config == known);
  mp4::TrackConfig rest = config;
  rest.codec_config = before.codec_config;
  rest.video.width = before.video.width;
  rest.video.height = before.video.height;
  rest.video.colour = before.video.colour;
  fail_unless(rest == before);
  return unit;
}

/// The sample cut off everywhere, and with every byte of its beginning changed: to an empty track
/// and to one that the whole sample has described.
inline void damage(const CodecName& name, const std::vector<uint8_t>& sample) {
  constexpr std::size_t kBytesChanged = 300;
  mp4::TrackConfig described = config_of(name);
  look_sanely(sample, described);
  const auto try_both = [&](const std::vector<uint8_t>& bytes) {
    mp4::TrackConfig empty = config_of(name), known = described;
    look_sanely(bytes, empty);
    look_sanely(bytes, known);
  };
  for (std::size_t at = 0; at < std::min(sample.size(), kBytesChanged); ++at) {
    try_both({sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(at)});
    for (const uint8_t change : {0x01, 0x80, 0xff}) {
      auto changed = sample;
      changed[at] ^= change;
      try_both(changed);
    }
    for (const uint8_t value : {0x00, 0xff}) {
      auto changed = sample;
      changed[at] = value;
      try_both(changed);
    }
  }
}

}  // namespace mp4_test
