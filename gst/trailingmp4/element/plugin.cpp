// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Registration of the plugin, nothing else.
#include <gst/gst.h>

#include "trailingmp4/element/gsttrailingmp4sink.h"

#ifndef PACKAGE_NAME
#define PACKAGE_NAME "trailingmp4sink, an MP4 recorder for cameras"
#endif
// There is no address to give; GStreamer's own plugins say the same of a build from source.
#ifndef PACKAGE_ORIGIN
#define PACKAGE_ORIGIN "Unknown package origin"
#endif

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(trailingmp4sink, plugin);
}

extern "C" {
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, trailingmp4,
                  "Records cameras into MP4 files", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
}
