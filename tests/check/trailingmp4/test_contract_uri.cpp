// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of the location as a URI: GstURIHandler, by which editors offer a dialogue for files.
#include <string>

#include "bus_expectations.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Owned;

namespace {

GstURIHandler* handler_of(Bench& bench) { return GST_URI_HANDLER(bench.element()); }

std::string location_of(Bench& bench) {
  gchar* location = nullptr;
  g_object_get(bench.element(), "location", &location, nullptr);
  const Owned<gchar> owned(location);
  return location ? location : "(none)";
}

std::string uri_of(Bench& bench) {
  const Owned<gchar> uri(gst_uri_handler_get_uri(handler_of(bench)));
  return uri ? uri.get() : "(none)";
}

// The error's code, -1: it was taken.
int set(Bench& bench, const char* uri) {
  GError* error = nullptr;
  if (gst_uri_handler_set_uri(handler_of(bench), uri, &error)) {
    fail_unless(error == nullptr);
    return -1;
  }
  fail_unless(error && error->message[0], "refused without a word");
  const int code = error->code;
  g_clear_error(&error);
  return code;
}

}  // namespace

GST_START_TEST(the_element_is_a_sink_of_the_scheme_file_that_is_never_chosen_by_itself) {
  Bench bench;
  fail_unless_equals_int(gst_uri_handler_get_uri_type(handler_of(bench)), GST_URI_SINK);
  const gchar* const* protocols = gst_uri_handler_get_protocols(handler_of(bench));
  fail_unless(protocols && protocols[0] && !protocols[1]);
  fail_unless_equals_string(protocols[0], "file");
  const Owned<GstElement> chosen(GST_ELEMENT(gst_object_ref_sink(
      gst_element_make_from_uri(GST_URI_SINK, "file:///tmp/x.mp4", nullptr, nullptr))));
  fail_unless(chosen && G_OBJECT_TYPE(chosen.get()) != G_OBJECT_TYPE(bench.element()));
}
GST_END_TEST

GST_START_TEST(a_uri_sets_the_location_and_is_read_back) {
  Bench bench;
  fail_unless_equals_int(set(bench, "file:///media/my%20cameras/door%231.mp4"), -1);
  bench::expect_text(location_of(bench), "/media/my cameras/door#1.mp4");
  bench::expect_text(uri_of(bench), "file:///media/my%20cameras/door%231.mp4");
  bench.set_location("/media/100%.mp4");
  bench::expect_text(uri_of(bench), "file:///media/100%25.mp4");
  g_object_set(bench.element(), "location", nullptr, nullptr);
  bench::expect_text(uri_of(bench), "(none)");
}
GST_END_TEST

GST_START_TEST(a_file_of_another_machine_is_refused) {
  Bench bench;
  const std::string before = location_of(bench);
  fail_unless_equals_int(set(bench, "file://nas/door.mp4"), GST_URI_ERROR_BAD_REFERENCE);
  bench::expect_text(location_of(bench), before);
  fail_unless_equals_int(set(bench, "file://localhost/tmp/door.mp4"), -1);
  bench::expect_text(location_of(bench), "/tmp/door.mp4");
}
GST_END_TEST

GST_START_TEST(a_uri_is_refused_while_recording) {
  Bench bench;
  const std::string location = bench.location();
  bench.to(__i__ ? GST_STATE_PLAYING : GST_STATE_PAUSED);
  fail_unless_equals_int(set(bench, "file:///tmp/other.mp4"), GST_URI_ERROR_BAD_STATE);
  bench::expect_text(location_of(bench), location);
  bench.to(GST_STATE_READY);
  fail_unless_equals_int(set(bench, "file:///tmp/other.mp4"), -1);
}
GST_END_TEST

static Suite* test_contract_uri_suite(void) {
  Suite* suite = suite_create("contract_uri");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, the_element_is_a_sink_of_the_scheme_file_that_is_never_chosen_by_itself);
  tcase_add_test(tests, a_uri_sets_the_location_and_is_read_back);
  tcase_add_test(tests, a_file_of_another_machine_is_refused);
  tcase_add_loop_test(tests, a_uri_is_refused_while_recording, 0, 2);
  return suite;
}

GST_CHECK_MAIN(test_contract_uri)
