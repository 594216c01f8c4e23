// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What tests of the file share: ffprobe as a second witness, and the names of boxes in their order.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "box_reader.h"

namespace bench {

// Lines "key=value" of `ffprobe -show_entries`. What it says of the noise inside our samples is not
// heard.
inline std::vector<std::string> ffprobe(const std::string& path, const std::string& entries) {
  const std::string command = "ffprobe -v error -show_entries " + entries +
                              " -of default=noprint_wrappers=1 " + path + " 2>/dev/null";
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return lines;
  char line[1024];
  while (std::fgets(line, sizeof line, pipe)) {
    lines.emplace_back(line);
    while (!lines.back().empty() && lines.back().back() == '\n') lines.back().pop_back();
  }
  pclose(pipe);
  return lines;
}

inline std::string joined(const std::vector<std::string>& words, const char* with = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : with) + word;
  return text;
}

// The types of a box's children, or of the file's top level.
inline std::string types_of(const std::vector<boxes::Box>& list) {
  std::vector<std::string> types;
  for (const boxes::Box& box : list) types.push_back(box.type);
  return joined(types);
}

// "mdia/minf/stbl": the box there; nothing if there is none.
inline const boxes::Box* box_at(const boxes::Box& from, const std::string& path) {
  const boxes::Box* box = &from;
  for (size_t begin = 0; box && begin < path.size(); begin += 5)
    box = box->child(path.substr(begin, 4));
  return box;
}

}  // namespace bench
