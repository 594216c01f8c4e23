// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/finalize.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "mp4/base/box_writer.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/file/file_lock.h"
#include "mp4/file/movie_file.h"
#include "mp4/file/posix_output_file.h"
#include "mp4/recovery/file_reader.h"

namespace finalize {
namespace {

using mp4::Status;
using mp4::StatusCode;

// A recorder holds a lock on its file as long as it records. Not every file system has locks.
Status open_alone(const std::string& path, const Options& options, mp4::FileDescriptor& file) {
  const int flags = (options.only_look ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  mp4::FileDescriptor opened(::open(path.c_str(), flags));
  if (!opened.valid() && errno == EISDIR) return {StatusCode::kNotRegular, "It is a folder."};
  if (!opened.valid()) return {StatusCode::kOpen, "It cannot be opened.", errno};
  struct stat found {};
  if (::fstat(opened.get(), &found) != 0 || !S_ISREG(found.st_mode))
    return {StatusCode::kNotRegular, "It is not a regular file."};
  // One that was just made: its recorder is about to lock it.
  if (found.st_size == 0) return {StatusCode::kInvalid, "Nothing was recorded into it."};
  const auto finisher = options.only_look ? mp4::Finisher::kLooks : mp4::Finisher::kWrites;
  if (!mp4::lock_to_finish(opened.get(), finisher))
    return {StatusCode::kBusy, "It is being recorded, or finished, by another process."};
  // Who only looks is in nobody's way.
  if (options.only_look) mp4::unlock(opened.get());
  file = std::move(opened);
  return {};
}

Status no_room(uint64_t needed, const Status& status) {
  const char* of = status.error_number() == EFBIG ? " bytes more than a file may have here."
                                                  : " bytes of free space on its disk.";
  return {StatusCode::kNoSpace,
          "Its index needs " + std::to_string(needed) + of + " It was not finished, and plays.",
          status.error_number()};
}

// Where not even a rest of the recording can be held, that is there all the same.
Status make_room(mp4::OutputFile& file, uint64_t begin, uint64_t size, uint64_t end) {
  const Status status = file.reserve(begin, end);
  if (status.code() != StatusCode::kNoSpace) return status;
  return end <= size ? Status() : file.reserve(std::max(begin, size), end);
}

Status write(mp4::OutputFile& file, uint64_t offset, std::vector<uint8_t> bytes) {
  const iovec piece{bytes.data(), bytes.size()};
  return file.write(offset, {&piece, 1});
}

// What is not whole of a fragment that was cut becomes a box of its own; then the fragment is
// hidden up to there, for readers and the next run. Each step is durable before the next one.
Status hide_cut_fragment(mp4::OutputFile& file, const LeftOver& left_over, uint64_t size) {
  const uint64_t begin = left_over.cut_offset(), end = left_over.end();
  const uint64_t rest = size - std::min(size, end);
  mp4::BoxWriter mark;
  mark.u32(kCutMark);
  Status status;
  if (rest >= mp4::kBoxHeaderSize) status = write(file, end, mp4::write_skip_header(rest));
  if (rest > 0 && rest < mp4::kBoxHeaderSize) status = file.truncate(end);
  if (status.ok() && begin != 0) status = write(file, begin + kCutMarkOffset, mark.take());
  if (status.ok()) status = file.sync();
  if (begin == 0) return status;
  if (status.ok()) status = write(file, begin, mp4::write_skip_header(end - begin));
  if (status.ok()) status = file.sync();
  return status;
}

}  // namespace

Status finish(const LeftOver& left_over, std::unique_ptr<mp4::OutputFile> file) {
  const bool has_moov = left_over.has_finished_moov();
  const mp4::Boxes moov = left_over.moov();
  const uint64_t end = left_over.end() + mp4::kBoxHeaderSize + moov.size();
  uint64_t size = 0;
  if (auto status = file->size(size); !status.ok()) return status;
  const uint64_t needed = end - std::min(end, size);
  if (const Status status = make_room(*file, left_over.end(), size, end); !status.ok()) {
    // What could be held after all is given back.
    if (auto truncated = file->truncate(size); !truncated.ok()) return truncated;
    return status.code() == StatusCode::kNoSpace ? no_room(needed, status) : status;
  }
  if (left_over.is_cut()) {
    if (auto status = hide_cut_fragment(*file, left_over, size); !status.ok()) return status;
    if (auto status = make_room(*file, left_over.end(), size, end); !status.ok()) return status;
  }
  // Where it is there it is written again: it may be there for readers, and not on the disk, if a
  // sync has failed.
  using Behind = mp4::MovieFile::Behind;
  mp4::MovieFile movie(std::move(file), left_over.end(), has_moov ? Behind::kMoov : Behind::kRest);
  const Status status = movie.finish(moov);
  return status.code() == StatusCode::kNoSpace ? no_room(needed, status) : status;
}

Status finalize(const std::string& path, const Options& options, const LeftOver::Progress& progress,
                Report& report) {
  mp4::FileDescriptor file;
  if (auto status = open_alone(path, options, file); !status.ok()) return status;
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return {StatusCode::kOpen, "It cannot be read.", errno};
  report.file_size = static_cast<uint64_t>(found.st_size);
  const FileReader reader(file.get(), report.file_size);
  const Status status = report.left_over.read(reader, progress);
  if (!reader.status().ok()) return reader.status();
  if (!status.ok() || options.only_look || report.left_over.kind() == LeftOver::Kind::kFinished)
    return status;
  report.has_changed = true;
  return finish(report.left_over, mp4::PosixOutputFile::adopt(std::move(file)));
}

}  // namespace finalize
