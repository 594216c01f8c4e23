// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of buffers that are odd: too large, empty, damaged, in pieces, in memory that cannot be
// read or must not be kept. Each has its policy: copied, counted, or the end of its track alone.
#include <algorithm>

#include "bus_expectations.h"
#include "odd_memory.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

using bench::Bench;
using bench::Bytes;
using bench::Claims;
using bench::expect_only;
using bench::Feed;
using bench::Kind;
using bench::Owned;
using bench::Picture;
using bench::stream_error;
using bench::stream_warning;

namespace {

constexpr gsize kLargest = gsize{64} << 20;

// A good track and an odd one, both playing.
struct Desk {
  explicit Desk(Kind odd_kind = Kind::kAudio)
      : good(bench.add(odd_kind == Kind::kVideo ? Kind::kAudio : Kind::kVideo)),
        odd(bench.add(odd_kind)) {
    bench.play();
    good.start();
    odd.start();
    good.push_many(30);
    odd.push_many(10);
  }

  // The feed's next sample, by way of a buffer made from its bytes.
  template <typename Make>
  GstFlowReturn push_made(Make make) {
    const bool video = odd.kind() == Kind::kVideo;
    const Bytes bytes = video ? bench::access_unit(++seed_, Picture::kOther, 300)
                              : bench::audio_frame(++seed_, 300);
    Owned<GstBuffer> buffer = make(bytes);
    GST_BUFFER_PTS(buffer.get()) = odd.position();
    odd.skip(video ? bench::kPictureDuration : 21'333'333);
    pushed.push_back(bytes);
    return odd.push_buffer(buffer.release());
  }

  boxes::Movie end() {
    good.push_many(30);
    good.eos();
    odd.eos();
    bench.expect_eos();
    boxes::Movie movie = bench.movie();
    const auto lines = bench::file_differences(bench.location(), movie, {&good});
    fail_unless(lines.empty() || (lines.size() == 1 && movie.tracks.size() == 2), "%s",
                lines.empty() ? "" : lines[0].c_str());
    return movie;
  }

  // The odd track's samples after its first ten.
  std::vector<Bytes> odd_samples(const boxes::Movie& movie) {
    const boxes::Track* track = track_of(bench.location(), movie, odd);
    fail_unless(track != nullptr);
    std::vector<Bytes> samples;
    for (size_t i = 10; i < track->samples.size(); ++i)
      samples.push_back(boxes::read_sample(bench.location(), track->samples[i]));
    return samples;
  }

  std::string odd_name() const {
    const Owned<gchar> name(gst_object_get_name(GST_OBJECT(odd.pad())));
    return name.get();
  }

  Bench bench;
  Feed& good;
  Feed& odd;
  std::vector<Bytes> pushed;

 private:
  uint64_t seed_ = 77'000'000;
};

Owned<GstBuffer> buffer_of_size(gsize size) {
  Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, size, nullptr));
  gst_buffer_memset(buffer.get(), 0, 0, size);
  return buffer;
}

// Four buffers and no more, as a hardware encoder has.
class SmallPool {
 public:
  SmallPool() : pool_(gst_buffer_pool_new()) {
    GstStructure* config = gst_buffer_pool_get_config(pool_);
    gst_buffer_pool_config_set_params(config, nullptr, 4096, 4, 4);
    fail_unless(gst_buffer_pool_set_config(pool_, config));
    fail_unless(gst_buffer_pool_set_active(pool_, TRUE));
  }
  ~SmallPool() {
    gst_buffer_pool_set_active(pool_, FALSE);
    gst_object_unref(pool_);
  }

  // Fails the test where the encoder would have to wait.
  Owned<GstBuffer> take(const Bytes& bytes) {
    GstBufferPoolAcquireParams params{};
    params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
    GstBuffer* buffer = nullptr;
    fail_unless_equals_int(gst_buffer_pool_acquire_buffer(pool_, &buffer, &params), GST_FLOW_OK);
    gst_buffer_set_size(buffer, 4096);
    gst_buffer_fill(buffer, 0, bytes.data(), bytes.size());
    gst_buffer_set_size(buffer, gssize(bytes.size()));
    return Owned<GstBuffer>(buffer);
  }

