// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_tools.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace pipelines {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void FakeTools::add(const std::string& name, const std::string& body) const {
  const std::string began = folder_.file("began");
  std::ofstream(folder_.file(name))
      << "#!/bin/sh\n"
      << "began() { echo $$ >'" << began << ".new'; mv '" << began << ".new' '" << began << "'; }\n"
      << "last() { began; exec sleep 60; }\n"
      << body << "\n";
  fs::permissions(folder_.file(name), fs::perms::owner_all);
}

void FakeTools::remove(const std::string& name) const { fs::remove(folder_.file(name)); }

std::string FakeTools::environment() const { return "PATH='" + folder_.path() + "':\"$PATH\" "; }

int FakeTools::began() const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!fs::exists(folder_.file("began"))) {
    if (std::chrono::steady_clock::now() > end) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::atoi(contents(folder_.file("began")).c_str());
}

SilentServer::SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  // The kernel takes the connections of a queue that nobody empties.
  if (bind(socket_, generic, size) != 0 || listen(socket_, 16) != 0 ||
      getsockname(socket_, generic, &size) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
}

SilentServer::~SilentServer() { close(socket_); }

std::string SilentServer::url() const {
  return "rtsp://127.0.0.1:" + std::to_string(port_) + "/silent";
}

bool SilentServer::has_client(std::chrono::milliseconds limit) const {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
}

bool is_running(int process) {
  const std::string stat = contents("/proc/" + std::to_string(process) + "/stat");
  const size_t name_end = stat.rfind(')');  // then a blank and the state
  return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") != 0;
}

std::vector<int> processes_with(const std::string& text) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int process = std::atoi(entry.path().filename().c_str());
    if (process > 0 && contents(entry.path() / "cmdline").find(text) != std::string::npos)
      found.push_back(process);
  }
  return found;
}

}  // namespace pipelines
