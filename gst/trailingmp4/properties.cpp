// SPDX-License-Identifier: LGPL-2.1-or-later
#include "properties.h"

#include <algorithm>
#include <memory>

#include "gstref.h"

namespace trailingmp4 {
namespace {

// Registered once, and part of the plugin's interface.
GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

GType queue_full_type() {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(QueueFull::kWait), "Wait until there is room", "wait"},
      {static_cast<gint>(QueueFull::kDrop), "Drop samples, count them", "drop"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkQueueFull", kValues);
  return type;
}

GType gap_policy_type() {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(GapPolicy::kCollapse), "Go on where the track ended", "collapse"},
      {static_cast<gint>(GapPolicy::kKeep), "Keep the gap, up to six hours", "keep"},
      {static_cast<gint>(GapPolicy::kError), "End the recording with an error", "error"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkGapPolicy", kValues);
  return type;
}

GType loss_policy_type() {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(LossPolicy::kKeep), "Keep all that comes", "keep"},
      {static_cast<gint>(LossPolicy::kWait), "Leave out pictures up to the next sync sample",
       "wait"},
      {static_cast<gint>(LossPolicy::kError), "End the recording with an error", "error"},
      {0, nullptr, nullptr}};
  static const GType type = register_enum("GstTrailingMp4SinkLossPolicy", kValues);
  return type;
}

template <typename E>
void set_enum(E& setting, const GValue* value) {
  setting = static_cast<E>(g_value_get_enum(value));
}

template <typename E>
void get_enum(E setting, GValue* value) {
  g_value_set_enum(value, static_cast<gint>(setting));
}

int64_t nanoseconds(const GValue* value) {
  return static_cast<int64_t>(std::min<guint64>(g_value_get_uint64(value), G_MAXINT64));
}

constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
constexpr auto kInReady = static_cast<GParamFlags>(kFlags | GST_PARAM_MUTABLE_READY);
constexpr auto kAlways = static_cast<GParamFlags>(kFlags | GST_PARAM_MUTABLE_PLAYING);

constexpr GstClockTime kLongestFragment = 60 * GST_SECOND;
constexpr GstClockTime kLongestSyncInterval = 3600 * GST_SECOND;

void install_file_properties(GObjectClass* klass, const Settings& defaults) {
  g_object_class_install_property(
      klass, kLocation,
      g_param_spec_string("location", "Location",
                          "Path of the file to record to. Nothing of that name may exist, unless "
                          "overwrite is set. Since 0.1",
                          nullptr, kInReady));
  g_object_class_install_property(
      klass, kOverwrite,
      g_param_spec_boolean(
          "overwrite", "Overwrite",
          "Take the place of a file of that name, as soon as something of the new "
          "one is durable; until then the new one is \".NAME.recording\". Since 0.1",
          defaults.overwrite, kInReady));
  g_object_class_install_property(
      klass, kFragmentDuration,
      g_param_spec_uint64("fragment-duration", "Fragment duration",
                          "Nanoseconds of media after which they are durable in a file that can be "
                          "played, whatever happens then (0 = only at the end). Since 0.1",
                          0, kLongestFragment, defaults.fragment_duration, kInReady));
  g_object_class_install_property(
      klass, kSyncInterval,
      g_param_spec_uint64("sync-interval", "Sync interval",
                          "Nanoseconds from one sync of the disk to the next, at least; what is "
                          "less than fragment-duration means that. Since 0.1",
                          0, kLongestSyncInterval, defaults.sync_interval, kInReady));
  g_object_class_install_property(
      klass, kFileMode,
      g_param_spec_uint("file-mode", "File mode",
                        "Permission bits of the file, further limited by the umask "
                        "(416 is octal 0640: owner reads and writes, group reads). Since 0.1",
                        0, 0777, defaults.file_mode, kInReady));
  g_object_class_install_property(
      klass, kMaxQueueBytes,
      g_param_spec_uint64("max-queue-bytes", "Max queue bytes",
                          "Bytes of media that may wait for the disk; see queue-full. All "
                          "recorders of a process together hold at most 1 GiB. Since 0.1",
                          1, G_MAXUINT64, defaults.max_queue_bytes, kAlways));
  g_object_class_install_property(
      klass, kQueueFull,
      g_param_spec_enum("queue-full", "Queue full",
                        "What happens to samples while the queue to the disk is full. Since 0.1",
                        queue_full_type(), static_cast<gint>(defaults.queue_full), kAlways));
  g_object_class_install_property(
      klass, kStopTimeout,
      g_param_spec_uint64(
          "stop-timeout", "Stop timeout",
          "Nanoseconds that a stop waits for the disk to take the end of the "
          "file; then writing goes on in the background (0 = wait for ever). Since 0.1",
          0, G_MAXUINT64, defaults.stop_timeout, kAlways));
}

