// SPDX-License-Identifier: LGPL-2.1-or-later
#include "statistics.h"

#include <initializer_list>

namespace trailingmp4 {
namespace {

struct Field {
  const char* name;
  guint64 value;
};

void set_fields(GstStructure* structure, std::initializer_list<Field> fields) {
  for (const Field& field : fields)
    gst_structure_set(structure, field.name, G_TYPE_UINT64, field.value, nullptr);
}

}  // namespace

StructureOwner track_stats(const char* pad_name, const mp4::Recording::TrackSummary& track,
                           const InputCounters& counters, const Timeline::Counters& times) {
  StructureOwner stats(gst_structure_new("track", "pad", G_TYPE_STRING, pad_name, nullptr));
  set_fields(stats.get(), {
                              {"samples", track.samples},
                              {"bytes", track.bytes},
                              {"duration", static_cast<guint64>(track.duration_ns)},
                              {"damaged", track.damaged},
                              {"copied", counters.copied.value()},
                              {"losses", counters.losses.value()},
                              {"gaps", counters.gaps.value()},
                              {"dropped-empty", counters.empty.value()},
                              {"dropped-no-slice", counters.no_slice.value()},
                              {"dropped-before-sync", counters.before_sync.value()},
                              {"dropped-after-loss", counters.after_loss.value()},
                              {"dropped-queue-full", counters.queue_full.value()},
                              {"dropped-after-end", counters.after_end.value()},
                              {"dropped-lead", times.audio.left_out.value()},
                              {"missing-pts", times.missing_pts.value()},
                              {"moved", times.video.moved.value()},
                              {"unusable-dts", times.video.unusable_dts.value()},
                              {"depth-grown", times.video.depth_grown.value()},
                              {"restarts", times.clock.restarts.value()},
                              {"reanchored", times.clock.reanchored.value()},
                              {"worked-off", times.clock.worked_off.value()},
                              {"steps-undone", times.clock.steps_undone.value()},
                              {"gaps-collapsed", times.clock.gaps_collapsed.value()},
                              {"gaps-shortened", times.clock.gaps_shortened.value()},
                              {"frames-shortened", times.audio.shortened.value()},
                              {"frames-stretched", times.audio.stretched.value()},
                          });
  return stats;
}

StructureOwner recording_stats(const std::string& location, const mp4::Recording::Summary& summary,
                               std::vector<StructureOwner> tracks) {
  StructureOwner stats(gst_structure_new("application/x-trailingmp4sink-stats", "location",
                                         G_TYPE_STRING, location.c_str(), nullptr));
  set_fields(stats.get(), {
                              {"duration", static_cast<guint64>(summary.duration_ns)},
                              {"bytes-written", summary.bytes_written},
                              {"bytes-synced", summary.bytes_synced},
                              {"fragments", summary.fragments_published},
                              {"queue-bytes", summary.queued_bytes},
                          });
  GValue array = G_VALUE_INIT;
  gst_value_array_init(&array, static_cast<guint>(tracks.size()));
  for (StructureOwner& track : tracks) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, track.release());
    gst_value_array_append_and_take_value(&array, &value);
  }
  gst_structure_take_value(stats.get(), "tracks", &array);
  return stats;
}

}  // namespace trailingmp4
