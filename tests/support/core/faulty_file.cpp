// SPDX-License-Identifier: LGPL-2.1-or-later
#include "faulty_file.h"

#include <algorithm>

namespace mp4_test {

std::string to_text(const Call& call) {
  static constexpr const char* kNames[] = {"create",    "reserve", "write",
                                           "truncate",  "sync",    "sync_with_name",
                                           "take_name", "size",    "close"};
  std::string text = kNames[static_cast<int>(call.verb)];
  if (call.verb == Verb::kWrite)
    text += " " + std::to_string(call.offset) + "+" + std::to_string(call.size);
  return call.ok ? text : text + " failed";
}

std::string to_text(const std::vector<Call>& calls) {
  std::string all;
  for (const Call& call : calls) all += (all.empty() ? "" : ", ") + to_text(call);
  return all;
}

void FaultyDisk::add(Rule rule) {
  const std::lock_guard lock(mutex_);
  rules_.push_back(std::move(rule));
}

void FaultyDisk::fail_call(std::optional<Verb> verb, unsigned nth, mp4::StatusCode code,
                           int error_number) {
  add({verb, nth, nth, Rule::Kind::kFail, {code, "Failed on demand.", error_number}, {}});
}

void FaultyDisk::fail_from(Verb verb, unsigned nth, mp4::StatusCode code, int error_number) {
  add({verb, nth, UINT32_MAX, Rule::Kind::kFail, {code, "Failed on demand.", error_number}, {}});
}

void FaultyDisk::fail_all_from(unsigned nth, mp4::StatusCode code, int error_number) {
  add({{}, nth, UINT32_MAX, Rule::Kind::kFail, {code, "Failed on demand.", error_number}, {}});
}

void FaultyDisk::block(Verb verb, unsigned nth) {
  add({verb, nth, nth, Rule::Kind::kBlock, {}, {}});
  const std::lock_guard lock(mutex_);
  released_ = blocked_ = false;
}

void FaultyDisk::before(Verb verb, unsigned nth, std::function<void()> f) {
  add({verb, nth, nth, Rule::Kind::kRun, {}, std::move(f)});
}

void FaultyDisk::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

bool FaultyDisk::wait_until_blocked(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return blocked_; });
}

void FaultyDisk::leave_holes_above(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  largest_write_ = bytes;
}

std::vector<Call> FaultyDisk::calls() {
  const std::lock_guard lock(mutex_);
  return calls_;
}

unsigned FaultyDisk::count(Verb verb) {
  const std::lock_guard lock(mutex_);
  return static_cast<unsigned>(
      std::count_if(calls_.begin(), calls_.end(), [&](auto& call) { return call.verb == verb; }));
}

bool FaultyDisk::file_destroyed() {
  const std::lock_guard lock(mutex_);
  return destroyed_;
}

mp4::Status FaultyDisk::enter(Verb verb) {
  std::unique_lock lock(mutex_);
  mp4::Status failure;
  std::function<void()> run;
  bool block = false;
  for (Rule& rule : rules_) {
    if (rule.verb && *rule.verb != verb) continue;
    if (rule.first > 0) --rule.first;
    const bool applies = rule.first == 0 && rule.last > 0;
    if (rule.last != UINT32_MAX && rule.last > 0) --rule.last;
    if (!applies) continue;
    if (rule.kind == Rule::Kind::kFail) failure = rule.failure;
    if (rule.kind == Rule::Kind::kRun) run = rule.run;
    if (rule.kind == Rule::Kind::kBlock) block = true;
  }
  if (block) {
    blocked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_; });
    blocked_ = false;
  }
  lock.unlock();
  if (run) run();
  return failure;
}

void FaultyDisk::leave(const Call& call) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(call);
}

FaultyFile::~FaultyFile() {
  const std::lock_guard lock(disk_->mutex_);
  disk_->destroyed_ = true;
}

template <typename F>
mp4::Status FaultyFile::call(Call call, F pass_on) {
  mp4::Status status = disk_->enter(call.verb);
  if (status.ok()) status = pass_on(call);
  call.ok = status.ok();
  disk_->leave(call);
  return status;
}

mp4::Status FaultyFile::create() {
  return call({Verb::kCreate}, [&](Call&) { return file_->create(); });
}

mp4::Status FaultyFile::write(uint64_t offset, std::span<const iovec> pieces) {
  uint64_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return call({Verb::kWrite, offset, size}, [&](Call&) -> mp4::Status {
    if (size > disk_->largest_write_) return {};
    return file_->write(offset, pieces);
  });
}

mp4::Status FaultyFile::reserve(uint64_t from, uint64_t to) {
  return call({Verb::kReserve, from, to - from}, [&](Call&) -> mp4::Status {
    if (to - from > disk_->largest_write_) return {};
    return file_->reserve(from, to);
  });
}

mp4::Status FaultyFile::truncate(uint64_t size) {
  return call({Verb::kTruncate, 0, size}, [&](Call&) { return file_->truncate(size); });
}

mp4::Status FaultyFile::take_name() {
  return call({Verb::kTakeName}, [&](Call&) { return file_->take_name(); });
}

mp4::Status FaultyFile::sync() {
  return call({Verb::kSync}, [&](Call&) { return file_->sync(); });
}

mp4::Status FaultyFile::sync_with_name() {
  return call({Verb::kSyncWithName}, [&](Call&) { return file_->sync_with_name(); });
}

mp4::Status FaultyFile::size(uint64_t& bytes) {
  return call({Verb::kSize}, [&](Call& call) {
    auto status = file_->size(bytes);
    call.size = bytes;
    return status;
  });
}

mp4::Status FaultyFile::close() {
  mp4::Status closed;
  const mp4::Status status = call({Verb::kClose}, [&](Call&) { return closed = file_->close(); });
  if (!status.ok() && closed.ok()) closed = file_->close();
  return status;
}

}  // namespace mp4_test
