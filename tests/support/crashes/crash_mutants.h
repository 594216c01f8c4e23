// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MutantFile: stands before a file and does to the calls of a good recorder what a bad one would
// do. They prove that the tests of crash states would notice.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "mp4/file/output_file.h"

namespace mp4_test {

enum class Mutant {
  kNone,
  kFlipBeforeSync,
  kSyncEverySecondTime,
  kPublishBeforeAppend,
  kNoSync,
  kUnwrappedMoov,
  k32BitPlaceholder,
  kRevisionNotSynced,
  kRenameBeforeSync,
  kMutants
};

class MutantFile final : public mp4::OutputFile {
 public:
  MutantFile(Mutant mutant, std::unique_ptr<mp4::OutputFile> file)
      : mutant_(mutant), file_(std::move(file)) {}

  mp4::Status create() override { return file_->create(); }
  mp4::Status reserve(uint64_t from, uint64_t to) override { return file_->reserve(from, to); }
  mp4::Status truncate(uint64_t size) override { return file_->truncate(size); }
  mp4::Status size(uint64_t& bytes) override { return file_->size(bytes); }
  mp4::Status close() override { return file_->close(); }

  mp4::Status sync() override {
    if (mutant_ == Mutant::kNoSync || std::exchange(drops_sync_, false)) return {};
    if (mutant_ == Mutant::kSyncEverySecondTime && ++syncs_ % 2 == 0) return {};
    return file_->sync();
  }
  mp4::Status sync_with_name() override {
    first_fragment_ = end_;
    if (mutant_ == Mutant::kRenameBeforeSync)
      if (auto status = file_->take_name(); !status.ok()) return status;
    return mutant_ == Mutant::kNoSync ? mp4::Status() : file_->sync_with_name();
  }
  mp4::Status take_name() override {
    return mutant_ == Mutant::kRenameBeforeSync ? mp4::Status() : file_->take_name();
  }

  mp4::Status write(uint64_t offset, std::span<const iovec> pieces) override {
    if (mutant_ == Mutant::kNone) return file_->write(offset, pieces);
    std::vector<uint8_t> bytes;
    for (const iovec& piece : pieces) {
      const auto* begin = static_cast<const uint8_t*>(piece.iov_base);
      bytes.insert(bytes.end(), begin, begin + piece.iov_len);
    }
    const bool flip = offset == 40 && bytes.size() == 8;
    const bool moov = find(bytes, "moov") == 12 && offset >= end_;
    const bool revision = first_fragment_ && offset < first_fragment_ && bytes.size() > 8;
    if (mutant_ == Mutant::kFlipBeforeSync && moov) drops_sync_ = true;
    if (mutant_ == Mutant::kRevisionNotSynced && revision) drops_sync_ = true;
    if (mutant_ == Mutant::kUnwrappedMoov && moov) bytes[2] = 0, bytes[3] = 8;
    if (mutant_ == Mutant::kPublishBeforeAppend && find(bytes, "skip") == 4 && !moov)
      publish(bytes);
    end_ = std::max(end_, offset + bytes.size());
    if (mutant_ == Mutant::k32BitPlaceholder && flip) {
      if (auto status = pass_on(offset, {bytes.begin(), bytes.begin() + 4}); !status.ok())
        return status;
      return pass_on(offset + 4, {bytes.begin() + 4, bytes.end()});
    }
    return pass_on(offset, std::move(bytes));
  }

 private:
  static std::size_t find(const std::vector<uint8_t>& bytes, std::string_view type) {
    const auto at = std::search(bytes.begin(), bytes.end(), type.begin(), type.end());
    return static_cast<std::size_t>(at - bytes.begin());
  }

  static void publish(std::vector<uint8_t>& bytes) {
    const std::size_t size = find(bytes, "mdat") - 4;
    bytes[2] = static_cast<uint8_t>(size >> 8), bytes[3] = static_cast<uint8_t>(size);
    std::copy_n("moof", 4, bytes.begin() + 4);
  }

  mp4::Status pass_on(uint64_t offset, std::vector<uint8_t> bytes) {
    const iovec piece{bytes.data(), bytes.size()};
    return file_->write(offset, std::span(&piece, 1));
  }

  const Mutant mutant_;
  std::unique_ptr<mp4::OutputFile> file_;
  uint64_t end_ = 0;
  uint64_t first_fragment_ = 0;
  unsigned syncs_ = 0;
  bool drops_sync_ = false;
};

}  // namespace mp4_test
