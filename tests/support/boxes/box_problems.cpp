// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Wording of problems.
#include "box_problems.h"

#include <cstdarg>
#include <cstdio>

namespace boxes {

std::string text(const char* format, ...) {
  char buffer[512];
  va_list args;
  va_start(args, format);
  vsnprintf(buffer, sizeof buffer, format, args);
  va_end(args);
  return buffer;
}

std::string printable(std::string_view type) {
  std::string out;
  for (const char c : type) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0xa1) {  // Latin-1, as QuickTime's copyright sign
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    } else {
      out += byte >= 0x20 && byte < 0x7f ? c : '?';
    }
  }
  return out;
}

void Problems::at(const Box& box, const std::string& message) {
  add(printable(box.type) + ": " + message + " (" + box.path + " @" + std::to_string(box.offset) +
      ")");
}

void Problems::in(const Track& track, const char* type, const std::string& message) {
  add(std::string(type) + ": " + message + " (track " + std::to_string(track.id) + ")");
}

void Problems::add(std::string line) {
  if (lines_.size() < kMostLines) lines_.push_back(std::move(line));
  if (lines_.size() == kMostLines) lines_.push_back("file: more problems than are listed");
}

}  // namespace boxes
