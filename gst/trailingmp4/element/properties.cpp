// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/properties.h"

#include <iterator>
#include <type_traits>
#include <utility>

#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {
namespace {

// Registered once, and part of the plugin's interface.
GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

GType type_of(QueueFull) {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(QueueFull::kWait), "Wait until there is room", "wait"},
      {static_cast<gint>(QueueFull::kDrop), "Drop samples, count them", "drop"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkQueueFull", kValues);
  return type;
}

GType type_of(GapPolicy) {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(GapPolicy::kCollapse), "Go on where the track ended", "collapse"},
      {static_cast<gint>(GapPolicy::kKeep), "Keep the gap, up to six hours", "keep"},
      {static_cast<gint>(GapPolicy::kError), "End the recording with an error", "error"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkGapPolicy", kValues);
  return type;
}

GType type_of(LossPolicy) {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(LossPolicy::kKeep), "Keep all that comes", "keep"},
      {static_cast<gint>(LossPolicy::kWait), "Leave out pictures up to the next sync sample",
       "wait"},
      {static_cast<gint>(LossPolicy::kError), "End the recording with an error", "error"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkLossPolicy", kValues);
  return type;
}

constexpr auto kInReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kAlways = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                  GST_PARAM_MUTABLE_PLAYING);

struct Text {
  const char *name, *nick, *blurb;
};
struct Range {
  guint64 least = 0, most = 0;  // of numbers
};

// A property that is a setting: what it is for GObject, and the way to and from Settings. `kField`
// returns a reference to the member of the Settings that it is given.
struct Row {
  Text text;
  GParamFlags flags;
  Range range;
  GParamSpec* (*spec)(const Row& row, const Settings& defaults);
  void (*set)(Settings& settings, const GValue* value);
  void (*get)(const Settings& settings, GValue* value);
};

template <auto kField>
using Field = std::remove_cvref_t<decltype(kField(std::declval<Settings&>()))>;

template <auto kField>
GParamSpec* make_spec(const Row& row, const Settings& defaults) {
  const auto& [name, nick, blurb] = row.text;
  const auto& value = kField(defaults);
  using Type = Field<kField>;
  if constexpr (std::is_same_v<Type, std::string>)
    return g_param_spec_string(name, nick, blurb, nullptr, row.flags);
  else if constexpr (std::is_same_v<Type, bool>)
    return g_param_spec_boolean(name, nick, blurb, value, row.flags);
  else if constexpr (std::is_enum_v<Type>)
    return g_param_spec_enum(name, nick, blurb, type_of(value), static_cast<gint>(value),
                             row.flags);
  else if constexpr (std::is_same_v<Type, guint>)
    return g_param_spec_uint(name, nick, blurb, static_cast<guint>(row.range.least),
                             static_cast<guint>(row.range.most), value, row.flags);
  else
    return g_param_spec_uint64(name, nick, blurb, row.range.least, row.range.most,
                               static_cast<guint64>(value), row.flags);
}

template <auto kField>
void set_field(Settings& settings, const GValue* value) {
  auto& field = kField(settings);
  using Type = Field<kField>;
  if constexpr (std::is_same_v<Type, std::string>)
    field = g_value_get_string(value) ? g_value_get_string(value) : "";
  else if constexpr (std::is_same_v<Type, bool>)
    field = g_value_get_boolean(value);
  else if constexpr (std::is_enum_v<Type>)
    field = static_cast<Type>(g_value_get_enum(value));
  else if constexpr (std::is_same_v<Type, guint>)
    field = g_value_get_uint(value);
  else
    field = static_cast<Type>(g_value_get_uint64(value));
}

template <auto kField>
void get_field(const Settings& settings, GValue* value) {
  const auto& field = kField(settings);
  using Type = Field<kField>;
  if constexpr (std::is_same_v<Type, std::string>)
    g_value_set_string(value, field.empty() ? nullptr : field.c_str());
  else if constexpr (std::is_same_v<Type, bool>)
    g_value_set_boolean(value, field);
  else if constexpr (std::is_enum_v<Type>)
    g_value_set_enum(value, static_cast<gint>(field));
  else if constexpr (std::is_same_v<Type, guint>)
    g_value_set_uint(value, field);
  else
    g_value_set_uint64(value, static_cast<guint64>(field));
}

template <auto kField>
constexpr Row row(const Text& text, GParamFlags flags, const Range& range = {}) {
  return {text, flags, range, make_spec<kField>, set_field<kField>, get_field<kField>};
}

// The member of Settings, for the functions above.
#define SETTING(member) \
  [](auto& settings) -> auto& { return settings.member; }

