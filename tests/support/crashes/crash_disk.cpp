// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash_disk.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <random>
#include <set>

namespace mp4_test {
namespace {

using Kind = DiskCall::Kind;

constexpr std::size_t kSector = 512;
constexpr std::size_t kTooLarge = std::size_t{1} << 30;  // of a piece
constexpr std::size_t kAllSubsets = 12;  // of so many sectors every subset is a state
constexpr std::size_t kRandomSubsets = 200;
constexpr std::size_t kEveryByte = 4096;  // of a write of so many bytes every prefix is a state
constexpr std::size_t kRandomCuts = 200;

bool is_atomic(const DiskCall& call) { return call.bytes.size() == 8 && call.offset % 8 == 0; }

void put(Bytes& file, uint64_t offset, const Bytes& bytes, std::size_t count) {
  if (file.size() < offset + count) file.resize(offset + count);
  std::copy_n(bytes.begin(), count, file.begin() + static_cast<std::ptrdiff_t>(offset));
}

void apply(Bytes& file, const DiskCall& call) {
  if (call.kind == Kind::kWrite) put(file, call.offset, call.bytes, call.bytes.size());
  if (call.kind == Kind::kTruncate) file.resize(call.offset);
}

std::vector<std::size_t> cuts_of(const DiskCall& call, const Thinning& thinning) {
  const std::size_t size = call.bytes.size();
  if (is_atomic(call)) return {};
  std::set<std::size_t> cuts;
  if (size <= kEveryByte) {
    for (std::size_t cut = 1; cut < size; cut += thinning.stride) cuts.insert(cut);
    for (std::size_t cut = 1; cut < std::min<std::size_t>(size, 17); ++cut) cuts.insert(cut);
  } else {
    for (std::size_t cut = kSector; cut < size; cut += kSector) cuts.insert(cut);
    std::mt19937 random(static_cast<unsigned>(size));
    for (std::size_t i = 0; i < kRandomCuts; i += thinning.stride) cuts.insert(random() % size);
  }
  cuts.erase(0);
  return {cuts.begin(), cuts.end()};
}

// The sectors that may or may not be there, with what is in them.
struct Volatile {
  const Bytes& durable;
  const Bytes& current;
  std::vector<std::size_t> sectors;

