// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media.h"

#include <algorithm>
#include <random>

#include "synthetic_media.h"

namespace bench {
namespace {

using Kind = TrackMedia::Kind;
using Sizes = std::vector<std::size_t>;

constexpr double kMillisecond = 1e6;
constexpr std::size_t kCameraSync = 667'339;  // of a camera that sends 3.5 Mbit/s

// A value between 0 and 1 that a number always has.
double hash(int64_t number) {
  auto z = static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

Sizes sizes(std::size_t count, std::size_t smallest, std::size_t largest) {
  std::minstd_rand random(7);
  std::uniform_int_distribution<std::size_t> size(smallest, largest);
  Sizes result(count);
  std::generate(result.begin(), result.end(), [&] { return size(random); });
  return result;
}

Sizes gop(std::size_t sync, std::size_t smallest, std::size_t largest) {
  Sizes result = sizes(60, smallest, largest);
  result[0] = sync;
  return result;
}

TrackMedia video(double rate, const Sizes& bytes) {
  return {Kind::kVideo, video_caps(), 1e9 / rate, 6 * kMillisecond, bytes};
}

TrackMedia aac(std::size_t smallest, std::size_t largest) {
  return {Kind::kAudio, audio_caps(), 1024e9 / 48000, 2 * kMillisecond,
          sizes(97, smallest, largest)};
}

TrackMedia alaw() {
  Owned<GstCaps> caps(gst_caps_new_simple("audio/x-alaw", "rate", G_TYPE_INT, 8000, "channels",
                                          G_TYPE_INT, 1, nullptr));
  return {Kind::kAudio, std::move(caps), 20 * kMillisecond, 1 * kMillisecond, Sizes{160}};
}

template <typename... Tracks>
std::vector<TrackMedia> list(Tracks... tracks) {
  std::vector<TrackMedia> result;
  (result.push_back(std::move(tracks)), ...);
  return result;
}

}  // namespace

TrackMedia::TrackMedia(Kind kind, Owned<GstCaps> caps, double sample_ns, double jitter_ns,
                       const Sizes& bytes)
    : kind_(kind), caps_(std::move(caps)), step_(sample_ns), jitter_(jitter_ns) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const Picture picture = i == 0 ? Picture::kIdr : Picture::kOther;
    patterns_.push_back(kind == Kind::kVideo ? access_unit(i, picture, bytes[i])
                                             : noise(i, bytes[i]));
  }
}

int64_t TrackMedia::time_ns(int64_t sample) const {
  return static_cast<int64_t>(static_cast<double>(sample) * step_ + jitter_ * hash(sample));
}

std::size_t TrackMedia::index(int64_t sample) const {
  return static_cast<std::size_t>(sample) % patterns_.size();
}

std::size_t TrackMedia::bytes(int64_t sample) const { return patterns_[index(sample)].size(); }

GstBuffer* TrackMedia::make(int64_t sample, Memory memory) const {
  const Bytes& bytes = patterns_[index(sample)];
  GstBuffer* buffer = memory == Memory::kOwn
                          ? to_buffer(bytes).release()
                          : gst_buffer_new_wrapped_full(
                                GST_MEMORY_FLAG_READONLY, const_cast<uint8_t*>(bytes.data()),
                                bytes.size(), 0, bytes.size(), nullptr, nullptr);
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(time_ns(sample));
  GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(step_);
  if (kind_ == Kind::kVideo && index(sample) != 0)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

std::vector<TrackMedia> media_of(const std::string& name) {
  if (name == "camera") return list(video(30, gop(kCameraSync, 2'000, 8'000)), aac(300, 400));
  if (name == "small") return list(video(30, gop(1'000, 60, 300)), aac(40, 120));
  if (name == "fast") return list(video(60, gop(400'000, 25'000, 45'000)), aac(300, 400));
  if (name == "sound") return list(aac(300, 400));
  if (name == "g711") return list(alaw());
  return {};
}

}  // namespace bench
