// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owners of GStreamer references in tests. The tests have their own, so that a fault in the
// plugin's owners does not hide itself.
#pragma once

#include <gst/gst.h>

#include <memory>

namespace bench {

struct Unref {
  void operator()(GstCaps* object) const { gst_caps_unref(object); }
  void operator()(GstBuffer* object) const { gst_buffer_unref(object); }
  void operator()(GstEvent* object) const { gst_event_unref(object); }
  void operator()(GstQuery* object) const { gst_query_unref(object); }
  void operator()(GstMessage* object) const { gst_message_unref(object); }
  void operator()(GstStructure* object) const { gst_structure_free(object); }
  void operator()(GstTagList* object) const { gst_tag_list_unref(object); }
  void operator()(GstElement* object) const { gst_object_unref(object); }
  void operator()(GstPad* object) const { gst_object_unref(object); }
  void operator()(GstBus* object) const { gst_object_unref(object); }
  void operator()(gchar* text) const { g_free(text); }
};

template <typename T>
using Owned = std::unique_ptr<T, Unref>;

}  // namespace bench
