// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where everything wrong with a file is collected, as lines that start with the box's type so that
// a test can look for "stsc:". A hostile file cannot make the list grow without bound.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "box_reader.h"

namespace boxes {

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...);

/// A type such as "\xa9nam" as UTF-8; what cannot be printed becomes '?'.
std::string printable(std::string_view type);

class Problems {
 public:
  explicit Problems(std::vector<std::string>& lines) : lines_(lines) {}

  /// "stsc: message (moov/trak[0]/mdia/minf/stbl/stsc @1234)"
  void at(const Box& box, const std::string& message);
  /// "tkhd: message (track 1)"
  void in(const Track& track, const char* type, const std::string& message);
  /// The line as it is; it should start with a box's type and a colon.
  void add(std::string line);

 private:
  static constexpr size_t kMostLines = 1000;
  std::vector<std::string>& lines_;
};

}  // namespace boxes
