// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the benchmarks record: tracks of the sizes and times that cameras send, made of nothing.
// Times have the jitter of a network, decode times are missing, as they are behind rtspsrc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst_owners.h"

namespace bench {

class TrackMedia {
 public:
  enum class Kind { kVideo, kAudio };

  // bytes: of the samples, which come again and again; the first of them is a sync sample.
  TrackMedia(Kind kind, Owned<GstCaps> caps, double sample_ns, double jitter_ns,
             const std::vector<std::size_t>& bytes);

  Kind kind() const { return kind_; }
  const GstCaps* caps() const { return caps_.get(); }
  int64_t samples_in(double seconds) const { return static_cast<int64_t>(seconds * 1e9 / step_); }
  int64_t time_ns(int64_t sample) const;  // with jitter, rising
  std::size_t bytes(int64_t sample) const;
  // The buffers of a number share their memory with all others of the same bytes, or have their
  // own.
  enum class Memory { kShared, kOwn };
  GstBuffer* make(int64_t sample, Memory memory) const;

 private:
  std::size_t index(int64_t sample) const;

  Kind kind_;
  Owned<GstCaps> caps_;
  double step_, jitter_;
  std::vector<std::vector<uint8_t>> patterns_;
};

// camera: 30 pictures a second at 3.9 Mbit/s, with AAC; small: the same times, tiny samples; fast:
// 60 pictures a second at 20 Mbit/s, with AAC; sound: AAC alone; g711: A-law in buffers of 20 ms.
// Nothing: there is none of that name.
std::vector<TrackMedia> media_of(const std::string& name);

}  // namespace bench
