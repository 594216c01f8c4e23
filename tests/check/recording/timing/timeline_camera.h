// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A camera whose clock does odd things to pictures and sound, for tests of Timeline. Include it
// last, as gstcheck.h itself.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "timeline_tracks.h"

namespace clocks {

// What the clock of a track adds to true time, from `begin` on.
struct Step {
  int64_t begin, by;
};

struct Fault {
  const char* name;
  std::vector<Step> steps;
  // Of one track alone: what of it is in the file in the end. Of all: of both.
  int64_t kept_alone = 0;
  int64_t kept_by_all = 0;
};

enum class Pictures { kInOrder, kReordered, kOfUnknownDepth, kWithDts };
inline constexpr const char* kPictureNames[] = {"in order", "reordered", "of unknown depth",
                                                "with DTS"};

enum class Whose { kVideo, kAudio, kAll };
inline constexpr const char* kWhose[] = {"video", "audio", "all"};

constexpr int64_t kPicture = 40 * kMs;
constexpr int64_t kEnd = 50 * kSecond;
constexpr std::size_t kProblemsTold = 2000;  // characters
constexpr int64_t kWithin = 15 * kSecond;    // after the last step

inline int64_t shift_at(const Fault& fault, int64_t time) {
  int64_t shift = 0;
  for (const Step& step : fault.steps)
    if (time >= step.begin) shift = step.by;
  return shift;
}

// When a picture is hit by a step: by the order of decoding, as one of a clock on the way, or by
// that of presentation, as one of the camera's own.
enum class Hit { kDecoded, kPresented };

struct Scene {
  Pictures pictures;
  Whose whose;
  Hit hit = Hit::kDecoded;
  unsigned seed = 7;
  int64_t picture = kPicture;  // from one to the next
  int64_t end = 50 * kSecond;
};

// Video and AAC of one camera, with a fault in the clock of one or of both.
class Camera {
 public:
  Camera(const Fault& fault, const Scene& scene)
      : fault_(fault),
        scene_(scene),
        pictures_(scene.pictures),
        whose_(scene.whose),
        hit_(scene.hit),
        random_(scene.seed),
        video(tracks_.add(stream_of(scene.pictures))),
        audio(tracks_.add(kAudio)) {}

  void run() {
    for (;;) {
      const int64_t sound = frame_ns(frames_), picture = decoded_ * scene_.picture;
      if (std::min(sound, picture) >= scene_.end) return;
      if (picture <= sound)
        push_picture();
      else
        push_frame();
    }
  }

  // Whether all is there, and together, wherever that is.
  std::string sync_problem() const {
    if (video.placed.size() != static_cast<size_t>(decoded_)) return "pictures were lost";
    if (audio.placed.size() != static_cast<size_t>(frames_)) return "sound was lost";
    return apart_after(fault_.steps.back().begin + kWithin, 0);
  }

  std::string problem() const {
    if (video.placed.size() != static_cast<size_t>(decoded_)) return "pictures were lost";
    if (audio.placed.size() != static_cast<size_t>(frames_)) return "sound was lost";
    const int64_t kept = whose_ == Whose::kAll ? fault_.kept_by_all : fault_.kept_alone;
    const int64_t video_kept = whose_ == Whose::kAudio ? 0 : kept;
    const int64_t audio_kept = whose_ == Whose::kVideo ? 0 : kept;
    const int64_t last_step = fault_.steps.empty() ? 0 : fault_.steps.back().begin;
    const std::string apart = apart_after(last_step + kWithin, video_kept - audio_kept);
    if (!apart.empty()) return apart;
    const int64_t longer = video.last_pts_ns() - presentation_of(video.placed.size() - 1);
    if (std::abs(longer - video_kept) > 400 * kMs)
      return "it is " + std::to_string((longer - video_kept) / kMs) + " ms too long";
    return {};
  }

 private:
  // Sound and picture, but for what is wanted.
  std::string apart_after(int64_t time, int64_t wanted) const {
    for (auto i = static_cast<size_t>(time / scene_.picture); i < video.placed.size(); ++i) {
      const int64_t off = video.pts_ns(i) - presentation_of(i);
      const int64_t sound_off = audio_offset_at(static_cast<int64_t>(i) * scene_.picture);
      if (std::abs(off - sound_off - wanted) > frame_ns(1))
        return "at " + std::to_string(static_cast<int64_t>(i) * scene_.picture / kMs) +
               " ms the picture is " + std::to_string(off / kMs) + " ms off, the sound " +
               std::to_string(sound_off / kMs);
    }
    return {};
  }

  static Stream stream_of(Pictures pictures) {
    Stream stream = kVideo;
    if (pictures == Pictures::kReordered) stream.depth = 1;
    if (pictures == Pictures::kOfUnknownDepth || pictures == Pictures::kWithDts)
      stream.depth.reset();
    return stream;
  }

  // IBBP: in decoding order 0 3 1 2 6 4 5, presented a picture later than decoded at the earliest.
  int64_t presentation_of(size_t decoded) const {
    const auto i = static_cast<int64_t>(decoded);
    if (pictures_ == Pictures::kInOrder) return i * scene_.picture;
    const int64_t place = i == 0 ? 0 : i % 3 == 1 ? i + 2 : i - 1;
    return (place + 1) * scene_.picture;
  }

  void push_picture() {
    const int64_t decoded = decoded_ * scene_.picture;
    const int64_t presented = presentation_of(static_cast<size_t>(decoded_));
    const int64_t shift =
        whose_ == Whose::kAudio ? 0 : shift_at(fault_, hit_ == Hit::kDecoded ? decoded : presented);
    Stamps stamps = at(presentation_of(static_cast<size_t>(decoded_)) + shift + jitter(4));
    if (pictures_ == Pictures::kWithDts)
      stamps.dts = *stamps.pts - presentation_of(static_cast<size_t>(decoded_)) + decoded;
    stamps.bidirectional = pictures_ != Pictures::kInOrder && decoded_ % 3 != 1 && decoded_ > 0;
    stamps.arrival = decoded;
    ++decoded_;
    video.push(stamps);
  }

  void push_frame() {
    const int64_t time = frame_ns(frames_++);
    const int64_t shift = whose_ == Whose::kVideo ? 0 : shift_at(fault_, time);
    Stamps stamps = at(time + shift + jitter(3));
    stamps.arrival = time;
    audio.push(stamps);
  }

  int64_t jitter(int64_t ms) {
    return (static_cast<int64_t>(random_() % (2 * ms * 1000 + 1)) - ms * 1000) * kMs / 1000;
  }

  // How far the frame that belongs to that time is off.
  int64_t audio_offset_at(int64_t time) const {
    const auto frame = std::min(static_cast<size_t>(time / frame_ns(1)), audio.placed.size() - 1);
    return audio.pts_ns(frame) - frame_ns(static_cast<int64_t>(frame));
  }

  const Fault& fault_;
  const Scene scene_;
  Pictures pictures_;
  Whose whose_;
  Hit hit_;
  std::mt19937 random_;
  Tracks tracks_;
  int64_t decoded_ = 0, frames_ = 0;

 public:
  Track& video;
  Track& audio;
};

}  // namespace clocks
