// SPDX-License-Identifier: LGPL-2.1-or-later
//
// trailingmp4-finalize FILE...: the command line. docs/crash-safety.md and the manual page say
// what it does.
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <span>

#include "mp4/recovery/finalize.h"

namespace {

using finalize::LeftOver;
using finalize::Report;

enum ExitCode { kAllFinished = 0, kSomeFailed = 1, kUsage = 2, kSomeLeftOver = 3 };

constexpr char kHelp[] =
    "Usage: trailingmp4-finalize [--check] [--quiet] FILE...\n"
    "\n"
    "Makes what a crash left of a recording of trailingmp4sink a plain MP4 file, in place.\n"
    "A file that is finished is left alone; one that is being recorded is refused.\n"
    "\n"
    "  --check    only look: what is in each file, and whether it is finished\n"
    "  --quiet    say only what went wrong\n"
    "  --help     this text\n"
    "  --version  the version\n"
    "\n"
    "Exit status: 0 all are finished, 1 one could not be read or finished, 2 wrong usage,\n"
    "3 with --check: one can be finished.\n";

struct CommandLine {
  bool check = false;
  bool quiet = false;
};

// A long file is read for minutes: says how far it has come, where somebody looks on.
class ProgressLine {
 public:
  ProgressLine(const char* path, uint64_t& size, bool wanted)
      : path_(path), size_(size), wanted_(wanted && isatty(STDERR_FILENO)) {}
  ~ProgressLine() {
    if (shown_) fprintf(stderr, "\r\033[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(uint64_t offset) {
    const auto now = std::chrono::steady_clock::now();
    if (!wanted_ || size_ == 0 || now < next_) return;
    next_ = now + std::chrono::milliseconds(200);
    shown_ = true;
    fprintf(stderr, "\r%s: %.0f %%\033[K", path_,
            100.0 * static_cast<double>(offset) / static_cast<double>(size_));
  }

 private:
  const char* path_;
  const uint64_t& size_;
  const bool wanted_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

void say_what_is_in_it(const Report& report) {
  const LeftOver& left_over = report.left_over;
  printf("%.1f s, tracks: %zu, samples: %" PRIu64 ", fragments: %" PRIu64,
         static_cast<double>(left_over.tracks().duration_ns()) / 1e9, left_over.tracks().tracks(),
         left_over.tracks().samples(), left_over.fragments());
  if (left_over.hidden_fragments() > 0)
    printf(" (not published until now: %" PRIu64 ")", left_over.hidden_fragments());
  if (left_over.samples_cut() > 0)
    printf(", the last fragment is cut, samples left out: %" PRIu64, left_over.samples_cut());
  else if (left_over.is_cut())
    printf(", the last fragment is cut and left out");
  if (report.file_size > left_over.end())
    printf(", incomplete rest: %" PRIu64 " bytes", report.file_size - left_over.end());
}

void say_result(const char* path, const Report& report) {
  if (report.left_over.kind() == LeftOver::Kind::kFinished) {
    printf("%s: is finished.\n", path);
    return;
  }
  printf("%s: %s: ", path, report.has_changed ? "finished now" : "can be finished");
  say_what_is_in_it(report);
  printf(".\n");
}

ExitCode treat(const char* path, const CommandLine& command_line) {
  Report report;
  mp4::Status status;
  {
    ProgressLine progress(path, report.file_size, !command_line.quiet);
    status = finalize::finalize(
        path, {.only_look = command_line.check}, [&](uint64_t offset) { progress.show(offset); },
        report);
  }
  if (!status.ok()) {
    fprintf(stderr, "%s: %s%s%s%s\n", path, status.text().c_str(),
            status.error_number() ? " (" : "",
            status.error_number() ? strerror(status.error_number()) : "",
            status.error_number() ? ")" : "");
    return kSomeFailed;
  }
  if (!command_line.quiet) say_result(path, report);
  const bool finished = report.has_changed || report.left_over.kind() == LeftOver::Kind::kFinished;
  return finished ? kAllFinished : kSomeLeftOver;
}

// The worse of two.
ExitCode worse(ExitCode one, ExitCode other) {
  if (one == kSomeFailed || other == kSomeFailed) return kSomeFailed;
  return std::max(one, other);
}

}  // namespace

int main(int argc, char** argv) {
  static const option kOptions[] = {{"check", no_argument, nullptr, 'c'},
                                    {"quiet", no_argument, nullptr, 'q'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {"version", no_argument, nullptr, 'v'},
                                    {}};
  CommandLine command_line;
  for (int option; (option = getopt_long(argc, argv, "cqhv", kOptions, nullptr)) != -1;) {
    if (option == 'h') return fputs(kHelp, stdout), kAllFinished;
    if (option == 'v') return printf("trailingmp4-finalize %s\n", PACKAGE_VERSION), kAllFinished;
    if (option == '?') return fputs(kHelp, stderr), kUsage;
    command_line.check = command_line.check || option == 'c';
    command_line.quiet = command_line.quiet || option == 'q';
  }
  const std::span files(argv + optind, argv + argc);
  if (files.empty()) return fputs(kHelp, stderr), kUsage;
  ExitCode result = kAllFinished;
  for (const char* path : files) {
    result = worse(result, treat(path, command_line));
    fflush(stdout);
  }
  return result;
}
