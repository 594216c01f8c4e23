// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps a copy of everything that goes through pads, as MediaTracks with running times.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "media_track.h"

namespace pipelines {

class PadLog {
 public:
  PadLog();

  /// From now on. Pads that saw nothing do not become a track.
  void watch(GstPad* pad);
  /// All sink pads of the element, also those it will get.
  void watch_sink_pads(GstElement* element);

  [[nodiscard]] MediaTracks tracks() const;
  [[nodiscard]] size_t count(bool video) const;  ///< samples, of all tracks of the kind

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the probes, which may outlive the log
};

/// A sample as a buffer again, that much later than it was seen.
GstBuffer* buffer_of(const MediaSample& sample, int64_t later);

}  // namespace pipelines
