// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log_lines.h"

#include <algorithm>

namespace bench {
namespace {

constexpr char kPattern[] = "trailingmp4sink*";
// The functions in parentheses are meant, not the macros of the same names, which -Wpedantic
// dislikes.

}  // namespace

LogLines::LogLines(GstDebugLevel level) : state_(new State) {
  (gst_debug_remove_log_function)(nullptr);  // GStreamer's own, to stderr
  (gst_debug_add_log_function)(write, state_,
                               [](gpointer state) { delete static_cast<State*>(state); });
  gst_debug_set_active(TRUE);
  gst_debug_set_threshold_for_name(kPattern, level);
}

LogLines::~LogLines() {
  gst_debug_unset_threshold_for_name(kPattern);
  gst_debug_remove_log_function_by_data(state_);
  (gst_debug_add_log_function)(nullptr, nullptr, nullptr);
}

void LogLines::write(GstDebugCategory* category, GstDebugLevel level, const gchar*, const gchar*,
                     gint, GObject* object, GstDebugMessage* message, gpointer data) {
  const std::string name = gst_debug_category_get_name(category);
  if (!name.starts_with("trailingmp4sink")) return;
  std::string about;
  if (GST_IS_OBJECT(object))
    about = GST_OBJECT_NAME(object);
  else if (const gchar* id = gst_debug_message_get_id(message))
    about = id;
  auto* state = static_cast<State*>(data);
  const std::lock_guard lock(state->mutex);
  state->lines.push_back({name, level, about, gst_debug_message_get(message)});
}

std::vector<LogLine> LogLines::all() {
  const std::lock_guard lock(state_->mutex);
  return state_->lines;
}

std::vector<LogLine> LogLines::find(const std::string& category, GstDebugLevel level,
                                    const std::vector<std::string>& words) {
  std::vector<LogLine> found = all();
  std::erase_if(found, [&](const LogLine& line) {
    return line.category != category || line.level != level ||
           std::any_of(words.begin(), words.end(), [&](const std::string& word) {
             return line.text.find(word) == std::string::npos;
           });
  });
  return found;
}

}  // namespace bench
