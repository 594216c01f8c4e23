// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Log: where the core writes what it does, for somebody who looks for a fault. Whoever uses the
// core gives it two functions; without them nothing is formatted and nothing is written.
//
// Levels are those of GStreamer. Errors and warnings have none here: they are a Status, or a call
// of a Listener.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <utility>

namespace mp4 {

enum class LogLevel { kInfo, kDebug, kLog };

// The source line that writes.
struct LogPlace {
  const char* file;
  const char* function;
  int line;
};

class Log {
 public:
  // All are called from any thread, without a lock of the core.
  using Wants = std::function<bool(LogLevel level)>;
  using Write = std::function<void(LogLevel level, const LogPlace& place, const char* text)>;
  using Now = std::function<int64_t()>;  // nanoseconds of a clock that is never set

  Log() = default;
  Log(Wants wants, Write write, Now now)
      : wants_(std::move(wants)), write_(std::move(write)), now_(std::move(now)) {}

  bool wants(LogLevel level) const { return wants_ && wants_(level); }
  // For the duration of what is written; ask it only if that is wanted.
  int64_t now_ns() const { return now_(); }
  // A line of at most 1023 bytes.
  [[gnu::format(printf, 4, 5)]] void write(LogLevel level, const LogPlace& place,
                                           const char* format, ...) const {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_(level, place, text);
  }

 private:
  Wants wants_;
  Write write_;
  Now now_;
};

}  // namespace mp4

// The arguments are evaluated only if the line is wanted. Format and arguments as printf has them.
#define MP4_LOG(log, level, ...)                                                             \
  do {                                                                                       \
    if ((log).wants(level)) (log).write(level, {__FILE__, __func__, __LINE__}, __VA_ARGS__); \
  } while (false)
