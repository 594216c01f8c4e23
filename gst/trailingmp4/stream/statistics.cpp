// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/statistics.h"

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

std::vector<NamedCounter> input_counters(const InputCounters& counters) {
  return {
      {"copied", counters.copied},
      {"losses", counters.losses},
      {"gaps", counters.gaps},
      {"dropped-empty", counters.empty},
      {"dropped-no-slice", counters.no_slice},
      {"dropped-before-sync", counters.before_sync},
      {"dropped-after-loss", counters.after_loss},
      {"dropped-queue-full", counters.queue_full},
      {"dropped-after-end", counters.after_end},
  };
}

std::vector<NamedCounter> time_counters(const Timeline::Counters& times) {
  return {
      {"dropped-lead", times.audio.left_out},
      {"missing-pts", times.missing_pts},
      {"moved", times.video.moved},
      {"unusable-dts", times.video.unusable_dts},
      {"depth-grown", times.video.depth_grown},
      {"restarts", times.clock.restarts},
      {"reanchored", times.clock.reanchored},
      {"worked-off", times.clock.worked_off},
      {"steps-undone", times.clock.steps_undone},
      {"gaps-collapsed", times.clock.gaps_collapsed},
      {"gaps-shortened", times.clock.gaps_shortened},
      {"frames-shortened", times.audio.shortened},
      {"frames-stretched", times.audio.stretched},
  };
}

StructureOwner track_stats(const char* pad_name, const mp4::Recording::TrackSummary& track,
                           const InputCounters& counters, const Timeline::Counters& times) {
  StructureOwner stats(gst_structure_new("track", "pad", G_TYPE_STRING, pad_name, nullptr));
  set_fields(stats.get(), {
                              {"samples", track.samples},
                              {"bytes", track.bytes},
                              {"duration", static_cast<guint64>(track.duration_ns)},
                              {"damaged", track.damaged},
                          });
  for (const auto& counters_of : {input_counters(counters), time_counters(times)})
    for (const NamedCounter& field : counters_of)
      set_fields(stats.get(), {{field.name, field.counter.value()}});
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
