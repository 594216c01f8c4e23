// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a test of a shell script puts in place of the world around it: programs that come first in
// PATH, a server that never answers; and a look at which programs are left.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "scratch_folder.h"

namespace pipelines {

/// A folder of programs that stand in front of the real ones.
class FakeTools {
 public:
  /// Makes the program `name` of a body for sh, in which `began` writes its process into a file and
  /// `last` goes on for a minute as that process.
  void add(const std::string& name, const std::string& body) const;
  void remove(const std::string& name) const;
  /// What goes before a command so that it finds these programs.
  [[nodiscard]] std::string environment() const;
  /// Waits until a program has called `began`; 0 if none does in ten seconds.
  [[nodiscard]] int began() const;

 private:
  ScratchFolder folder_;
};

/// Takes connections on 127.0.0.1 and says nothing.
class SilentServer {
 public:
  SilentServer();
  ~SilentServer();
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  [[nodiscard]] std::string url() const;  ///< rtsp://...
  /// Waits until somebody has connected.
  [[nodiscard]] bool has_client(std::chrono::milliseconds limit) const;

 private:
  int socket_ = -1;
  int port_ = 0;
};

/// Whether it runs; what nobody has reaped yet does not.
bool is_running(int process);
/// The processes that run with `text` in one of their arguments.
std::vector<int> processes_with(const std::string& text);

}  // namespace pipelines
