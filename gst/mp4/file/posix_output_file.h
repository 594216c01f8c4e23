// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file on a POSIX system: a folder that is opened once and kept, so that moving it cannot
// redirect the recording, and in it a regular file that this recorder alone has made and locked.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "mp4/file/output_file.h"

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
  struct Options {
    mode_t mode = 0640;      // under the umask
    bool overwrite = false;  // a file of that name is no error: the new one takes its place
  };

  // Opens the folder of the path and looks whether the file can be made there: the name is free or
  // may be taken, the folder writable and not on a full or read-only disk. Nothing is created yet.
  static Status open_folder(const std::string& path, const Options& options,
                            std::unique_ptr<PosixOutputFile>& file);

  // A file that is open already, of which the caller has seen to everything that create() does.
  static std::unique_ptr<PosixOutputFile> adopt(FileDescriptor file);

  // While a file of the name exists, the new one has a hidden name, ".NAME.recording", until
  // take_name(). What a crash left under that name is removed if it can be of no use to anybody,
  // and kept otherwise, or while it is being finished: then the new one's name is
  // ".NAME.2.recording", and so on.
  Status create() override;
  Status reserve(uint64_t from, uint64_t to) override;
  Status write(uint64_t offset, std::span<const iovec> pieces) override;
  Status truncate(uint64_t size) override;
  Status sync() override;
  Status sync_with_name() override;
  Status take_name() override;
  Status size(uint64_t& bytes) override;
  Status close() override;

 private:
  PosixOutputFile(FileDescriptor folder, std::string name, const Options& options);
  Status check_name() const;
  Status check_folder() const;
  Status check_nobody_records(const std::string& name) const;
  Status create_hidden();
  Status remove_useless(const std::string& name, bool& removed) const;
  Status create_as(const std::string& name);
  Status replace_old_file() const;
  bool has_lost_name(int fd, const std::string& name) const;
  Status reserve_exactly(uint64_t from, uint64_t to);
  static Status check_limit(uint64_t to);
  Status look_for_room(uint64_t bytes) const;
  Status sync_folder();

  FileDescriptor folder_;
  std::string name_;
  Options options_;
  std::string hidden_name_;  // as long as the file has that instead
  FileDescriptor file_;
  uint64_t reserved_to_ = 0;
  bool can_reserve_ = true;
};

}  // namespace mp4
