// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/gsttrailingmp4pad.h"

#include "trailingmp4/caps/track_caps.h"

using trailingmp4::GstRef;
using trailingmp4::Input;

struct _GstTrailingMp4Pad {
  GstPad parent;
  Input* input;
};

G_DEFINE_FINAL_TYPE(GstTrailingMp4Pad, gst_trailing_mp4_pad, GST_TYPE_PAD)

Input& gst_trailing_mp4_pad_input(GstPad* pad) { return *GST_TRAILING_MP4_PAD(pad)->input; }

static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  return gst_trailing_mp4_pad_input(pad).chain(GstRef<GstBuffer>::adopt(buffer));
}

static gboolean event(GstPad* pad, GstObject*, GstEvent* event) {
  return gst_trailing_mp4_pad_input(pad).event(GstRef<GstEvent>::adopt(event));
}

// Caps of a kind that the table has are taken whatever else they say, and looked at when they come:
// what cannot be recorded then is said in a sentence and ends this track alone, while a refusal
// here would end upstream, and with it all tracks.
static gboolean query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_ACCEPT_CAPS)
    return gst_pad_query_default(pad, parent, query);
  GstCaps* caps = nullptr;
  gst_query_parse_accept_caps(query, &caps);
  gst_query_set_accept_caps_result(query, trailingmp4::is_known_media_type(caps));
  return TRUE;
}

static void unlinked(GstPad* pad, GstPad*) { gst_trailing_mp4_pad_input(pad).unlinked(); }

static void finalize(GObject* object) {
  delete GST_TRAILING_MP4_PAD(object)->input;
  G_OBJECT_CLASS(gst_trailing_mp4_pad_parent_class)->finalize(object);
}

// Not in init: the direction is a property.
static void constructed(GObject* object) {
  G_OBJECT_CLASS(gst_trailing_mp4_pad_parent_class)->constructed(object);
  gst_pad_set_chain_function(GST_PAD(object), chain);
  gst_pad_set_event_function(GST_PAD(object), event);
  gst_pad_set_query_function(GST_PAD(object), query);
}

static void gst_trailing_mp4_pad_class_init(GstTrailingMp4PadClass* klass) {
  G_OBJECT_CLASS(klass)->constructed = constructed;
  G_OBJECT_CLASS(klass)->finalize = finalize;
  GST_PAD_CLASS(klass)->unlinked = unlinked;
}

static void gst_trailing_mp4_pad_init(GstTrailingMp4Pad* self) {
  self->input = new Input(GST_PAD(self));
}

GstPad* gst_trailing_mp4_pad_new(GstPadTemplate* templ, const char* name) {
  return GST_PAD(g_object_new(GST_TYPE_TRAILING_MP4_PAD, "name", name, "direction",
                              GST_PAD_TEMPLATE_DIRECTION(templ), "template", templ, nullptr));
}
