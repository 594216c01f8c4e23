// SPDX-License-Identifier: LGPL-2.1-or-later
#include "temp_folder.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>

namespace bench {

TempFolder::TempFolder() {
  std::error_code error;
  path_ = (std::filesystem::temp_directory_path(error) / "trailingmp4-XXXXXX").string();
  if (!mkdtemp(path_.data())) {
    std::perror("mkdtemp");
    std::abort();
  }
}

TempFolder::~TempFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

int TempFolder::count() const {
  std::error_code error;
  const std::filesystem::directory_iterator files(path_, error);
  return static_cast<int>(std::distance(begin(files), end(files)));
}

}  // namespace bench
