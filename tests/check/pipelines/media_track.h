// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A stream as a list of samples, whoever saw it: a probe in front of the recorder, or a reader of
// the file. What was pushed is compared with what was read here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pipelines {

using Bytes = std::vector<uint8_t>;

struct MediaSample {
  Bytes bytes;  ///< empty for readers that tell only the size
  size_t size = 0;
  std::optional<int64_t> pts_ns;  ///< running time, or time on the movie's timeline
  std::optional<int64_t> dts_ns;
  bool key = false;
  bool discont = false;
};

struct MediaTrack {
  std::string name;  ///< of the pad; empty for files
  std::string caps;  ///< of its first sample; empty for files
  bool video = false;
  int rate = 0;          ///< Hz, of audio
  size_t pcm_frame = 0;  ///< bytes of a frame of PCM or G.711, of pushed tracks; 0: it is neither
  std::vector<MediaSample> samples;
  size_t missing_data = 0;  ///< GAP events that say so; none for files
};

using MediaTracks = std::vector<MediaTrack>;

/// What keeps `read` from being `pushed`: the same tracks with the same samples in the same order;
/// bytes and sizes equal; video's times apart by no more than the rounding of two times to ticks,
/// audio's by no more than half a frame; decode times of video too, where `pushed` and the reader
/// have them. Of PCM the bytes count, and the time of each frame, however they are cut into
/// samples. Times are compared from the earliest sample on, which is where a file's timeline
/// begins. Empty: all is well.
std::vector<std::string> differences(const MediaTracks& pushed, const MediaTracks& read);

/// The video without what comes before its first key picture, which a recorder leaves out.
MediaTracks from_first_key(MediaTracks tracks);

/// For sources whose times a recorder has to put right: bytes and order alone are compared.
MediaTracks without_times(MediaTracks tracks);

/// Lines for a failure message.
std::string join(const std::vector<std::string>& lines);

}  // namespace pipelines
