// SPDX-License-Identifier: LGPL-2.1-or-later
//
// RecordingListener: hears of one recording on its I/O thread and tells the bus and the Recorder.
//
// It holds the element, and so the Recorder, until the last message. A recording that outlives its
// cycle (stop-timeout) changes nothing in the next one.
#pragma once

#include <gst/gst.h>

#include <string>

#include "recording/recording.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

class Recorder;

class RecordingListener final : public mp4::Recording::Listener {
 public:
  RecordingListener(Recorder& recorder, GstElement* element, unsigned cycle, std::string location);

  void opened(const mp4::Recording::Summary& summary) override;
  void track_damaged(mp4::TrackIndex track) override;
  void track_left_out(mp4::TrackIndex track) override;
  void track_grew_long(mp4::TrackIndex track) override;
  void had_to_end(const mp4::Status& why) override;
  void finished(const mp4::Recording::Summary& summary, const mp4::Status& why) override;
  void failed(const mp4::Status& status) override;

 private:
  void tell(const mp4::Status& status);

  Recorder& recorder_;
  GstRef<GstElement> element_;
  unsigned cycle_;
  std::string location_;
  bool told_ = false;  // the error; there is one, whatever follows from it
};

}  // namespace trailingmp4
