// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_support.h"

#include <gst/gst.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace fuzz {
namespace {

std::atomic<int> fatal{0};

void log_handler(const gchar* domain, GLogLevelFlags level, const gchar* message, gpointer) {
  if (fatal == 0 || !(level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))) return;
  std::fprintf(stderr, "%s: critical: %s\n", domain ? domain : "", message);
  std::abort();
}

}  // namespace

void expect(bool condition, const std::string& text) {
  if (condition) return;
  std::fprintf(stderr, "not as it must be: %s\n", text.c_str());
  std::abort();
}

void init_gstreamer() {
  for (const char* variable : {"GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH_1_0"})
    g_setenv(variable, "", TRUE);
  g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_registry_fork_set_enabled(FALSE);
  gst_init(nullptr, nullptr);
  g_log_set_default_handler(log_handler, nullptr);
}

FatalCriticals::FatalCriticals() { ++fatal; }
FatalCriticals::~FatalCriticals() { --fatal; }

}  // namespace fuzz
