// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A stop from anywhere: from inside the handler of a message, which runs on the thread that posted
// it, be that the recording's own, and from the application at the same time.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "element_bench.h"
#include "faulty_syscalls.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using bench::Bench;
using bench::Feed;
using faults::Call;
using faults::FaultySyscalls;

// ---- memory that cannot be mapped any more when the disk wants it ----

std::atomic<bool> mappable{true};

struct FadingAllocator {
  GstAllocator parent;
};
struct FadingAllocatorClass {
  GstAllocatorClass parent;
};
struct FadingMemory {
  GstMemory parent;
  bench::Bytes* bytes;
};
GType fading_allocator_get_type();
G_DEFINE_TYPE(FadingAllocator, fading_allocator, GST_TYPE_ALLOCATOR)

void free_memory(GstAllocator*, GstMemory* memory) {
  auto* fading = reinterpret_cast<FadingMemory*>(memory);
  delete fading->bytes;
  delete fading;
}

gpointer map_memory(GstMemory* memory, gsize, GstMapFlags) {
  return mappable ? reinterpret_cast<FadingMemory*>(memory)->bytes->data() : nullptr;
}

void fading_allocator_class_init(FadingAllocatorClass* klass) {
  GST_ALLOCATOR_CLASS(klass)->free = free_memory;
}

void fading_allocator_init(FadingAllocator* allocator) {
  // The name is believed: what is of the system is not copied.
  GST_ALLOCATOR(allocator)->mem_type = GST_ALLOCATOR_SYSMEM;
  GST_ALLOCATOR(allocator)->mem_map = map_memory;
  GST_ALLOCATOR(allocator)->mem_unmap = [](GstMemory*) {};
  GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstBuffer* fading_buffer() {
  static auto* allocator =
      GST_ALLOCATOR(gst_object_ref_sink(g_object_new(fading_allocator_get_type(), nullptr)));
  auto* fading = new FadingMemory{};
  fading->bytes = new bench::Bytes(bench::access_unit(1, bench::Picture::kIdr));
  gst_memory_init(GST_MEMORY_CAST(fading), GST_MEMORY_FLAG_NO_SHARE, allocator, nullptr,
                  fading->bytes->size(), 0, 0, fading->bytes->size());
  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, GST_MEMORY_CAST(fading));
  return buffer;
}

// A message and what makes it come while a recording of one video track goes on.
struct Occasion {
  const char* name;
  GstMessageType type;
  void (*provoke)(Bench& bench, Feed& video, FaultySyscalls& disk);
  bool file_is_whole;
};

void push(Feed& video) { video.push_many(60); }

void push_fading(Feed& video) {
  GstBuffer* buffer = fading_buffer();
  GST_BUFFER_PTS(buffer) = video.position();
  video.skip(bench::kPictureDuration);
  video.push_buffer(buffer);  // is looked into, and waits for its second to be full
  mappable = false;
}

const Occasion kOccasions[] = {
    {"trailingmp4sink-opened", GST_MESSAGE_ELEMENT,
     [](Bench&, Feed& video, FaultySyscalls&) { push(video); }, true},
    {"trailingmp4sink-finished", GST_MESSAGE_ELEMENT,
     [](Bench&, Feed& video, FaultySyscalls&) {
       push(video);
       video.eos();
     },
     true},
    {"", GST_MESSAGE_EOS,
     [](Bench&, Feed& video, FaultySyscalls&) {
       push(video);
       video.eos();
     },
     true},
    {"", GST_MESSAGE_WARNING,
     [](Bench&, Feed& video, FaultySyscalls&) {
       push(video);
       push_fading(video);
       push(video);
     },
     false},
    {"", GST_MESSAGE_ERROR,
     [](Bench&, Feed& video, FaultySyscalls& disk) {
       disk.fail_from(Call::kWrite, 2, EIO);
       push(video);
     },
     false},
};
constexpr int kOccasionCount = G_N_ELEMENTS(kOccasions);

// Playing; the handler sets the element to NULL as soon as the message comes.
struct Stopping : Bench {
  FaultySyscalls disk{folder().path()};
  Feed& video;
  const Occasion& occasion;
  std::atomic<bool> seen{false}, stopped{false};

  explicit Stopping(const Occasion& the_occasion) : video(add_video()), occasion(the_occasion) {
    log().on_message([this](GstMessage* message) {
      if (GST_MESSAGE_TYPE(message) != occasion.type) return;
      if (*occasion.name && !gst_message_has_name(message, occasion.name)) return;
      if (seen.exchange(true)) return;
      gst_element_set_state(element(), GST_STATE_NULL);
      stopped = true;
    });
    play();
    video.start();
  }