  Bytes with(const std::function<bool(std::size_t)>& is_there, std::size_t size) const {
    Bytes file(durable);
    file.resize(size);
    for (std::size_t i = 0; i < sectors.size(); ++i) {
      const std::size_t begin = sectors[i] * kSector;
      const std::size_t end = std::min({begin + kSector, current.size(), size});
      if (begin >= end || !is_there(i)) continue;
      std::copy(current.begin() + static_cast<std::ptrdiff_t>(begin),
                current.begin() + static_cast<std::ptrdiff_t>(end),
                file.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    return file;
  }
};

// All of them, one alone or one missing.
bool is_telling(std::size_t mask, std::size_t count) {
  const auto there = static_cast<std::size_t>(std::popcount(mask));
  return there == 1 || there + 1 >= count;
}

void each_subset(const Volatile& disk, const Thinning& thinning,
                 const std::function<void(const Bytes&)>& on_file) {
  const std::size_t count = disk.sectors.size();
  const std::size_t shorter = std::min(disk.durable.size(), disk.current.size());
  const std::size_t longer = std::max(disk.durable.size(), disk.current.size());
  std::set<std::size_t> sizes{shorter, longer, disk.current.size()};
  for (std::size_t size = shorter / kSector * kSector + kSector; size < longer;
       size += kSector * thinning.stride)
    sizes.insert(size);
  for (std::size_t size : sizes) {
    if (count <= kAllSubsets) {
      for (std::size_t mask = 0; mask < std::size_t{1} << count; ++mask)
        if (mask % thinning.stride == 0 || is_telling(mask, count))
          on_file(disk.with([&](std::size_t i) { return mask >> i & 1; }, size));
      continue;
    }
    for (bool all : {false, true}) on_file(disk.with([&](std::size_t) { return all; }, size));
    for (std::size_t one = 0; one < count; one += thinning.stride)
      for (bool but : {false, true})
        on_file(disk.with([&](std::size_t i) { return (i == one) != but; }, size));
    std::mt19937 random(static_cast<unsigned>(count));
    for (std::size_t i = 0; i < kRandomSubsets; i += thinning.stride)
      on_file(disk.with([&](std::size_t) { return random() % 2; }, size));
  }
}

}  // namespace

void each_killed_state(const std::vector<DiskCall>& calls, const Thinning& thinning,
                       const OnState& on_state) {
  DiskState state{{}, 0, 0, false};
  for (const DiskCall& call : calls) {
    if (call.kind == Kind::kWrite)
      for (std::size_t cut : cuts_of(call, thinning)) {
        DiskState partial = state;
        put(partial.file, call.offset, call.bytes, cut);
        on_state(partial);
      }
    apply(state.file, call);
    ++state.calls;
    if (call.kind == Kind::kSync) state.synced = state.calls;
    if (call.kind == Kind::kTakeName) state.has_name = true;
    on_state(state);
  }
}

void each_powerless_state(const std::vector<DiskCall>& calls, const Thinning& thinning,
                          const OnState& on_state) {
  Bytes durable, current;
  std::set<std::size_t> sectors;
  DiskState state{{}, 0, 0, false};
  for (const DiskCall& call : calls) {
    apply(current, call);
    ++state.calls;
    if (call.kind == Kind::kTakeName) state.has_name = true;
    if (call.kind == Kind::kSync) {
      durable = current;
      sectors.clear();
      state.synced = state.calls;
    }
    if (call.kind == Kind::kWrite && !call.bytes.empty())
      for (std::size_t s = call.offset / kSector;
           s <= (call.offset + call.bytes.size() - 1) / kSector; ++s)
        sectors.insert(s);
    if (call.kind == Kind::kOther) continue;
    const Volatile disk{durable, current, {sectors.begin(), sectors.end()}};
    each_subset(disk, thinning, [&](const Bytes& file) {
      state.file = file;
      on_state(state);
    });
  }
}

// ---- the recording's end ----

std::vector<DiskCall> CrashDisk::calls() {
  const std::lock_guard lock(mutex_);
  return calls_;
}

mp4::Status CrashDisk::add(DiskCall call) {
  const std::lock_guard lock(mutex_);
  if (call.kind == Kind::kWrite && call.offset + call.bytes.size() > room_) {
    const auto fits = static_cast<std::ptrdiff_t>(room_ - std::min(room_, call.offset));
    call.bytes.resize(static_cast<std::size_t>(fits));
    calls_.push_back(std::move(call));  // what fitted is there
    return {mp4::StatusCode::kNoSpace, "The disk is full.", ENOSPC};
  }
  calls_.push_back(std::move(call));
  return {};
}

CrashFile::CrashFile(std::shared_ptr<CrashDisk> disk, const Bytes& content)
    : disk_(std::move(disk)), size_(content.size()) {
  disk_->calls_ = {{Kind::kCreate}, {Kind::kWrite, 0, content}, {Kind::kSync}};
}

mp4::Status CrashFile::create() { return disk_->add({Kind::kCreate}); }

mp4::Status CrashFile::reserve(uint64_t, uint64_t to) {
  if (disk_->holds_room_ && to > disk_->room_)
    return {mp4::StatusCode::kNoSpace, "The disk is full.", ENOSPC};
  return {};
}

mp4::Status CrashFile::write(uint64_t offset, std::span<const iovec> pieces) {
  DiskCall call{Kind::kWrite, disk_->hole_.without(offset)};
  uint64_t end = offset;
  for (const iovec& piece : pieces) {
    const auto* begin = static_cast<const uint8_t*>(piece.iov_base);
    if (piece.iov_len >= kTooLarge)
      disk_->hole_ = {end, piece.iov_len};
    else
      call.bytes.insert(call.bytes.end(), begin, begin + piece.iov_len);
    end += piece.iov_len;
  }
  const mp4::Status status = disk_->add(std::move(call));
  size_ = std::max(size_, status.ok() ? end : std::min(end, disk_->room_));
  return status;
}

mp4::Status CrashFile::truncate(uint64_t size) {
  size_ = size;
  return disk_->add({Kind::kTruncate, disk_->hole_.without(size)});
}

mp4::Status CrashFile::sync() { return disk_->add({Kind::kSync}); }

mp4::Status CrashFile::sync_with_name() { return disk_->add({Kind::kSync}); }

mp4::Status CrashFile::take_name() { return disk_->add({Kind::kTakeName}); }

mp4::Status CrashFile::size(uint64_t& bytes) {
  bytes = size_;
  return disk_->add({Kind::kOther});
}

}  // namespace mp4_test
