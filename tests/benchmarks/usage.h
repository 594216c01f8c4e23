// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the system says this process has used, and a line of JSON to say it in.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct Usage {
  double cpu = 0;           // seconds, of all threads
  double wall = 0;          // seconds
  int64_t waits = 0;        // context switches because a thread waited
  int64_t preemptions = 0;  // and because another one was let on
  Usage operator-(const Usage& before) const;
};
Usage usage();
int64_t waits_of_this_thread();

int64_t resident_bytes();
int64_t peak_resident_bytes();  // since forget_peak()
void forget_peak();

class JsonLine {
 public:
  JsonLine& add(const std::string& name, double value);
  JsonLine& add(const std::string& name, const std::string& value);
  JsonLine& add(const Usage& usage);
  void print() const;

 private:
  JsonLine& add_raw(const std::string& name, const std::string& value);
  std::string text_;
};

// The argument behind --NAME; the default if there is none.
std::string argument(int argc, char** argv, const std::string& name, const std::string& otherwise);
// --NAME is there.
bool has_argument(int argc, char** argv, const std::string& name);

}  // namespace bench
