// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/buffer_payload.h"

#include <algorithm>
#include <new>

namespace trailingmp4 {
namespace {

GstBuffer* buffer_of(void* owner) { return static_cast<GstBuffer*>(owner); }

std::size_t count_memories(void* owner) { return gst_buffer_n_memory(buffer_of(owner)); }

bool map_memory(void* owner, std::size_t piece, mp4::MappedPiece& mapped) {
  static_assert(sizeof(GstMapInfo) <= sizeof(mapped.storage));
  auto* info = new (mapped.storage) GstMapInfo{};
  GstMemory* memory = gst_buffer_peek_memory(buffer_of(owner), static_cast<guint>(piece));
  if (!gst_memory_map(memory, info, GST_MAP_READ)) return false;
  mapped.data = info->data;
  mapped.size = info->size;
  return true;
}

void unmap_memory(mp4::MappedPiece& mapped) {
  auto* info = std::launder(reinterpret_cast<GstMapInfo*>(mapped.storage));
  gst_memory_unmap(info->memory, info);
}

void release_buffer(void* owner) { GstRef<GstBuffer>::adopt(buffer_of(owner)); }

constexpr mp4::Payload::Functions kBufferFunctions{count_memories, map_memory, unmap_memory,
                                                   release_buffer};

bool is_pooled(GstBuffer* buffer) {
  if (buffer->pool) return true;
  // A part of another buffer keeps that one from its pool.
  gpointer state = nullptr;
  while (GstMeta* meta =
             gst_buffer_iterate_meta_filtered(buffer, &state, GST_PARENT_BUFFER_META_API_TYPE))
    if (is_pooled(reinterpret_cast<GstParentBufferMeta*>(meta)->buffer)) return true;
  return false;
}

}  // namespace

mp4::Payload make_payload(GstRef<GstBuffer> buffer) {
  const auto size = static_cast<uint32_t>(gst_buffer_get_size(buffer.get()));
  return {kBufferFunctions, buffer.release(), size};
}

bool needs_copy(GstBuffer* buffer) {
  if (is_pooled(buffer)) return true;
  static GstAllocator* const system_memory = gst_allocator_find(GST_ALLOCATOR_SYSMEM);
  const guint memories = gst_buffer_n_memory(buffer);
  for (guint i = 0; i < memories; ++i) {
    GstMemory* memory = gst_buffer_peek_memory(buffer, i);
    const bool is_usual = memory->allocator == system_memory;
    if (!is_usual && !gst_memory_is_type(memory, GST_ALLOCATOR_SYSMEM)) return true;
  }
  return false;
}

GstRef<GstBuffer> copy_to_system_memory(GstBuffer* buffer) {
  const gsize size = gst_buffer_get_size(buffer);
  auto copy = GstRef<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, size, nullptr));
  if (!copy) return {};
  const WritableBuffer mapped(copy.get());
  if (!mapped) return {};
  const auto what =
      static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS);
  gst_buffer_copy_into(copy.get(), buffer, what, 0, size);
  const std::size_t copied = BufferBytes(buffer).read(0, {mapped.data(), size});
  return copied == size ? copy : GstRef<GstBuffer>();
}

// The old buffer lives on with the new one: memories may belong to what its metas hold.
GstRef<GstBuffer> insert_bytes(GstRef<GstBuffer> buffer, gsize position,
                               std::span<const uint8_t> bytes) {
  auto result = GstRef<GstBuffer>::adopt(gst_buffer_new());
  const gsize size = gst_buffer_get_size(buffer.get());
  position = std::min(position, size);
  gst_buffer_copy_into(result.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, 0, position);
  const gpointer copy = g_memdup2(bytes.data(), bytes.size());
  gst_buffer_append_memory(result.get(),
                           gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, copy, bytes.size(), 0,
                                                  bytes.size(), copy, g_free));
  gst_buffer_copy_into(result.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, position,
                       size - position);
  gst_buffer_add_parent_buffer_meta(result.get(), buffer.get());
  return result;
}

GstRef<GstBuffer> part_of(GstRef<GstBuffer> buffer, gsize position, gsize size) {
  auto result = GstRef<GstBuffer>::adopt(gst_buffer_new());
  gst_buffer_copy_into(result.get(), buffer.get(), GST_BUFFER_COPY_MEMORY, position, size);
  gst_buffer_add_parent_buffer_meta(result.get(), buffer.get());
  return result;
}

GstRef<GstBuffer> repeated_byte(uint8_t byte, gsize count) {
  auto result = GstRef<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, count, nullptr));
  gst_buffer_memset(result.get(), 0, byte, count);
  return result;
}

// What is in the memory that holds that byte, from it on; nothing: there is none, or it cannot be
// mapped.
std::span<const uint8_t> BufferBytes::mapped_from(uint64_t offset) const {
  if (!mapped_ || offset < mapped_offset_ || offset - mapped_offset_ >= mapped_->size()) {
    uint64_t begin = 0;
    mapped_.reset();
    for (guint i = 0; i < gst_buffer_n_memory(buffer_) && !mapped_; ++i) {
      GstMemory* memory = gst_buffer_peek_memory(buffer_, i);
      if (offset - begin < memory->size)
        mapped_.emplace(memory);
      else
        begin += memory->size;
    }
    mapped_offset_ = begin;
  }
  if (!mapped_ || !*mapped_) return {};
  const auto passed = static_cast<std::size_t>(offset - mapped_offset_);  // of what is mapped
  return {mapped_->data() + passed, mapped_->size() - passed};
}

// Memory by memory: gst_buffer_extract() loses a memory that cannot be mapped.
std::size_t BufferBytes::read(uint64_t offset, std::span<uint8_t> destination) const {
  std::size_t copied = 0;
  while (copied < destination.size()) {
    const auto bytes = mapped_from(offset + copied);
    if (bytes.empty()) break;
    const std::size_t count = std::min(bytes.size(), destination.size() - copied);
    std::copy_n(bytes.begin(), count, destination.begin() + static_cast<long>(copied));
    copied += count;
  }
  return copied;
}

bool BufferBytes::readable() const {
  uint8_t first;
  return read(0, std::span(&first, 1)) == 1;
}

}  // namespace trailingmp4
