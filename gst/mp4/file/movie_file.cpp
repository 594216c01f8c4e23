// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/file/movie_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstring>
#include <thread>
#include <utility>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/file/gatherer.h"

namespace mp4 {
namespace {

// Kept free behind a fragment and the moov that would end the file there.
constexpr uint64_t kSpare = 64 * 1024;

iovec piece_of(std::span<const uint8_t> bytes) {
  return {const_cast<uint8_t*>(bytes.data()), bytes.size()};
}

// errno's sentence, where there is an errno.
const char* system_error(const Status& status) {
  return status.error_number() ? std::strerror(status.error_number()) : "no system error";
}

}  // namespace

// Writes into the log what a step did and how long it took.
template <typename Work>
Status MovieFile::log_step(const char* step, const Work& work) const {
  if (!log_.wants(LogLevel::kDebug)) return work();
  const int64_t begin = log_.now_ns();
  const Status status = work();
  const double milliseconds = static_cast<double>(log_.now_ns() - begin) / 1e6;
  if (status.ok())
    MP4_LOG(log_, LogLevel::kDebug, "%s: done in %.3f ms", step, milliseconds);
  else
    MP4_LOG(log_, LogLevel::kDebug, "%s: failed after %.3f ms: %s (errno %d, %s)", step,
            milliseconds, status.text().c_str(), status.error_number(), system_error(status));
  return status;
}

Status MovieFile::create() {
  return log_step("S0 make the file", [&] { return file_->create(); });
}

Status MovieFile::append(const Fragment& fragment, std::vector<TrackIndex>& damaged) {
  const FragmentFrame& frame = fragment.frame();
  const uint64_t size =
      frame.file_begin.size() + frame.head.size() + fragment.bytes() + frame.padding;
  const uint64_t last = end_ + size + kBoxHeaderSize + fragment.moov_bound() + kSpare;
  Status status = log_step("hold room for the fragment and the moov",
                           [&] { return file_->reserve(end_, last); });
  if (status.ok() && !frame.file_begin.empty())
    status = log_step("S1 write and sync the head of the file", [&] { return begin(frame); });
  if (status.ok() && frame.revision)
    status = log_step("revise the moov at the head", [&] { return revise(*frame.revision); });
  if (!status.ok()) return status;
  const uint64_t offset = end_;
  status = log_step("S2 append the fragment", [&] { return append_samples(fragment, damaged); });
  MP4_LOG(log_, LogLevel::kDebug, "fragment at %" PRIu64 ": %" PRIu64 " bytes, %s", offset, size,
          frame.head.empty() ? "no moof" : "hidden");
  return status;
}

// S1: from here on the file is one.
Status MovieFile::begin(const FragmentFrame& frame) {
  if (auto status = write(0, frame.file_begin); !status.ok()) return status;
  end_ = frame.file_begin.size();
  const Status status = file_->sync_with_name();
  if (status.ok()) note_synced();
  sync_failed_ = !status.ok();
  return status;
}

// The new moov is durable before it is seen, and is seen before a fragment that needs it.
Status MovieFile::revise(const FragmentFrame::Revision& revision) {
  Status status = write(revision.offset, revision.bytes);
  if (status.ok()) status = sync("sync the revised moov, hidden");
  if (status.ok()) status = write(revision.old_offset, revision.hides_old);
  if (status.ok()) status = sync("sync the revised moov, shown");
  return status;
}

Status MovieFile::append_samples(const Fragment& fragment, std::vector<TrackIndex>& damaged) {
  const FragmentFrame& frame = fragment.frame();
  std::vector<uint8_t> hidden_header;
  Gatherer gatherer(*file_, end_);
  if (!frame.head.empty()) {
    hidden_header = write_skip_header(frame.head.size() + fragment.bytes() + frame.padding);
    gatherer.add(hidden_header);
    gatherer.add(std::span(frame.head).subspan(kBoxHeaderSize));
  }
  has_rest_ = true;  // until all is there
  for (const Fragment::Run& run : fragment.runs()) {
    for (const Fragment::Sample& sample : run.samples) {
      if (!gatherer.add(sample.payload)) {
        gatherer.add_zeros(sample.payload.size());
        damaged.push_back(run.track);
      }
      if (auto status = gatherer.write_some(); !status.ok()) return status;
    }
  }
  gatherer.add_zeros(frame.padding);
  if (auto status = gatherer.write_all(); !status.ok()) return status;
  has_rest_ = false;
  if (frame.visible)
    hidden_.push_back({end_, {frame.head.begin(), frame.head.begin() + kBoxHeaderSize}});
  note_written(end_, gatherer.written());
  end_ += gatherer.written();
  return {};
}

Status MovieFile::commit() {
  if (hidden_.empty()) return {};
  if (auto status = publish(); !status.ok()) return status;
  if (has_name_) return {};
  const Status status = take_name();
  return status.code() == StatusCode::kBeingFinished ? Status() : status;
}

// What could not be published is not tried again.
Status MovieFile::publish() {
  const std::vector<Hidden> hidden = std::exchange(hidden_, {});
  if (auto status = sync("S3 sync the fragments"); !status.ok()) return status;
  return log_step("S4 publish", [&]() -> Status {
    for (const Hidden& fragment : hidden) {
      if (auto status = write(fragment.offset, fragment.box_header); !status.ok()) return status;
      ++published_;
      MP4_LOG(log_, LogLevel::kDebug, "fragment at %" PRIu64 ": published, %" PRIu64 " so far",
              fragment.offset, published_);
    }
    return {};
  });
}

Status MovieFile::settle() { return is_synced_ ? Status() : sync("sync what was published"); }

// A file that was there before goes only when the new one has something, for good.
Status MovieFile::take_name() {
  Status status = settle();
  if (status.ok()) status = log_step("take the file's name", [&] { return file_->take_name(); });
  has_name_ = status.ok();
  return status;
}

// There is no later fragment: what holds the old file is given a second.
Status MovieFile::take_name_at_last() {
  constexpr unsigned kAttempts = 40;
  Status status = take_name();
  for (unsigned i = 1; i < kAttempts && status.code() == StatusCode::kBeingFinished; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    status = take_name();
  }
  return status;
}

// Each line says what a crash after it leaves.
Status MovieFile::finish(const Boxes& moov) {
  const uint64_t moov_offset = end_ + kBoxHeaderSize;
  const uint64_t size = moov_offset + moov.size();
  MP4_LOG(log_, LogLevel::kDebug, "ending: moov of %" PRIu64 " bytes at %" PRIu64, moov.size(),
          moov_offset);
  Status status;
  const auto step = [&](const char* name, const auto& work) {
    if (status.ok()) status = log_step(name, work);
  };
  if (!fits<uint32_t>(size - end_)) status = {StatusCode::kInvalid, "The index exceeds 4 GiB."};
  step("S5 append the moov, hidden", [&] { return append_moov(moov); });  // all fragments
  if (status.code() == StatusCode::kNoSpace) drop_rest();       // S5 failed: all fragments
  if (status.ok()) status = sync("S6 sync the moov");           // all fragments, M hidden
  step("S7 check the size", [&] { return check_size(size); });  // the same
  step("S8 flip the size of the mdat",
       [&] { return flip(moov_offset - kMdatOffset); });  // either of the two
  if (status.ok()) status = sync("S9 sync the flip");     // finished
  if (!has_name_) step("take the name at last", [&] { return take_name_at_last(); });
  step("give back the room held", [&] { return file_->truncate(size); });
  const Status closed = log_step("close the file", [&] { return file_->close(); });
  return status.ok() ? closed : status;
}

// What is here of a moov that found no space is of no use, nor what is of the fragment before it.
void MovieFile::drop_rest() {
  if (keeps_moov_ || sync_failed_) return;
  [[maybe_unused]] const Status status = file_->truncate(end_);  // else it stays, hidden
}

// The error that led here has been reported; what is added to it helps nobody.
void MovieFile::abandon() {
  MP4_LOG(log_, LogLevel::kDebug, "the file is closed as it is, at %" PRIu64 " bytes", size_);
  Status status;
  if (!sync_failed_ && !hidden_.empty()) {
    status = publish();
    if (status.ok()) status = settle();
  }
  status = file_->close();
}

Status MovieFile::append_moov(const Boxes& moov) {
  if (has_rest_) return append_moov_over_rest(moov);
  return write_slices(end_, write_skip_header(kBoxHeaderSize + moov.size()), moov);
}

// The header goes with the first slice, and hides the others, which may not all get there.
Status MovieFile::write_slices(uint64_t offset, std::vector<uint8_t> header, const Boxes& moov) {
  return moov.write_to([&](std::span<const uint8_t> slice) {
    const std::array<iovec, 2> pieces{piece_of(header), piece_of(slice)};
    const Status status = write(offset, std::span(pieces).subspan(header.empty() ? 1 : 0));
    offset += header.size() + slice.size();
    header.clear();
    return status;
  });
}

// Over what is there of a fragment that found no space, or of a recording that was left over.
// Nothing is given back before M has its place: another writer would take it. From the first step
// on, the rest is one box that claims all that is there, or more.
Status MovieFile::append_moov_over_rest(const Boxes& moov) {
  const uint64_t size = kBoxHeaderSize + moov.size();
  uint64_t file_size = 0;
  if (auto status = file_->size(file_size); !status.ok()) return status;
  uint64_t rest = file_size - std::min(file_size, end_);
  Status status;
  if (!fits<uint32_t>(rest)) {  // cut anywhere it is as good as whole
    status = file_->truncate(end_ + size);
    rest = size;
  }
  if (status.ok()) status = write(end_, write_skip_header(std::max(size, rest)));
  if (status.ok() && rest > kBoxHeaderSize) status = forget_fragment();
  if (status.ok()) status = write_slices(end_ + kBoxHeaderSize, {}, moov);
  if (status.ok() && rest > size) status = file_->truncate(end_ + size);
  if (status.ok() && rest > size) status = write(end_, write_skip_header(size));
  return status;
}

// What is left of a fragment must not be taken for a whole one when power fails and the disk has
// some sectors of M and some of the fragment.
Status MovieFile::forget_fragment() {
  const std::array<uint8_t, kBoxHeaderSize> nothing{};
  const Status status = write(end_ + kBoxHeaderSize, nothing);
  return status.ok() ? sync("sync the forgotten fragment") : status;
}

Status MovieFile::check_size(uint64_t expected) {
  uint64_t found = 0;
  if (auto status = file_->size(found); !status.ok()) return status;
  if (found == expected) return {};
  return {StatusCode::kUnexpected, "The file was changed by somebody else while it was recorded."};
}

Status MovieFile::flip(uint64_t mdat_size) {
  BoxWriter size;
  size.u64(mdat_size);
  const Status status = write(kMdatSizeOffset, size.bytes());
  return status.ok() ? status : write(kMdatSizeOffset, size.bytes());  // both outcomes are good
}

Status MovieFile::write(uint64_t offset, std::span<const uint8_t> bytes) {
  const iovec piece = piece_of(bytes);
  return write(offset, std::span(&piece, 1));
}

Status MovieFile::write(uint64_t offset, std::span<const iovec> pieces) {
  uint64_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  const Status status = file_->write(offset, pieces);
  if (status.ok()) note_written(offset, bytes);
  return status;
}

Status MovieFile::sync(const char* step) {
  const Status status = log_step(step, [&] { return file_->sync(); });
  if (status.ok()) note_synced();
  sync_failed_ = sync_failed_ || !status.ok();
  return status;
}

void MovieFile::note_written(uint64_t offset, uint64_t bytes) {
  size_ = std::max(size_, offset + bytes);
  is_synced_ = false;
}

void MovieFile::note_synced() {
  synced_size_ = size_;
  is_synced_ = true;
}

}  // namespace mp4
