// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/posix_output_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "mp4/boxes/file_layout.h"
#include "mp4/file/file_lock.h"

namespace mp4 {
namespace {

static_assert(sizeof(off_t) == 8, "files are larger than 2 GiB: build with -D_FILE_OFFSET_BITS=64");

constexpr uint64_t kReserveStep = uint64_t{4} << 20;
constexpr unsigned kMostLeftOvers = 100;  // of one name
constexpr unsigned kMostAttempts = 100;   // to make a file that others remove at once

std::string hidden_name(const std::string& name, unsigned number) {
  return "." + name + (number > 1 ? "." + std::to_string(number) : "") + ".recording";
}

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

Status busy() { return {StatusCode::kBusy, "Another recorder holds the file.", EWOULDBLOCK}; }

Status sync_failure(int error) {
  return {StatusCode::kSync, "The disk did not take the data.", error};
}

// Not copied on write (btrfs): only so does room that is held free stay so. Harmless where it is
// not known.
void write_in_place(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_NOCOW_FL;
  ::ioctl(fd, FS_IOC_SETFLAGS, &flags);
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

PosixOutputFile::PosixOutputFile(FileDescriptor folder, std::string name, const Options& options)
    : folder_(std::move(folder)), name_(std::move(name)), options_(options) {}

Status PosixOutputFile::open_folder(const std::string& path, const Options& options,
                                    std::unique_ptr<PosixOutputFile>& file) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (name.empty() || name == "." || name == "..")
    return {StatusCode::kNotRegular, "The location names a folder, not a file."};
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return open_failure(errno);
  std::unique_ptr<PosixOutputFile> opened(new PosixOutputFile(std::move(fd), name, options));
  if (auto status = opened->check_name(); !status.ok()) return status;
  if (auto status = opened->check_folder(); !status.ok()) return status;
  file = std::move(opened);
  return {};
}

std::unique_ptr<PosixOutputFile> PosixOutputFile::adopt(FileDescriptor file) {
  std::unique_ptr<PosixOutputFile> adopted(new PosixOutputFile({}, {}, {}));
  adopted->file_ = std::move(file);
  return adopted;
}

Status PosixOutputFile::check_name() const {
  struct stat found {};
  if (::fstatat(folder_.get(), name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return {StatusCode::kOpen, "The file's name cannot be used.", errno};
  }
  if (S_ISREG(found.st_mode)) {
    if (!options_.overwrite) return open_failure(EEXIST);
    if (hidden_name(name_, kMostLeftOvers).size() > NAME_MAX)
      return {StatusCode::kOpen, "The file's name is too long to be overwritten."};
    return check_nobody_records(name_);
  }
  const char* what = S_ISDIR(found.st_mode)    ? "The location is a folder."
                     : S_ISLNK(found.st_mode)  ? "The location is a symbolic link."
                     : S_ISFIFO(found.st_mode) ? "The location is a FIFO."
                     : S_ISSOCK(found.st_mode) ? "The location is a socket."
                                               : "The location is a device.";
  return {StatusCode::kNotRegular, what};
}

// A recorder holds a lock on its file. What cannot be opened has no recorder of ours. A file that
// is being finished is in nobody's way as long as it keeps its name.
Status PosixOutputFile::check_nobody_records(const std::string& name) const {
  const FileDescriptor fd(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return fd.valid() && lock_to_record(fd.get()) == LockHolder::kRecorder ? busy() : Status();
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
  Status status = create_as(name_);
  if (status.code() != StatusCode::kExists || !options_.overwrite) return status;
  status = check_name();
  return status.ok() ? create_hidden() : status;
}

Status PosixOutputFile::create_hidden() {
  unsigned number = 1, attempt = 0;
  while (number <= kMostLeftOvers) {
    const std::string name = hidden_name(name_, number);
    Status status = create_as(name);
    if (status.ok()) hidden_name_ = name;
    if (status.code() != StatusCode::kExists) return status;
    bool removed = false;
    if (status = remove_useless(name, removed); !status.ok()) return status;
    if (!removed || ++attempt % kMostAttempts == 0) ++number;
  }
  return {StatusCode::kExists, "Too many recordings were left over beside the file."};
}

// A recorder holds a lock on its file, and nobody removes a file but with its lock held. So what is
// removed is what was looked at.
Status PosixOutputFile::remove_useless(const std::string& name, bool& removed) const {
  const FileDescriptor fd(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  removed = !fd.valid() && errno == ENOENT;
  if (!fd.valid()) return removed ? Status() : open_failure(errno);
  const LockHolder holder = lock_to_record(fd.get());
  if (holder == LockHolder::kFinisher) return {};
  if (holder == LockHolder::kRecorder) return busy();
  std::array<uint8_t, kTellingBytes> begin;
  const ssize_t count = ::pread(fd.get(), begin.data(), begin.size(), 0);
  if (count < 0) return open_failure(errno);
  if (may_hold_recording(std::span(begin).first(static_cast<size_t>(count)))) return {};
  removed = true;
  if (has_lost_name(fd.get(), name)) return {};  // by somebody else
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0) return open_failure(errno);
  return {};
}

// A file system that cannot say is given the benefit of the doubt.
bool PosixOutputFile::has_lost_name(int fd, const std::string& name) const {
  struct stat file {};
  struct stat named {};
  if (::fstatat(folder_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT;
  return ::fstat(fd, &file) == 0 && (file.st_dev != named.st_dev || file.st_ino != named.st_ino);
}

// Between the making and the lock another recorder may take the file for left over and remove it:
// then there is nothing to lose yet, and it is made again.
Status PosixOutputFile::create_as(const std::string& name) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  for (unsigned attempt = 0; attempt < kMostAttempts; ++attempt) {
    FileDescriptor fd(::openat(folder_.get(), name.c_str(), kFlags, options_.mode));
    if (!fd.valid()) return open_failure(errno);
    struct stat made {};
    if (::fstat(fd.get(), &made) != 0 || !S_ISREG(made.st_mode))
      return {StatusCode::kNotRegular, "The location is not a regular file.", errno};
    // Says to others that a recorder is at it. Not every file system has locks: go on without.
    const LockHolder holder = lock_to_record(fd.get());
    if (has_lost_name(fd.get(), name)) continue;
    if (holder != LockHolder::kSelf) return busy();
    write_in_place(fd.get());
    file_ = std::move(fd);
    return {};
  }
  return busy();
}

Status PosixOutputFile::reserve(uint64_t from, uint64_t to) {
  if (to <= reserved_to_) return {};
  const uint64_t begin = std::max(from, reserved_to_);
  if (!can_reserve_) {
    const Status status = check_limit(to);
    return status.ok() ? look_for_room(to - begin) : status;
  }
  const uint64_t generous = (to + kReserveStep - 1) / kReserveStep * kReserveStep;
  Status status = reserve_exactly(begin, generous);
  if (status.code() == StatusCode::kNoSpace) status = reserve_exactly(begin, to);
  return status;
}

// Which fallocate() does not look at.
Status PosixOutputFile::check_limit(uint64_t to) {
  struct rlimit limit {};
  const bool is_limited = ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return is_limited && to > limit.rlim_cur ? write_failure(EFBIG) : Status();
}

Status PosixOutputFile::reserve_exactly(uint64_t from, uint64_t to) {
  if (auto status = check_limit(to); !status.ok()) return status;
  while (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                     static_cast<off_t>(to - from)) != 0) {
    if (errno == EINTR) continue;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return write_failure(errno);
    can_reserve_ = false;
    return look_for_room(to - from);
  }
  reserved_to_ = to;
  return {};
}

// Best effort: others may take it before we do.
Status PosixOutputFile::look_for_room(uint64_t bytes) const {
  struct statvfs disk {};
  if (::fstatvfs(file_.get(), &disk) != 0 || disk.f_blocks == 0) return {};
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  return free < bytes ? write_failure(ENOSPC) : Status();
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

Status PosixOutputFile::truncate(uint64_t size) {
  while (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0)
    if (errno != EINTR) return write_failure(errno);
  reserved_to_ = 0;
  return {};
}

Status PosixOutputFile::sync() {
  while (::fdatasync(file_.get()) != 0)
    if (errno != EINTR) return sync_failure(errno);
  return {};
}

Status PosixOutputFile::sync_with_name() {
  while (::fsync(file_.get()) != 0)
    if (errno != EINTR) return sync_failure(errno);
  return sync_folder();
}

Status PosixOutputFile::sync_folder() {
  while (::fsync(folder_.get()) != 0) {
    if (errno == EINTR) continue;
    // Some network file systems cannot sync a folder; their server does it by itself.
    return errno == EINVAL ? Status() : sync_failure(errno);
  }
  return {};
}

// With the old file's lock held, so that nobody begins to record there meanwhile.
Status PosixOutputFile::replace_old_file() const {
  const FileDescriptor old(
      ::openat(folder_.get(), name_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (auto status = check_name(); !status.ok()) return status;
  const LockHolder holder = old.valid() ? lock_to_record(old.get()) : LockHolder::kSelf;
  if (holder == LockHolder::kFinisher)
    return {StatusCode::kBeingFinished, "The old file is just being finished.", EWOULDBLOCK};
  if (holder == LockHolder::kRecorder || (old.valid() && has_lost_name(old.get(), name_)))
    return busy();
  if (::renameat(folder_.get(), hidden_name_.c_str(), folder_.get(), name_.c_str()) != 0)
    return {StatusCode::kWrite, "The new file cannot take the old one's place.", errno};
  return {};
}

Status PosixOutputFile::take_name() {
  if (hidden_name_.empty()) return {};
  const Status status = replace_old_file();
  if (!status.ok())
    return {status.code(), status.text() + " What was recorded is in \"" + hidden_name_ + "\".",
            status.error_number()};
  hidden_name_.clear();
  return sync_folder();
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
