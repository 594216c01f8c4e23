// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-trailingmp4sink
 * @title: trailingmp4sink
 *
 * Records parsed media into an MP4 file. The media is written as it arrives; the sample tables are
 * kept in memory and follow it as the 'moov' box when the recording ends. docs/element.md is the
 * reference.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e videotestsrc num-buffers=300 ! x264enc ! h264parse ! rec.video_0
 * trailingmp4sink name=rec location=test.mp4
 * ]|
 */
#include "trailingmp4/element/gsttrailingmp4sink.h"

#include <algorithm>

#include "trailingmp4/base/log.h"
#include "trailingmp4/caps/track_caps.h"
#include "trailingmp4/element/gsttrailingmp4pad.h"
#include "trailingmp4/element/location.h"
#include "trailingmp4/element/pad_names.h"
#include "trailingmp4/element/properties.h"
#include "trailingmp4/element/recorder.h"
#include "trailingmp4/element/upstream.h"

using trailingmp4::GstRef;
using trailingmp4::Input;
using trailingmp4::PadNames;
using trailingmp4::Recorder;
using trailingmp4::Settings;

struct _GstTrailingMp4Sink {
  GstElement parent;
  Recorder* recorder;
  PadNames* pad_names;
  gint last_seek_seqnum;  // atomic
};

static void init_uri_handler(gpointer iface, gpointer);

G_DEFINE_FINAL_TYPE_WITH_CODE(GstTrailingMp4Sink, gst_trailing_mp4_sink, GST_TYPE_ELEMENT,
                              G_IMPLEMENT_INTERFACE(GST_TYPE_TAG_SETTER, nullptr)
                                  G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr)
                                      G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, init_uri_handler))
GST_ELEMENT_REGISTER_DEFINE(trailingmp4sink, "trailingmp4sink", GST_RANK_NONE,
                            GST_TYPE_TRAILING_MP4_SINK)

static Recorder& recorder_of(gpointer object) { return *GST_TRAILING_MP4_SINK(object)->recorder; }

// ---- properties ----

static bool is_active(GstElement* element) {
  GST_OBJECT_LOCK(element);
  const bool active = std::max(GST_STATE(element), GST_STATE_NEXT(element)) >= GST_STATE_PAUSED;
  GST_OBJECT_UNLOCK(element);
  return active;
}

static bool has_value(GObject* object, guint id, const GValue* value) {
  GValue now = G_VALUE_INIT;
  g_value_init(&now, G_VALUE_TYPE(value));
  const bool same = trailingmp4::get_setting(recorder_of(object).settings(), id, &now) &&
                    gst_value_compare(&now, value) == GST_VALUE_EQUAL;
  g_value_unset(&now);
  return same;
}

static void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  if ((spec->flags & GST_PARAM_MUTABLE_READY) && is_active(GST_ELEMENT(object))) {
    if (has_value(object, id, value)) return;
    g_warning("%s: \"%s\" can be changed in the NULL and READY states only",
              GST_OBJECT_NAME(object), spec->name);
    return;
  }
  bool known = false;
  recorder_of(object).change_settings(
      [&](Settings& settings) { known = trailingmp4::set_setting(settings, id, value); });
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Recorder& recorder = recorder_of(object);
  if (trailingmp4::is_stats(id))
    g_value_take_boxed(value, recorder.stats().release());
  else if (!trailingmp4::get_setting(recorder.settings(), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

// ---- the location as a URI ----

static GstURIType get_uri_type(GType) { return GST_URI_SINK; }

static const gchar* const* get_uri_protocols(GType) {
  static const gchar* const kProtocols[] = {"file", nullptr};
  return kProtocols;
}

static gchar* get_uri(GstURIHandler* handler) {
  return trailingmp4::uri_of(recorder_of(handler).settings().location).release();
}

static gboolean set_uri(GstURIHandler* handler, const gchar* uri, GError** error) {
  if (is_active(GST_ELEMENT(handler))) {
    g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                        "The URI can be changed in the NULL and READY states only");
    return FALSE;
  }
  const auto location = trailingmp4::location_of(uri, error);
  if (!location) return FALSE;
  g_object_set(handler, "location", location->c_str(), nullptr);
  return TRUE;
}

static void init_uri_handler(gpointer iface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = get_uri_type;
  handler->get_protocols = get_uri_protocols;
  handler->get_uri = get_uri;
  handler->set_uri = set_uri;
}

// ---- pads ----

static GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name,
                               const GstCaps*) {
  const bool named = name && !strchr(name, '%');
  PadNames& names = *GST_TRAILING_MP4_SINK(element)->pad_names;
  const std::string pad_name = named ? name : names.reserve(element, templ);
  // Held until it is the element's: a name that is taken is refused there.
  const auto pad = GstRef<GstPad>::sink(gst_trailing_mp4_pad_new(templ, pad_name.c_str()));
  Input& input = gst_trailing_mp4_pad_input(pad.get());
  recorder_of(element).add(input);
  if (is_active(element)) gst_pad_set_active(pad.get(), TRUE);
  const bool added = gst_element_add_pad(element, pad.get());
  names.release(pad_name);
  if (added) return pad.get();
  gst_pad_set_active(pad.get(), FALSE);
  recorder_of(element).remove(input);
  return nullptr;
}

