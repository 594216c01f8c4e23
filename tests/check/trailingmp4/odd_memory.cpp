// SPDX-License-Identifier: LGPL-2.1-or-later
#include "odd_memory.h"

#include <atomic>
#include <vector>

namespace bench {
namespace {

struct OddMemory {
  GstMemory base;
  std::vector<uint8_t>* bytes;
  std::atomic<int>* maps_left;
};

struct OddAllocator {
  GstAllocator base;
};
struct OddAllocatorClass {
  GstAllocatorClass base;
};

gpointer map(GstMemory* memory, gsize, GstMapFlags) {
  auto* odd = reinterpret_cast<OddMemory*>(memory);
  if (odd->maps_left->load() == kAlwaysMaps) return odd->bytes->data();
  if (odd->maps_left->load() == 0) return nullptr;
  --*odd->maps_left;
  return odd->bytes->data();
}

void release(GstAllocator*, GstMemory* memory) {
  auto* odd = reinterpret_cast<OddMemory*>(memory);
  delete odd->bytes;
  delete odd->maps_left;
  g_free(odd);
}

void odd_allocator_class_init(gpointer klass, gpointer) {
  GST_ALLOCATOR_CLASS(klass)->free = release;
}

void odd_allocator_init(GTypeInstance* instance, gpointer) {
  GstAllocator* allocator = GST_ALLOCATOR(instance);
  allocator->mem_map = map;
  allocator->mem_unmap = [](GstMemory*) {};
  GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator* allocator_that(Claims claims) {
  static const GType type = g_type_register_static_simple(
      GST_TYPE_ALLOCATOR, "TestOddAllocator", sizeof(OddAllocatorClass), odd_allocator_class_init,
      sizeof(OddAllocator), odd_allocator_init, static_cast<GTypeFlags>(0));
  auto* allocator = static_cast<GstAllocator*>(g_object_new(type, nullptr));
  gst_object_ref_sink(allocator);
  allocator->mem_type = claims == Claims::kSystemMemory ? GST_ALLOCATOR_SYSMEM : "OddMemory";
  return allocator;
}

}  // namespace

Owned<GstBuffer> odd_buffer(std::span<const uint8_t> bytes, Claims claims, int maps) {
  GstAllocator* allocator = allocator_that(claims);
  OddMemory* odd = g_new0(OddMemory, 1);
  odd->bytes = new std::vector<uint8_t>(bytes.begin(), bytes.end());
  odd->maps_left = new std::atomic<int>(maps);
  gst_memory_init(&odd->base, GST_MEMORY_FLAG_NO_SHARE, allocator, nullptr, bytes.size(), 0, 0,
                  bytes.size());
  gst_object_unref(allocator);  // the memory has its own reference
  Owned<GstBuffer> buffer(gst_buffer_new());
  gst_buffer_append_memory(buffer.get(), &odd->base);
  return buffer;
}

}  // namespace bench