void install_media_properties(GObjectClass* klass, const Settings& defaults) {
  g_object_class_install_property(
      klass, kStartAtSync,
      g_param_spec_boolean("start-at-sync", "Start at sync sample",
                           "Begin a video track at its first sync sample; false: at its first "
                           "picture. Since 0.1",
                           defaults.start_at_sync, kInReady));
  g_object_class_install_property(
      klass, kMaxGap,
      g_param_spec_uint64(
          "max-gap", "Max gap",
          "Nanoseconds that times may jump forward, and be believed, while neither "
          "another track nor the clock of a live source says that they passed. Since 0.1",
          0, G_MAXINT64, static_cast<guint64>(defaults.clock.max_gap), kInReady));
  g_object_class_install_property(
      klass, kGapPolicy,
      g_param_spec_enum("gap-policy", "Gap policy",
                        "What happens at a jump over max-gap. Since 0.1", gap_policy_type(),
                        static_cast<gint>(defaults.clock.gap_policy), kInReady));
  g_object_class_install_property(
      klass, kMaxStepBack,
      g_param_spec_uint64("max-step-back", "Max step back",
                          "Nanoseconds that times may step back and still be taken for jitter; "
                          "beyond it the track goes on where it was. Since 0.1",
                          0, G_MAXINT64, static_cast<guint64>(defaults.clock.max_step_back),
                          kInReady));
  g_object_class_install_property(
      klass, kLossPolicy,
      g_param_spec_enum("loss-policy", "Loss policy",
                        "What happens when upstream says that data was lost. Since 0.1",
                        loss_policy_type(), static_cast<gint>(defaults.loss_policy), kInReady));
}

}  // namespace

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  install_file_properties(klass, defaults);
  install_media_properties(klass, defaults);
  g_object_class_install_property(
      klass, kStats,
      g_param_spec_boxed(
          "stats", "Statistics",
          "What was recorded, dropped and corrected, in all and per track. Since 0.1",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_setting(Settings& settings, guint id, const GValue* value) {
  switch (id) {
    case kLocation: {
      const char* location = g_value_get_string(value);
      settings.location = location ? location : "";
      return true;
    }
    case kFileMode:
      settings.file_mode = g_value_get_uint(value);
      return true;
    case kOverwrite:
      settings.overwrite = g_value_get_boolean(value);
      return true;
    case kFragmentDuration:
      settings.fragment_duration = g_value_get_uint64(value);
      return true;
    case kSyncInterval:
      settings.sync_interval = g_value_get_uint64(value);
      return true;
    case kMaxQueueBytes:
      settings.max_queue_bytes = g_value_get_uint64(value);
      return true;
    case kQueueFull:
      set_enum(settings.queue_full, value);
      return true;
    case kStopTimeout:
      settings.stop_timeout = g_value_get_uint64(value);
      return true;
    case kStartAtSync:
      settings.start_at_sync = g_value_get_boolean(value);
      return true;
    case kMaxGap:
      settings.clock.max_gap = nanoseconds(value);
      return true;
    case kGapPolicy:
      set_enum(settings.clock.gap_policy, value);
      return true;
    case kMaxStepBack:
      settings.clock.max_step_back = nanoseconds(value);
      return true;
    case kLossPolicy:
      set_enum(settings.loss_policy, value);
      return true;
    default:
      return false;
  }
}

bool get_setting(const Settings& settings, guint id, GValue* value) {
  switch (id) {
    case kLocation:
      g_value_set_string(value, settings.location.empty() ? nullptr : settings.location.c_str());
      return true;
    case kFileMode:
      g_value_set_uint(value, settings.file_mode);
      return true;
    case kOverwrite:
      g_value_set_boolean(value, settings.overwrite);
      return true;
    case kFragmentDuration:
      g_value_set_uint64(value, settings.fragment_duration);
      return true;
    case kSyncInterval:
      g_value_set_uint64(value, settings.sync_interval);
      return true;
    case kMaxQueueBytes:
      g_value_set_uint64(value, settings.max_queue_bytes);
      return true;
    case kQueueFull:
      get_enum(settings.queue_full, value);
      return true;
    case kStopTimeout:
      g_value_set_uint64(value, settings.stop_timeout);
      return true;
    case kStartAtSync:
      g_value_set_boolean(value, settings.start_at_sync);
      return true;
    case kMaxGap:
      g_value_set_uint64(value, static_cast<guint64>(settings.clock.max_gap));
      return true;
    case kGapPolicy:
      get_enum(settings.clock.gap_policy, value);
      return true;
    case kMaxStepBack:
      g_value_set_uint64(value, static_cast<guint64>(settings.clock.max_step_back));
      return true;
    case kLossPolicy:
      get_enum(settings.loss_policy, value);
      return true;
    default:
      return false;
  }
}

std::string settings_text(GstElement* element) {
  GObjectClass* klass = G_OBJECT_GET_CLASS(element);
  const GType own = G_OBJECT_TYPE(element);
  std::string text;
  guint count = 0;
  const std::unique_ptr<GParamSpec*, GFree> specs(g_object_class_list_properties(klass, &count));
  for (guint i = 0; i < count; ++i) {
    const GParamSpec* spec = specs.get()[i];
    if (spec->owner_type != own || !(spec->flags & G_PARAM_WRITABLE)) continue;
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(element), spec->name, &value);
    const GString8 written(gst_value_serialize(&value));
    g_value_unset(&value);
    text += std::string(" ") + spec->name + "=" + (written ? written.get() : "");
  }
  return text;
}

}  // namespace trailingmp4
