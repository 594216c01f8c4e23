// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Loading, storing and changing small files.
#include "file_bytes.h"

#include <cstdio>

#include "box_file.h"

namespace boxes {
namespace {

bool write_all(FILE* file, const Bytes& bytes) {
  const bool written = bytes.empty() || fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return fclose(file) == 0 && written;
}

void collect(const std::vector<Box>& tree, std::vector<const Box*>& all) {
  for (const Box& box : tree) {
    all.push_back(&box);
    collect(box.children, all);
  }
}

}  // namespace

Bytes load_file(const std::string& path) {
  const BoxFile file(path);
  if (!file.is_open()) return {};
  Bytes bytes(file.size());
  return file.read(0, bytes) ? bytes : Bytes{};
}

bool store_file(const std::string& path, const Bytes& bytes) {
  FILE* file = fopen(path.c_str(), "wb");
  return file && write_all(file, bytes);
}

bool store_file_at(const std::string& path, const Bytes& bytes, uint64_t offset) {
  FILE* file = fopen(path.c_str(), "r+b");
  if (!file) return false;
  const bool there = fseeko(file, static_cast<off_t>(offset), SEEK_SET) == 0;
  return write_all(file, bytes) && there;
}

uint64_t get_number(const Bytes& bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; i++) value = value << 8 | bytes.at(at + i);
  return value;
}

void put_number(Bytes& bytes, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; i++) {
    bytes.at(at + i) = static_cast<uint8_t>(value >> 8 * (width - 1 - i));
  }
}

std::vector<const Box*> all_boxes(const Movie& movie) {
  std::vector<const Box*> all;
  collect(movie.top, all);
  return all;
}

const Box* box_at(const Movie& movie, const std::string& path) {
  for (const Box* box : all_boxes(movie)) {
    if (box->path == path) return box;
  }
  return nullptr;
}

}  // namespace boxes
