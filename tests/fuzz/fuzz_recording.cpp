// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The element among pads that do anything: events, times, sizes and bytes of any kind, in one
// thread, so that an input always does the same. What it makes of them is a file that the tests'
// own reader finds nothing wrong with, finished and as a kill would have left it.
#include <fuzzer/FuzzedDataProvider.h>
#include <gst/gst.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "box_reader.h"
#include "file_bytes.h"
#include "fuzz_support.h"
#include "gst_owners.h"
#include "memory_source.h"
#include "message_log.h"
#include "synthetic_media.h"
#include "temp_folder.h"
#include "trailingmp4/element/gsttrailingmp4sink.h"

namespace {

using bench::Bytes;
using bench::Owned;

enum class Codec { kAvc, kHevc, kAac };

// Streams as parsers announce them.
struct Format {
  Codec codec;
  unsigned length_size;  // of a NAL unit's length
  GstClockTime step;     // from one sample to the next
  const char* caps;
};

#define AVC_CONFIG                                              \
  "15ffe1001b6742c015da0507ec05a830303528000003000800000301947" \
  "8b17501000468ce3c80"
#define HEVC_CONFIG                                                                                \
  "0101600000009000000000003ff000fcfdf8f800000f03200001001840010c01ffff016000000"                  \
  "30090000003000003003f959809210001003042010101600000030090000003000003003fa02083165959ae4cafff0" \
  "0"                                                                                              \
  "0100016a0c0c0c08000003000800000300f04022000100064401c173d089"

constexpr Format kFormats[] = {
    {Codec::kAvc, 4, 40 * GST_MSECOND,
     "video/x-h264, stream-format=avc, alignment=au, width=320, height=240, framerate=25/1, "
     "codec_data=(buffer)0142c0" AVC_CONFIG},
    {Codec::kAvc, 4, 33'366'666,
     "video/x-h264, stream-format=avc, alignment=au, pixel-aspect-ratio=12/11, colorimetry=bt709, "
     "codec_data=(buffer)01640014ffe1001c67640014acd9447b016a0c0c0d4a000003000200000300791e28532c"
     "01000568ebecb22c"},
    {Codec::kAvc, 2, 40 * GST_MSECOND,
     "video/x-h264, stream-format=avc3, alignment=au, width=320, height=240, "
     "codec_data=(buffer)014d4015fde1001c674d4015eca0a0fd80b5060606a50000030001000003"
     "00328f162d9601000468ce3c80"},
    {Codec::kAvc, 1, 40 * GST_MSECOND,
     "video/x-h264, stream-format=avc3, alignment=au, width=16, height=16, "
     "codec_data=(buffer)0142c015fce000"},
    {Codec::kHevc, 4, 20 * GST_MSECOND,
     "video/x-h265, stream-format=hvc1, alignment=au, codec_data=(buffer)" HEVC_CONFIG},
    {Codec::kHevc, 4, 16'666'667,
     "video/x-h265, stream-format=hev1, alignment=au, width=64, height=48, "
     "codec_data=(buffer)" HEVC_CONFIG},
    {Codec::kAac, 0, 21'333'333,
     "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)1190"},
    {Codec::kAac, 0, 23'219'954,
     "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)120856e500"},
    {Codec::kAac, 0, 10'666'666,
     "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)1010"},
    {Codec::kAac, 0, 60 * GST_MSECOND,
     "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)158c"},
    // Of which any bytes will do, like those of AAC, or are looked into and taken as they are.
    {Codec::kAac, 0, 20 * GST_MSECOND, "audio/x-alaw, rate=8000, channels=1"},
    {Codec::kAac, 0, 10 * GST_MSECOND,
     "audio/x-raw, format=S24BE, rate=48000, channels=2, layout=interleaved"},
    {Codec::kAac, 0, 20 * GST_MSECOND, "audio/x-opus, channels=2, channel-mapping-family=0"},
    {Codec::kAac, 0, 32 * GST_MSECOND, "audio/x-ac3, rate=48000, channels=2"},
    {Codec::kAac, 0, 40 * GST_MSECOND, "image/jpeg, width=64, height=48"},
    {Codec::kAac, 0, 40 * GST_MSECOND, "video/x-vp9, width=64, height=48"},
    {Codec::kAac, 0, 40 * GST_MSECOND, "video/x-av1, alignment=tu, width=64, height=48"},
    {Codec::kAac, 0, GST_SECOND, "application/x-onvif-metadata, encoding=utf8"},
    {Codec::kAac, 0, GST_SECOND, "text/x-raw, format=utf8"},
};
#undef AVC_CONFIG
#undef HEVC_CONFIG

// NAL units as they come in samples; what follows these bytes in a slice is noise.
const std::vector<Bytes> kAvcNals{
    {0x65, 0x88, 0x84},              // IDR
    {0x61, 0xe0},                    // P
    {0x01, 0xa0},                    // B
    {0x06, 0x06, 0x01, 0xc0, 0x80},  // recovery point here
    {0x06, 0x06, 0x01, 0x24, 0x80},  // and later
    {0x09, 0x10},                    // delimiter
    {0x67, 0x42, 0xc0, 0x15, 0xda, 0x05, 0x07, 0xec, 0x05, 0xa8, 0x30, 0x30, 0x35, 0x28,
     0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x94, 0x78, 0xb1, 0x75},
    {0x67, 0x64, 0x00, 0x14, 0xac, 0xd9, 0x44, 0x7b, 0x01, 0x6a, 0x0c, 0x0c, 0x0d, 0x4a,
     0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x79, 0x1e, 0x28, 0x53, 0x2c},
    {0x68, 0xce, 0x3c, 0x80},
    {0x68, 0xeb, 0xec, 0xb2, 0x2c},
};
const std::vector<Bytes> kHevcNals{
    {0x26, 0x01, 0xaf},                    // IDR
    {0x02, 0x01, 0xd0},                    // trailing
    {0x2a, 0x01, 0xaf},                    // CRA
    {0x12, 0x01, 0xd0},                    // RASL
    {0x0e, 0x01, 0xd0},                    // RADL
    {0x4e, 0x01, 0x06, 0x01, 0xc0, 0x80},  // recovery point here
    {0x46, 0x01, 0x50},                    // delimiter
    {0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00,
     0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3f, 0x95, 0x98, 0x09},
    {0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
     0x03, 0x00, 0x00, 0x03, 0x00, 0x3f, 0xa0, 0x20, 0x83, 0x16, 0x59, 0x59,
     0xae, 0x4c, 0xaf, 0xff, 0x00, 0x01, 0x00, 0x01, 0x6a, 0x0c, 0x0c, 0x0c,
     0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x40},
    {0x44, 0x01, 0xc1, 0x73, 0xd0, 0x89},
};

constexpr size_t kMostPads = 4;
constexpr int kMostActions = 60;
constexpr int kMostCycles = 3;
// What is pushed takes much less. Silence that fills a hole of hours does not, and finds the disk
// full.
constexpr rlim_t kLargestFile = 8 << 20;

// One byte more than a sample may have; nobody looks at them.
uint8_t too_much[(size_t{64} << 20) + 1];

const GstCaps* caps_of(const Format& format) {
  static const std::vector<Owned<GstCaps>> all = [] {
    std::vector<Owned<GstCaps>> made;
    for (const Format& one : kFormats) made.emplace_back(gst_caps_from_string(one.caps));
    return made;
  }();
  return all[static_cast<size_t>(&format - kFormats)].get();
}

const std::string& folder() {
  static const bench::TempFolder made;
  return made.path();
}

// A pad of the element, and the one before it.
struct Stream {
  Owned<GstPad> source, sink;
  const Format* format = nullptr;
  GstClockTime next = 0;  // its clock
  uint64_t pushed = 0;
};

class Session {
 public:
  explicit Session(FuzzedDataProvider& input) : input_(input) {
    element_.reset(
        GST_ELEMENT(gst_object_ref_sink(g_object_new(GST_TYPE_TRAILING_MP4_SINK, nullptr))));
    gst_element_set_bus(element(), log_.bus());
  }
  ~Session() {
    to(GST_STATE_NULL);
    while (!streams_.empty()) drop(0);
    gst_element_set_bus(element(), nullptr);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder(), error))
      std::filesystem::remove(entry.path(), error);
  }

  // Most inputs shall get somewhere, so it begins as a recording does.
  void run() {
    set_properties();
    const auto pads = input_.ConsumeIntegralInRange<size_t>(0, 2);
    while (streams_.size() < pads) add_stream();
    to(GST_STATE_PLAYING);
    for (int i = 0; i < kMostActions && input_.remaining_bytes() > 0; ++i) act();
  }

 private:
  GstElement* element() const { return element_.get(); }
  bool flip() { return input_.ConsumeBool(); }
  bool rarely() { return input_.ConsumeIntegralInRange<int>(0, 15) == 15; }

  GstClockTime odd_time(GstClockTime near) {
    switch (input_.ConsumeIntegralInRange<int>(0, 6)) {
      case 0:
        return GST_CLOCK_TIME_NONE;
      case 1:
        return 0;
      case 2:
        return near + static_cast<GstClockTime>(input_.ConsumeIntegral<int8_t>() * GST_MSECOND);
      case 3:
        return near + static_cast<GstClockTime>(int64_t{input_.ConsumeIntegral<int16_t>()} *
                                                static_cast<int64_t>(10 * GST_MSECOND));
      case 4:
        return near + static_cast<GstClockTime>(input_.ConsumeIntegral<int32_t>());
      case 5:
        return input_.ConsumeIntegralInRange<uint32_t>(0, 1'000'000) * GST_SECOND;
      default:
        return input_.ConsumeIntegral<uint64_t>();
    }
  }

  // ---- the element ----

  void set_properties() {
    locate();
    if (flip()) return;
    fragment_duration_ = input_.PickValueInArray<guint64>(
        {GST_SECOND, 0, 1, 40 * GST_MSECOND, 200 * GST_MSECOND, 60 * GST_SECOND});
    g_object_set(element(), "fragment-duration", fragment_duration_, "sync-interval",
                 input_.PickValueInArray<guint64>({0, GST_MSECOND, GST_SECOND, 3600 * GST_SECOND}),
                 "start-at-sync", gboolean{flip()}, "max-gap",
                 input_.PickValueInArray<guint64>({0, 1, GST_SECOND, 10 * GST_SECOND, G_MAXINT64}),
                 "max-step-back",
                 input_.PickValueInArray<guint64>({0, 1, 200 * GST_MSECOND, G_MAXINT64}),
                 "gap-policy", input_.ConsumeIntegralInRange<int>(0, 2), "loss-policy",
                 input_.ConsumeIntegralInRange<int>(0, 2), "overwrite", gboolean{flip()}, nullptr);
    change_queue();
  }

  void change_queue() {
    g_object_set(element(), "max-queue-bytes",
                 input_.PickValueInArray<guint64>({64 << 20, 1, 1000, 100'000, G_MAXUINT64}),
                 "queue-full", int{flip()}, nullptr);
  }

  void locate() {
    location_ = folder() + "/" + std::to_string(cycles_) + ".mp4";
    g_object_set(element(), "location", location_.c_str(), nullptr);
  }

  GstState state() const { return GST_STATE(element()); }

  void to(GstState wanted) {
    const bool stops = state() > GST_STATE_READY && wanted <= GST_STATE_READY;
    gst_element_set_state(element(), wanted);
    if (!stops) return;
    judge();
    log_.clear();
  }

  void change_state() {
    const auto wanted = static_cast<GstState>(
        input_.ConsumeIntegralInRange<int>(GST_STATE_NULL, GST_STATE_PLAYING));
    to(wanted);
    if (wanted > GST_STATE_READY || ++cycles_ > kMostCycles) return;
    if (!rarely()) locate();
    if (!rarely()) to(GST_STATE_PLAYING);
  }

  // ---- pads ----

  void add_stream() {
    if (streams_.size() >= kMostPads) return;
    const char* name =
        input_.PickValueInArray({"sink_%u", "video_%u", "audio_%u", "video_0", "sink_7"});
    if (Owned<GstPad> taken{gst_element_get_static_pad(element(), name)}) return;
    Owned<GstPad> sink(gst_element_request_pad_simple(element(), name));
    if (!sink) return;
    Stream& stream = streams_.emplace_back();
    stream.sink = std::move(sink);
    stream.source.reset(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SRC))));
    stream.format = &kFormats[input_.ConsumeIntegralInRange<size_t>(0, std::size(kFormats) - 1)];
    gst_pad_set_active(stream.source.get(), TRUE);
    gst_pad_link(stream.source.get(), stream.sink.get());
    if (rarely()) return;
    push(stream, stream_start());
    push(stream, gst_event_new_caps(const_cast<GstCaps*>(caps_of(*stream.format))));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    push(stream, gst_event_new_segment(&segment));
  }

  void drop(size_t index) {
    Stream& stream = streams_[index];
    gst_element_release_request_pad(element(), stream.sink.get());
    gst_pad_set_active(stream.source.get(), FALSE);
    streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void relink(Stream& stream) {
    if (gst_pad_is_linked(stream.source.get()))
      gst_pad_unlink(stream.source.get(), stream.sink.get());
    else
      gst_pad_link(stream.source.get(), stream.sink.get());
  }

  // ---- events ----

  // In PAUSED a stream waits with what is not known before the data.
  bool would_wait() const {
    return GST_STATE_TARGET(element()) == GST_STATE_PAUSED || state() == GST_STATE_PAUSED;
  }

  void push(Stream& stream, GstEvent* event) { gst_pad_push_event(stream.source.get(), event); }

  GstEvent* stream_start() {
    GstEvent* event = gst_event_new_stream_start("stream");
    if (flip()) gst_event_set_group_id(event, input_.ConsumeIntegralInRange<guint>(1, 3));
    return event;
  }

  void push_caps(Stream& stream) {
    stream.format = &kFormats[input_.ConsumeIntegralInRange<size_t>(0, std::size(kFormats) - 1)];
    Owned<GstCaps> caps(gst_caps_copy(caps_of(*stream.format)));
    if (rarely()) {
      GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
      gst_structure_set(structure, "width", G_TYPE_INT, input_.ConsumeIntegral<int>(), nullptr);
      gst_structure_set(structure, "framerate", GST_TYPE_FRACTION, input_.ConsumeIntegral<int8_t>(),
                        input_.ConsumeIntegralInRange<int>(1, G_MAXINT), nullptr);
      gst_structure_set(structure, "pixel-aspect-ratio", GST_TYPE_FRACTION,
                        input_.ConsumeIntegralInRange<int>(0, G_MAXINT),
                        input_.ConsumeIntegralInRange<int>(1, G_MAXINT), nullptr);
    }
    if (rarely()) {
      odd_configuration_ = true;
      const auto bytes = input_.ConsumeBytes<uint8_t>(input_.ConsumeIntegralInRange<size_t>(0, 64));
      const auto codec_data = bench::to_buffer(bytes);
      gst_caps_set_simple(caps.get(), "codec_data", GST_TYPE_BUFFER, codec_data.get(), nullptr);
    }
    push(stream, gst_event_new_caps(caps.get()));
  }

  void push_segment(Stream& stream) {
    GstSegment segment;
    gst_segment_init(&segment, rarely() ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
    segment.start = odd_time(stream.next);
    if (!GST_CLOCK_TIME_IS_VALID(segment.start)) segment.start = 0;
    segment.time = segment.position = segment.start;
    segment.base = flip() ? 0 : odd_time(stream.next);
    if (rarely()) segment.offset = odd_time(0);
    if (rarely()) segment.stop = odd_time(segment.start);
    if (rarely()) segment.rate = input_.PickValueInArray({-1.0, 2.0, 0.5, 1.0});
    push(stream, gst_event_new_segment(&segment));
  }

  void push_gap(Stream& stream) {
    if (would_wait()) return;
    GstClockTime begin = odd_time(stream.next);
    if (!GST_CLOCK_TIME_IS_VALID(begin)) begin = 0;
    GstEvent* gap = gst_event_new_gap(begin, odd_time(0));
    if (flip()) gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
    push(stream, gap);
  }

  void push_flush(Stream& stream) {
    if (!rarely()) push(stream, gst_event_new_flush_start());
    if (rarely()) return;
    push(stream, gst_event_new_flush_stop(flip()));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    if (!rarely()) push(stream, gst_event_new_segment(&segment));
  }

  void push_tags(Stream& stream) {
    GstTagList* tags = gst_tag_list_new_empty();
    if (flip()) gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
    const std::string text = "t" + input_.ConsumeRandomLengthString(20);
    const char* key = input_.PickValueInArray({GST_TAG_TITLE, GST_TAG_ARTIST, GST_TAG_COMMENT,
                                               GST_TAG_LANGUAGE_CODE, GST_TAG_IMAGE_ORIENTATION});
    if (g_utf8_validate(text.c_str(), -1, nullptr))
      gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, key, text.c_str(), nullptr);
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION,
                     input_.PickValueInArray({"rotate-0", "rotate-90", "flip-rotate-180", "no"}),
                     nullptr);
    push(stream, gst_event_new_tag(tags));
  }

  // ---- samples ----

  Bytes nal_unit(Stream& stream, size_t number) {
    const bool avc = stream.format->codec == Codec::kAvc;
    const std::vector<Bytes>& all = avc ? kAvcNals : kHevcNals;
    Bytes nal = all[std::min(number, all.size() - 1)];
    const bool slice = number < (avc ? 3 : 5);
    if (slice) {
      const Bytes noise = bench::noise(stream.pushed, 20 + stream.pushed % 50);
      nal.insert(nal.end(), noise.begin(), noise.end());
    }
    return nal;
  }

  Bytes regular_sample(Stream& stream) {
    if (stream.format->codec == Codec::kAac)
      return bench::noise(stream.pushed, 50 + stream.pushed % 50);
    const size_t picture = stream.pushed % 10 == 0 ? 0 : 1;
    return mp4_test::join_nals({nal_unit(stream, picture)}, stream.format->length_size);
  }

  Bytes odd_sample(Stream& stream) {
    if (stream.format->codec == Codec::kAac || rarely())
      return input_.ConsumeBytes<uint8_t>(input_.ConsumeIntegralInRange<size_t>(0, 64));
    std::vector<Bytes> nals;
    for (auto count = input_.ConsumeIntegralInRange<size_t>(0, 5); count > 0; --count) {
      Bytes nal = nal_unit(stream, input_.ConsumeIntegralInRange<size_t>(0, 9));
      if (rarely())
        nal[input_.ConsumeIntegralInRange<size_t>(0, nal.size() - 1)] ^=
            input_.ConsumeIntegral<uint8_t>();
      if (rarely()) nal.resize(input_.ConsumeIntegralInRange<size_t>(0, 300));
      nals.push_back(std::move(nal));
    }
    if (flip()) nals.push_back(nal_unit(stream, input_.ConsumeIntegralInRange<size_t>(0, 2)));
    Bytes sample = mp4_test::join_nals(nals, stream.format->length_size);
    if (rarely()) sample.resize(input_.ConsumeIntegralInRange<size_t>(0, sample.size()));
    return sample;
  }

  void push_regular(Stream& stream) {
    if (would_wait()) return;
    const auto jitter = input_.ConsumeIntegralInRange<int>(-5, 5);
    for (int count = input_.ConsumeIntegralInRange<int>(1, 40); count > 0; --count) {
      const auto buffer = bench::to_buffer(regular_sample(stream));
      GST_BUFFER_PTS(buffer.get()) =
          stream.next + static_cast<GstClockTime>(int64_t{jitter} * (count % 3) * 1'000'000);
      finish_push(stream, buffer.get());
    }
  }

  // Pictures that are presented in another order.
  void push_reordered(Stream& stream) {
    if (would_wait()) return;
    const std::array<int, 4> kTurns{3, 1, 2, 4};
    for (int turn : kTurns) {
      const size_t picture = turn == 3 ? 1 : turn == 4 && stream.pushed % 12 == 11 ? 0 : 2;
      const Bytes sample =
          stream.format->codec == Codec::kAac
              ? regular_sample(stream)
              : mp4_test::join_nals({nal_unit(stream, picture)}, stream.format->length_size);
      const auto buffer = bench::to_buffer(sample);
      GST_BUFFER_PTS(buffer.get()) =
          stream.next + static_cast<GstClockTime>(turn) * stream.format->step;
      finish_push(stream, buffer.get());
      stream.next -= stream.format->step;
    }
    stream.next += 4 * stream.format->step;
  }

  void push_odd(Stream& stream) {
    if (would_wait()) return;
    Owned<GstBuffer> buffer = bench::to_buffer(odd_sample(stream));
    if (rarely()) {
      buffer.reset(gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, too_much, sizeof too_much,
                                               0, sizeof too_much, nullptr, nullptr));
    }
    if (rarely()) {
      const auto more = bench::to_buffer(odd_sample(stream));
      buffer.reset(gst_buffer_append(buffer.release(), gst_buffer_ref(more.get())));
    }
    GST_BUFFER_PTS(buffer.get()) = flip() ? stream.next : odd_time(stream.next);
    if (flip()) GST_BUFFER_DTS(buffer.get()) = odd_time(stream.next);
    if (flip()) GST_BUFFER_DURATION(buffer.get()) = odd_time(0);
    constexpr guint kFlags[]{GST_BUFFER_FLAG_DISCONT, GST_BUFFER_FLAG_DELTA_UNIT,
                             GST_BUFFER_FLAG_HEADER, GST_BUFFER_FLAG_CORRUPTED};
    const auto flags = input_.ConsumeIntegralInRange<unsigned>(0, 15);
    for (unsigned i = 0; i < 4; ++i)
      if (flags >> i & 1) GST_BUFFER_FLAG_SET(buffer.get(), kFlags[i]);
    finish_push(stream, buffer.get());
  }

  void finish_push(Stream& stream, GstBuffer* buffer) {
    gst_pad_push(stream.source.get(), gst_buffer_ref(buffer));
    stream.next += stream.format->step;
    ++stream.pushed;
  }

  // ---- what happens ----

  void ask() {
    gint64 value = 0;
    gst_element_query_position(element(), GST_FORMAT_TIME, &value);
    gst_element_query_duration(element(), GST_FORMAT_TIME, &value);
    GstStructure* stats = nullptr;
    g_object_get(element(), "stats", &stats, nullptr);
    if (stats) gst_structure_free(stats);
  }

  void act() {
    const int action = input_.ConsumeIntegralInRange<int>(0, 31);
    if (action == 0) return add_stream();
    if (action == 1) return change_state();
    if (action == 2) return change_queue();
    if (action == 3) return ask();
    if (action == 4 && rarely()) {
      gst_element_send_event(element(), gst_event_new_eos());
      return;
    }
    if (streams_.empty()) return;
    const auto index = input_.ConsumeIntegralInRange<size_t>(0, streams_.size() - 1);
    act_on(index, action);
  }

  void act_on(size_t index, int action) {
    Stream& stream = streams_[index];
    switch (action) {
      case 5:
        if (rarely()) drop(index);
        break;
      case 6:
        relink(stream);
        break;
      case 7:
        if (!would_wait() && rarely()) push(stream, gst_event_new_eos());
        break;
      case 8:
        push(stream, stream_start());
        break;
      case 9:
      case 10:
        push_caps(stream);
        break;
      case 11:
        push_segment(stream);
        break;
      case 12:
        push_gap(stream);
        break;
      case 13:
        push_flush(stream);
        break;
      case 14:
        push_tags(stream);
        break;
      case 15:
        stream.next = odd_time(stream.next);
        break;
      case 16:
      case 17:
      case 18:
        push_reordered(stream);
        break;
      case 19:
      case 20:
      case 21:
      case 22:
      case 23:
      case 24:
        push_odd(stream);
        break;
      default:
        push_regular(stream);
        break;
    }
  }

  // ---- what became of it ----

  boxes::Movie read(const std::string& path, const char* which) {
    auto movie = boxes::read_movie(path);
    fuzz::expect(movie.has_value(), std::string("the file does not open, ") + which);
    for (const std::string& problem : movie->problems) {
      // What the caps said is written as it is, and there are streams without any sync sample.
      const bool configuration =
          problem.starts_with("avcC") || problem.starts_with("hvcC") || problem.starts_with("esds");
      if (odd_configuration_ && configuration) continue;
      const bool never_sync = problem.starts_with("stss: lists no sync sample") ||
                              problem.starts_with("stss: no sample is sync");
      fuzz::expect(never_sync, problem + ", " + which);
    }
    return std::move(*movie);
  }

  static uint64_t samples_in(const boxes::Movie& movie) {
    return std::accumulate(
        movie.tracks.begin(), movie.tracks.end(), uint64_t{0},
        [](uint64_t sum, const boxes::Track& track) { return sum + track.samples.size(); });
  }

  // After a stop: whatever was begun is finished.
  void judge() {
    const bool finished = log_.count(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished") > 0;
    fuzz::expect(finished == (log_.count(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened") > 0),
                 "a file was not finished");
    if (!finished) return;
    const auto message = log_.wait_for(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished");
    const GstStructure* said = gst_message_get_structure(message.get());
    const std::string path = gst_structure_get_string(said, "location");
    const boxes::Movie movie = read(path, "finished");
    expect_as_said(movie, path, said);
    if (fragment_duration_ > 0) expect_as_killed(movie, path);
  }

  void expect_as_said(const boxes::Movie& movie, const std::string& path,
                      const GstStructure* said) {
    guint64 bytes = 0;
    gst_structure_get_uint64(said, "bytes", &bytes);
    std::error_code error;
    fuzz::expect(std::filesystem::file_size(path, error) == bytes, "it is not as long as was said");
    fuzz::expect(!movie.fragmented, "it is not plain");
    const GValue* samples = gst_structure_get_value(said, "samples");
    fuzz::expect(gst_value_array_get_size(samples) == movie.tracks.size(),
                 "other tracks than said");
    for (guint i = 0; i < movie.tracks.size(); ++i)
      fuzz::expect(g_value_get_uint64(gst_value_array_get_value(samples, i)) ==
                       movie.tracks[i].samples.size(),
                   "other samples than said");
  }

  // All of it had been published before it was flipped.
  void expect_as_killed(const boxes::Movie& finished, const std::string& path) {
    boxes::Bytes bytes = boxes::load_file(path);
    constexpr size_t kMdatSize = 40;  // of an empty mdat
    boxes::put_number(bytes, kMdatSize, 16, 8);
    const std::string killed_path = path + ".killed";
    fuzz::expect(boxes::store_file(killed_path, bytes), "no room for the file as killed");
    const boxes::Movie killed = read(killed_path, "killed");
    fuzz::expect(killed.fragmented, "it was not published");
    // What is presented before the movie begins, and tracks that came too late, are not in it.
    fuzz::expect(samples_in(killed) <= samples_in(finished), "more samples when killed");
  }

  FuzzedDataProvider& input_;
  bench::MessageLog log_;
  Owned<GstElement> element_;
  std::vector<Stream> streams_;
  std::string location_;
  int cycles_ = 0;
  guint64 fragment_duration_ = GST_SECOND;
  bool odd_configuration_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::init_gstreamer();
  GST_ELEMENT_REGISTER(trailingmp4sink, nullptr);
  static const fuzz::FatalCriticals criticals;
  const rlimit limit{kLargestFile, kLargestFile};
  setrlimit(RLIMIT_FSIZE, &limit);
  folder();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  Session(input).run();
  return 0;
}
