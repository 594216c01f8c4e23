// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test_recording.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace mp4_test {

using namespace mp4::literals;

TemporaryFolder::TemporaryFolder(Medium medium) {
  const std::filesystem::path memory = "/dev/shm";
  const bool in_memory = medium == Medium::kMemory && access(memory.c_str(), W_OK) == 0;
  const auto parent = in_memory ? memory : std::filesystem::temp_directory_path();
  std::string name = (parent / "mp4-test-XXXXXX").string();
  if (mkdtemp(name.data())) path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void Witness::hear(const std::string& what, const std::function<void()>& hook) {
  {
    const std::lock_guard lock(mutex_);
    heard_ += (heard_.empty() ? "" : ", ") + what;
    changed_.notify_all();
  }
  if (hook) hook();
}

void Witness::opened(const mp4::Recording::Summary&) {
  {
    const std::lock_guard lock(mutex_);
    opened_ = true;
  }
  hear("opened", when_opened);
}

void Witness::track_damaged(mp4::TrackIndex track) {
  hear("damaged " + std::to_string(track), when_damaged);
}

void Witness::track_left_out(mp4::TrackIndex track) {
  hear("left out " + std::to_string(track), {});
}

void Witness::track_grew_long(mp4::TrackIndex track) {
  hear("grew long " + std::to_string(track), {});
}

void Witness::had_to_end(const mp4::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = why;
    changed_.notify_all();
  }
  if (when_told) when_told();
}

void Witness::finished(const mp4::Recording::Summary& summary, const mp4::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    summary_ = summary;
    if (!why.ok()) failure_ = why;
  }
  hear("finished", when_finished);
}

void Witness::failed(const mp4::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = status;
  }
  hear("failed", when_failed);
  if (when_told) when_told();
}

std::string Witness::heard() {
  const std::lock_guard lock(mutex_);
  return heard_;
}

std::optional<mp4::Recording::Summary> Witness::summary() {
  const std::lock_guard lock(mutex_);
  return summary_;
}

std::optional<mp4::Status> Witness::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool Witness::wait_until_opened(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return opened_; });
}

bool Witness::wait_until_ended(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return summary_ || failure_; });
}

mp4::TrackConfig video_config() {
  mp4::TrackConfig config;
  config.kind = mp4::TrackKind::kVideo;
  config.format = "avc1"_4cc;
  config.timescale = mp4::kVideoTimescale;
  config.codec_config = {0x01, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0x00, 0x16, 0x67, 0x42,
                         0xc0, 0x0d, 0xda, 0x05, 0x07, 0xec, 0x04, 0x40, 0x00, 0x00,
                         0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x03, 0xc5, 0x0a, 0xa8,
                         0x01, 0x00, 0x04, 0x68, 0xce, 0x0f, 0xc8};
  config.video.width = 320;
  config.video.height = 240;
  return config;
}

