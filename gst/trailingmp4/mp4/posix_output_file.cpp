// SPDX-License-Identifier: LGPL-2.1-or-later
#include "posix_output_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mp4 {
namespace {

Status write_failure(int error) {
  switch (error) {
    case ENOSPC:
      return {StatusCode::kNoSpace, "There is no space left on the disk.", error};
    case EDQUOT:
      return {StatusCode::kNoSpace, "The disk quota is used up.", error};
    case EFBIG:
      return {StatusCode::kNoSpace, "The file has reached the largest size allowed.", error};
    default:
      return {StatusCode::kWrite, "Writing to the file failed.", error};
  }
}

Status open_failure(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {StatusCode::kNotFound, "The folder of the file does not exist.", error};
    case EEXIST:
      return {StatusCode::kExists, "A file of this name exists already.", error};
    case ENOSPC:
    case EDQUOT:
      return {StatusCode::kNoSpace, "There is no space left for another file.", error};
    default:
      return {StatusCode::kOpen, "The file cannot be opened for writing.", error};
  }
}

// Takes what was written off the front.
std::span<iovec> advance(std::span<iovec> pieces, size_t written) {
  while (!pieces.empty() && written >= pieces[0].iov_len) {
    written -= pieces[0].iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + written;
    pieces[0].iov_len -= written;
  }
  return pieces;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (valid()) ::close(fd_);
}

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

PosixOutputFile::PosixOutputFile(FileDescriptor folder, std::string name, mode_t mode)
    : folder_(std::move(folder)), name_(std::move(name)), mode_(mode) {}

Status PosixOutputFile::open_folder(const std::string& path, mode_t mode,
                                    std::unique_ptr<PosixOutputFile>& file) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (name.empty() || name == "." || name == "..")
    return {StatusCode::kNotRegular, "The location names a folder, not a file."};
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return open_failure(errno);
  std::unique_ptr<PosixOutputFile> opened(new PosixOutputFile(std::move(fd), name, mode));
  if (auto status = opened->check_name_is_free(); !status.ok()) return status;
  if (auto status = opened->check_folder(); !status.ok()) return status;
  file = std::move(opened);
  return {};
}

Status PosixOutputFile::check_name_is_free() const {
  struct stat found {};
  if (::fstatat(folder_.get(), name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return {StatusCode::kOpen, "The file's name cannot be used.", errno};
  }
  if (S_ISREG(found.st_mode)) return open_failure(EEXIST);
  const char* what = S_ISDIR(found.st_mode)    ? "The location is a folder."
                     : S_ISLNK(found.st_mode)  ? "The location is a symbolic link."
                     : S_ISFIFO(found.st_mode) ? "The location is a FIFO."
                     : S_ISSOCK(found.st_mode) ? "The location is a socket."
                                               : "The location is a device.";
  return {StatusCode::kNotRegular, what};
}

Status PosixOutputFile::check_folder() const {
  if (::faccessat(folder_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return {StatusCode::kOpen, "The folder is not writable.", errno};
  struct statvfs disk {};
  // A file system that cannot say is given the benefit of the doubt: writing will tell.
  if (::fstatvfs(folder_.get(), &disk) != 0) return {};
  if (disk.f_blocks > 0 && disk.f_bavail == 0) return write_failure(ENOSPC);
  return {};
}

Status PosixOutputFile::create() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  FileDescriptor fd(::openat(folder_.get(), name_.c_str(), kFlags, mode_));
  if (!fd.valid()) return open_failure(errno);
  struct stat made {};
  if (::fstat(fd.get(), &made) != 0 || !S_ISREG(made.st_mode))
    return {StatusCode::kNotRegular, "The location is not a regular file.", errno};
  // Says to others that a recorder is at it. Not every file system has locks: go on without.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return {StatusCode::kBusy, "Another recorder holds the file.", errno};
  file_ = std::move(fd);
  return {};
}

Status PosixOutputFile::write(uint64_t offset, std::span<const iovec> pieces) {
  std::array<iovec, IOV_MAX> batch;
  while (!pieces.empty()) {
    const size_t count = std::min(pieces.size(), batch.size());
    std::copy_n(pieces.begin(), count, batch.begin());
    pieces = pieces.subspan(count);
    std::span<iovec> rest = advance(std::span(batch).first(count), 0);
    while (!rest.empty()) {
      const ssize_t written = ::pwritev(file_.get(), rest.data(), static_cast<int>(rest.size()),
                                        static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return write_failure(errno);
      if (written == 0) return write_failure(EIO);
      offset += static_cast<uint64_t>(written);
      rest = advance(rest, static_cast<size_t>(written));
    }
  }
  return {};
}

Status PosixOutputFile::sync() {
  while (::fdatasync(file_.get()) != 0)
    if (errno != EINTR) return {StatusCode::kSync, "The disk did not take the data.", errno};
  return {};
}

Status PosixOutputFile::sync_with_name() {
  for (int fd : {file_.get(), folder_.get()}) {
    while (::fsync(fd) != 0) {
      if (errno == EINTR) continue;
      // Some network file systems cannot sync a folder; their server does it by itself.
      if (fd == folder_.get() && errno == EINVAL) break;
      return {StatusCode::kSync, "The disk did not take the new file.", errno};
    }
  }
  return {};
}

Status PosixOutputFile::size(uint64_t& bytes) {
  struct stat found {};
  if (::fstat(file_.get(), &found) != 0)
    return {StatusCode::kUnexpected, "The file's size cannot be read.", errno};
  bytes = static_cast<uint64_t>(found.st_size);
  return {};
}

Status PosixOutputFile::close() {
  Status status;
  // Linux releases the descriptor whatever it answers; EINTR is no loss after a sync.
  if (file_.valid() && ::close(file_.release()) != 0 && errno != EINTR)
    status = {StatusCode::kClose, "Closing the file failed.", errno};
  folder_ = FileDescriptor();
  return status;
}

}  // namespace mp4
