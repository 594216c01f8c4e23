// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finishes what was left over of a recording, in place: it becomes the plain MP4 file that the
// recorder would have made of it.
#pragma once

#include <memory>
#include <string>

#include "mp4/file/output_file.h"
#include "mp4/recovery/left_over.h"

namespace finalize {

// The file must hold what was found in it. The steps are those of a recorder (S5 to S9): a crash at
// any moment leaves a file that can be read as before, or the finished one. kNoSpace: nothing was
// changed.
mp4::Status finish(const LeftOver& left_over, std::unique_ptr<mp4::OutputFile> file);

struct Report {
  LeftOver left_over;
  uint64_t file_size = 0;    // before
  bool has_changed = false;  // it was finished now
};

struct Options {
  bool only_look = false;
};

// kBusy: it is being recorded.
mp4::Status finalize(const std::string& path, const Options& options,
                     const LeftOver::Progress& progress, Report& report);

}  // namespace finalize
