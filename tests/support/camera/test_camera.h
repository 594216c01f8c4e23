// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A real RTSP camera inside the process, for tests and examples. It owns an RTSP server on
// 127.0.0.1 with a main context and a thread of its own, an H.264 and an AAC encoder behind it, and
// the truth: every access unit that entered a payloader, to compare with what a recorder made of
// it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace camera {

/// What the camera films and who may look. The defaults are a small camera with a microphone.
struct Options {
  int port = 0;                     ///< TCP port on 127.0.0.1; 0: any free one
  std::string user = "admin";       ///< digest authentication only; empty: everyone may look
  std::string password = "secret";  ///< of `user`

  int width = 320;
  int height = 240;
  int fps_n = 25;
  int fps_d = 1;
  int gop = 0;       ///< pictures from one IDR to the next; 0: one second of them
  int b_frames = 0;  ///< in a row; other than 0 gives up the encoder's low latency
  int slices = 1;    ///< in each picture
  int bitrate_kbps = 500;
  bool aggregate = false;  ///< true: small NAL units of one picture share a packet (STAP-A)

  /// The camera ends its stream (RTCP BYE) after so many pictures; 0: never. Sound goes on.
  int pictures = 0;

  bool audio = true;

  /// h264, h265, jpeg, vp8 or vp9. What shapes groups of pictures, slices and packets above
  /// is for h264 alone.
  std::string video_codec = "h264";
  /// aac, latm (48 kHz, stereo), opus, pcma, pcmu, l16, speex or g726
  std::string audio_codec = "aac";

  /// Of RTP packets, behind the payloaders; the same ones each time. The first packet of a stream
  /// is never lost: without it the server describes nothing.
  int loss_percent = 0;
};

using Bytes = std::vector<uint8_t>;

/// One picture or one audio frame, as it entered the payloader.
struct AccessUnit {
  uint64_t pts_ns = 0;  ///< running time on the server
  /// Starts at 0; one more for every time the media was made anew, which happens when a client
  /// comes after the last one has left. Running time begins again with it.
  int take = 0;
  bool keyframe = false;  ///< H.264: an IDR picture; true for all else
  /// All but H.264: the bytes as one unit. H.264: NAL units without start code or length, parameter
  /// sets among them. Depayloaders take those out of the stream and put them into the caps.
  std::vector<Bytes> units;

  [[nodiscard]] size_t size() const;  ///< bytes of all units
};

/// In decoding order. The stream of each client is a contiguous part of it; the first client of a
/// take gets it from the first access unit on.
struct Truth {
  std::vector<AccessUnit> video;
  std::vector<AccessUnit> audio;
};

/// The camera is on from start() until stop() or the end of its life. All functions may be called
/// from any thread but one of the camera's own; gst_init() must have been called.
class TestCamera {
 public:
  /// Null if the server cannot be started; a sentence on stderr says why.
  static std::unique_ptr<TestCamera> start(const Options& options);
  ~TestCamera();

  TestCamera(const TestCamera&) = delete;
  TestCamera& operator=(const TestCamera&) = delete;

  [[nodiscard]] int port() const;
  /// rtsp://user:password@127.0.0.1:port/stream, or without the first part if there is no user.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string url_without_credentials() const;

  /// A copy of everything until now.
  [[nodiscard]] Truth truth() const;

  /// How many clients have asked for the media to be played (PLAY) until now.
  [[nodiscard]] int plays() const;

  /// Closes every connection in good order (FIN) and ends every session. The camera stays on.
  void hang_up();
  /// Resets every connection (RST), as a camera does that was restarted, and ends every session.
  void kill_connections();
  /// Hangs up, frees the port and ends all threads. The truth stays. May be called twice.
  void stop();

 private:
  struct Server;
  explicit TestCamera(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace camera
