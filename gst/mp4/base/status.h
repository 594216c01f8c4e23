// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Status: the result of anything that can fail in the core. It carries what a person needs to
// know: a kind that callers act on, a sentence, and the system's error number where there is one.
#pragma once

#include <string>
#include <utility>

namespace mp4 {

enum class StatusCode {
  kOk,
  kInvalid,        // the input cannot be described in an MP4 file
  kNotFound,       // the folder does not exist
  kExists,         // something of that name is there already
  kNotRegular,     // the name is a folder, device, FIFO or symbolic link
  kBusy,           // another recorder holds the file
  kBeingFinished,  // trailingmp4-finalize holds the file, for now
  kOpen,           // the file or folder could not be opened
  kWrite,          // a write failed
  kNoSpace,        // disk full, quota or file size limit
  kSync,           // fsync or fdatasync failed: what is on disk is not known
  kClose,          // close failed
  kUnexpected,     // the file is not what this recorder left: somebody else wrote to it
  kOutOfResources  // no thread could be made
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string text, int error_number = 0)
      : code_(code), error_number_(error_number), text_(std::move(text)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  int error_number() const { return error_number_; }  // errno, 0 if none
  const std::string& text() const { return text_; }   // one sentence, without the file's name

 private:
  StatusCode code_ = StatusCode::kOk;
  int error_number_ = 0;
  std::string text_;
};

}  // namespace mp4
