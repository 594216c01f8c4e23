// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/fault_warnings.h"

#include <string>

#include "trailingmp4/base/bus_messages.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {
namespace {

constexpr gint64 kInterval = 60 * G_USEC_PER_SEC;

}  // namespace

// What happens to every healthy stream now and then is counted only.
FaultWarnings::FaultWarnings(const InputCounters& input, const Timeline::Counters& times)
    : kinds_{
          {input.losses, "upstream lost data"},
          {input.no_slice, "a sample had no picture or sound in it and was left out"},
          {times.missing_pts, "a buffer had no presentation time and was given one"},
          {times.clock.reanchored, "times stepped back; the track goes on where it was"},
          {times.clock.worked_off, "times stepped back a little; this is worked off by and by"},
          {times.clock.steps_undone, "times stepped back to where they had been before a step"},
          {times.clock.gaps_collapsed,
           "times jumped forward by more than max-gap; the track goes "
           "on where it was"},
          {times.clock.gaps_shortened, "a gap of more than six hours was shortened"},
          {times.video.moved, "a presentation time was not above the one before and was moved"},
          {times.video.unusable_dts, "decode times were unusable; they are derived from now on"},
          {times.audio.left_out, "a frame was too far ahead of its time and was left out"},
      } {}

void FaultWarnings::post(GstElement* element, GstPad* pad) {
  uint64_t sum = 0;
  for (const Kind& kind : kinds_) sum += kind.counter.value();
  if (sum == sum_) return;
  sum_ = sum;
  const gint64 now = g_get_monotonic_time();
  for (Kind& kind : kinds_) {
    const uint64_t count = kind.counter.value();
    if (count == kind.warned || now < kind.next) continue;
    kind.next = now + kInterval;
    const GString8 name(gst_object_get_name(GST_OBJECT(pad)));
    post_stream_warning(element, std::string("Pad ") + name.get() + ": " + kind.sentence + " (" +
                                     std::to_string(count - kind.warned) + " times).");
    kind.warned = count;
  }
}

}  // namespace trailingmp4
