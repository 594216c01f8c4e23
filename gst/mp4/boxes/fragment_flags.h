// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Flags in the boxes of a movie fragment (ISO/IEC 14496-12), for those who write and who read them.
#pragma once

#include <cstdint>

namespace mp4 {

// tf_flags, 8.8.7.1
inline constexpr uint32_t kBaseDataOffset = 0x1;
inline constexpr uint32_t kSampleDescription = 0x2;
inline constexpr uint32_t kDefaultDuration = 0x8;
inline constexpr uint32_t kDefaultSize = 0x10;
inline constexpr uint32_t kDefaultFlags = 0x20;
inline constexpr uint32_t kBaseIsMoof = 0x20000;
// tr_flags, 8.8.8.1
inline constexpr uint32_t kDataOffset = 0x1;
inline constexpr uint32_t kFirstFlags = 0x4;
inline constexpr uint32_t kDurations = 0x100;
inline constexpr uint32_t kSizes = 0x200;
inline constexpr uint32_t kFlags = 0x400;
inline constexpr uint32_t kOffsets = 0x800;
// Sample flags, 8.8.3.1
inline constexpr uint32_t kIsNonSync = 0x00010000;      // sample_is_non_sync_sample
inline constexpr uint32_t kDependsOnNone = 0x02000000;  // sample_depends_on
inline constexpr uint32_t kDependsOnOthers = 0x01000000;

}  // namespace mp4
