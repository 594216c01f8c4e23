// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FaultyFile: an output file over another one that fails or stands still when it is told to, and
// keeps a record of what was asked of it. FaultyDisk is the test's end of it; it outlives the file.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mp4/file/output_file.h"

namespace mp4_test {

enum class Verb {
  kCreate,
  kReserve,
  kWrite,
  kTruncate,
  kSync,
  kSyncWithName,
  kTakeName,
  kSize,
  kClose
};

struct Call {
  Verb verb;
  uint64_t offset = 0;  // of a write, or where a reserve begins
  uint64_t size = 0;    // of a write, a reserve, what size() answered or the file is cut to
  bool ok = true;
  bool operator==(const Call&) const = default;
};

/// "write 48+1000", "sync", "sync failed": what a message shows.
std::string to_text(const Call& call);
std::string to_text(const std::vector<Call>& calls);

class FaultyDisk {
 public:
  /// The n-th call from now on (counting from 1) fails and is not passed on, except close, which
  /// closes all the same. Without a verb, calls of every kind are counted.
  void fail_call(std::optional<Verb> verb, unsigned nth, mp4::StatusCode code,
                 int error_number = 0);
  /// That call and every one of the verb after it.
  void fail_from(Verb verb, unsigned nth, mp4::StatusCode code, int error_number = 0);

  /// That call and every one after it, of whatever verb.
  void fail_all_from(unsigned nth, mp4::StatusCode code, int error_number = 0);

  /// The n-th call of the verb from now on stands still until release(), before it is passed on.
  void block(Verb verb, unsigned nth = 1);
  void release();
  /// False: no call was blocked in that time.
  bool wait_until_blocked(std::chrono::milliseconds timeout = std::chrono::seconds(20));

  /// Calls f once, in the writing thread, right before the n-th call of the verb from now on.
  void before(Verb verb, unsigned nth, std::function<void()> f);

  /// Writes of more bytes than this leave a hole, so that files may be larger than the disk.
  void leave_holes_above(uint64_t bytes);

  std::vector<Call> calls();
  unsigned count(Verb verb);
  bool file_destroyed();

 private:
  friend class FaultyFile;
  struct Rule {
    std::optional<Verb> verb;
    unsigned first = 0, last = 0;  // remaining calls
    enum class Kind { kFail, kBlock, kRun } kind = Kind::kFail;
    mp4::Status failure;
    std::function<void()> run;
  };

  mp4::Status enter(Verb verb);
  void leave(const Call& call);
  void add(Rule rule);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Rule> rules_;
  std::vector<Call> calls_;
  uint64_t largest_write_ = UINT64_MAX;
  bool blocked_ = false;
  bool released_ = false;
  bool destroyed_ = false;
};

class FaultyFile final : public mp4::OutputFile {
 public:
  FaultyFile(std::shared_ptr<FaultyDisk> disk, std::unique_ptr<mp4::OutputFile> file)
      : disk_(std::move(disk)), file_(std::move(file)) {}
  ~FaultyFile() override;

  mp4::Status create() override;
  mp4::Status reserve(uint64_t from, uint64_t to) override;
  mp4::Status truncate(uint64_t size) override;
  mp4::Status take_name() override;
  mp4::Status write(uint64_t offset, std::span<const iovec> pieces) override;
  mp4::Status sync() override;
  mp4::Status sync_with_name() override;
  mp4::Status size(uint64_t& bytes) override;
  mp4::Status close() override;

 private:
  template <typename F>
  mp4::Status call(Call call, F pass_on);

  std::shared_ptr<FaultyDisk> disk_;
  std::unique_ptr<mp4::OutputFile> file_;
};

}  // namespace mp4_test
