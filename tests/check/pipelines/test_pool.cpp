// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A capture source with very few buffers, as a camera driver with an encoder has: it gets each one
// back while the recording goes on, and every frame is in the file.
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <algorithm>
#include <string>

#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::Owned;
using pipelines::RecordingPipeline;
using pipelines::ScratchFolder;

constexpr guint kBuffers = 4;

MediaTrack encode_frames() {
  const ScratchFolder folder;
  RecordingPipeline encoder(
      "videotestsrc num-buffers=100 pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1"
      " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse"
      " ! trailingmp4sink name=rec",
      folder.file("frames.mp4"));
  fail_unless(encoder.play_to_end());
  return encoder.pushed().at(0);
}

// Holds four buffers and not one more.
class Driver {
 public:
  explicit Driver(const MediaTrack& frames) : pool_(gst_buffer_pool_new()) {
    size_t largest = 0;
    for (const MediaSample& frame : frames.samples) largest = std::max(largest, frame.size);
    GstStructure* config = gst_buffer_pool_get_config(pool_.get());
    gst_buffer_pool_config_set_params(config, nullptr, static_cast<guint>(largest), kBuffers,
                                      kBuffers);
    fail_unless(gst_buffer_pool_set_config(pool_.get(), config));
    fail_unless(gst_buffer_pool_set_active(pool_.get(), TRUE));
  }

  // Null if none comes back in time.
  GstBuffer* capture(const MediaSample& frame) {
    constexpr int kTries = 1000;
    GstBufferPoolAcquireParams parameters{};
    parameters.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
    GstBuffer* buffer = nullptr;
    for (int i = 0; i < kTries; ++i) {
      if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, &parameters) == GST_FLOW_OK) break;
      g_usleep(5'000);
    }
    if (buffer == nullptr) return nullptr;
    gst_buffer_fill(buffer, 0, frame.bytes.data(), frame.size);
    gst_buffer_set_size(buffer, static_cast<gssize>(frame.size));
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(*frame.pts_ns);
    GST_BUFFER_DTS(buffer) = static_cast<GstClockTime>(*frame.pts_ns);
    if (!frame.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return buffer;
  }

 private:
  Owned<GstBufferPool> pool_;
};

const char* const kLines[] = {
    "appsrc name=in format=time is-live=true ! trailingmp4sink name=rec",
    "appsrc name=in format=time is-live=true ! h264parse ! queue ! trailingmp4sink name=rec"};

GST_START_TEST(four_buffers_are_enough_for_every_frame) {
  const MediaTrack frames = encode_frames();
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  RecordingPipeline pipeline(kLines[__i__], path);
  const auto source = pipeline.element("in");
  g_autoptr(GstCaps) caps = gst_caps_from_string(frames.caps.c_str());
  g_object_set(source.get(), "caps", caps, nullptr);
  pipeline.set_state(GST_STATE_PLAYING);
  Driver driver(frames);
  for (const MediaSample& frame : frames.samples) {
    GstBuffer* buffer = driver.capture(frame);
    fail_unless(buffer != nullptr, "the driver starves");
    fail_unless_equals_int(gst_app_src_push_buffer(GST_APP_SRC(source.get()), buffer), GST_FLOW_OK);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
  fail_unless(pipeline.play_to_end());
  fail_unless_equals_int(pipeline.pushed().at(0).samples.size(), frames.samples.size());
  const auto lines = pipelines::faults(path, {frames});
  fail_unless(lines.empty(), "%s", pipelines::join(lines).c_str());
}
GST_END_TEST

Suite* pool_suite() {
  Suite* suite = suite_create("pool");
  TCase* tcase = tcase_create("pool");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, four_buffers_are_enough_for_every_frame, 0,
                      static_cast<int>(std::size(kLines)));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(pool)
