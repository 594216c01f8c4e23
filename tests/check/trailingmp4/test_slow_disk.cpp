// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A live source whose disk stalls for seconds, again and again: it goes on as if there were no
// disk. The measure is a sink that throws everything away, fed at the same pace by threads of the
// same kind in the same run, so that a busy machine delays both.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "element_bench.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

// Takes every buffer and gives it back at once.
struct NullSink {
  GstElement element;
};
struct NullSinkClass {
  GstElementClass parent_class;
};

G_DEFINE_TYPE(NullSink, null_sink, GST_TYPE_ELEMENT)

static GstFlowReturn null_sink_chain(GstPad*, GstObject*, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

static GstPad* null_sink_request_pad(GstElement* element, GstPadTemplate* pad_template,
                                     const char* name, const GstCaps*) {
  GstPad* pad = gst_pad_new_from_template(pad_template, name);
  gst_pad_set_chain_function(pad, null_sink_chain);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}

static void null_sink_release_pad(GstElement* element, GstPad* pad) {
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
}

static void null_sink_class_init(NullSinkClass* type) {
  type->parent_class.request_new_pad = null_sink_request_pad;
  type->parent_class.release_pad = null_sink_release_pad;
  static GstStaticPadTemplate any =
      GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
  gst_element_class_add_static_pad_template(&type->parent_class, &any);
}

static void null_sink_init(NullSink*) {}

namespace {

using bench::Bench;
using bench::Feed;
using bench::Kind;
using bench::Owned;
using faults::Call;
using faults::FaultySyscalls;
using Clock = std::chrono::steady_clock;

constexpr size_t kPictureBytes = 20'000;
constexpr GstClockTime kFragment = 100 * GST_MSECOND;
constexpr GstClockTime kStall = 2 * GST_SECOND;
constexpr int kStalls = 3;

bool fragments_are_on() { return g_getenv("TEST_WITHOUT_FRAGMENTS") == nullptr; }

template <typename Condition>
bool becomes_true(Condition condition) {
  constexpr std::chrono::seconds kPatience{30};
  for (const auto until = Clock::now() + kPatience; Clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

long sleeps_of_this_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// A thread that pushes at the pace of its samples' times.
class LiveSource {
 public:
  LiveSource(Feed& feed, Clock::time_point begin) : feed_(feed), begin_(begin) {
    feed_.start_thread([this] { run(); });
  }
  ~LiveSource() { stop(); }
  LiveSource(const LiveSource&) = delete;
  LiveSource& operator=(const LiveSource&) = delete;

  /// False: it hangs, or something was not taken.
  bool stop() {
    stopped_ = true;
    return feed_.join() && flow_ == GST_FLOW_OK;
  }
  GstClockTime position() const { return position_; }  ///< up to which everything is pushed
  int pushed() const { return pushed_; }
  int slept() const { return slept_; }  ///< pushes in which the thread went to sleep by itself

 private:
  void run() {
    const bench::Push push{.size = feed_.kind() == Kind::kVideo ? kPictureBytes : 0};
    while (!stopped_ && flow_ == GST_FLOW_OK) {
      std::this_thread::sleep_until(begin_ + std::chrono::nanoseconds(feed_.position()));
      const long before = sleeps_of_this_thread();
      flow_ = feed_.push(push);
      if (sleeps_of_this_thread() != before) ++slept_;
      ++pushed_;
      position_ = feed_.position();
    }
  }

  Feed& feed_;
  Clock::time_point begin_;
  std::atomic<bool> stopped_{false};
  std::atomic<GstFlowReturn> flow_{GST_FLOW_OK};
  std::atomic<GstClockTime> position_{0};
  std::atomic<int> pushed_{0}, slept_{0};
};

// Picture and sound for one sink.
struct LiveSources {
  LiveSource video, audio;

  LiveSources(Feed& pictures, Feed& sound, Clock::time_point begin)
      : video(pictures, begin), audio(sound, begin) {}
  GstClockTime position() const { return std::min(video.position(), audio.position()); }
  int pushed() const { return video.pushed() + audio.pushed(); }
  int slept() const { return video.slept() + audio.slept(); }
};

// A recording and a null sink, to which everything goes alike.
struct Live : Bench {
  FaultySyscalls disk{folder().path()};
  Feed& video;
  Feed& audio;
  Owned<GstElement> null{
      GST_ELEMENT(gst_object_ref_sink(g_object_new(null_sink_get_type(), nullptr)))};
  Feed null_video{null.get(), Kind::kVideo, "sink_%u"};
  Feed null_audio{null.get(), Kind::kAudio, "sink_%u"};
  std::optional<LiveSources> recorded, thrown_away;
  int pushed = 0, slept = 0, slept_without_disk = 0;  // while the disk stood still

  Live();
  ~Live() { disk.release(); }

  void stall(Call call);
  void stop_sources();
};

Live::Live() : video(add_video()), audio(add_audio()) {
  if (fragments_are_on()) g_object_set(element(), "fragment-duration", guint64{kFragment}, nullptr);
  play();
  for (Feed* feed : {&video, &audio, &null_video, &null_audio}) feed->start();
  const auto begin = Clock::now();
  recorded.emplace(video, audio, begin);
  thrown_away.emplace(null_video, null_audio, begin);
}

// The disk stands still at its next call of that kind, for two seconds of what the null sink is
// given, and until the recorder has been given as much. If that had to wait for the disk, it would
// never be.
void Live::stall(Call call) {
  disk.block(call, disk.count(call) + 1);
  fail_unless(disk.wait_until_blocked());
  const int pushed_before = recorded->pushed();
  const int slept_before = recorded->slept(), other_before = thrown_away->slept();
  const GstClockTime end = thrown_away->position() + kStall;
  fail_unless(becomes_true([&] { return thrown_away->position() >= end; }));
  fail_unless(becomes_true([&] { return recorded->position() >= end; }),
              "the disk stands still, and so does the source");
  fail_unless(stat("queue-bytes") > 40 * kPictureBytes, "the disk does not stand still");
  pushed += recorded->pushed() - pushed_before;
  slept += recorded->slept() - slept_before;
  slept_without_disk += thrown_away->slept() - other_before;
  disk.release();
  fail_unless(becomes_true([&] { return stat("queue-bytes") < 30 * kPictureBytes; }));
}

void Live::stop_sources() {
  for (LiveSource* source :
       {&recorded->video, &recorded->audio, &thrown_away->video, &thrown_away->audio})
    fail_unless(source->stop());
}

// How many fragments were published after each sync: an aligned word each.
std::vector<int> published_by_sync(const std::vector<faults::Traced>& trace) {
  std::vector<int> published{0};
  for (const faults::Traced& traced : trace) {
    if (traced.call == Call::kDataSync) published.push_back(0);
    if (traced.call == Call::kWrite && traced.bytes == 8) ++published.back();
  }
  return published;
}

const Call kCalls[] = {Call::kWrite, Call::kDataSync};

}  // namespace

GST_START_TEST(a_disk_that_stalls_delays_a_live_source_no_more_than_none_does) {
  Live live;
  for (int i = 0; i < kStalls; ++i) live.stall(kCalls[__i__]);
  live.stop_sources();
  // Whoever holds the recording's lock, or one of the allocator, makes others wait for as long as
  // it has no processor: 8 of 100 pushes did on a busy machine. Whoever waited for the disk would
  // each time, and would not have got through a stall.
  fail_unless(live.slept <= live.slept_without_disk + live.pushed / 4,
              "%d of %d pushes waited, and %d into the null sink", live.slept, live.pushed,
              live.slept_without_disk);
  live.stop();
  live.expect_quiet();
  live.expect_file({&live.video, &live.audio});
  if (!fragments_are_on()) return;
  // What waited in the queue shared a sync.
  const std::vector<int> published = published_by_sync(live.disk.trace());
  const auto shared = std::count_if(published.begin(), published.end(),
                                    [](int fragments) { return fragments >= 10; });
  fail_unless(shared == kStalls, "%d syncs for many fragments", static_cast<int>(shared));
}
GST_END_TEST

static Suite* test_slow_disk_suite(void) {
  Suite* suite = suite_create("slow_disk");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  // Without fragments nothing is synced before the end.
  tcase_add_loop_test(tests, a_disk_that_stalls_delays_a_live_source_no_more_than_none_does, 0,
                      fragments_are_on() ? 2 : 1);
  return suite;
}

GST_CHECK_MAIN(test_slow_disk)
