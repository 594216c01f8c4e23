// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Caps of anything, as a string up to the first line's end; what follows it is the codec_data, the
// streamheader and two samples. They are refused, or become a description of which a sample entry
// can be written, also after what the samples say.
#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz_support.h"
#include "gst_owners.h"
#include "memory_source.h"
#include "mp4/boxes/sample_entry.h"
#include "synthetic_media.h"
#include "trailingmp4/caps/track_caps.h"

// GStreamer forgets what it made of a string that it refuses, and GLib keeps every name.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::init_gstreamer();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  const auto end = std::find(input.begin(), input.end(), '\n');
  const std::string text(input.begin(), end);
  bench::Owned<GstCaps> caps(gst_caps_from_string(text.c_str()));
  if (!caps) return 0;
  // Not all that GStreamer makes of a string is fit to be touched again.
  const bool has_structure = !gst_caps_is_any(caps.get()) && !gst_caps_is_empty(caps.get());
  if (end != input.end() && has_structure) {
    caps.reset(gst_caps_make_writable(caps.release()));
    const auto codec_data = bench::to_buffer({end + 1, input.end()});
    gst_caps_set_simple(caps.get(), "codec_data", GST_TYPE_BUFFER, codec_data.get(), "streamheader",
                        GST_TYPE_BUFFER, codec_data.get(), nullptr);
  }

  const fuzz::FatalCriticals criticals;
  trailingmp4::TrackCaps read;
  const mp4::Status status = trailingmp4::read_caps(caps.get(), read);
  fuzz::expect(status.ok() || !status.text().empty(), "caps are refused without a sentence");
  if (!status.ok()) return 0;
  fuzz::expect(read.fits(read), "a description that does not fit itself");
  const bool video = read.config.kind == mp4::TrackKind::kVideo;
  const bool audio = read.config.kind == mp4::TrackKind::kAudio;
  fuzz::expect(!audio || (read.config.audio.rate && read.config.audio.frame_ticks), "no rate");
  fuzz::expect(read.config.timescale.ticks_per_second > 0, "no timescale");
  fuzz::expect(!read.picture_ns || *read.picture_ns >= 0, "time goes backwards");
  const std::vector<uint8_t> bytes(end == input.end() ? input.begin() : end + 1, input.end());
  const mp4_test::MemorySource sample(bytes);
  for (int i = 0; i < 2; ++i) {
    const bool sized = read.config.video.width && read.config.video.height;
    fuzz::expect(!video || !read.is_complete() || sized, "no size");
    mp4::BoxWriter writer;
    mp4::write_sample_entry(writer, read.config, {});
    fuzz::expect(writer.size() > read.config.codec_config.size(), "an empty sample entry");
    if (read.sets) mp4::describe(*read.sets, read.config);
    if (read.codec().look) read.codec().look(sample, read.config);
  }
  return 0;
}
