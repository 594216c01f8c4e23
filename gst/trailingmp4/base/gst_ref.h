// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owners of what GStreamer and GLib count and allocate. A reference has an owner on the line where
// it is born; nothing else in the plugin unrefs, unmaps or frees.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <type_traits>
#include <utility>

namespace trailingmp4 {

template <typename T>
inline constexpr bool kIsMiniObject =
    std::is_same_v<T, GstBuffer> || std::is_same_v<T, GstCaps> || std::is_same_v<T, GstEvent> ||
    std::is_same_v<T, GstMessage> || std::is_same_v<T, GstQuery> || std::is_same_v<T, GstTagList> ||
    std::is_same_v<T, GstDateTime>;

template <typename T>
class GstRef {
 public:
  GstRef() = default;
  static GstRef adopt(T* object) { return GstRef(object); }  // takes the reference over
  static GstRef sink(T* object) {                            // of a new, floating GstObject
    return GstRef(static_cast<T*>(gst_object_ref_sink(object)));
  }
  static GstRef share(T* object) {  // adds one
    if (object) ref(object);
    return GstRef(object);
  }
  GstRef(const GstRef& other) : GstRef(share(other.object_)) {}
  GstRef(GstRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  GstRef& operator=(GstRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~GstRef() {
    if (object_) unref(object_);
  }

  T* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  [[nodiscard]] T* release() { return std::exchange(object_, nullptr); }

 private:
  explicit GstRef(T* object) : object_(object) {}
  static void ref(T* object) {
    if constexpr (kIsMiniObject<T>)
      gst_mini_object_ref(GST_MINI_OBJECT_CAST(object));
    else
      gst_object_ref(object);
  }
  static void unref(T* object) {
    if constexpr (kIsMiniObject<T>)
      gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
    else
      gst_object_unref(object);
  }

  T* object_ = nullptr;
};

struct GFree {
  void operator()(void* memory) const { g_free(memory); }
};
using GString8 = std::unique_ptr<char, GFree>;  // a string that GLib allocated

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructureOwner = std::unique_ptr<GstStructure, StructureFree>;

struct IteratorFree {
  void operator()(GstIterator* iterator) const { gst_iterator_free(iterator); }
};
using IteratorOwner = std::unique_ptr<GstIterator, IteratorFree>;

// A whole buffer mapped. False if it cannot be.
template <GstMapFlags kFlags>
class BufferMapping {
 public:
  explicit BufferMapping(GstBuffer* buffer)
      : buffer_(buffer), mapped_(gst_buffer_map(buffer, &info_, kFlags)) {}
  ~BufferMapping() {
    if (mapped_) gst_buffer_unmap(buffer_, &info_);
  }
  BufferMapping(const BufferMapping&) = delete;
  BufferMapping& operator=(const BufferMapping&) = delete;

  explicit operator bool() const { return mapped_; }
  guint8* data() const { return info_.data; }
  gsize size() const { return info_.size; }

 private:
  GstBuffer* buffer_;
  GstMapInfo info_{};
  bool mapped_;
};
using MappedBuffer = BufferMapping<GST_MAP_READ>;
using WritableBuffer = BufferMapping<GST_MAP_WRITE>;

// One memory mapped for reading. False if it cannot be.
class MappedMemory {
 public:
  explicit MappedMemory(GstMemory* memory)
      : memory_(memory), mapped_(gst_memory_map(memory, &info_, GST_MAP_READ)) {}
  ~MappedMemory() {
    if (mapped_) gst_memory_unmap(memory_, &info_);
  }
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  explicit operator bool() const { return mapped_; }
  const guint8* data() const { return info_.data; }
  gsize size() const { return info_.size; }

 private:
  GstMemory* memory_;
  GstMapInfo info_{};
  bool mapped_;
};

}  // namespace trailingmp4
