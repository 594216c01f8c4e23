// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Feed: one input of the element under test, with a source pad of the test's own before it. It
// pushes synthetic media, remembers what was taken and so knows what the file must hold.
//
// A feed is used by one thread at a time: the test's, or between start_thread() and join() its own.
// Flush and release come from other threads by nature and may always be called.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "gst_owners.h"
#include "synthetic_media.h"

namespace bench {

enum class Kind { kVideo, kAudio };

// What a sample of the file must be.
struct Expected {
  Bytes bytes;
  int64_t pts_ns = 0;  // running time, plus what expect_shift() said
  bool sync = false;
};

// One buffer. What is not set follows from the feed's own clock: pictures 40 ms apart with an IDR
// every 25th, audio frames of 1024 samples.
struct Push {
  std::optional<GstClockTime> pts;  // GST_CLOCK_TIME_NONE: the buffer has none
  GstClockTime dts = GST_CLOCK_TIME_NONE;
  std::optional<GstClockTime> duration;
  std::optional<Picture> picture;
  size_t size = 0;  // 0: a size of its own
  GstBufferFlags flags{};
  bool recorded = true;  // false: it must not be in the file, though it is taken
};

class Feed {
 public:
  // Requests a pad (a template's name or a pad's) and links to it.
  Feed(GstElement* element, Kind kind, const char* pad_name);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  GstPad* pad() const { return sink_.get(); }       // the element's
  GstPad* source() const { return source_.get(); }  // ours
  Kind kind() const { return kind_; }

  // ---- events: what gst_pad_push_event() says. Sticky ones are delivered with the next buffer or
  // event if the element is not active yet.
  bool stream_start(guint group = 1);
  void change_stream() { ++stream_; }  // the next STREAM_START is that of another one
  bool caps();
  bool caps(const GstCaps* caps);
  bool segment(GstClockTime start = 0, GstClockTime base = 0);
  bool segment(const GstSegment& segment);
  void start(guint group = 1);  // all three
  bool gap(GstClockTime pts, GstClockTime duration);
  bool eos(guint32 seqnum = GST_SEQNUM_INVALID);
  bool flush_start();
  bool flush_stop(bool reset_time = true);  // and forgets the segment, as pads do
  bool event(GstEvent* event) { return gst_pad_push_event(source(), event); }

  // ---- buffers
  GstFlowReturn push(const Push& push = {});
  GstFlowReturn push_many(int count);  // until one is not taken
  GstFlowReturn push_list(int count);  // as one buffer list
  GstFlowReturn push_bytes(const Bytes& bytes, const Push& push = {});
  GstFlowReturn push_buffer(GstBuffer* buffer);  // as it is; nothing is expected in the file

  // The feed's clock: PTS of what it pushes next, and a way to move it.
  GstClockTime position() const;
  void seek(GstClockTime position);
  void skip(GstClockTime duration) { seek(position() + duration); }

  // ---- a thread of its own
  void start_thread(std::function<void()> work);
  // The thread has come to wait on a condition variable: the element holds it. False: its work is
  // done, or never rests.
  bool is_waiting();
  // False: it did not come back in time. It is left alone then; better fail the test.
  bool join();

  // ---- what the file must hold
  const std::vector<Expected>& expected() const { return expected_; }
  // From here on the file's times are later by so much than running time.
  void expect_shift(int64_t ns) { shift_ns_ = ns; }
  void expect_nothing() { expected_.clear(); }
  void forget_last() { expected_.pop_back(); }  // it was taken but dropped
  // Of the next sample, in running time.
  int64_t running_time(GstClockTime time) const;

  void unlink();
  void link();       // again
  void release();    // the pad; what was pushed is still expected
  bool take_away();  // the pad, without releasing it

 private:
  struct Made {
    Owned<GstBuffer> buffer;
    Expected expected;
  };
  Made make(const Push& push, const Bytes* bytes);

  Owned<GstElement> element_;
  Kind kind_;
  uint64_t seed_;
  unsigned stream_ = 1;
  Owned<GstPad> source_;
  Owned<GstPad> sink_;
  GstSegment segment_;
  GstClockTime base_ = 0;    // the feed's clock: where it was set,
  uint64_t since_base_ = 0;  // and how many samples ago
  uint64_t pushed_ = 0;
  int64_t shift_ns_ = 0;
  std::vector<Expected> expected_;
  std::thread thread_;
  std::atomic<pid_t> thread_id_{0};
  std::atomic<bool> done_{true};
  std::atomic<bool> released_{false};
};

}  // namespace bench
