// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FileWriter: the I/O thread of a recording and the bounded queue before it.
//
// Jobs are done one after the other and only by the thread that is the writer at the moment.
// Between two jobs the thread announces what happened; whoever hears it may stop the recording then
// and there, from that very thread, or may be waited for by somebody who does. So while a stop is
// waited for and the thread is away announcing, a new thread takes its place and goes on with the
// jobs; the old one finds itself replaced when it comes back and goes away.
//
// Locks: mutex_ is a leaf (only the process's queue budget is behind it); no job, announcement or
// system call is made with it held.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "mp4/base/status.h"
#include "mp4/file/fragment.h"
#include "recording/clocks.h"

namespace mp4 {

class FileWriter {
 public:
  // What the I/O thread does; called on it, without a lock.
  class Work {
   public:
    virtual void begin() = 0;  // once, before all else
    virtual void write(Fragment& fragment) = 0;
    virtual void commit() = 0;    // what was written since the last one, as Pace says
    virtual void settle() = 0;    // nothing was written for a while after a commit
    virtual void deadline() = 0;  // the time given to set_deadline has come
    virtual void finish() = 0;    // once, the last job
    virtual bool has_news() = 0;  // asked after each job
    virtual void announce() = 0;

   protected:
    ~Work() = default;
  };

  // When what was written is committed: all that waited at once, no sooner after the last time than
  // `interval`, and before the end. A commit is settled when nothing follows it for `settle_after`.
  struct Pace {
    bool commits = true;
    std::chrono::nanoseconds interval{0};
    std::chrono::nanoseconds settle_after{0};
  };

  FileWriter(Work& work, uint64_t max_bytes, const Pace& pace)
      : work_(work), pace_(pace), max_bytes_(max_bytes) {}
  ~FileWriter();

  // keep_alive holds whatever owns this object and its Work until the threads are gone.
  Status start(std::shared_ptr<void> keep_alive);

  void push(Fragment fragment);  // never waits
  void finish();                 // after all that was pushed
  void set_deadline(std::optional<SteadyTime> deadline);
  void set_max_bytes(uint64_t bytes);

  bool has_room() const { return room_for_more(); }  // without a lock: asked for each sample
  // Returns when there is room or gives_up says so. It is asked under mutex_, so it takes no lock;
  // after what it looks at has changed: wake().
  void wait_for_room(const std::function<bool()>& gives_up);
  void wake();

  // True: the last job is done, and the threads are gone but for one that is announcing.
  bool wait_until_done(std::chrono::milliseconds timeout);

  uint64_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Thread;  // what a new thread is given
  static void* thread_main(void* argument);

  Status start_thread();  // mutex_ held
  void run(unsigned generation);
  void replace_thread_if_away();  // mutex_ held
  bool room_for_more() const;
  using Lock = std::unique_lock<std::mutex>;
  void wait_for_job(Lock& lock);
  void do_next_job(Lock& lock);  // if there is one
  void write_next(Lock& lock);
  std::optional<SteadyTime> next_alarm() const;    // mutex_ held
  SteadyTime next_commit() const;                  // mutex_ held
  bool commit_is_due() const;                      // mutex_ held
  bool settling_is_due() const;                    // mutex_ held
  bool announce(Lock& lock, unsigned generation);  // false: replaced meanwhile
  void release_room(uint64_t bytes);               // mutex_ held
  void join_left_threads(Lock& lock);

  Work& work_;
  const Pace pace_;
  std::mutex mutex_;
  std::condition_variable job_changed_;
  std::condition_variable room_changed_;
  std::condition_variable thread_changed_;
  std::shared_ptr<void> keep_alive_;
  std::deque<Fragment> queue_;
  std::optional<SteadyTime> deadline_;
  std::atomic<uint64_t> max_bytes_;        // these two and finishing_ are written with mutex_ held
  std::atomic<uint64_t> queued_bytes_{0};  // with the fragment being written
  std::size_t batch_ = 0;                  // fragments that are to be written before a commit
  bool uncommitted_ = false;
  bool unsettled_ = false;
  std::optional<SteadyTime> last_commit_;
  unsigned generation_ = 0;  // of the thread that is the writer
  unsigned threads_ = 0;
  std::vector<pthread_t> left_;  // have nothing more to do, and are not joined yet
  unsigned stoppers_ = 0;        // in wait_until_done
  bool began_ = false;
  std::atomic<bool> finishing_{false};
  bool done_ = false;
  bool away_ = false;  // announcing
};

}  // namespace mp4
