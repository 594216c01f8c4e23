// SPDX-License-Identifier: LGPL-2.1-or-later
//
// CrashDisk: a disk in memory that remembers every call to a recording's file, and gives every
// state in which a crash may leave it. CrashFile is the recording's end of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "mp4/file/output_file.h"

namespace mp4_test {

using Bytes = std::vector<uint8_t>;

struct DiskCall {
  enum class Kind { kCreate, kWrite, kTruncate, kSync, kTakeName, kOther };
  Kind kind;
  uint64_t offset = 0;  // of a write, or what the file is cut to
  Bytes bytes{};        // of a write
};

// What is on disk after a crash.
struct DiskState {
  Bytes file;             // the recording's
  std::size_t calls;      // that had been made; the last one perhaps in part
  std::size_t synced;     // calls that the last completed sync covers
  bool has_name = false;  // the recording's file has its name, not a hidden one
};

using OnState = std::function<void(const DiskState&)>;

// Of all states of a kind every stride-th is given, and all around what is done by eight bytes.
struct Thinning {
  std::size_t stride = 1;
};

// A killed process: all that was written is there, the last write up to any byte. An aligned write
// of 8 bytes is whole or absent.
void each_killed_state(const std::vector<DiskCall>& calls, const Thinning& thinning,
                       const OnState& on_state);
// A power cut: of what was written since the last sync, any sectors of 512 bytes.
void each_powerless_state(const std::vector<DiskCall>& calls, const Thinning& thinning,
                          const OnState& on_state);

// The bytes of one sample that is too large to be kept. In calls and states they are left out, and
// what is behind them is that much nearer.
struct Hole {
  uint64_t offset = UINT64_MAX;  // in the real file
  uint64_t size = 0;

  uint64_t without(uint64_t position) const {
    return position > offset ? position - size : position;
  }
  uint64_t with(uint64_t position) const { return position > offset ? position + size : position; }
};

class CrashDisk {
 public:
  // Room for so many bytes; none is held for a file before it writes.
  explicit CrashDisk(uint64_t room = UINT64_MAX, bool holds_room = true)
      : room_(room), holds_room_(holds_room) {}

  std::vector<DiskCall> calls();
  Hole hole() const { return hole_; }  // once nobody writes

 private:
  friend class CrashFile;
  mp4::Status add(DiskCall call);

  const uint64_t room_;
  const bool holds_room_;
  std::mutex mutex_;
  std::vector<DiskCall> calls_;
  Hole hole_;  // the writing thread's
};

class CrashFile final : public mp4::OutputFile {
 public:
  explicit CrashFile(std::shared_ptr<CrashDisk> disk) : disk_(std::move(disk)) {}
  // One that was there before, safe on the disk: the first calls are kCallsBefore that made it.
  CrashFile(std::shared_ptr<CrashDisk> disk, const Bytes& content);
  static constexpr std::size_t kCallsBefore = 3;

  mp4::Status create() override;
  mp4::Status reserve(uint64_t from, uint64_t to) override;
  mp4::Status write(uint64_t offset, std::span<const iovec> pieces) override;
  mp4::Status truncate(uint64_t size) override;
  mp4::Status sync() override;
  mp4::Status sync_with_name() override;
  mp4::Status take_name() override;
  mp4::Status size(uint64_t& bytes) override;
  mp4::Status close() override { return {}; }

 private:
  std::shared_ptr<CrashDisk> disk_;
  uint64_t size_ = 0;
};

}  // namespace mp4_test
