// SPDX-License-Identifier: LGPL-2.1-or-later
//
// TempFolder: a new folder for the files of one test, removed with all that is in it.
#pragma once

#include <string>

namespace bench {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  int count() const;  // of what is in it

 private:
  std::string path_;
};

}  // namespace bench
