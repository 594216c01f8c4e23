// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstBuffer as the core sees it: a Payload to be written later, a ByteSource to be looked at now.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <span>

#include "mp4/base/byte_source.h"
#include "mp4/base/payload.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// Holds the buffer (not its memories: some live in a parent that the buffer's metas keep) and maps
// it memory by memory when it is written. A pool's buffer must go back soon, and memory of another
// kind may be scarce or slow to map: these need a copy first.
mp4::Payload make_payload(GstRef<GstBuffer> buffer);
bool needs_copy(GstBuffer* buffer);
// In system memory of its own; empty when the bytes cannot be had.
GstRef<GstBuffer> copy_to_system_memory(GstBuffer* buffer);

// A buffer with those bytes put in at the position; what was there is shared, not copied.
GstRef<GstBuffer> insert_bytes(GstRef<GstBuffer> buffer, gsize position,
                               std::span<const uint8_t> bytes);

// A part of a buffer's bytes, shared, not copied.
GstRef<GstBuffer> part_of(GstRef<GstBuffer> buffer, gsize position, gsize size);
// That byte, so often.
GstRef<GstBuffer> repeated_byte(uint8_t byte, gsize count);

// While it lives, the memory that was read last stays mapped: samples are looked at in small steps.
class BufferBytes final : public mp4::ByteSource {
 public:
  explicit BufferBytes(GstBuffer* buffer) : buffer_(buffer), size_(gst_buffer_get_size(buffer)) {}

  uint64_t size() const override { return size_; }
  std::size_t read(uint64_t offset, std::span<uint8_t> destination) const override;
  bool readable() const;  // false: the bytes cannot be mapped

 private:
  std::span<const uint8_t> mapped_from(uint64_t offset) const;

  GstBuffer* buffer_;
  gsize size_;
  mutable std::optional<MappedMemory> mapped_;
  mutable uint64_t mapped_offset_ = 0;  // in the buffer
};

}  // namespace trailingmp4
