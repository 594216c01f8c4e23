// SPDX-License-Identifier: LGPL-2.1-or-later
//
// launch LINE: runs a pipeline to its end, and a line of JSON says what that took.
#include <gst/gst.h>

#include "gst_owners.h"
#include "usage.h"

int main(int argc, char** argv) {
  gst_init(nullptr, nullptr);
  if (argc != 2) return 2;
  GError* error = nullptr;
  const bench::Owned<GstElement> pipeline(gst_parse_launch(argv[1], &error));
  if (error) return 2;
  const bench::Usage begin = bench::usage();
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const bench::Owned<GstBus> bus(gst_element_get_bus(pipeline.get()));
  const bench::Owned<GstMessage> message(
      gst_bus_timed_pop_filtered(bus.get(), GST_CLOCK_TIME_NONE,
                                 static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  const bench::Usage end = bench::usage();
  const bool good = GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS;
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  bench::JsonLine().add("good", good).add(end - begin).print();
  return good ? 0 : 1;
}
