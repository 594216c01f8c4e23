// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What rtspsrc says when a camera goes while it is still setting up, and means nothing by: it gives
// an event the seqnum of a seek that never was. gst-check would fail the test for it. To be
// included behind gstcheck.h.
#pragma once

inline void ignore_rtspsrc_criticals() {
  GRegex* regex = g_regex_new("gst_event_set_seqnum: assertion", GRegexCompileFlags(0),
                              GRegexMatchFlags(0), nullptr);
  gst_check_add_log_filter("GStreamer", G_LOG_LEVEL_CRITICAL, regex, nullptr, nullptr, nullptr);
}
