// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole files as bytes, and numbers in them, for tests that damage or rebuild small files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "box_reader.h"

namespace boxes {

using Bytes = std::vector<uint8_t>;

/// The whole file; empty when it cannot be read.
Bytes load_file(const std::string& path);

/// Writes a new file, or with `offset` into one that is there, past whose end it may go.
[[nodiscard]] bool store_file(const std::string& path, const Bytes& bytes);
[[nodiscard]] bool store_file_at(const std::string& path, const Bytes& bytes, uint64_t offset);

/// Big-endian numbers of `width` bytes; they must lie inside.
uint64_t get_number(const Bytes& bytes, size_t at, size_t width);
void put_number(Bytes& bytes, size_t at, uint64_t value, size_t width);

/// Every box of the movie, parents before their children, in the file's order.
std::vector<const Box*> all_boxes(const Movie& movie);

/// The box with that Box::path, or null.
const Box* box_at(const Movie& movie, const std::string& path);

}  // namespace boxes
