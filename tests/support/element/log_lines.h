// SPDX-License-Identifier: LGPL-2.1-or-later
//
// LogLines: what GStreamer's log is told by the element, from construction to destruction, in the
// categories "trailingmp4sink*" up to a level. Make it before the element, whose threads may still
// write when they end.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <string>
#include <vector>

namespace bench {

struct LogLine {
  std::string category;
  GstDebugLevel level;
  std::string object;  // its name, or the id that stands for it
  std::string text;
};

class LogLines {
 public:
  explicit LogLines(GstDebugLevel level);
  ~LogLines();
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  std::vector<LogLine> all();
  // Those of a category and level that have all the words in them, in order.
  std::vector<LogLine> find(const std::string& category, GstDebugLevel level,
                            const std::vector<std::string>& words = {});

 private:
  static void write(GstDebugCategory* category, GstDebugLevel level, const gchar* file,
                    const gchar* function, gint line, GObject* object, GstDebugMessage* message,
                    gpointer state);

  // GStreamer's own: a test that fails jumps over the destructor.
  struct State {
    std::mutex mutex;
    std::vector<LogLine> lines;
  };
  State* state_;
};

}  // namespace bench
