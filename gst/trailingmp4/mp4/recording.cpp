// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording.h"

#include <algorithm>
#include <optional>

#include "narrow.h"

namespace mp4 {
namespace {

constexpr uint64_t kFragmentBytes = uint64_t{32} << 20;
constexpr uint32_t kFragmentSamples = 30'000;
constexpr std::size_t kMostDescriptions = 1'000;  // of a track; far above what cameras have
constexpr uint64_t kSecondsFrom1904To1970 = 2'082'844'800;

uint64_t wall_clock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return seconds > 0 ? kSecondsFrom1904To1970 + static_cast<uint64_t>(seconds) : 0;
}

Ticks nominal_duration(const TrackConfig& config) {
  if (config.audio.frame_ticks) return config.audio.frame_ticks;
  return config.timescale.ticks_per_second / (config.kind == TrackKind::kVideo ? 30 : 50);
}

}  // namespace

struct Recording::Track {
  explicit Track(const TrackConfig& config)
      : descriptions{config}, tracker(config.timescale, nominal_duration(config)) {}

  const Timescale& timescale() const { return descriptions[0].timescale; }

  std::vector<TrackConfig> descriptions;
  uint16_t alternate_group = 0;
  TrackTags tags;
  TrackTracker tracker;
  TrackTracker::Mark in_file;  // as of the last fragment that was written
  uint64_t damaged = 0;
};

struct Recording::News {
  bool opened = false;
  std::vector<TrackIndex> damaged;
  std::optional<Summary> finished;
  std::optional<Status> failed;
};

Recording::Recording(std::unique_ptr<OutputFile> file, std::shared_ptr<Listener> listener,
                     const Settings& settings)
    : settings_(settings),
      listener_(std::move(listener)),
      news_(new News),
      file_(std::move(file)),
      writer_(*this, settings.max_queue_bytes) {}

Recording::~Recording() = default;

TrackIndex Recording::add_track(const TrackConfig& config,
                                std::optional<TrackIndex> alternative_to) {
  const std::lock_guard lock(mutex_);
  auto& track = *tracks_.emplace_back(std::make_unique<Track>(config));
  if (alternative_to) {
    uint16_t& group = tracks_[*alternative_to]->alternate_group;
    if (group == 0) group = ++alternate_groups_;
    track.alternate_group = group;
  }
  return narrow<TrackIndex>(tracks_.size() - 1);
}

std::optional<uint32_t> Recording::add_description(TrackIndex track, const TrackConfig& config) {
  const std::lock_guard lock(mutex_);
  auto& descriptions = tracks_[track]->descriptions;
  const auto found = std::find(descriptions.begin(), descriptions.end(), config);
  const auto index = narrow<uint32_t>(found - descriptions.begin());
  if (found != descriptions.end()) return index;
  if (descriptions.size() >= kMostDescriptions || state_ == State::kEnding) return std::nullopt;
  descriptions.push_back(config);
  return index;
}

bool Recording::retime(TrackIndex index, std::span<const Ticks> decode_times) {
  const std::lock_guard lock(mutex_);
  TrackTracker& tracker = tracks_[index]->tracker;
  const bool all_open = tracker.samples() == open_.samples_of(index);
  if (state_ != State::kRecording || !all_open || tracker.samples() != decode_times.size())
    return false;
  tracker.retime(decode_times);
  open_.set_first_ns(index, tracks_[index]->timescale().to_ns(decode_times.front()));
  return true;
}

void Recording::set_track_tags(TrackIndex track, const TrackTags& tags) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kEnding) tracks_[track]->tags = tags;
}

void Recording::set_movie_tags(std::vector<MovieTag> tags) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kEnding) info_.tags = std::move(tags);
}

void Recording::set_running(bool running) {
  const std::lock_guard lock(mutex_);
  running_ = running;
  arm_deadline();
}

Recording::Taken Recording::append(TrackIndex index, Sample sample) {
  bool started = true;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kWaiting) started = start();
    if (state_ == State::kRecording) {
      take(index, std::move(sample));
      return Taken::kYes;
    }
    if (state_ != State::kFailed) return Taken::kEnded;
  }
  if (!started) announce();  // there is no thread that could
  return Taken::kFailed;
}

void Recording::take(TrackIndex index, Sample sample) {
  Track& track = *tracks_[index];
  const int64_t dts_ns = track.timescale().to_ns(sample.times.dts);
  track.tracker.describe(sample.description);
  track.tracker.append(sample.times, sample.payload.size(), sample.access);
  const bool first = open_.empty();
  open_.add(index, dts_ns, std::move(sample.payload));
  if (first) arm_deadline();
  if (fragment_is_due()) close_fragment();
  if (track.tracker.samples() >= settings_.max_samples) {
    limit_reached_ = true;
    start_ending();
  }
}

bool Recording::start() {
  info_.creation_time = wall_clock();
  if (const Status status = writer_.start(shared_from_this()); !status.ok()) {
    state_ = State::kFailed;
    news_->failed = status;
    return false;
  }
  state_ = State::kRecording;
  return true;
}

bool Recording::started() {
  const std::lock_guard lock(mutex_);
  return state_ != State::kWaiting && state_ != State::kNothing;
}

bool Recording::end() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kWaiting) state_ = State::kNothing;
  if (state_ == State::kRecording || state_ == State::kFailed) start_ending();
  return state_ != State::kNothing;
}

