// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What counted-launch has pushed into its recorder, in a file that is mapped: what stands in it
// outlives a SIGKILL of the one who counts.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

/// Running times, in nanoseconds. Read by compare_crashes.py too, as "<Qqq".
struct PushedTrack {
  std::atomic<uint64_t> buffers;
  std::atomic<int64_t> begin;  ///< the earliest presentation
  std::atomic<int64_t> end;    ///< the latest, with its duration
};

struct PushedCounts {
  PushedTrack video;
  PushedTrack audio;
};

static_assert(sizeof(PushedCounts) == 48 && std::atomic<int64_t>::is_always_lock_free);

/// Mapped for the rest of the process. Null: it cannot be mapped.
inline PushedCounts* map_pushed_counts(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(PushedCounts)) != 0) return nullptr;
  void* place = mmap(nullptr, sizeof(PushedCounts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return place == MAP_FAILED ? nullptr : static_cast<PushedCounts*>(place);
}
