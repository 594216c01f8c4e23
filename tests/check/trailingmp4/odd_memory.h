// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Memory that is not what it seems: of an allocator of its own, and mapped only as often as it
// likes.
#pragma once

#include <gst/gst.h>

#include <span>

#include "gst_owners.h"

namespace bench {

enum class Claims {
  kOtherMemory,  // it says that it is not system memory
  kSystemMemory  // it says that it is
};

inline constexpr int kAlwaysMaps = -1;

// One memory with these bytes, in a buffer. maps: how often it can be mapped before that fails.
Owned<GstBuffer> odd_buffer(std::span<const uint8_t> bytes, Claims claims, int maps);

}  // namespace bench
