// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_track.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace pipelines {
namespace {

constexpr size_t kMostLines = 8;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kVideoTimescale = 90'000;
constexpr int64_t kReaderRounding = 2;  // to nanoseconds
constexpr int64_t kAacFrame = 1024;

/// Where the file's timeline begins in running time.
struct Beginning {
  int64_t pts_ns = std::numeric_limits<int64_t>::max();
  int64_t rounding_ns = 0;  ///< of the track that begins it, to ticks of that track
};

int64_t tick(const MediaTrack& track) {
  return kSecond / (track.rate > 0 ? track.rate : kVideoTimescale) + 1;
}

Beginning beginning_of(const MediaTracks& tracks) {
  Beginning beginning;
  for (const MediaTrack& track : tracks)
    for (const MediaSample& sample : track.samples)
      if (sample.pts_ns && *sample.pts_ns < beginning.pts_ns)
        beginning = {*sample.pts_ns, tick(track) / 2};
  return beginning;
}

/// Both the sample's time and that of the timeline's beginning are off by up to half a tick.
int64_t tolerance(const MediaTrack& track, const Beginning& beginning) {
  const int64_t video_tick = kSecond / kVideoTimescale + 1;
  const int64_t rounding = video_tick + beginning.rounding_ns + kReaderRounding;
  return track.video ? rounding : rounding + kAacFrame / 2 * tick(track);
}

bool same_sizes(const MediaTrack& a, const MediaTrack& b) {
  return std::equal(a.samples.begin(), a.samples.end(), b.samples.begin(), b.samples.end(),
                    [](const MediaSample& x, const MediaSample& y) { return x.size == y.size; });
}

size_t bytes_of(const MediaTrack& track) {
  size_t bytes = 0;
  for (const MediaSample& sample : track.samples) bytes += sample.size;
  return bytes;
}

bool is_counterpart(const MediaTrack& read, const MediaTrack& pushed) {
  return pushed.pcm_frame ? bytes_of(read) == bytes_of(pushed) : same_sizes(read, pushed);
}

/// The order of tracks in a file is that of their first samples, so they are found by content.
const MediaTrack* counterpart(const MediaTrack& pushed, const MediaTracks& read) {
  const MediaTrack* nearest = nullptr;
  for (const MediaTrack& track : read) {
    if (track.video != pushed.video) continue;
    if (is_counterpart(track, pushed)) return &track;
    if (nearest == nullptr) nearest = &track;
  }
  return nearest;
}

class Comparison {
 public:
  Comparison(const MediaTrack& pushed, const Beginning& begin) : pushed_(pushed), begin_(begin) {}

  std::vector<std::string> with(const MediaTrack& read) {
    if (pushed_.pcm_frame) return with_pcm(read);
    const size_t count = std::min(pushed_.samples.size(), read.samples.size());
    if (pushed_.samples.size() != read.samples.size())
      say("has " + std::to_string(read.samples.size()) + " samples, not " +
          std::to_string(pushed_.samples.size()));
    for (size_t i = 0; i < count; ++i) sample(i, pushed_.samples[i], read.samples[i]);
    return std::move(lines_);
  }

 private:
  void say(const std::string& what) {
    if (lines_.size() < kMostLines) lines_.push_back(pushed_.name + " " + what);
  }

  void sample(size_t index, const MediaSample& pushed, const MediaSample& read) {
    const std::string place = "sample " + std::to_string(index);
    if (read.size != pushed.size)
      say(place + " has " + std::to_string(read.size) + " bytes, not " +
          std::to_string(pushed.size));
    else if (!read.bytes.empty() && read.bytes != pushed.bytes)
      say(place + " has other bytes");
    time(place + " pts", pushed.pts_ns, read.pts_ns);
    if (pushed_.video) time(place + " dts", pushed.dts_ns, read.dts_ns);
  }

  std::vector<std::string> with_pcm(const MediaTrack& read) {
    Bytes wanted, found;
    size_t size = 0;
    for (const MediaSample& sample : pushed_.samples)
      wanted.insert(wanted.end(), sample.bytes.begin(), sample.bytes.end());
    const int64_t first = pushed_.samples.front().pts_ns.value_or(0);
    for (const MediaSample& sample : read.samples) {
      const auto frames = static_cast<int64_t>(size / pushed_.pcm_frame);
      time("frame " + std::to_string(frames), first + frames * kSecond / pushed_.rate,
           sample.pts_ns);
      size += sample.size;
      found.insert(found.end(), sample.bytes.begin(), sample.bytes.end());
    }
    if (size != wanted.size())
      say("has " + std::to_string(size) + " bytes, not " + std::to_string(wanted.size()));
    else if (!found.empty() && found != wanted)
      say("has other bytes");
    return std::move(lines_);
  }

  void time(const std::string& what, std::optional<int64_t> pushed, std::optional<int64_t> read) {
    if (!pushed || !read) return;
    const int64_t off = *read - (*pushed - begin_.pts_ns);
    if (std::llabs(off) > tolerance(pushed_, begin_))
      say(what + " is off by " + std::to_string(off) + " ns");
  }

  const MediaTrack& pushed_;
  Beginning begin_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> differences(const MediaTracks& pushed, const MediaTracks& read) {
  std::vector<std::string> all;
  if (pushed.size() != read.size())
    all.push_back(std::to_string(read.size()) + " tracks, not " + std::to_string(pushed.size()));
  const Beginning begin = beginning_of(pushed);
  for (const MediaTrack& track : pushed) {
    if (track.samples.empty()) all.push_back(track.name + " was given nothing");
    const MediaTrack* other = counterpart(track, read);
    if (other == nullptr) {
      all.push_back(track.name + " is missing");
      continue;
    }
    const auto lines = Comparison(track, begin).with(*other);
    all.insert(all.end(), lines.begin(), lines.end());
  }
  return all;
}

MediaTracks from_first_key(MediaTracks tracks) {
  for (MediaTrack& track : tracks) {
    if (!track.video) continue;
    const auto key = std::find_if(track.samples.begin(), track.samples.end(),
                                  [](const MediaSample& sample) { return sample.key; });
    track.samples.erase(track.samples.begin(), key);
  }
  return tracks;
}

MediaTracks without_times(MediaTracks tracks) {
  for (MediaTrack& track : tracks)
    for (MediaSample& sample : track.samples) sample.pts_ns = sample.dts_ns = std::nullopt;
  return tracks;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

}  // namespace pipelines
