// SPDX-License-Identifier: LGPL-2.1-or-later
#include "synthetic_media.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace bench {
namespace {

// ITU-T H.264, 7.3.1: nal_ref_idc 3 and the type, table 7-1
constexpr uint8_t kSliceHeader = 0x61;
constexpr uint8_t kIdrSliceHeader = 0x65;

void set_codec_data(GstCaps* caps, std::span<const uint8_t> codec_data) {
  if (codec_data.empty()) return;
  const Owned<GstBuffer> buffer = to_buffer(codec_data);
  gst_caps_set_simple(caps, "codec_data", GST_TYPE_BUFFER, buffer.get(), nullptr);
}

uint64_t next_random(uint64_t& state) {  // splitmix64
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

const Bytes& avc_config() {                                                  // from x264
  static const Bytes config{0x01, 0x42, 0xc0, 0x15, 0xff, 0xe1, 0x00, 0x1b,  // 1 SPS
                            0x67, 0x42, 0xc0, 0x15, 0xda, 0x05, 0x07, 0xec, 0x05, 0xa8, 0x30,
                            0x30, 0x35,  // SPS
                            0x28, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x94,
                            0x78, 0xb1, 0x75, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80};  // 1 PPS
  return config;
}

const Bytes& other_avc_config() {
  static const Bytes config{0x01, 0x4d, 0x40, 0x15, 0xff, 0xe1, 0x00, 0x1c,  // 1 SPS
                            0x67, 0x4d, 0x40, 0x15, 0xec, 0xa0, 0xa0, 0xfd, 0x80, 0xb5, 0x06, 0x06,
                            0x06,  // SPS
                            0xa5, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x8f,
                            0x16, 0x2d, 0x96, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80};  // 1 PPS
  return config;
}

const Bytes& audio_specific_config() {  // 14496-3 1.6.2.1: object type 2, frequency 3, channels 2
  static const Bytes config{0x11, 0x90};
  return config;
}

Owned<GstCaps> video_caps(std::span<const uint8_t> codec_data, const char* stream_format) {
  Owned<GstCaps> caps(gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING,
                                          stream_format, "alignment", G_TYPE_STRING, "au", "width",
                                          G_TYPE_INT, kWidth, "height", G_TYPE_INT, kHeight,
                                          "framerate", GST_TYPE_FRACTION, 25, 1, nullptr));
  set_codec_data(caps.get(), codec_data);
  return caps;
}

Owned<GstCaps> audio_caps(std::span<const uint8_t> codec_data) {
  Owned<GstCaps> caps(gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4,
                                          "stream-format", G_TYPE_STRING, "raw", "rate", G_TYPE_INT,
                                          kRate, "channels", G_TYPE_INT, kChannels, nullptr));
  set_codec_data(caps.get(), codec_data);
  return caps;
}

Bytes noise(uint64_t seed, size_t size) {
  Bytes bytes(size);
  uint64_t state = seed;
  for (size_t i = 0; i < size; i += sizeof state) {
    const uint64_t word = next_random(state);
    for (size_t j = i; j < std::min(size, i + sizeof state); ++j)
      bytes[j] = static_cast<uint8_t>(word >> (8 * (j - i)));
  }
  return bytes;
}

Bytes with_lengths(const std::vector<Bytes>& nal_units) {
  Bytes unit;
  for (const Bytes& nal : nal_units) {
    for (int shift : {24, 16, 8, 0}) unit.push_back(static_cast<uint8_t>(nal.size() >> shift));
    std::copy(nal.begin(), nal.end(), std::back_inserter(unit));
  }
  return unit;
}

Bytes access_unit(uint64_t seed, Picture picture, size_t size) {
  constexpr size_t kLength = 4;
  Bytes nal = noise(seed, std::max<size_t>(size, kLength + 9) - kLength);
  nal[0] = picture == Picture::kIdr ? kIdrSliceHeader : kSliceHeader;
  return with_lengths({nal});
}

Bytes audio_frame(uint64_t seed, size_t size) { return noise(seed, std::max<size_t>(size, 8)); }

Owned<GstBuffer> to_buffer(std::span<const uint8_t> bytes) {
  Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, bytes.size(), nullptr));
  gst_buffer_fill(buffer.get(), 0, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace bench
