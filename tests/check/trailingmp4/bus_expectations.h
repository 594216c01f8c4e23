// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the bus must have heard: exactly one error or warning, of a domain and code, whose sentence
// names what it is about.
#pragma once

#include <initializer_list>
#include <string>

#include "element_bench.h"

namespace bench {

struct Complaint {
  GstMessageType type;
  GQuark domain;
  gint code;
  std::initializer_list<std::string> words;  // all in the sentence
};

inline Complaint resource_error(gint code, std::initializer_list<std::string> words) {
  return {GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, code, words};
}

inline Complaint stream_error(std::initializer_list<std::string> words) {
  return {GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, words};
}

inline Complaint stream_warning(std::initializer_list<std::string> words) {
  return {GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, words};
}

// Waits for it, and until all that was pushed has had its effect: no other error or warning came.
inline void expect_only(Bench& bench, const Complaint& complaint,
                        Bench::Location where = Bench::Location::current()) {
  const Owned<GstMessage> message = bench.expect(complaint.type, "", where);
  GError* error = nullptr;
  gchar* debug = nullptr;
  if (complaint.type == GST_MESSAGE_ERROR)
    gst_message_parse_error(message.get(), &error, &debug);
  else
    gst_message_parse_warning(message.get(), &error, &debug);
  const std::string text = error->message;
  const bool right = g_error_matches(error, complaint.domain, complaint.code);
  const std::string found = std::string(g_quark_to_string(error->domain)) + " " +
                            std::to_string(error->code) + ": " + text;
  g_error_free(error);
  g_free(debug);
  if (!right) fail_at(where, "of another kind: " + found);
  for (const std::string& word : complaint.words)
    if (text.find(word) == std::string::npos) fail_at(where, "no \"" + word + "\" in: " + text);
  bench.wait_until_at_rest(where);
  const int errors = bench.log().count(GST_MESSAGE_ERROR);
  const int warnings = bench.log().count(GST_MESSAGE_WARNING);
  const bool is_error = complaint.type == GST_MESSAGE_ERROR;
  if (errors != (is_error ? 1 : 0) || warnings != (is_error ? 0 : 1))
    fail_at(where, std::to_string(errors) + " errors, " + std::to_string(warnings) +
                       " warnings; the first: " + bench.log().text(GST_MESSAGE_ERROR) +
                       bench.log().text(GST_MESSAGE_WARNING));
}

// The debug text of the first error.
inline std::string debug_of_error(Bench& bench) {
  const Owned<GstMessage> message = bench.expect(GST_MESSAGE_ERROR);
  gchar* debug = nullptr;
  gst_message_parse_error(message.get(), nullptr, &debug);
  const Owned<gchar> text(debug);
  return text ? text.get() : "";
}

}  // namespace bench
