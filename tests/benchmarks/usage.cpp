// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usage.h"

#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <fstream>

namespace bench {
namespace {

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(field + ":", 0) == 0) return std::stoll(line.substr(field.size() + 1)) * 1024;
  return 0;
}

}  // namespace

Usage Usage::operator-(const Usage& before) const {
  return {cpu - before.cpu, wall - before.wall, waits - before.waits,
          preemptions - before.preemptions};
}

Usage usage() {
  rusage all{};
  getrusage(RUSAGE_SELF, &all);
  return {seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC), all.ru_nvcsw, all.ru_nivcsw};
}

int64_t waits_of_this_thread() {
  rusage own{};
  getrusage(RUSAGE_THREAD, &own);
  return own.ru_nvcsw;
}

int64_t resident_bytes() { return status_bytes("VmRSS"); }
int64_t peak_resident_bytes() { return status_bytes("VmHWM"); }
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

JsonLine& JsonLine::add_raw(const std::string& name, const std::string& value) {
  text_ += (text_.empty() ? "{\"" : ", \"") + name + "\": " + value;
  return *this;
}

JsonLine& JsonLine::add(const std::string& name, double value) {
  char number[40];
  std::snprintf(number, sizeof number, "%.12g", value);
  return add_raw(name, number);
}

JsonLine& JsonLine::add(const std::string& name, const std::string& value) {
  return add_raw(name, "\"" + value + "\"");
}

JsonLine& JsonLine::add(const Usage& usage) {
  return add("cpu", usage.cpu)
      .add("wall", usage.wall)
      .add("waits", static_cast<double>(usage.waits))
      .add("preemptions", static_cast<double>(usage.preemptions));
}

void JsonLine::print() const { std::printf("%s}\n", text_.c_str()); }

std::string argument(int argc, char** argv, const std::string& name, const std::string& otherwise) {
  for (int i = 1; i + 1 < argc; ++i)
    if ("--" + name == argv[i]) return argv[i + 1];
  return otherwise;
}

bool has_argument(int argc, char** argv, const std::string& name) {
  for (int i = 1; i < argc; ++i)
    if ("--" + name == argv[i]) return true;
  return false;
}

}  // namespace bench
