// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/base/log.h"

#include <utility>

GST_DEBUG_CATEGORY(trailing_mp4_sink_debug);
GST_DEBUG_CATEGORY(trailing_mp4_sink_file_debug);
GST_DEBUG_CATEGORY(trailing_mp4_sink_time_debug);

namespace trailingmp4 {
namespace {

GstDebugLevel level_of(mp4::LogLevel level) {
  switch (level) {
    case mp4::LogLevel::kInfo:
      return GST_LEVEL_INFO;
    case mp4::LogLevel::kDebug:
      return GST_LEVEL_DEBUG;
    case mp4::LogLevel::kLog:
      return GST_LEVEL_LOG;
  }
  return GST_LEVEL_LOG;
}

}  // namespace

void init_log() {
  GST_DEBUG_CATEGORY_INIT(trailing_mp4_sink_debug, "trailingmp4sink", 0, "MP4 recorder");
  GST_DEBUG_CATEGORY_INIT(trailing_mp4_sink_file_debug, "trailingmp4sink-file", 0,
                          "MP4 recorder: the file and the disk");
  GST_DEBUG_CATEGORY_INIT(trailing_mp4_sink_time_debug, "trailingmp4sink-time", 0,
                          "MP4 recorder: timestamps and their corrections");
}

// By name, not by reference: the core may outlive the element's interest in it.
mp4::Log core_log(std::string element_name) {
  return {[](mp4::LogLevel level) {
            return may_log(level_of(level)) && level_of(level) <= gst_debug_category_get_threshold(
                                                                      trailing_mp4_sink_file_debug);
          },
          [name = std::move(element_name)](mp4::LogLevel level, const mp4::LogPlace& place,
                                           const char* text) {
            gst_debug_log_id(trailing_mp4_sink_file_debug, level_of(level), place.file,
                             place.function, place.line, name.c_str(), "%s", text);
          },
          [] { return static_cast<int64_t>(gst_util_get_timestamp()); }};
}

}  // namespace trailingmp4
