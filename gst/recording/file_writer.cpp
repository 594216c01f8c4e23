// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/file_writer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "recording/queue_budget.h"

namespace mp4 {
namespace {

// A queue that has room of its own but meets the budget of the process looks again this often:
// who gives bytes back does not know who waits for them.
constexpr auto kBudgetPoll = std::chrono::milliseconds(20);
// How long a stop waits for a thread that is away announcing. It is back in no time, unless whoever
// listens waits for this very stop.
constexpr auto kAnnouncementGrace = std::chrono::milliseconds(200);

void block_signals() {
  sigset_t all;
  sigfillset(&all);  // they are the application's; SIGXFSZ becomes EFBIG
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

thread_local const FileWriter* writer_of_this_thread = nullptr;

}  // namespace

struct FileWriter::Thread {
  FileWriter* writer;
  unsigned generation;
  std::shared_ptr<void> keep_alive;
};

void* FileWriter::thread_main(void* argument) {
  const std::unique_ptr<Thread> thread(static_cast<Thread*>(argument));
  block_signals();
  pthread_setname_np(pthread_self(), "mp4-writer");  // for top -H, ps -T and debuggers
  writer_of_this_thread = thread->writer;
  thread->writer->run(thread->generation);
  return nullptr;
}

Status FileWriter::start(std::shared_ptr<void> keep_alive) {
  Lock lock(mutex_);
  keep_alive_ = std::move(keep_alive);
  const Status status = start_thread();
  if (!status.ok()) keep_alive_.reset();
  return status;
}

Status FileWriter::start_thread() {
  auto thread = std::unique_ptr<Thread>(new Thread{this, generation_ + 1, keep_alive_});
  pthread_t id;
  if (const int error = pthread_create(&id, nullptr, &FileWriter::thread_main, thread.get()))
    return {StatusCode::kOutOfResources, "No thread could be made to write the file.", error};
  thread.release();  // the thread owns it now
  ++generation_;
  ++threads_;
  return {};
}

// Whoever was not joined is nobody's business any more; that may be this very thread.
FileWriter::~FileWriter() {
  for (pthread_t thread : left_) pthread_detach(thread);
}

void FileWriter::push(Fragment fragment) {
  const Lock lock(mutex_);
  queued_bytes_ += fragment.bytes();
  QueueBudget::take(fragment.bytes());
  queue_.push_back(std::move(fragment));
  job_changed_.notify_all();
}

void FileWriter::finish() {
  const Lock lock(mutex_);
  finishing_ = true;
  job_changed_.notify_all();
  room_changed_.notify_all();
}

void FileWriter::set_deadline(std::optional<SteadyTime> deadline) {
  const Lock lock(mutex_);
  deadline_ = deadline;
  if (deadline) job_changed_.notify_all();
}

void FileWriter::set_max_bytes(uint64_t bytes) {
  const Lock lock(mutex_);
  max_bytes_ = bytes;
  room_changed_.notify_all();
}

bool FileWriter::room_for_more() const {
  // What is larger than the bound is admitted when nothing else is there.
  if (queued_bytes_ == 0 || finishing_) return true;
  return queued_bytes_ < max_bytes_ && !QueueBudget::exceeded();
}

void FileWriter::wait_for_room(const std::function<bool()>& gives_up) {
  Lock lock(mutex_);
  while (!room_for_more() && !gives_up()) {
    if (queued_bytes_ < max_bytes_)
      room_changed_.wait_for(lock, kBudgetPoll);
    else
      room_changed_.wait(lock);
  }
}

void FileWriter::wake() {
  const Lock lock(mutex_);
  room_changed_.notify_all();
}

void FileWriter::replace_thread_if_away() {
  if (!away_ || done_ || stoppers_ == 0) return;
  away_ = false;
  // If there is no thread to be had, the one that is away goes on when it is back.
  if (!start_thread().ok()) away_ = true;
}

bool FileWriter::wait_until_done(std::chrono::milliseconds timeout) {
  const auto until = steady_now() + timeout;
  const bool is_writer = writer_of_this_thread == this;
  Lock lock(mutex_);
  if (generation_ == 0) return true;
  ++stoppers_;
  replace_thread_if_away();
  const bool done = thread_changed_.wait_until(lock, until, [&] { return done_; });
  --stoppers_;
  if (!done) return false;
  const unsigned remaining = is_writer ? 1 : 0;
  thread_changed_.wait_for(lock, kAnnouncementGrace, [&] { return threads_ <= remaining; });
  join_left_threads(lock);
  return true;
}

void FileWriter::join_left_threads(Lock& lock) {
  const std::vector<pthread_t> left = std::exchange(left_, {});
  lock.unlock();
  for (pthread_t thread : left) pthread_join(thread, nullptr);
  lock.lock();
}

void FileWriter::run(unsigned generation) {
  Lock lock(mutex_);
  for (bool last = false; !last;) {
    wait_for_job(lock);
    do_next_job(lock);
    last = done_;
    if (!announce(lock, generation)) break;
  }
  --threads_;
  left_.push_back(pthread_self());
  thread_changed_.notify_all();
}

void FileWriter::wait_for_job(Lock& lock) {
  while (began_ && queue_.empty() && !finishing_) {
    const auto alarm = next_alarm();
    if (!alarm)
      job_changed_.wait(lock);
    else if (job_changed_.wait_until(lock, *alarm) == std::cv_status::timeout)
      return;
  }
}

std::optional<SteadyTime> FileWriter::next_alarm() const {
  std::optional<SteadyTime> alarm = deadline_;
  const auto sooner = [&](SteadyTime time) { alarm = std::min(alarm.value_or(time), time); };
  if (uncommitted_) sooner(next_commit());
  if (unsettled_) sooner(*last_commit_ + pace_.settle_after);
  return alarm;
}

// The first one waits for nothing: the file can be read after it.
SteadyTime FileWriter::next_commit() const {
  return last_commit_ ? *last_commit_ + pace_.interval : SteadyTime();
}

bool FileWriter::commit_is_due() const {
  if (!uncommitted_ || batch_ > 0) return false;
  return finishing_ || steady_now() >= next_commit();
}

bool FileWriter::settling_is_due() const {
  return unsettled_ && steady_now() >= *last_commit_ + pace_.settle_after;
}

void FileWriter::do_next_job(Lock& lock) {
  auto unlocked = [&](auto job) {
    lock.unlock();
    job();
    lock.lock();
  };
  if (!began_) {
    began_ = true;
    unlocked([&] { work_.begin(); });
  } else if (commit_is_due()) {
    uncommitted_ = false;
    unlocked([&] { work_.commit(); });
    last_commit_ = steady_now();
    unsettled_ = true;
  } else if (!queue_.empty()) {
    write_next(lock);
  } else if (finishing_) {
    unlocked([&] { work_.finish(); });
    done_ = true;
    keep_alive_.reset();  // this thread has its own
    thread_changed_.notify_all();
  } else if (settling_is_due()) {
    unsettled_ = false;
    unlocked([&] { work_.settle(); });
  } else if (deadline_ && steady_now() >= *deadline_) {
    deadline_.reset();
    unlocked([&] { work_.deadline(); });
  }
}

// All that waits now is written before the next commit, and what comes meanwhile after it: on a
// slow disk one sync is for many, on none does a commit wait for ever.
void FileWriter::write_next(Lock& lock) {
  if (batch_ == 0) batch_ = queue_.size();
  --batch_;
  uncommitted_ = pace_.commits;
  const uint64_t bytes = queue_.front().bytes();
  {
    Fragment fragment = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work_.write(fragment);
    fragment = Fragment();
    lock.lock();
  }
  release_room(bytes);
}

bool FileWriter::announce(Lock& lock, unsigned generation) {
  lock.unlock();
  const bool news = work_.has_news();
  lock.lock();
  if (!news) return true;
  away_ = true;
  replace_thread_if_away();
  lock.unlock();
  work_.announce();
  lock.lock();
  if (generation != generation_) return false;
  away_ = false;
  return true;
}

void FileWriter::release_room(uint64_t bytes) {
  queued_bytes_ -= bytes;
  QueueBudget::give_back(bytes);
  room_changed_.notify_all();
}

}  // namespace mp4
