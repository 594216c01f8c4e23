// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/sample_bytes.h"

#include <gst/audio/audio.h>

#include <algorithm>
#include <array>
#include <utility>

#include "trailingmp4/stream/buffer_payload.h"

namespace trailingmp4 {
namespace {

// So many bytes, or up to three fewer, so that no character of UTF-8 is cut.
gsize whole_characters(GstBuffer* text, gsize most) {
  uint8_t next = 0;
  const auto is_cut = [&](gsize at) {
    return gst_buffer_extract(text, at, &next, 1) == 1 && (next & 0xc0) == 0x80;
  };
  for (gsize size = most; size + 3 >= most; --size)
    if (!is_cut(size)) return size;
  return most;
}

}  // namespace

std::optional<mp4::AccessUnit> look_into(InputTracks& tracks, GstBuffer* buffer) {
  mp4::AccessUnit unit{.has_media = true, .access = {.sync = true}};
  if (const gsize frame = tracks.pcm_bytes()) {
    unit.duration = static_cast<mp4::Ticks>(gst_buffer_get_size(buffer) / frame);
    unit.has_media = unit.duration > 0;
  }
  if (!tracks.looks_into_samples()) return unit;
  const BufferBytes bytes(buffer);
  if (!bytes.readable()) return std::nullopt;
  return tracks.look_into(bytes);
}

GstRef<GstBuffer> as_in_the_file(InputTracks& tracks, GstRef<GstBuffer> buffer,
                                 const mp4::AccessUnit& unit, mp4::Ticks cut) {
  if (const gsize frame = tracks.pcm_bytes()) {
    const gsize size = gst_buffer_get_size(buffer.get());
    const gsize begin = static_cast<gsize>(cut) * frame, end = size - size % frame;
    return begin == 0 && end == size ? std::move(buffer)
                                     : part_of(std::move(buffer), begin, end - begin);
  }
  if (tracks.caps().config.kind == mp4::TrackKind::kText) return text_sample(std::move(buffer));
  for (const auto& [position, bytes] : tracks.sets_to_insert(unit))
    buffer = insert_bytes(std::move(buffer), position, bytes);
  if (unit.skip == 0) return buffer;
  const gsize size = gst_buffer_get_size(buffer.get());
  return part_of(std::move(buffer), unit.skip, size - unit.skip);
}

GstRef<GstBuffer> text_sample(GstRef<GstBuffer> text) {
  if (!text) text = GstRef<GstBuffer>::adopt(gst_buffer_new());
  gsize size = gst_buffer_get_size(text.get());
  if (size > UINT16_MAX) size = whole_characters(text.get(), UINT16_MAX);
  if (size < gst_buffer_get_size(text.get())) text = part_of(std::move(text), 0, size);
  const std::array<uint8_t, 2> length{static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  return insert_bytes(std::move(text), 0, length);
}

Clipping clipping_of(GstBuffer* buffer, mp4::Timescale timescale) {
  const GstAudioClippingMeta* meta = gst_buffer_get_audio_clipping_meta(buffer);
  if (!meta) return {};
  const auto ticks = [&](guint64 value) {
    const auto held = static_cast<int64_t>(std::min<guint64>(value, G_MAXINT32));
    return meta->format == GST_FORMAT_TIME ? timescale.from_ns(held) : held;
  };
  return {ticks(meta->start), ticks(meta->end)};
}

}  // namespace trailingmp4