  void start_pushing() {
    video.start_thread([this] {
      occasion.provoke(*this, video, disk);
      // Until the stop: a deadline of a second closes what is open.
      while (!stopped) g_usleep(1000);
    });
  }

  void expect_end() {
    expect(occasion.type, occasion.name);
    if (occasion.file_is_whole)
      expect_file(video);
    else if (occasion.type == GST_MESSAGE_WARNING)
      movie();
    fail_unless_equals_int(log().count(occasion.type, occasion.name), 1);
  }
};

}  // namespace

GST_START_TEST(a_message_handler_may_stop_the_element) {
  Stopping bench(kOccasions[__i__]);
  bench.start_pushing();
  fail_unless(bench.video.join(), "the handler of %s %s did not come back",
              gst_message_type_get_name(bench.occasion.type), bench.occasion.name);
  bench.expect_end();
}
GST_END_TEST

GST_START_TEST(a_message_handler_and_the_application_may_stop_the_element_at_once) {
  Stopping bench(kOccasions[__i__]);
  bench.start_pushing();
  while (!bench.seen) g_usleep(100);
  bench.stop();
  fail_unless(bench.video.join());
  bench.expect_end();
}
GST_END_TEST

GST_START_TEST(the_application_stops_while_a_handler_of_the_same_thread_waits_for_the_stop) {
  Bench bench;
  Feed& video = bench.add_video();
  const pid_t application = gettid();
  std::atomic<bool> stopping{false};
  bench.log().on_message([&](GstMessage* message) {
    if (!gst_message_has_name(message, "trailingmp4sink-opened")) return;
    // It stops, and waits for the recording's end.
    while (!stopping || !threads::waits_on_condition(application)) g_usleep(100);
    gst_element_set_state(bench.element(), GST_STATE_NULL);
  });
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  stopping = true;
  bench.stop();
  bench.expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-opened");  // the handler has come back
  bench.expect_file(video);
}
GST_END_TEST

GST_START_TEST(a_handler_may_restart_the_element_with_another_location) {
  Bench bench;
  Feed& video = bench.add_video();
  const std::string after = bench.folder().file("after.mp4");
  std::atomic<bool> restarted{false};
  bench.log().on_message([&](GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_EOS) return;
    gst_element_set_state(bench.element(), GST_STATE_READY);
    g_object_set(bench.element(), "location", after.c_str(), nullptr);
    gst_element_set_state(bench.element(), GST_STATE_PLAYING);
    restarted = true;
  });
  bench.play();
  video.start();
  fail_unless_equals_int(video.push_many(30), GST_FLOW_OK);
  video.eos();
  bench.expect_eos();
  fail_unless(restarted.load());
  bench.expect_file(video);
  video.stream_start(2);
  video.segment();
  fail_unless_equals_int(video.push({.picture = bench::Picture::kIdr}), GST_FLOW_OK);
  bench.stop();
  const auto movie = boxes::read_movie(after);
  fail_unless(movie && movie->problems.empty());
  fail_unless_equals_int(movie->tracks[0].samples.size(), 1);
}
GST_END_TEST

GST_START_TEST(many_threads_may_change_the_state_at_once) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.start_thread([&] { video.push_many(2000); });
  std::thread others[3];
  for (std::thread& other : others)
    other = std::thread([&] {
      for (int i = 0; i < 50; ++i) {
        gst_element_set_state(bench.element(), GST_STATE_PAUSED);
        gst_element_set_state(bench.element(), GST_STATE_PLAYING);
      }
    });
  for (std::thread& other : others) other.join();
  bench.play();
  fail_unless(video.join());
  bench.stop();
  fail_unless_equals_int(video.expected().size(), 2000);
  bench.expect_file(video);
}
GST_END_TEST

static Suite* test_contract_stop_suite(void) {
  Suite* suite = suite_create("contract_stop");
  TCase* tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_loop_test(tests, a_message_handler_may_stop_the_element, 0, kOccasionCount);
  tcase_add_loop_test(tests, a_message_handler_and_the_application_may_stop_the_element_at_once, 0,
                      kOccasionCount);
  tcase_add_test(tests,
                 the_application_stops_while_a_handler_of_the_same_thread_waits_for_the_stop);
  tcase_add_test(tests, a_handler_may_restart_the_element_with_another_location);
  tcase_add_test(tests, many_threads_may_change_the_state_at_once);
  return suite;
}

GST_CHECK_MAIN(test_contract_stop)
