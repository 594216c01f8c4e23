// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file on a POSIX system: a folder that is opened once and kept, so that moving it cannot
// redirect the recording, and in it a regular file that this recorder alone has made and locked.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "output_file.h"

namespace mp4 {

// An owned file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release();

 private:
  int fd_ = -1;
};

class PosixOutputFile final : public OutputFile {
 public:
  // Opens the folder of the path and looks whether the file can be made there: the name is free,
  // the folder writable and not on a full or read-only disk. Nothing is created yet.
  static Status open_folder(const std::string& path, mode_t mode,
                            std::unique_ptr<PosixOutputFile>& file);

  Status create() override;
  Status write(uint64_t offset, std::span<const iovec> pieces) override;
  Status sync() override;
  Status sync_with_name() override;
  Status size(uint64_t& bytes) override;
  Status close() override;

 private:
  PosixOutputFile(FileDescriptor folder, std::string name, mode_t mode);
  Status check_name_is_free() const;
  Status check_folder() const;

  FileDescriptor folder_;
  std::string name_;
  mode_t mode_;
  FileDescriptor file_;
};

}  // namespace mp4
