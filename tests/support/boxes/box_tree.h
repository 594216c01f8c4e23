// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finds the boxes of a file: the top level by position, and the insides of the boxes that describe
// media loaded into memory and split into a tree. Judges only how boxes tile their container.
#pragma once

#include "box_file.h"
#include "box_problems.h"
#include "box_reader.h"

namespace boxes {

class BoxTree {
 public:
  BoxTree(const BoxFile& file, Problems& problems) : file_(file), problems_(problems) {}

  /// Every top-level box; those that describe media with their children.
  std::vector<Box> read();

  /// Splits the payload of `parent` after its first `prefix` bytes into `parent.children`.
  void split(Box& parent, size_t prefix);

 private:
  bool next_top_level(uint64_t offset, Box& box);
  void load(Box& box);
  void split_known(Box& parent);
  bool next_child(const Box& parent, size_t position, Box& box);
  void check_children(const Box& parent);

  static constexpr uint64_t kMostLoadedBytes = uint64_t{1} << 30;
  static constexpr size_t kMostBoxes = 2'000'000;
  static constexpr int kDeepest = 16;

  const BoxFile& file_;
  Problems& problems_;
  uint64_t loaded_bytes_ = 0;
  size_t box_count_ = 0;
  int depth_ = 0;
};

/// The first box of that type, or null.
Box* find_box(std::vector<Box>& boxes, std::string_view type);

}  // namespace boxes