void Recording::start_ending() {
  if (state_ == State::kRecording) {
    close_fragment();
    state_ = State::kEnding;
  }
  writer_.finish();
}

bool Recording::fragment_is_due() const {
  return open_.longest_ns() >= settings_.fragment_ns || open_.bytes() >= kFragmentBytes ||
         open_.samples() >= kFragmentSamples;
}

void Recording::close_fragment() {
  if (open_.empty()) return;
  for (const Fragment::Run& run : open_.runs()) {
    tracks_[run.track]->tracker.place_chunk(next_offset_);
    next_offset_ += run.bytes;
  }
  std::vector<MoovTrack> tracks = moov_tracks();
  std::vector<TrackTracker::Mark> marks;
  for (MoovTrack& track : tracks) marks.push_back(track.mark = track.tracker.mark());
  open_.close(std::move(marks));
  writer_.push(std::move(open_));
  open_ = Fragment();
  arm_deadline();
  if (moov_size_bound(info_, tracks) >= settings_.max_moov_bytes) {
    limit_reached_ = true;
    state_ = State::kEnding;
    writer_.finish();
  }
}

void Recording::arm_deadline() {
  if (open_.empty() || !running_)
    writer_.set_deadline(std::nullopt);
  else
    writer_.set_deadline(open_.opened() + std::chrono::nanoseconds(settings_.fragment_ns));
}

std::vector<MoovTrack> Recording::moov_tracks() const {
  std::vector<MoovTrack> tracks;
  for (const auto& track : tracks_)
    tracks.push_back(
        {track->descriptions, track->tags, track->tracker, track->alternate_group, track->in_file});
  return tracks;
}

std::optional<int64_t> Recording::latest_end_ns() {
  const std::lock_guard lock(mutex_);
  std::optional<int64_t> latest;
  for (const auto& track : tracks_) {
    const auto mark = track->tracker.mark();
    if (mark.samples == 0) continue;
    const int64_t end = track->timescale().to_ns(mark.last_pts + mark.last_duration);
    latest = std::max(latest.value_or(end), end);
  }
  return latest;
}

Recording::Summary Recording::summary() {
  const std::lock_guard lock(mutex_);
  return summarise();
}

Recording::Summary Recording::summarise() {
  Summary summary;
  summary.queued_bytes = writer_.queued_bytes() + open_.bytes();
  std::vector<MoovTrack> tracks = moov_tracks();
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    MoovTrack& track = tracks[i];
    track.mark = track.tracker.mark();
    const int64_t duration = track.config().timescale.to_ns(track.mark.presented_duration());
    summary.tracks.push_back(
        {track.config().kind, track.mark.samples, track.mark.bytes, duration, tracks_[i]->damaged});
  }
  summary.duration_ns = movie_duration_ns(tracks);
  summary.bytes_written = bytes_written_;
  summary.bytes_synced = bytes_synced_;
  summary.limit_reached = limit_reached_;
  return summary;
}

// ---- on the I/O thread ----

void Recording::begin() {
  const Status status = file_.create();
  if (!status.ok()) return fail(status);
  const std::lock_guard lock(mutex_);
  bytes_written_ = file_.bytes_written();
  bytes_synced_ = file_.bytes_synced();
  news_->opened = true;
}

void Recording::write(Fragment& fragment) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kFailed) return;
  }
  std::vector<TrackIndex> damaged;
  const Status status = file_.append(fragment, damaged);
  if (!status.ok()) return fail(status);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < fragment.marks().size(); ++i)
    tracks_[i]->in_file = fragment.marks()[i];
  for (TrackIndex track : damaged)
    if (tracks_[track]->damaged++ == 0) news_->damaged.push_back(track);
  bytes_written_ = file_.bytes_written();
}

void Recording::deadline() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kRecording && running_) close_fragment();
}

void Recording::finish() {
  MoovInfo info;
  std::vector<MoovTrack> tracks;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kFailed) return;
    state_ = State::kEnding;
    info = info_;
    tracks = moov_tracks();
  }
  // Nothing is appended any more, and tags are not changed: the tables can be read without the
  // lock.
  const std::vector<uint8_t> moov = write_moov(info, tracks);
  const Status status = file_.finish(moov);
  if (!status.ok()) return fail(status);
  const std::lock_guard lock(mutex_);
  bytes_written_ = file_.bytes_written();
  bytes_synced_ = file_.bytes_synced();
  state_ = State::kEnded;
  news_->finished = summarise();
}

void Recording::fail(const Status& status) {
  file_.abandon();
  Fragment unwritten;  // given back without the lock
  const std::lock_guard lock(mutex_);
  state_ = State::kFailed;
  news_->failed = status;
  std::swap(unwritten, open_);
  writer_.set_deadline(std::nullopt);
  writer_.wake();
}

bool Recording::has_news() {
  const std::lock_guard lock(mutex_);
  return news_->opened || !news_->damaged.empty() || news_->finished || news_->failed;
}

void Recording::announce() {
  std::shared_ptr<Listener> listener;
  std::unique_ptr<News> news(new News);
  {
    const std::lock_guard lock(mutex_);
    std::swap(news, news_);
    const bool last = news->finished || news->failed;
    listener = last ? std::move(listener_) : listener_;
  }
  if (!listener) return;
  if (news->opened) listener->opened();
  for (TrackIndex track : news->damaged) listener->track_damaged(track);
  if (news->finished) listener->finished(*news->finished);
  if (news->failed) listener->failed(*news->failed);
}

}  // namespace mp4
