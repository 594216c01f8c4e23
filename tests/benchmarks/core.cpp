// SPDX-License-Identifier: LGPL-2.1-or-later
//
// core --hours N [--samples N] [--b-frames] [--moov-to PATH]
//
// The core alone, into a file that takes everything and keeps nothing: what its tables take in
// memory hour by hour, what an appended sample costs, and what the ending takes. A line of JSON.
// --b-frames: pictures alone, four of which are reordered; else pictures and AAC, with jitter.
// --moov-to: the ending is really written, and as much is written once more to compare with.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "recording/recording.h"
#include "usage.h"

namespace bench {
namespace {

using namespace mp4::literals;
using mp4::Ticks;

// What is behind `base_` of it goes to a real file, once there is one.
class NoFile final : public mp4::OutputFile {
 public:
  explicit NoFile(std::atomic<int>& real) : real_(real) {}
  mp4::Status create() override { return {}; }
  mp4::Status reserve(uint64_t, uint64_t) override { return {}; }
  mp4::Status write(uint64_t offset, std::span<const iovec> pieces) override {
    uint64_t bytes = 0;
    for (const iovec& piece : pieces) {
      if (real_ >= 0 && offset + bytes >= size_ &&
          pwrite(real_, piece.iov_base, piece.iov_len, static_cast<off_t>(written_)) !=
              static_cast<ssize_t>(piece.iov_len))
        return {mp4::StatusCode::kWrite, "", 0};
      if (real_ >= 0) written_ += piece.iov_len;
      bytes += piece.iov_len;
    }
    size_ = std::max(size_, offset + bytes);
    return {};
  }
  mp4::Status truncate(uint64_t) override { return {}; }
  mp4::Status sync() override {
    if (real_ >= 0) fdatasync(real_);
    return {};
  }
  mp4::Status sync_with_name() override { return {}; }
  mp4::Status take_name() override { return {}; }
  mp4::Status size(uint64_t& bytes) override {
    bytes = size_;
    return {};
  }
  mp4::Status close() override { return {}; }