mp4::TrackConfig audio_config() {
  mp4::TrackConfig config;
  config.kind = mp4::TrackKind::kAudio;
  config.format = "mp4a"_4cc;
  config.timescale = {48'000};
  config.codec_config = {0x11, 0x90};  // AAC LC, 48 kHz, stereo
  config.audio.channels = 2;
  config.audio.rate = 48'000;
  config.audio.frame_ticks = 1024;
  config.object_type = mp4::kObjectTypeMpeg4Audio;
  return config;
}

bool fragments_are_on() { return getenv("TEST_WITHOUT_FRAGMENTS") == nullptr; }

mp4::Recording::Settings default_settings() {
  mp4::Recording::Settings settings;
  if (!fragments_are_on()) settings.fragment_ns = 0;
  return settings;
}

TestRecording::TestRecording(const mp4::Recording::Settings& settings)
    : TestRecording("", settings) {}

TestRecording::TestRecording(const std::string& location, const mp4::Recording::Settings& settings)
    : path(location.empty() ? folder.path("recording.mp4") : location),
      disk(std::make_shared<FaultyDisk>()),
      witness(std::make_shared<Witness>()) {
  std::unique_ptr<mp4::PosixOutputFile> file;
  const mp4::Status status = mp4::PosixOutputFile::open_folder(path, {}, file);
  if (!status.ok()) return;
  recording = std::make_shared<mp4::Recording>(std::make_unique<FaultyFile>(disk, std::move(file)),
                                               witness, settings);
}

mp4::TrackIndex TestRecording::add_track(const mp4::TrackConfig& config) {
  tracks_.push_back({config.timescale, {}});
  return recording->add_track(config);
}

mp4::Recording::Taken TestRecording::append(mp4::TrackIndex track, const mp4::SampleTimes& times,
                                            bool sync, std::size_t size) {
  Bytes bytes = some_bytes(size, ++seed_);
  return append(track, times, sync, make_payload(bytes), bytes);
}

mp4::Recording::Taken TestRecording::append(mp4::TrackIndex track, const mp4::SampleTimes& times,
                                            bool sync, mp4::Payload payload, Bytes expected) {
  const auto taken = recording->append(track, {times, {.sync = sync}, 0, std::move(payload)});
  if (taken == mp4::Recording::Taken::kYes)
    tracks_[track].samples.push_back({times, sync, std::move(expected)});
  return taken;
}

void TestRecording::append_many(mp4::TrackIndex track, unsigned count, mp4::Ticks step,
                                unsigned group) {
  const auto& samples = tracks_[track].samples;
  for (unsigned i = 0; i < count; ++i) {
    const mp4::Ticks time = samples.empty() ? 0 : samples.back().times.dts + step;
    append(track, {time, time, step}, i % group == 0, 50 + i % 7);
  }
}

void TestRecording::release_held() {
  for (std::size_t i = 0; i < tracks_.size(); ++i)
    recording->end_track(static_cast<mp4::TrackIndex>(i));
}

bool TestRecording::finish() {
  recording->end();
  return recording->wait_until_ended(kLong) && witness->summary().has_value();
}

bool TestRecording::is_freed() {
  const std::weak_ptr<mp4::Recording> left = recording;
  recording.reset();
  return eventually([&] { return left.expired() && disk->file_destroyed(); },
                    std::chrono::seconds(10));
}

std::string TestRecording::differences() const {
  const auto movie = read();
  if (!movie) return "no movie";
  std::string all;
  for (const std::string& problem : movie->problems) all += problem + "\n";
  std::size_t next = 0;
  for (const Track& track : tracks_) {
    if (track.samples.empty()) continue;
    if (next == movie->tracks.size()) return all + "a track is missing\n";
    all += compare(*movie, movie->tracks[next++], track);
  }
  return next == movie->tracks.size() ? all : all + "too many tracks\n";
}

std::string TestRecording::compare(const boxes::Movie& movie, const boxes::Track& found,
                                   const Track& track) const {
  const auto where = [&](std::size_t i, const std::string& what) {
    return "track " + std::to_string(found.id) + " sample " + std::to_string(i + 1) + ": " + what +
           "\n";
  };
  if (found.timescale != track.timescale.ticks_per_second) return "timescale differs\n";
  if (found.samples.size() != track.samples.size())
    return std::to_string(found.samples.size()) + " samples, not " +
           std::to_string(track.samples.size()) + "\n";
  int64_t origin = INT64_MAX;  // of all tracks: where the movie begins
  for (const Track& each : tracks_)
    for (const Appended& sample : each.samples)
      origin = std::min(origin, each.timescale.to_ns(sample.times.pts));
  for (std::size_t i = 0; i < track.samples.size(); ++i) {
    const Appended& in = track.samples[i];
    const boxes::Sample& out = found.samples[i];
    const mp4::Ticks first = track.samples[0].times.dts;
    if (out.dts != in.times.dts - first) return where(i, "dts " + std::to_string(out.dts));
    if (out.pts != in.times.pts - first) return where(i, "pts " + std::to_string(out.pts));
    const int64_t late =
        boxes::presentation_ns(movie, found, out) - (track.timescale.to_ns(in.times.pts) - origin);
    const std::string difference = compare_sample(out, in, late);
    if (!difference.empty()) return where(i, difference);
  }
  return {};
}

std::string TestRecording::compare_sample(const boxes::Sample& out, const Appended& in,
                                          int64_t late_ns) const {
  if (out.sync != in.sync) return "sync";
  if (std::abs(late_ns) > 12'000)  // a tick of the movie's 90 kHz
    return "presented " + std::to_string(late_ns) + " ns late";
  if (boxes::read_sample(path, out) != in.bytes) return "bytes";
  return {};
}

std::string TestRecording::growing_differences(const std::vector<std::size_t>& samples,
                                               int64_t origin_ns) const {
  const auto movie = read();
  if (!movie) return "no movie";
  return (movie->fragmented ? "" : "it is finished\n") + compare_begin(*movie, samples, origin_ns);
}

std::string TestRecording::shortened_differences(const std::vector<std::size_t>& samples) const {
  const auto movie = read();
  if (!movie) return "no movie";
  std::string all;
  if (movie->fragmented || movie->top.size() != 3) all = "it is not finished\n";
  return all + compare_begin(*movie, samples, 0);
}

std::string TestRecording::compare_begin(const boxes::Movie& movie,
                                         const std::vector<std::size_t>& samples,
                                         int64_t origin_ns) const {
  std::string all;
  for (const std::string& problem : movie.problems) all += problem + "\n";
  if (movie.tracks.size() != samples.size())
    return all + std::to_string(movie.tracks.size()) + " tracks\n";
  for (std::size_t t = 0; t < samples.size(); ++t) {
    const boxes::Track& found = movie.tracks[t];
    const Track& track = tracks_[found.id - 1];
    const std::string where = "track " + std::to_string(found.id) + " ";
    if (found.samples.size() != samples[t])
      all += where + std::to_string(found.samples.size()) + " samples\n";
    for (std::size_t i = 0; i < std::min(found.samples.size(), track.samples.size()); ++i) {
      const int64_t wanted = track.timescale.to_ns(track.samples[i].times.pts) - origin_ns;
      const int64_t late = boxes::presentation_ns(movie, found, found.samples[i]) - wanted;
      const std::string difference = compare_sample(found.samples[i], track.samples[i], late);
      if (!difference.empty()) all += where + std::to_string(i + 1) + ": " + difference + "\n";
    }
  }
  return all;
}

bool TestRecording::wait_until_published(uint64_t fragments) {
  return eventually([&] { return recording->summary().fragments_published >= fragments; });
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace mp4_test
