// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The test camera as a program, for scripts: it prints its URL when it is ready, runs until a
// signal or the end of its time, and can leave its truth in a file.

#include <glib.h>
#include <gst/gst.h>
#include <signal.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "test_camera.h"

namespace {

struct Arguments {
  camera::Options options;
  int seconds = 0;  // 0: until a signal
  std::string truth_file;
};

bool parse(int argc, char** argv, Arguments* arguments) {
  camera::Options& o = arguments->options;
  gboolean no_audio = FALSE;
  gboolean no_auth = FALSE;
  gboolean aggregate = FALSE;
  g_autofree char* truth = nullptr;
  g_autofree char* video = nullptr;
  g_autofree char* audio = nullptr;
  const GOptionEntry entries[] = {
      {"port", 0, 0, G_OPTION_ARG_INT, &o.port, "TCP port on 127.0.0.1 (0: any)", "N"},
      {"no-audio", 0, 0, G_OPTION_ARG_NONE, &no_audio, "A camera without microphone", nullptr},
      {"no-auth", 0, 0, G_OPTION_ARG_NONE, &no_auth, "No user and password needed", nullptr},
      {"video", 0, 0, G_OPTION_ARG_STRING, &video, "h264, h265, jpeg, vp8 or vp9", "CODEC"},
      {"audio", 0, 0, G_OPTION_ARG_STRING, &audio,
       "aac, latm, opus, pcma, pcmu, l16, speex or g726", "CODEC"},
      {"width", 0, 0, G_OPTION_ARG_INT, &o.width, "Width of the picture", "PIXELS"},
      {"height", 0, 0, G_OPTION_ARG_INT, &o.height, "Height of the picture", "PIXELS"},
      {"fps-n", 0, 0, G_OPTION_ARG_INT, &o.fps_n, "Pictures in --fps-d seconds", "N"},
      {"fps-d", 0, 0, G_OPTION_ARG_INT, &o.fps_d, "See --fps-n", "N"},
      {"pictures", 0, 0, G_OPTION_ARG_INT, &o.pictures, "End the stream after these (0: never)",
       "N"},
      {"gop", 0, 0, G_OPTION_ARG_INT, &o.gop, "Pictures from IDR to IDR (0: a second)", "N"},
      {"b-frames", 0, 0, G_OPTION_ARG_INT, &o.b_frames, "B-frames in a row", "N"},
      {"slices", 0, 0, G_OPTION_ARG_INT, &o.slices, "Slices in a picture", "N"},
      {"bitrate", 0, 0, G_OPTION_ARG_INT, &o.bitrate_kbps, "Video bit rate", "KBIT/S"},
      {"loss", 0, 0, G_OPTION_ARG_INT, &o.loss_percent, "RTP packets that are lost", "PERCENT"},
      {"aggregate", 0, 0, G_OPTION_ARG_NONE, &aggregate, "Send STAP-A packets", nullptr},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &arguments->seconds, "End after this time", "N"},
      {"truth", 0, 0, G_OPTION_ARG_FILENAME, &truth, "Write what was sent at the end", "FILE"},
      {}};
  g_autoptr(GOptionContext) context = g_option_context_new("- an RTSP camera for tests");
  g_autoptr(GError) error = nullptr;
  g_option_context_add_main_entries(context, entries, nullptr);
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    std::fprintf(stderr, "%s\n", error->message);
    return false;
  }
  o.audio = !no_audio;
  o.aggregate = aggregate;
  if (video != nullptr) o.video_codec = video;
  if (audio != nullptr) o.audio_codec = audio;
  if (no_auth) o.user.clear();
  if (truth != nullptr) arguments->truth_file = truth;
  return true;
}

// media, take, PTS in ns, bytes, IDR or not, SHA-256 of the units one after the other
void write_units(FILE* file, const char* media, const std::vector<camera::AccessUnit>& units) {
  for (const camera::AccessUnit& unit : units) {
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    for (const camera::Bytes& bytes : unit.units) {
      g_checksum_update(checksum, bytes.data(), static_cast<gssize>(bytes.size()));
    }
    std::fprintf(file, "%s %d %" PRIu64 " %zu %s %s\n", media, unit.take, unit.pts_ns, unit.size(),
                 unit.keyframe ? "key" : "delta", g_checksum_get_string(checksum));
  }
}

bool write_truth(const std::string& name, const camera::Truth& truth) {
  FILE* file = std::fopen(name.c_str(), "w");
  if (file == nullptr) {
    std::perror(name.c_str());
    return false;
  }
  write_units(file, "video", truth.video);
  write_units(file, "audio", truth.audio);
  return std::fclose(file) == 0;
}

void wait_for_end(const sigset_t& signals, int seconds) {
  const timespec limit{.tv_sec = seconds, .tv_nsec = 0};
  if (seconds > 0) {
    sigtimedwait(&signals, nullptr, &limit);
  } else {
    sigwaitinfo(&signals, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, &arguments)) return EXIT_FAILURE;
  // Blocked before there is another thread, so that only wait_for_end() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  gst_init(nullptr, nullptr);
  auto camera = camera::TestCamera::start(arguments.options);
  if (camera == nullptr) return EXIT_FAILURE;
  std::printf("URL %s\n", camera->url().c_str());
  std::fflush(stdout);
  wait_for_end(signals, arguments.seconds);
  camera->stop();
  if (arguments.truth_file.empty()) return EXIT_SUCCESS;
  return write_truth(arguments.truth_file, camera->truth()) ? EXIT_SUCCESS : EXIT_FAILURE;
}