 private:
  std::atomic<int>& real_;
  uint64_t size_ = 0, written_ = 0;
};

class Nobody final : public mp4::Recording::Listener {
  void opened(const mp4::Recording::Summary&) override {}
  void track_damaged(mp4::TrackIndex) override {}
  void track_left_out(mp4::TrackIndex) override {}
  void track_grew_long(mp4::TrackIndex) override {}
  void had_to_end(const mp4::Status&) override {}
  void finished(const mp4::Recording::Summary&, const mp4::Status&) override {}
  void failed(const mp4::Status& status) override {
    std::fprintf(stderr, "%s\n", status.text().c_str());
  }
};

// All samples have the same bytes, or as many of them as they are large.
std::vector<uint8_t> bytes_of_all(1 << 20);
const mp4::Payload::Functions kFunctions{[](void*) -> std::size_t { return 1; },
                                         [](void* owner, std::size_t, mp4::MappedPiece& mapped) {
                                           mapped.data = bytes_of_all.data();
                                           mapped.size = reinterpret_cast<std::uintptr_t>(owner);
                                           return true;
                                         },
                                         [](mp4::MappedPiece&) {}, [](void*) {}};

mp4::Payload payload(uint32_t size) {
  return {kFunctions, reinterpret_cast<void*>(std::uintptr_t{size}), size};
}

class Camera {
 public:
  Camera(mp4::Recording& recording, bool b_frames) : recording_(recording), b_frames_(b_frames) {
    mp4::TrackConfig video;
    video.format = "avc1"_4cc;
    video.timescale = mp4::kVideoTimescale;
    video.codec_config = {1, 66, 192, 13, 255, 225, 0, 0, 0};
    video.video.width = 1920, video.video.height = 1080;
    video_ = recording.add_track(video);
    if (b_frames) return;
    mp4::TrackConfig audio;
    audio.kind = mp4::TrackKind::kAudio;
    audio.format = "mp4a"_4cc;
    audio.object_type = mp4::kObjectTypeMpeg4Audio;
    audio.timescale = {48'000};
    audio.codec_config = {0x11, 0x90};
    audio.audio = {.channels = 2, .rate = 48'000, .frame_ticks = 1'024};
    audio_ = recording.add_track(audio);
  }

  // The tracks' next second, sample by sample as they come. Returns how many.
  uint32_t push_second() {
    const uint32_t before = samples_;
    const Ticks end = (pictures_ / 30 + 1) * 30;
    while (pictures_ < end) {
      while (!b_frames_ && frames_ * 90'000 * 1'024 / 48'000 < pictures_ * 3'000) push_frame();
      push_picture();
    }
    return samples_ - before;
  }
  uint64_t push_samples(uint64_t count) {
    uint64_t done = 0;
    while (done < count) done += push_second();
    return done;
  }

 private:
  Ticks jitter(Ticks most) { return static_cast<Ticks>(random_() >> 8) % (2 * most + 1) - most; }

  void push_picture() {
    constexpr Ticks kOrder[] = {3, 1, 2, 4};  // of four pictures, when each is shown
    const bool sync = pictures_ % 60 == 0;
    const Ticks dts = pictures_ * 3'000 + 540 + jitter(270);
    Ticks pts = dts;
    if (b_frames_)
      pts = (pictures_ / 4 * 4 + kOrder[pictures_ % 4]) * 3'000 + 540 + jitter(270) + 3'000;
    push(video_, {dts, std::max(pts, dts), 3'000}, sync ? 667'339 : 2'000 + random_() % 6'000,
         sync);
    ++pictures_;
  }
  void push_frame() {
    push(audio_, {frames_ * 1'024, frames_ * 1'024, 1'024}, 300 + random_() % 100, true);
    ++frames_;
  }
  void push(mp4::TrackIndex track, const mp4::SampleTimes& times, std::size_t size, bool sync) {
    if (!recording_.has_room()) recording_.wait_for_room([] { return false; });
    recording_.append(track, {times, {.sync = sync}, 0, payload(static_cast<uint32_t>(size))});
    ++samples_;
  }

  mp4::Recording& recording_;
  const bool b_frames_;
  mp4::TrackIndex video_ = 0, audio_ = 0;
  Ticks pictures_ = 0, frames_ = 0;
  uint32_t samples_ = 0;
  std::minstd_rand random_{5};
};

// Writing and syncing as many bytes, as dd does it.
Usage write_as_much(const std::string& path, uint64_t bytes) {
  const std::string other = path + ".dd";
  const int file = open(other.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const Usage begin = usage();
  for (uint64_t done = 0; done < bytes; done += bytes_of_all.size())
    if (pwrite(file, bytes_of_all.data(), std::min<uint64_t>(bytes - done, bytes_of_all.size()),
               static_cast<off_t>(done)) < 0)
      break;
  fdatasync(file);
  const Usage end = usage();
  close(file);
  unlink(other.c_str());
  return end - begin;
}

struct Options {
  int hours = 0;
  uint64_t samples = 0;
  bool b_frames = false;
  std::string moov_to;
};

std::string list(const std::vector<double>& values) {
  std::string text;
  for (double value : values) text += (text.empty() ? "" : " ") + std::to_string(value);
  return text;
}

int run(const Options& options) {
  std::fill(bytes_of_all.begin(), bytes_of_all.end(), uint8_t{0x5a});
  std::atomic<int> real{-1};
  // As at live pace, hardly anything waits: what is resident is the tables.
  mp4::Recording::Settings settings;
  settings.max_queue_bytes = uint64_t{4} << 20;
  const auto recording = std::make_shared<mp4::Recording>(std::make_unique<NoFile>(real),
                                                          std::make_shared<Nobody>(), settings);
  Camera camera(*recording, options.b_frames);
  std::vector<double> cpu, resident;
  uint64_t samples = camera.push_samples(std::max<uint64_t>(1, options.samples));
  for (int i = 1; options.hours && i < 60; ++i) samples += camera.push_second();
  const int64_t before = resident_bytes();
  const uint64_t samples_before = samples;
  for (int hour = 0; hour < options.hours; ++hour) {
    const Usage begin = usage();
    uint64_t hour_samples = 0;
    for (int i = 0; i < 3'600; ++i) hour_samples += camera.push_second();
    samples += hour_samples;
    cpu.push_back((usage() - begin).cpu / static_cast<double>(hour_samples) * 1e9);
    resident.push_back(static_cast<double>(resident_bytes() - before) /
                       static_cast<double>(samples - samples_before));
  }
  while (recording->summary().queued_bytes > (uint64_t{8} << 20)) usleep(1'000);
  usleep(50'000);
  const uint64_t written = recording->summary().bytes_written;
  if (!options.moov_to.empty())
    real = open(options.moov_to.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int64_t recorded = resident_bytes();
  forget_peak();
  const Usage begin = usage();
  recording->end();
  recording->wait_until_ended(std::chrono::hours(1));
  const Usage ending = usage() - begin;
  const uint64_t moov = recording->summary().bytes_written - written;
  JsonLine line;
  line.add("samples", static_cast<double>(samples)).add("hours", options.hours);
  line.add("append_ns", list(cpu)).add("bytes_a_sample", list(resident));
  line.add("finish_cpu_ns", ending.cpu / static_cast<double>(samples) * 1e9);
  line.add("finish_wall", ending.wall).add("moov", static_cast<double>(moov));
  line.add("finish_peak", static_cast<double>(peak_resident_bytes() - recorded));
  if (real >= 0) {
    line.add("dd_wall", write_as_much(options.moov_to, moov).wall);
    close(real);
    unlink(options.moov_to.c_str());
  }
  line.print();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  options.hours = std::stoi(bench::argument(argc, argv, "hours", "0"));
  options.samples = std::stoull(bench::argument(argc, argv, "samples", "0"));
  options.b_frames = bench::has_argument(argc, argv, "b-frames");
  options.moov_to = bench::argument(argc, argv, "moov-to", "");
  return bench::run(options);
}
