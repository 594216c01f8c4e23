// SPDX-License-Identifier: LGPL-2.1-or-later
#include "child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace pipelines {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{10};

// Between fork and exec: nothing that allocates or locks.
[[noreturn]] void become(const char* command, const char* folder, int output) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGINT, SIG_DFL);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (chdir(folder) == 0) execl("/bin/sh", "sh", "-c", command, nullptr);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::string& command, const std::string& folder)
    : output_(memfd_create("output", MFD_CLOEXEC)) {
  // Appending: the programs of a group share the file's position, but not its end.
  fcntl(output_, F_SETFL, O_APPEND);
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) become(command.c_str(), folder.c_str(), output_);
  setpgid(pid_, pid_);  // whoever comes first
}

ChildProcess::~ChildProcess() {
  if (!status_) {
    kill(-pid_, SIGKILL);
    wait(milliseconds(10'000));
  }
  close(output_);
}

void ChildProcess::signal(int number) const {
  if (!status_) kill(pid_, number);
}

void ChildProcess::signal_group(int number) const {
  if (!status_) kill(-pid_, number);
}

std::string ChildProcess::output() const {
  std::string text;
  std::array<char, 4096> piece;
  ssize_t got = 0;
  while ((got = pread(output_, piece.data(), piece.size(), static_cast<off_t>(text.size()))) > 0)
    text.append(piece.data(), static_cast<size_t>(got));
  return text;
}

bool ChildProcess::prints(const std::string& text, std::chrono::seconds limit) const {
  const auto end = steady_clock::now() + limit;
  while (output().find(text) == std::string::npos) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

bool ChildProcess::makes(const std::string& file, std::chrono::seconds limit) {
  const auto end = steady_clock::now() + limit;
  while (!std::filesystem::exists(file))
    if (wait(kLook) || steady_clock::now() > end) return false;
  return true;
}

std::optional<int> ChildProcess::wait(milliseconds limit) {
  const auto end = steady_clock::now() + limit;
  while (!status_) {
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, WNOHANG);
    if (reaped == pid_)
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    else if (reaped < 0 || steady_clock::now() > end)
      break;
    else
      std::this_thread::sleep_for(kLook);
  }
  return status_;
}

Outcome run(const std::string& command, const std::string& folder) {
  ChildProcess child(command, folder);
  Outcome outcome;
  outcome.status = child.wait(std::chrono::minutes(1));
  outcome.output = child.output();
  return outcome;
}

}  // namespace pipelines