static void release_pad(GstElement* element, GstPad* pad) { gst_element_remove_pad(element, pad); }

// Also of a pad that was taken away without being released.
static void pad_removed(GstElement* element, GstPad* pad) {
  recorder_of(element).cancel(gst_trailing_mp4_pad_input(pad), Input::kReleased, true);
  gst_pad_set_active(pad, FALSE);
  recorder_of(element).remove(gst_trailing_mp4_pad_input(pad));
}

// ---- states ----

static GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  Recorder& recorder = recorder_of(element);
  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!recorder.prepare()) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!recorder.start()) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      recorder.play();
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      recorder.pause();
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      recorder.begin_stop();
      break;
    default:
      break;
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_trailing_mp4_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) recorder.finish_stop();
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) recorder.forget();
  return result;
}

// ---- queries and events ----

static gboolean query(GstElement* element, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
      return trailingmp4::answer_latency(element, query);
    case GST_QUERY_POSITION:
      return trailingmp4::answer_position(element, query, recorder_of(element).bytes_written());
    case GST_QUERY_DURATION:
      return trailingmp4::answer_duration(element, query);
    case GST_QUERY_SEEKING:
      return trailingmp4::answer_seeking(query);
    default:
      return GST_ELEMENT_CLASS(gst_trailing_mp4_sink_parent_class)->query(element, query);
  }
}

static gboolean send_event(GstElement* element, GstEvent* raw) {
  auto event = GstRef<GstEvent>::adopt(raw);
  const guint32 seqnum = gst_event_get_seqnum(event.get());
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) return recorder_of(element).end_all(seqnum);
  if (!(gst_event_type_get_flags(GST_EVENT_TYPE(event.get())) & GST_EVENT_TYPE_UPSTREAM))
    return GST_ELEMENT_CLASS(gst_trailing_mp4_sink_parent_class)
        ->send_event(element, event.release());
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_SEEK) {
    gint& last = GST_TRAILING_MP4_SINK(element)->last_seek_seqnum;
    if (g_atomic_int_exchange(&last, static_cast<gint>(seqnum)) == static_cast<gint>(seqnum))
      return TRUE;
  }
  return trailingmp4::send_upstream(element, std::move(event));
}

// ---- the class ----

static void finalize(GObject* object) {
  delete GST_TRAILING_MP4_SINK(object)->recorder;
  delete GST_TRAILING_MP4_SINK(object)->pad_names;
  G_OBJECT_CLASS(gst_trailing_mp4_sink_parent_class)->finalize(object);
}

static void add_template(GstElementClass* klass, const char* name, const std::string& caps_text) {
  const auto caps = GstRef<GstCaps>::adopt(gst_caps_from_string(caps_text.c_str()));
  gst_element_class_add_pad_template(
      klass, gst_pad_template_new(name, GST_PAD_SINK, GST_PAD_REQUEST, caps.get()));
}

static void gst_trailing_mp4_sink_class_init(GstTrailingMp4SinkClass* klass) {
  trailingmp4::init_log();
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  trailingmp4::install_properties(object_class);

  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  element_class->pad_removed = pad_removed;
  element_class->change_state = change_state;
  element_class->query = query;
  element_class->send_event = send_event;
  gst_element_class_set_static_metadata(
      element_class, "MP4 recorder", "Codec/Muxer/Sink/File",
      "Records parsed media into an MP4 file as it arrives, with the index at the end",
      "The trailingmp4 developers");
  // First in the list is what automatic linking takes: the kind is decided by the caps.
  add_template(element_class, "sink_%u", trailingmp4::template_caps());
  using mp4::TrackKind;
  add_template(element_class, "video_%u", trailingmp4::template_caps(TrackKind::kVideo));
  add_template(element_class, "audio_%u", trailingmp4::template_caps(TrackKind::kAudio));
  add_template(element_class, "meta_%u", trailingmp4::template_caps(TrackKind::kMetadata));
  add_template(element_class, "subtitle_%u", trailingmp4::template_caps(TrackKind::kText));
  gst_type_mark_as_plugin_api(GST_TYPE_TRAILING_MP4_PAD, static_cast<GstPluginAPIFlags>(0));
  // For good: it is not made by two threads that each request the first pad, which
  // ThreadSanitizer takes for a race because it cannot see GLib's lock.
  g_type_class_ref(GST_TYPE_TRAILING_MP4_PAD);
}

static void gst_trailing_mp4_sink_init(GstTrailingMp4Sink* self) {
  self->recorder = new Recorder(GST_ELEMENT(self));
  self->pad_names = new PadNames;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
