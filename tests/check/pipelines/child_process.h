// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program that a test starts, watches, signals and reaps. It gets a process group of its own, as
// a job of an interactive shell has, and does not outlive the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace pipelines {

class ChildProcess {
 public:
  /// `command` is for sh, in `folder`; begin it with `exec` to be the program oneself. Both output
  /// streams go to the same place.
  explicit ChildProcess(const std::string& command, const std::string& folder = ".");
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const;        ///< to the program alone
  void signal_group(int number) const;  ///< to its whole group, as Ctrl-C in a terminal does

  /// Everything printed so far.
  [[nodiscard]] std::string output() const;
  /// Waits until `text` has been printed; false if the time is up first.
  [[nodiscard]] bool prints(const std::string& text, std::chrono::seconds limit) const;
  /// Waits until the file exists; false if the program ends or the time is up first.
  [[nodiscard]] bool makes(const std::string& file, std::chrono::seconds limit);
  /// The exit status, negative: the signal that ended it; nothing: still running.
  std::optional<int> wait(std::chrono::milliseconds limit);

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::optional<int> status_;
};

struct Outcome {
  std::optional<int> status;  ///< nothing: it did not end in time
  std::string output;
};

/// Runs a command to its end, for at most a minute.
Outcome run(const std::string& command, const std::string& folder = ".");

/// What rtspsrc says when its connection is gone. GstRTSPServer (1.22) closes one by itself now and
/// then on a busy machine; the recording is to be good all the same.
inline bool camera_hung_up(const std::string& output) {
  return output.find("Received end-of-file") != std::string::npos;
}

}  // namespace pipelines