 private:
  GstBufferPool* pool_;
};

// A buffer with the same memory that keeps the other one from its pool.
Owned<GstBuffer> part_of(Owned<GstBuffer> parent) {
  Owned<GstBuffer> part(gst_buffer_copy_region(parent.get(), GST_BUFFER_COPY_MEMORY, 0, gsize(-1)));
  gst_buffer_add_parent_buffer_meta(part.get(), parent.get());
  return part;
}

}  // namespace

GST_START_TEST(a_sample_over_64_mib_ends_the_track_alone) {
  Desk desk;
  fail_unless_equals_int(desk.odd.push_buffer(buffer_of_size(kLargest + 1).release()), GST_FLOW_OK);
  expect_only(desk.bench, stream_warning({desk.odd_name(), "64 MiB"}));
  fail_unless_equals_int(desk.odd.push({.recorded = false}), GST_FLOW_OK);
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "dropped-after-end"), 1);
  const boxes::Movie movie = desk.end();
  fail_unless(desk.odd_samples(movie).empty());
}
GST_END_TEST;

GST_START_TEST(a_sample_over_64_mib_of_the_only_track_is_an_error_and_ends_the_file) {
  Bench bench;
  Feed& video = bench.add_video();
  bench.play();
  video.start();
  video.push_many(30);
  fail_unless_equals_int(video.push_buffer(buffer_of_size(kLargest + 1).release()), GST_FLOW_ERROR);
  expect_only(bench, stream_error({"sink_0", "64 MiB"}));
  bench.expect_finished();
  bench.stop();
  bench.expect_file(video);
}
GST_END_TEST;

GST_START_TEST(a_sample_of_64_mib_is_recorded) {
  Desk desk;
  Owned<GstBuffer> buffer = buffer_of_size(kLargest);
  GST_BUFFER_PTS(buffer.get()) = desk.odd.position();
  fail_unless_equals_int(desk.odd.push_buffer(buffer.release()), GST_FLOW_OK);
  const auto samples = desk.odd_samples(desk.end());
  fail_unless_equals_uint64(samples.size(), 1);
  fail_unless_equals_uint64(samples[0].size(), kLargest);
  desk.bench.expect_quiet();
}
GST_END_TEST;

GST_START_TEST(empty_buffers_are_left_out_and_counted) {
  Desk desk(__i__ == 0 ? Kind::kAudio : Kind::kVideo);
  for (int i = 0; i < 3; ++i) {
    Owned<GstBuffer> buffer(gst_buffer_new());
    if (i == 1) buffer = buffer_of_size(0);
    GST_BUFFER_PTS(buffer.get()) = desk.odd.position();
    fail_unless_equals_int(desk.odd.push_buffer(buffer.release()), GST_FLOW_OK);
  }
  desk.odd.push_many(10);
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "dropped-empty"), 3);
  desk.end();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.good, &desk.odd});
}
GST_END_TEST;

GST_START_TEST(memory_that_cannot_be_read_ends_the_track_alone) {
  Desk desk(__i__ == 0 ? Kind::kAudio : Kind::kVideo);
  const Claims claims = __i__ == 2 ? Claims::kSystemMemory : Claims::kOtherMemory;
  const auto flow =
      desk.push_made([&](auto& bytes) { return bench::odd_buffer(bytes, claims, 0); });
  fail_unless_equals_int(flow, GST_FLOW_OK);
  expect_only(desk.bench, stream_warning({desk.odd_name(), "cannot be read"}));
  fail_unless_equals_int(desk.odd.push({.recorded = false}), GST_FLOW_OK);
  fail_unless(desk.odd_samples(desk.end()).empty());
}
GST_END_TEST;