// All settings, in the order in which gst-inspect-1.0 shows them. Durations are in nanoseconds.
constexpr Row kRows[] = {
    row<SETTING(location)>(
        {"location", "Location",
         "Path of the file to record to. Nothing of that name may exist, unless overwrite is set. "
         "Since 0.1"},
        kInReady),
    row<SETTING(overwrite)>(
        {"overwrite", "Overwrite",
         "Take the place of a file of that name, as soon as something of the new one is durable; "
         "until then the new one is \".NAME.recording\". Since 0.1"},
        kInReady),
    row<SETTING(fragment_duration)>(
        {"fragment-duration", "Fragment duration",
         "Nanoseconds of media after which they are durable in a file that can be played, whatever "
         "happens then (0 = only at the end). Since 0.1"},
        kInReady, {0, 60 * GST_SECOND}),
    row<SETTING(sync_interval)>(
        {"sync-interval", "Sync interval",
         "Nanoseconds from one sync of the disk to the next, at least; what is less than "
         "fragment-duration means that. Since 0.1"},
        kInReady, {0, 3600 * GST_SECOND}),
    row<SETTING(file_mode)>(
        {"file-mode", "File mode",
         "Permission bits of the file, further limited by the umask (416 is octal 0640: owner "
         "reads and writes, group reads). Since 0.1"},
        kInReady, {0, 0777}),
    row<SETTING(max_queue_bytes)>(
        {"max-queue-bytes", "Max queue bytes",
         "Bytes of media that may wait for the disk; see queue-full. All recorders of a process "
         "together hold at most 1 GiB. Since 0.1"},
        kAlways, {1, G_MAXUINT64}),
    row<SETTING(queue_full)>(
        {"queue-full", "Queue full",
         "What happens to samples while the queue to the disk is full. Since 0.1"},
        kAlways),
    row<SETTING(stop_timeout)>(
        {"stop-timeout", "Stop timeout",
         "Nanoseconds that a stop waits for the disk to take the end of the file; then writing "
         "goes on in the background (0 = wait for ever). Since 0.1"},
        kAlways, {0, G_MAXUINT64}),
    row<SETTING(start_at_sync)>(
        {"start-at-sync", "Start at sync sample",
         "Begin a video track at its first sync sample; false: at its first picture. Since 0.1"},
        kInReady),
    row<SETTING(clock.max_gap)>(
        {"max-gap", "Max gap",
         "Nanoseconds that times may jump forward, and be believed, while neither another track "
         "nor the clock of a live source says that they passed. Since 0.1"},
        kInReady, {0, G_MAXINT64}),
    row<SETTING(clock.gap_policy)>(
        {"gap-policy", "Gap policy", "What happens at a jump over max-gap. Since 0.1"}, kInReady),
    row<SETTING(clock.max_step_back)>(
        {"max-step-back", "Max step back",
         "Nanoseconds that times may step back and still be taken for jitter; beyond it the track "
         "goes on where it was. Since 0.1"},
        kInReady, {0, G_MAXINT64}),
    row<SETTING(loss_policy)>({"loss-policy", "Loss policy",
                               "What happens when upstream says that data was lost. Since 0.1"},
                              kInReady),
};

#undef SETTING

// Behind the rows, whose ids are their numbers from 1 on.
constexpr guint kStatsId = std::size(kRows) + 1;

const Row* row_of(guint id) { return id >= 1 && id < kStatsId ? &kRows[id - 1] : nullptr; }

}  // namespace

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  for (guint id = 1; const Row* row = row_of(id); ++id)
    g_object_class_install_property(klass, id, row->spec(*row, defaults));
  g_object_class_install_property(
      klass, kStatsId,
      g_param_spec_boxed(
          "stats", "Statistics",
          "What was recorded, dropped and corrected, in all and per track. Since 0.1",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool is_stats(guint id) { return id == kStatsId; }

bool set_setting(Settings& settings, guint id, const GValue* value) {
  const Row* row = row_of(id);
  if (row) row->set(settings, value);
  return row != nullptr;
}

bool get_setting(const Settings& settings, guint id, GValue* value) {
  const Row* row = row_of(id);
  if (row) row->get(settings, value);
  return row != nullptr;
}

std::string settings_text(GObjectClass* klass, const Settings& settings) {
  std::string text;
  for (const Row& row : kRows) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, g_object_class_find_property(klass, row.text.name)->value_type);
    row.get(settings, &value);
    const GString8 written(gst_value_serialize(&value));
    g_value_unset(&value);
    text += std::string(" ") + row.text.name + "=" + (written ? written.get() : "");
  }
  return text;
}

}  // namespace trailingmp4
