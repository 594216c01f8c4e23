// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Boxes by their names, for tests of the file.
#pragma once

#include <string>
#include <vector>

#include "box_reader.h"

namespace bench {

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