// Found out only when it is written: the tables have it by then.
GST_START_TEST(memory_that_fails_later_becomes_zeros_and_is_counted) {
  Desk desk(__i__ == 0 ? Kind::kAudio : Kind::kVideo);
  const bool video = __i__ == 1;
  // Pictures are looked into when they come, for which they are mapped once.
  auto lies = [&](auto& bytes) {
    return bench::odd_buffer(bytes, Claims::kSystemMemory, video ? 1 : 0);
  };
  for (int i = 0; i < 3; ++i) fail_unless_equals_int(desk.push_made(lies), GST_FLOW_OK);
  const boxes::Movie movie = desk.end();
  expect_only(desk.bench, stream_warning({"zeros"}));
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "damaged"), 3);
  const auto samples = desk.odd_samples(movie);
  fail_unless_equals_uint64(samples.size(), 3);
  for (const Bytes& sample : samples) fail_unless(sample == Bytes(300, 0));
}
GST_END_TEST;

GST_START_TEST(memory_that_is_not_the_systems_is_copied_and_counted) {
  Desk desk(__i__ == 0 ? Kind::kAudio : Kind::kVideo);
  auto made = [](auto& bytes) {
    return bench::odd_buffer(bytes, Claims::kOtherMemory, bench::kAlwaysMaps);
  };
  for (int i = 0; i < 50; ++i) fail_unless_equals_int(desk.push_made(made), GST_FLOW_OK);
  const boxes::Movie movie = desk.end();
  fail_unless(desk.odd_samples(movie) == desk.pushed);
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "copied"), 50);
  fail_unless_equals_uint64(desk.bench.stat(desk.good, "copied"), 0);
  desk.bench.expect_quiet();
}
GST_END_TEST;

// A second of references would be more than the pool has.
GST_START_TEST(a_pool_of_four_buffers_never_runs_dry) {
  Desk desk(Kind::kVideo);
  SmallPool pool;
  auto made = [&](auto& bytes) {
    Owned<GstBuffer> buffer = pool.take(bytes);
    if (__i__ >= 1) buffer = part_of(std::move(buffer));
    if (__i__ >= 2) buffer = part_of(std::move(buffer));
    return buffer;
  };
  for (int i = 0; i < 60; ++i) fail_unless_equals_int(desk.push_made(made), GST_FLOW_OK);
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "copied"), 60);
  fail_unless(desk.odd_samples(desk.end()) == desk.pushed);
  desk.bench.expect_quiet();
}
GST_END_TEST;

GST_START_TEST(samples_in_many_pieces_are_whole) {
  Desk desk(Kind::kVideo);
  // 300 bytes in pieces: the NAL unit's length itself is in four, then pieces of 27 bytes.
  auto in_pieces = [](auto& bytes) {
    Owned<GstBuffer> buffer(gst_buffer_new());
    for (size_t begin = 0; begin < bytes.size();) {
      const size_t size = begin < 4 ? 1 : std::min<size_t>(bytes.size() - begin, 27);
      Owned<GstBuffer> piece = bench::to_buffer(std::span(bytes).subspan(begin, size));
      gst_buffer_append_memory(buffer.get(), gst_buffer_get_memory(piece.get(), 0));
      begin += size;
    }
    fail_unless_equals_int(gst_buffer_n_memory(buffer.get()), 15);
    return buffer;
  };
  for (int i = 0; i < 200; ++i) fail_unless_equals_int(desk.push_made(in_pieces), GST_FLOW_OK);
  fail_unless(desk.odd_samples(desk.end()) == desk.pushed);
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "copied"), 0);
}
GST_END_TEST;

GST_START_TEST(a_buffer_that_begins_within_its_memory_is_recorded_from_there) {
  Desk desk(Kind::kVideo);
  auto shifted = [](auto& bytes) {
    Bytes longer(100 + bytes.size() + 50, 0xee);
    std::copy(bytes.begin(), bytes.end(), longer.begin() + 100);
    Owned<GstBuffer> buffer = bench::to_buffer(longer);
    gst_buffer_resize(buffer.get(), 100, gssize(bytes.size()));
    return buffer;
  };
  for (int i = 0; i < 30; ++i) fail_unless_equals_int(desk.push_made(shifted), GST_FLOW_OK);
  fail_unless(desk.odd_samples(desk.end()) == desk.pushed);
}
GST_END_TEST;

