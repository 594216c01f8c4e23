// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Registration of the plugin, nothing else.
#include <gst/gst.h>

#include "gsttrailingmp4sink.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(trailingmp4sink, plugin);
}

extern "C" {
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, trailingmp4,
                  "Records cameras into MP4 files", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
}
