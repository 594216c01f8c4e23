// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what a camera's clock may do to video and audio, as pure logic: a table of faults, each
// on the video, on the audio and on both, with pictures of every kind. Nothing is lost, and sound
// and picture are together again soon after the last step.
#include <random>
#include <string>

#include "timeline_tracks.h"

using namespace clocks;

namespace {

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
  bool is_live = false;
};

constexpr int64_t kFar = int64_t{1} << 62;

const Fault kFaults[] = {
    {"none", {}},
    {"50 ms back", {{20 * kSecond, -50 * kMs}}, -50 * kMs, -50 * kMs},
    {"50 ms back and forward", {{20 * kSecond, -50 * kMs}, {25 * kSecond, 0}}},
    {"1 s back", {{20 * kSecond, -kSecond}}},
    {"1 s back and forward", {{20 * kSecond, -kSecond}, {25 * kSecond, 0}}},
    {"1 s back and soon forward", {{20 * kSecond, -kSecond}, {20 * kSecond + 400 * kMs, 0}}},
    {"1 s forward", {{20 * kSecond, kSecond}}, kSecond, kSecond},
    {"1 s forward and back", {{20 * kSecond, kSecond}, {24 * kSecond, 0}}},
    {"9 s forward", {{20 * kSecond, 9 * kSecond}}, 9 * kSecond, 9 * kSecond},
    {"11 s forward", {{20 * kSecond, 11 * kSecond}}},
    {"11 s forward and back", {{20 * kSecond, 11 * kSecond}, {25 * kSecond, 0}}},
    {"30 s back", {{20 * kSecond, -30 * kSecond}}},
    {"back to zero", {{20 * kSecond, -20 * kSecond}}},
    {"back to zero and forward", {{20 * kSecond, -20 * kSecond}, {25 * kSecond, 0}}},
    {"1 h forward", {{20 * kSecond, kHour}}},
    {"1 h forward and back", {{20 * kSecond, kHour}, {25 * kSecond, 0}}},
    {"to the end of time", {{20 * kSecond, kFar}}},
    {"to the end of time and back", {{20 * kSecond, kFar}, {21 * kSecond, 0}}},
    {"to the beginning of time", {{20 * kSecond, -kFar / 8}}},
    {"two steps back", {{20 * kSecond, -3 * kSecond}, {22 * kSecond, -5 * kSecond}}},
    {"back and forth each second",
     {{20 * kSecond, -kSecond}, {21 * kSecond, 0}, {22 * kSecond, -kSecond}, {23 * kSecond, 0}}},
};

enum class Pictures { kInOrder, kReordered, kOfUnknownDepth, kWithDts };
constexpr const char* kPictureNames[] = {"in order", "reordered", "of unknown depth", "with DTS"};

enum class Whose { kVideo, kAudio, kAll };
constexpr const char* kWhose[] = {"video", "audio", "all"};

constexpr int64_t kPicture = 40 * kMs;
constexpr int64_t kEnd = 50 * kSecond;
constexpr int64_t kWithin = 15 * kSecond;  // after the last step

int64_t shift_at(const Fault& fault, int64_t time) {
  int64_t shift = 0;
  for (const Step& step : fault.steps)
    if (time >= step.begin) shift = step.by;
  return shift;
}

// Video at 25 fps and AAC of one camera, with a fault in the clock of one or of both.
class Camera {
 public:
  Camera(const Fault& fault, Pictures pictures, Whose whose, unsigned seed)
      : fault_(fault),
        pictures_(pictures),
        whose_(whose),
        random_(seed),
        video(tracks_.add(stream_of(pictures))),
        audio(tracks_.add(kAudio)) {}

  void run() {
    for (;;) {
      const int64_t sound = frame_ns(frames_), picture = decoded_ * kPicture;
      if (std::min(sound, picture) >= kEnd) return;
      if (picture <= sound)
        push_picture();
      else
        push_frame();
    }
  }

  std::string problem() const {
    if (video.placed.size() != static_cast<size_t>(decoded_)) return "pictures were lost";
    if (audio.placed.size() != static_cast<size_t>(frames_)) return "sound was lost";
    const int64_t kept = whose_ == Whose::kAll ? fault_.kept_by_all : fault_.kept_alone;
    const int64_t video_kept = whose_ == Whose::kAudio ? 0 : kept;
    const int64_t audio_kept = whose_ == Whose::kVideo ? 0 : kept;
    const int64_t last_step = fault_.steps.empty() ? 0 : fault_.steps.back().begin;
    const size_t first = static_cast<size_t>((last_step + kWithin) / kPicture);
    for (size_t i = first; i < video.placed.size(); ++i) {
      const int64_t off = video.pts_ns(i) - presentation_of(i) - video_kept;
      const int64_t sound_off = audio_offset_at(static_cast<int64_t>(i) * kPicture) - audio_kept;
      if (std::abs(off - sound_off) > frame_ns(1))
        return "at " + std::to_string(i * kPicture / kMs) + " ms the picture is " +
               std::to_string(off / kMs) + " ms off, the sound " + std::to_string(sound_off / kMs);
    }
    const int64_t longer = video.last_pts_ns() - presentation_of(video.placed.size() - 1);
    if (std::abs(longer - video_kept) > 400 * kMs)
      return "it is " + std::to_string((longer - video_kept) / kMs) + " ms too long";
    return {};
  }

 private:
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
    if (pictures_ == Pictures::kInOrder) return i * kPicture;
    const int64_t place = i == 0 ? 0 : i % 3 == 1 ? i + 2 : i - 1;
    return (place + 1) * kPicture;
  }

  void push_picture() {
    const int64_t decoded = decoded_ * kPicture;
    const int64_t shift = whose_ == Whose::kAudio ? 0 : shift_at(fault_, decoded);
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
  Pictures pictures_;
  Whose whose_;
  std::mt19937 random_;
  Tracks tracks_;
  int64_t decoded_ = 0, frames_ = 0;

 public:
  Track& video;
  Track& audio;
};

}  // namespace

GST_START_TEST(picture_and_sound_are_together_again_after_each_fault) {
  const auto pictures = static_cast<Pictures>(__i__ / 3);
  const auto whose = static_cast<Whose>(__i__ % 3);
  std::string problems;
  for (const Fault& fault : kFaults) {
    Camera camera(fault, pictures, whose, 7);
    camera.run();
    if (const std::string problem = camera.problem(); !problem.empty())
      problems += std::string("\n  ") + fault.name + ": " + problem;
  }
  fail_unless(problems.empty(), "pictures %s, clock of %s:%s", kPictureNames[__i__ / 3],
              kWhose[__i__ % 3], problems.c_str());
}
GST_END_TEST;

static Suite* timeline_faults_suite() {
  Suite* suite = suite_create("timeline_faults");
  TCase* rules = tcase_create("rules");
  suite_add_tcase(suite, rules);
  tcase_set_timeout(rules, 120);
  tcase_add_loop_test(rules, picture_and_sound_are_together_again_after_each_fault, 0, 12);
  return suite;
}

GST_CHECK_MAIN(timeline_faults)
