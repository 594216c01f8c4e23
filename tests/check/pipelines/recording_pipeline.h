// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A pipeline with a trailingmp4sink called "rec" in it, all that goes into that, and all that the
// bus says.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "pad_log.h"

namespace pipelines {

struct GObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, GObjectUnref>;

/// Whether recordings are published in fragments; a second run of a test is without.
bool fragments_are_on();

/// The cases of a table that this run records. Those that wait for a live camera cost their time,
/// so that without fragments only those are recorded whose `plain` says so.
template <typename Case, size_t count>
std::vector<Case> cases_of_this_run(const Case (&all)[count]) {
  std::vector<Case> cases;
  for (const Case& one : all)
    if (fragments_are_on() || one.plain) cases.push_back(one);
  return cases;
}

class RecordingPipeline {
 public:
  /// The launch line names no location; a line that cannot be parsed ends the test.
  RecordingPipeline(const std::string& launch_line, const std::string& location);
  ~RecordingPipeline();

  RecordingPipeline(const RecordingPipeline&) = delete;
  RecordingPipeline& operator=(const RecordingPipeline&) = delete;

  [[nodiscard]] GstElement* get() const { return pipeline_.get(); }
  [[nodiscard]] Owned<GstElement> element(const char* name) const;

  void set_state(GstState state);
  /// As Ctrl-C does with `gst-launch-1.0 -e`.
  void send_eos();
  /// The first message of these types; GST_MESSAGE_UNKNOWN when none comes in time.
  GstMessageType wait(int types, GstClockTime limit);
  /// Plays until EOS and stops. False after an error, or when the time is up.
  bool play_to_end(GstClockTime limit = 60 * GST_SECOND);
  /// Waits until the recorder was given so many samples. False when the time is up.
  [[nodiscard]] bool wait_for_samples(bool video, size_t count, GstClockTime limit) const;

  /// What was pushed into the recorder so far.
  [[nodiscard]] MediaTracks pushed() const { return log_.tracks(); }
  /// Sum of a counter in `stats` over all tracks.
  [[nodiscard]] guint64 stat(const char* field) const;
  /// Errors and warnings that wait() came across.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void note(GstMessage* message);

  PadLog log_;
  Owned<GstElement> pipeline_;
  std::vector<std::string> complaints_;
};

}  // namespace pipelines
