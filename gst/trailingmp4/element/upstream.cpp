// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/upstream.h"

#include <algorithm>
#include <vector>

#include "trailingmp4/element/gsttrailingmp4pad.h"

namespace trailingmp4 {
namespace {

std::vector<GstRef<GstPad>> pads_of(GstElement* element) {
  std::vector<GstRef<GstPad>> pads;
  GST_OBJECT_LOCK(element);
  for (GList* item = element->sinkpads; item; item = item->next)
    pads.push_back(GstRef<GstPad>::share(GST_PAD(item->data)));
  GST_OBJECT_UNLOCK(element);
  return pads;
}

}  // namespace

namespace {

constexpr int kLongestChain = 200;  // of pads; a loop of links is cut here

bool leads_to_source(GstPad* sink_pad, int depth);

// What an element's source pad gets its data from; nothing: the element is a source itself.
bool comes_from_source(GstPad* source_pad, int depth) {
  const auto links = IteratorOwner(gst_pad_iterate_internal_links(source_pad));
  if (!links) return true;
  bool any = false;
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(links.get(), &item) == GST_ITERATOR_OK) {
    any = true;
    const bool found = leads_to_source(GST_PAD(g_value_get_object(&item)), depth);
    g_value_reset(&item);
    if (found) return true;
  }
  return !any;
}

bool leads_to_source(GstPad* sink_pad, int depth) {
  if (depth > kLongestChain) return false;
  const auto peer = GstRef<GstPad>::adopt(gst_pad_get_peer(sink_pad));
  return peer && comes_from_source(peer.get(), depth + 1);
}

}  // namespace

bool has_source(GstPad* pad) { return leads_to_source(pad, 0); }

bool is_live(GstPad* pad) {
  const auto asked = GstRef<GstQuery>::adopt(gst_query_new_latency());
  gboolean live = FALSE;
  if (gst_pad_peer_query(pad, asked.get()))
    gst_query_parse_latency(asked.get(), &live, nullptr, nullptr);
  return live;
}

bool answer_latency(GstElement* element, GstQuery* query) {
  bool live = false, answered = false;
  GstClockTime minimum = 0, maximum = GST_CLOCK_TIME_NONE;
  for (const auto& pad : pads_of(element)) {
    const auto asked = GstRef<GstQuery>::adopt(gst_query_new_latency());
    if (!gst_pad_peer_query(pad.get(), asked.get())) continue;
    gboolean pad_live = FALSE;
    GstClockTime pad_minimum = 0, pad_maximum = GST_CLOCK_TIME_NONE;
    gst_query_parse_latency(asked.get(), &pad_live, &pad_minimum, &pad_maximum);
    answered = true;
    if (!pad_live) continue;
    live = true;
    minimum = std::max(minimum, pad_minimum);
    maximum = std::min(maximum, pad_maximum);  // NONE is the largest
  }
  gst_query_set_latency(query, live, minimum, maximum);
  return answered;
}

bool answer_position(GstElement* element, GstQuery* query, guint64 bytes_written) {
  GstFormat format;
  gst_query_parse_position(query, &format, nullptr);
  if (format == GST_FORMAT_BYTES) {
    gst_query_set_position(query, format, static_cast<gint64>(bytes_written));
    return true;
  }
  if (format != GST_FORMAT_TIME) return false;
  std::optional<GstClockTime> latest;
  for (const auto& pad : pads_of(element))
    if (const auto position = gst_trailing_mp4_pad_input(pad.get()).position())
      latest = std::max(latest.value_or(0), *position);
  if (latest) gst_query_set_position(query, format, static_cast<gint64>(*latest));
  return latest.has_value();
}

bool answer_duration(GstElement* element, GstQuery* query) {
  GstFormat format;
  gst_query_parse_duration(query, &format, nullptr);
  if (format != GST_FORMAT_TIME) return false;
  gint64 longest = -1;
  for (const auto& pad : pads_of(element)) {
    gint64 duration = -1;
    if (gst_pad_peer_query_duration(pad.get(), format, &duration))
      longest = std::max(longest, duration);
  }
  if (longest >= 0) gst_query_set_duration(query, format, longest);
  return longest >= 0;
}

bool answer_seeking(GstQuery* query) {
  GstFormat format;
  gst_query_parse_seeking(query, &format, nullptr, nullptr, nullptr);
  gst_query_set_seeking(query, format, FALSE, 0, -1);
  return true;
}

bool send_upstream(GstElement* element, GstRef<GstEvent> event) {
  bool handled = false;
  for (const auto& pad : pads_of(element)) {
    auto copy = event;
    if (gst_pad_push_event(pad.get(), copy.release())) handled = true;
  }
  return handled;
}

}  // namespace trailingmp4
