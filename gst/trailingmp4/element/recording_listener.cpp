// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/recording_listener.h"

#include <utility>

#include "trailingmp4/base/bus_messages.h"
#include "trailingmp4/element/recorder.h"

namespace trailingmp4 {

RecordingListener::RecordingListener(Recorder& recorder, GstElement* element, unsigned cycle,
                                     std::string location)
    : recorder_(recorder),
      element_(GstRef<GstElement>::share(element)),
      cycle_(cycle),
      location_(std::move(location)) {}

void RecordingListener::opened(const mp4::Recording::Summary& summary) {
  post_opened(element_.get(), location_, summary);
}

void RecordingListener::track_damaged(mp4::TrackIndex track) {
  post_stream_warning(element_.get(), "Samples of track " + std::to_string(track + 1) +
                                          " could not be read; zeros stand in their place.");
}

void RecordingListener::track_left_out(mp4::TrackIndex track) {
  post_stream_warning(element_.get(),
                      "Track " + std::to_string(track + 1) +
                          " came too late to be in the file before it is finished.");
}

void RecordingListener::track_grew_long(mp4::TrackIndex track) {
  post_stream_warning(element_.get(),
                      "Track " + std::to_string(track + 1) +
                          " has six million samples. It goes on, but GStreamer opens no track of "
                          "more than 6.5 million; begin another file before that.");
}

// Before a pad returns an error: upstream posts one of its own then.
void RecordingListener::had_to_end(const mp4::Status& why) { tell(why); }

void RecordingListener::finished(const mp4::Recording::Summary& summary, const mp4::Status& why) {
  if (summary.limit_reached)
    post_resource_warning(
        element_.get(),
        "The recording ended because an MP4 file can hold no more. File: \"" + location_ + "\".");
  post_finished(element_.get(), location_, summary);
  recorder_.recording_done(cycle_, why.ok());
}

void RecordingListener::failed(const mp4::Status& status) {
  tell(status);
  recorder_.recording_done(cycle_, false);
}

void RecordingListener::tell(const mp4::Status& status) {
  if (!std::exchange(told_, true)) post_error(element_.get(), status, location_);
}

}  // namespace trailingmp4
