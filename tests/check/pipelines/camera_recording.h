// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A recording of the test camera through rtspsrc, and the comparison of what was recorded with what
// the camera knows it sent.
#pragma once

#include <string>
#include <vector>

#include "media_track.h"
#include "recording_pipeline.h"
#include "test_camera.h"

namespace pipelines {

/// What stands between rtspsrc and the recorder. The elements called "video" and "audio" are linked
/// to the camera's streams when they appear; without one of them that stream is not recorded.
inline constexpr char kVideoBranch[] = " rtph264depay name=video ! h264parse ! rec.video_0";
inline constexpr char kAudioBranch[] = " rtpmp4gdepay name=audio ! aacparse ! rec.audio_0";

/// What a recording was ended by.
struct Ending {
  GstMessageType type = GST_MESSAGE_UNKNOWN;  ///< unknown: it went on
  std::string source;                         ///< of an error: the element's name,
  GQuark domain = 0;                          ///< what kind of error
  std::string text;                           ///< and all that it says
};

/// The end of the camera's stream, or what rtspsrc says when it cannot read from it any more.
bool is_of_the_camera(const Ending& ending);
/// One line for a message.
std::string to_text(const Ending& ending);

class CameraRecording : public RecordingPipeline {
 public:
  /// `source` are properties of rtspsrc, such as "protocols=udp".
  CameraRecording(const std::string& source, const std::string& url, const std::string& branches,
                  const std::string& location);

  /// Plays until so many pictures were pushed, sends EOS and stops. False if that did not happen.
  [[nodiscard]] bool record(size_t pictures);
  /// Plays in a main loop until the first error or EOS, and stops there. What it was.
  [[nodiscard]] Ending record_until_it_ends(GstClockTime limit);
};

/// How one recorded stream lies in what the camera sent.
struct Match {
  std::vector<std::string> faults;
  size_t first = 0;                ///< place of its first sample in the truth
  std::vector<int64_t> camera_ns;  ///< the camera's times of its samples
  std::vector<int64_t> shift_ns;   ///< the file's times minus those
};

/// Every picture (all its slices) or frame in order and none missing from the first one on.
Match match(const std::vector<camera::AccessUnit>& truth, const MediaTrack& recorded);

}  // namespace pipelines
