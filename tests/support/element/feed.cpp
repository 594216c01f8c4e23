// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feed.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "thread_states.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr uint64_t kPicturesPerIdr = 25;

template <typename Condition>
bool becomes_true(std::chrono::milliseconds patience, Condition condition) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

GstClockTime sample_time(Kind kind, uint64_t number) {
  if (kind == Kind::kVideo) return number * kPictureDuration;
  return gst_util_uint64_scale_round(number * kFrameTicks, GST_SECOND, kRate);
}

uint64_t next_seed() {
  static std::atomic<uint64_t> feeds{0};
  return ++feeds << 32;
}

}  // namespace

Feed::Feed(GstElement* element, Kind kind, const char* pad_name)
    : element_(GST_ELEMENT(gst_object_ref(element))), kind_(kind), seed_(next_seed()) {
  source_.reset(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SRC))));
  gst_pad_set_active(source(), TRUE);
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  sink_.reset(gst_element_request_pad_simple(element, pad_name));
  if (!sink_) {
    std::fprintf(stderr, "the element gives no pad for %s\n", pad_name);
    std::abort();
  }
  link();
}

Feed::~Feed() {
  if (thread_.joinable()) thread_.join();
  unlink();
  release();
  gst_pad_set_active(source(), FALSE);
}

void Feed::link() {
  if (gst_pad_link(source(), pad()) == GST_PAD_LINK_OK) return;
  std::fprintf(stderr, "the pads cannot be linked\n");
  std::abort();
}

void Feed::unlink() { gst_pad_unlink(source(), pad()); }

void Feed::release() {
  if (!released_.exchange(true)) gst_element_release_request_pad(element_.get(), pad());
}

bool Feed::take_away() {
  return !released_.exchange(true) && gst_element_remove_pad(element_.get(), pad());
}

// ---- events ----

bool Feed::stream_start(guint group) {
  const std::string id = "feed/" + std::to_string(seed_ >> 32) + "/" + std::to_string(stream_);
  GstEvent* start = gst_event_new_stream_start(id.c_str());
  gst_event_set_group_id(start, group);
  return event(start);
}

bool Feed::caps() { return caps((kind_ == Kind::kVideo ? video_caps() : audio_caps()).get()); }

bool Feed::caps(const GstCaps* caps) {
  return event(gst_event_new_caps(const_cast<GstCaps*>(caps)));
}

bool Feed::segment(GstClockTime start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.base = base;
  return this->segment(segment);
}

bool Feed::segment(const GstSegment& segment) {
  segment_ = segment;
  return event(gst_event_new_segment(&segment));
}

void Feed::start(guint group) {
  stream_start(group);
  caps();
  segment();
}

bool Feed::gap(GstClockTime pts, GstClockTime duration) {
  return event(gst_event_new_gap(pts, duration));
}

bool Feed::eos(guint32 seqnum) {
  GstEvent* eos = gst_event_new_eos();
  if (seqnum != GST_SEQNUM_INVALID) gst_event_set_seqnum(eos, seqnum);
  return event(eos);
}

bool Feed::flush_start() { return event(gst_event_new_flush_start()); }

bool Feed::flush_stop(bool reset_time) { return event(gst_event_new_flush_stop(reset_time)); }

// ---- buffers ----

GstClockTime Feed::position() const { return base_ + sample_time(kind_, since_base_); }

void Feed::seek(GstClockTime position) {
  base_ = position;
  since_base_ = 0;
}

int64_t Feed::running_time(GstClockTime time) const {
  guint64 value = 0;
  const int sign = gst_segment_to_running_time_full(&segment_, GST_FORMAT_TIME, time, &value);
  return sign < 0 ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
}

Feed::Made Feed::make(const Push& push, const Bytes* bytes) {
  const bool video = kind_ == Kind::kVideo;
  const Picture regular = pushed_ % kPicturesPerIdr == 0 ? Picture::kIdr : Picture::kOther;
  const Picture picture = push.picture.value_or(regular);
  const uint64_t seed = seed_ + pushed_;
  const size_t size = push.size ? push.size : 150 + pushed_ % 97;
  const GstClockTime pts = push.pts.value_or(position());
  const GstClockTime length = sample_time(kind_, since_base_ + 1) - sample_time(kind_, since_base_);

  Made made;
  made.expected.bytes = bytes   ? *bytes
                        : video ? access_unit(seed, picture, size)
                                : audio_frame(seed, size);
  made.expected.sync = !video || picture == Picture::kIdr;
  if (GST_CLOCK_TIME_IS_VALID(pts)) made.expected.pts_ns = running_time(pts) + shift_ns_;
  made.buffer = to_buffer(made.expected.bytes);
  GST_BUFFER_PTS(made.buffer.get()) = pts;
  GST_BUFFER_DTS(made.buffer.get()) = push.dts;
  GST_BUFFER_DURATION(made.buffer.get()) = push.duration.value_or(length);
  GST_BUFFER_FLAG_SET(made.buffer.get(), push.flags);
  if (!made.expected.sync) GST_BUFFER_FLAG_SET(made.buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  ++pushed_;
  ++since_base_;
  return made;
}

GstFlowReturn Feed::push(const Push& push) {
  Made made = make(push, nullptr);
  const GstFlowReturn flow = gst_pad_push(source(), made.buffer.release());
  if (flow == GST_FLOW_OK && push.recorded) expected_.push_back(std::move(made.expected));
  return flow;
}

GstFlowReturn Feed::push_bytes(const Bytes& bytes, const Push& push) {
  Made made = make(push, &bytes);
  const GstFlowReturn flow = gst_pad_push(source(), made.buffer.release());
  if (flow == GST_FLOW_OK && push.recorded) expected_.push_back(std::move(made.expected));
  return flow;
}

GstFlowReturn Feed::push_many(int count) {
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < count && flow == GST_FLOW_OK; ++i) flow = push();
  return flow;
}

GstFlowReturn Feed::push_list(int count) {
  GstBufferList* list = gst_buffer_list_new();
  std::vector<Expected> expected;
  for (int i = 0; i < count; ++i) {
    Made made = make({}, nullptr);
    gst_buffer_list_add(list, made.buffer.release());
    expected.push_back(std::move(made.expected));
  }
  const GstFlowReturn flow = gst_pad_push_list(source(), list);
  if (flow == GST_FLOW_OK)
    for (Expected& sample : expected) expected_.push_back(std::move(sample));
  return flow;
}

GstFlowReturn Feed::push_buffer(GstBuffer* buffer) { return gst_pad_push(source(), buffer); }

// ---- a thread of its own ----

void Feed::start_thread(std::function<void()> work) {
  done_ = false;
  thread_id_ = 0;
  thread_ = std::thread([this, work = std::move(work)] {
    thread_id_ = gettid();
    work();
    done_ = true;
  });
}

bool Feed::is_waiting() {
  bool waits = false;
  becomes_true(kPatience,
               [&] { return done_ || (waits = threads::waits_on_condition(thread_id_)); });
  return waits;
}

bool Feed::join() {
  if (!becomes_true(kPatience, [this] { return done_.load(); })) return false;
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace bench
