// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feeder.h"

#include <time.h>

#include <algorithm>

#include "usage.h"

namespace bench {
namespace {

constexpr int64_t kLead = 1'000'000'000;

void sleep_until(int64_t time_ns) {
  const timespec time{time_ns / 1'000'000'000, time_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

}  // namespace

int64_t monotonic_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int64_t InStep::slowest() const {
  int64_t time = INT64_MAX;
  for (const auto& reached : reached_) time = std::min(time, reached.load());
  return time;
}

void InStep::wait_for_others(std::size_t track, int64_t time_ns) {
  reached_[track] = time_ns;
  if (waiting_ > 0) {
    const std::lock_guard lock(mutex_);
    moved_.notify_all();
  }
  if (time_ns - kLead <= slowest()) return;
  std::unique_lock lock(mutex_);
  ++waiting_;
  // Half of the lead is made up before it goes on: it need not be woken for each sample.
  moved_.wait(lock, [&] { return time_ns - kLead / 2 <= slowest(); });
  --waiting_;
}

void InStep::leave(std::size_t track) {
  const std::lock_guard lock(mutex_);
  reached_[track] = INT64_MAX;
  moved_.notify_all();
}

Feeder::Feeder(const TrackMedia& media, GstPad* pad, const Pace& pace, InStep& in_step,
               std::size_t track)
    : media_(media), pace_(pace), in_step_(in_step), track_(track) {
  source_.reset(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SRC))));
  gst_pad_set_active(source_.get(), TRUE);
  gst_pad_link(source_.get(), pad);
  const int64_t samples = media_.samples_in(pace_.seconds);
  if (pace_.live)
    holds_.reserve(static_cast<std::size_t>(samples));
  else
    for (int64_t i = 0; i < samples; ++i)
      made_.push_back(media_.make(i, TrackMedia::Memory::kShared));
}

Feeder::~Feeder() {
  join();
  gst_pad_set_active(source_.get(), FALSE);
}

void Feeder::start() {
  thread_ = std::thread([this] { run(); });
}

void Feeder::join() {
  if (thread_.joinable()) thread_.join();
}

void Feeder::push_start() {
  const std::string stream = "benchmark/" + std::to_string(track_);
  GstEvent* start = gst_event_new_stream_start(stream.c_str());
  gst_event_set_group_id(start, 1);
  gst_pad_push_event(source_.get(), start);
  gst_pad_push_event(source_.get(), gst_event_new_caps(const_cast<GstCaps*>(media_.caps())));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(source_.get(), gst_event_new_segment(&segment));
}

void Feeder::run() {
  push_start();
  const int64_t samples = media_.samples_in(pace_.seconds);
  for (int64_t i = 0; i < samples && all_taken_; ++i) push(i);
  in_step_.leave(track_);
  gst_pad_push_event(source_.get(), gst_event_new_eos());
}

void Feeder::push(int64_t sample) {
  ++samples_;
  bytes_ += media_.bytes(sample);
  if (pace_.live) {
    sleep_until(pace_.begin_ns + media_.time_ns(sample));
    push_timed(media_.make(sample, TrackMedia::Memory::kOwn));
    return;
  }
  in_step_.wait_for_others(track_, media_.time_ns(sample));
  all_taken_ = gst_pad_push(source_.get(), made_[static_cast<std::size_t>(sample)]) == GST_FLOW_OK;
}

void Feeder::push_timed(GstBuffer* buffer) {
  const int64_t waits = waits_of_this_thread();
  const int64_t begin = monotonic_ns();
  all_taken_ = gst_pad_push(source_.get(), buffer) == GST_FLOW_OK;
  const int64_t end = monotonic_ns();
  holds_.push_back({static_cast<double>(end - begin) * 1e-9, waits_of_this_thread() != waits});
}

}  // namespace bench