GST_START_TEST(access_units_without_a_picture_are_left_out_and_counted) {
  const Bytes units[] = {
      {0x00},                                            // not even a length
      {0x00, 0x00, 0x00, 0x00},                          // a NAL unit of nothing
      {0xff, 0xff, 0xff, 0xff, 0x09, 0xf0},              // a delimiter longer than the buffer
      {0x00, 0x00, 0x00, 0x02, 0x09, 0xf0},              // a delimiter alone
      {0x7f, 0xff, 0xff, 0xff, 0x06, 0x05, 0xff, 0xff},  // an SEI message without end
      Bytes(64, 0x00),
      bench::with_lengths({{0x67, 0x42}, {0x68, 0xce}, {0x06, 0x05, 0x01, 0x00, 0x80}}),
  };
  Desk desk(Kind::kVideo);
  for (const Bytes& unit : units)
    fail_unless_equals_int(desk.odd.push_bytes(unit, {.recorded = false}), GST_FLOW_OK);
  desk.odd.push({.picture = Picture::kIdr});
  fail_unless_equals_uint64(desk.bench.stat(desk.odd, "dropped-no-slice"), std::size(units));
  desk.end();
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_WARNING), 1);
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ERROR), 0);
  desk.bench.expect_file({&desk.good, &desk.odd});
}
GST_END_TEST;

// What a decoder makes of it is the decoder's affair: a damaged picture is better than none.
GST_START_TEST(a_slice_longer_than_its_buffer_is_recorded_as_it_is) {
  Desk desk(Kind::kVideo);
  Bytes unit = bench::access_unit(1, Picture::kOther, 200);
  unit[2] = 0xff;
  fail_unless_equals_int(desk.odd.push_bytes(unit, {.picture = Picture::kOther}), GST_FLOW_OK);
  desk.odd.push_many(5);
  desk.end();
  desk.bench.expect_quiet();
  desk.bench.expect_file({&desk.good, &desk.odd});
}
GST_END_TEST;

GST_START_TEST(noise_instead_of_pictures_harms_nobody_else) {
  Desk desk(Kind::kVideo);
  for (uint64_t i = 0; i < 500; ++i) {
    const Owned<GstBuffer> noise = bench::to_buffer(bench::noise(i, 1 + i % 300));
    GST_BUFFER_PTS(noise.get()) = desk.odd.position();
    desk.odd.skip(bench::kPictureDuration);
    fail_unless_equals_int(desk.odd.push_buffer(gst_buffer_ref(noise.get())), GST_FLOW_OK);
  }
  desk.end();
  fail_unless_equals_int(desk.bench.log().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST;

static Suite* input_buffers_suite() {
  Suite* suite = suite_create("input_buffers");
  TCase* buffers = tcase_create("buffers");
  suite_add_tcase(suite, buffers);
  tcase_set_timeout(buffers, 120);
  tcase_add_test(buffers, a_sample_over_64_mib_ends_the_track_alone);
  tcase_add_test(buffers, a_sample_over_64_mib_of_the_only_track_is_an_error_and_ends_the_file);
  tcase_add_test(buffers, a_sample_of_64_mib_is_recorded);
  tcase_add_loop_test(buffers, empty_buffers_are_left_out_and_counted, 0, 2);
  tcase_add_loop_test(buffers, memory_that_cannot_be_read_ends_the_track_alone, 0, 3);
  tcase_add_loop_test(buffers, memory_that_fails_later_becomes_zeros_and_is_counted, 0, 2);
  tcase_add_loop_test(buffers, memory_that_is_not_the_systems_is_copied_and_counted, 0, 2);
  tcase_add_loop_test(buffers, a_pool_of_four_buffers_never_runs_dry, 0, 3);
  tcase_add_test(buffers, samples_in_many_pieces_are_whole);
  tcase_add_test(buffers, a_buffer_that_begins_within_its_memory_is_recorded_from_there);
  tcase_add_test(buffers, access_units_without_a_picture_are_left_out_and_counted);
  tcase_add_test(buffers, a_slice_longer_than_its_buffer_is_recorded_as_it_is);
  tcase_add_test(buffers, noise_instead_of_pictures_harms_nobody_else);
  return suite;
}

GST_CHECK_MAIN(input_buffers)
