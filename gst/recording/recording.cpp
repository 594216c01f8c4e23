// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording/recording.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <optional>

#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr int64_t kChunk = kNanosecondsPerSecond;  // where there are no fragments
constexpr uint64_t kSecondsFrom1904To1970 = 2'082'844'800;

uint64_t creation_time() {
  const int64_t seconds = utc_now();
  return seconds > 0 ? kSecondsFrom1904To1970 + static_cast<uint64_t>(seconds) : 0;
}

FragmentAssembler::Settings assembly(const Recording::Settings& settings) {
  if (settings.fragment_ns == 0) return {.fragment_ns = kChunk, .fragmented = false};
  return {.fragment_ns = settings.fragment_ns, .moov_reserve = settings.moov_reserve};
}

// While nothing new comes, what was published last is made durable after a little more than it
// takes the next fragment to come, which would have done it.
FileWriter::Pace pace(const Recording::Settings& settings) {
  if (settings.fragment_ns == 0) return {.commits = false};
  const int64_t interval =
      settings.sync_interval_ns > settings.fragment_ns ? settings.sync_interval_ns : 0;
  return {.interval = std::chrono::nanoseconds(interval),
          .settle_after = std::chrono::nanoseconds(std::max(interval, settings.fragment_ns) +
                                                   settings.fragment_ns / 4)};
}

}  // namespace

struct Recording::News {
  std::optional<Summary> opened;
  std::vector<TrackIndex> damaged;
  std::vector<TrackIndex> left_out;
  std::vector<TrackIndex> grown_long;
  std::optional<Status> had_to_end;
  std::optional<Summary> finished;
  Status end_reason;
  std::optional<Status> failed;
};

Recording::Recording(std::unique_ptr<OutputFile> file, std::shared_ptr<Listener> listener,
                     const Settings& settings)
    : settings_(settings),
      listener_(std::move(listener)),
      assembler_(assembly(settings)),
      news_(new News),
      file_(std::move(file), settings.log),
      writer_(*this, settings.max_queue_bytes, pace(settings)) {}

Recording::~Recording() = default;

TrackIndex Recording::add_track(const TrackConfig& config,
                                std::optional<TrackIndex> alternative_to) {
  const std::lock_guard lock(mutex_);
  return assembler_.add_track(config, alternative_to);
}

std::optional<uint32_t> Recording::add_description(TrackIndex track, const TrackConfig& config) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kEnding) return std::nullopt;
  return assembler_.add_description(track, config);
}

bool Recording::retime(TrackIndex track, std::span<const Ticks> decode_times) {
  const std::lock_guard lock(mutex_);
  return state_ == State::kRecording && assembler_.retime(track, decode_times);
}

void Recording::set_track_tags(TrackIndex track, const TrackTags& tags) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kEnding) assembler_.set_tags(track, tags);
}

void Recording::set_movie_tags(std::vector<MovieTag> tags) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kEnding) assembler_.set_movie_tags(std::move(tags));
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
    if (state_ != State::kFailed && end_reason_.ok()) return Taken::kEnded;
    if (started && !is_told_) return Taken::kYes;
  }
  if (!started) announce();  // there is no thread that could
  return Taken::kFailed;
}

void Recording::take(TrackIndex index, Sample sample) {
  const auto& track = *assembler_.tracks()[index];
  const uint32_t count = track.samples_in(sample.payload);
  // A sample that no table could count is the only one that is not recorded.
  const bool fits =
      count <= settings_.max_samples - std::min(settings_.max_samples, track.samples());
  if (fits) assembler_.append(index, std::move(sample));
  if (track.samples() == settings_.many_samples && track.pcm_bytes == 0)
    news_->grown_long.push_back(index);
  if (assembler_.is_due()) close_fragment();
  if (!deadline_armed_) arm_deadline();
  if (!fits || track.samples() >= settings_.max_samples) {
    limit_reached_ = true;
    start_ending();
  }
}

void Recording::end_track(TrackIndex track) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kRecording) return;
  assembler_.end_track(track);
  if (assembler_.is_due()) close_fragment();
}

bool Recording::start() {
  assembler_.set_creation_time(creation_time());
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
    for (std::size_t i = 0; i < assembler_.tracks().size(); ++i) {
      assembler_.end_track(narrow<TrackIndex>(i));
      if (assembler_.is_due()) close_fragment();
    }
    close_fragment();
    state_ = State::kEnding;
  }
  writer_.finish();
}

void Recording::close_fragment() {
  auto fragment = assembler_.close();
  if (!fragment) return;
  const bool is_last = fragment->moov_bound() >= settings_.max_moov_bytes;
  writer_.push(std::move(*fragment));
  for (TrackIndex track : assembler_.take_left_out()) news_->left_out.push_back(track);
  arm_deadline();
  if (!is_last || limit_reached_) return;
  limit_reached_ = true;
  start_ending();
}

void Recording::arm_deadline() {
  const auto deadline = running_ ? assembler_.deadline() : std::nullopt;
  deadline_armed_ = deadline.has_value();
  writer_.set_deadline(deadline);
}

std::optional<int64_t> Recording::latest_end_ns() {
  const std::lock_guard lock(mutex_);
  std::optional<int64_t> latest;
  for (const auto& track : assembler_.tracks()) {
    if (track->samples() == 0) continue;
    const int64_t end = track->timescale().to_ns(track->last_end());
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
  summary.queued_bytes = writer_.queued_bytes() + assembler_.open_bytes();
  int64_t begin = INT64_MAX, end = INT64_MIN;
  for (std::size_t i = 0; i < assembler_.tracks().size(); ++i) {
    const auto& track = *assembler_.tracks()[i];
    TrackSummary sum{track.descriptions[0].kind, track.samples(), track.bytes(), 0, 0};
    Ticks first = track.first_shown(), last = track.last_end();
    if (i < in_file_.size()) sum.damaged = in_file_[i].damaged;
    if (state_ == State::kEnded) {  // what is in the file, if that is not all
      const auto mark = i < in_file_.size() ? in_file_[i].mark : TrackTracker::Mark();
      sum.samples = mark.samples;
      sum.bytes = mark.bytes;
      first = mark.first_shown(), last = mark.first_shown() + mark.presented_duration();
    }
    if (sum.samples) {
      sum.duration_ns = track.timescale().to_ns(last - first);
      begin = std::min(begin, track.timescale().to_ns(first));
      end = std::max(end, track.timescale().to_ns(last));
    }
    summary.tracks.push_back(sum);
  }
  if (begin <= end) summary.zero_ns = begin;
  summary.duration_ns = std::max<int64_t>(0, end - std::min(begin, end));
  summary.bytes_written = bytes_written_;
  summary.bytes_synced = bytes_synced_;
  summary.fragments_published = fragments_published_;
  summary.limit_reached = limit_reached_;
  return summary;
}

// ---- on the I/O thread ----

void Recording::begin() {
  if (const Status status = file_.create(); !status.ok()) return fail(status);
  const std::lock_guard lock(mutex_);
  news_->opened = summarise();
}

void Recording::write(Fragment& fragment) {
  if (is_over()) return;
  MP4_LOG(settings_.log, LogLevel::kDebug,
          "fragment taken from the queue: %" PRIu64 " bytes of media of %" PRIu64 " bytes waiting",
          fragment.bytes(), writer_.queued_bytes());
  std::vector<TrackIndex> damaged;
  if (const Status status = file_.append(fragment, damaged); !status.ok()) return end_for(status);
  const std::lock_guard lock(mutex_);
  in_file_.resize(std::max(in_file_.size(), fragment.marks().size()));
  for (std::size_t i = 0; i < fragment.marks().size(); ++i) in_file_[i].mark = fragment.marks()[i];
  for (TrackIndex track : damaged)
    if (in_file_[track].damaged++ == 0) news_->damaged.push_back(track);
  note_progress();
}

void Recording::commit() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kFailed) return;
  }
  if (const Status status = file_.commit(); !status.ok()) return end_for(status);
  const std::lock_guard lock(mutex_);
  note_progress();
}

void Recording::settle() {
  if (is_over()) return;
  if (const Status status = file_.settle(); !status.ok()) return end_for(status);
  const std::lock_guard lock(mutex_);
  note_progress();
}

void Recording::deadline() {
  const std::lock_guard lock(mutex_);
  deadline_armed_ = false;
  if (state_ != State::kRecording || !running_) return;
  const SteadyTime now = steady_now();
  const auto due = assembler_.deadline();
  if (due && *due <= now) {
    while (assembler_.release_overdue(now))
      if (assembler_.is_due()) close_fragment();
    close_fragment();
  }
  arm_deadline();
}

void Recording::finish() {
  MoovInfo info;
  std::vector<MoovTrack> tracks;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kFailed) return;
    state_ = State::kEnding;
    info = assembler_.info();
    tracks = assembler_.moov_tracks();
    for (std::size_t i = 0; i < in_file_.size(); ++i) tracks[i].mark = in_file_[i].mark;
  }
  // Nothing is appended any more, and tags are not changed: the tables can be read without the
  // lock.
  const Boxes moov = write_moov(info, tracks);
  if (const Status status = file_.finish(moov); !status.ok()) return fail(status);
  const std::lock_guard lock(mutex_);
  note_progress();
  state_ = State::kEnded;
  news_->finished = summarise();
  news_->end_reason = end_reason_;
}

void Recording::note_progress() {
  bytes_written_ = file_.bytes_written();
  bytes_synced_ = file_.bytes_synced();
  fragments_published_ = file_.fragments_published();
}

bool Recording::is_over() {
  const std::lock_guard lock(mutex_);
  return state_ == State::kFailed || !end_reason_.ok();
}

// Where the disk is full, the file can be finished with what is in it. What is queued is dropped.
void Recording::end_for(const Status& status) {
  log_failure("the recording has to end", status);
  Fragment dropped;  // given back without the lock
  {
    const std::lock_guard lock(mutex_);
    const bool has_samples = std::any_of(in_file_.begin(), in_file_.end(), [](const InFile& track) {
      return track.mark.samples > 0;
    });
    if (status.code() == StatusCode::kNoSpace && has_samples && end_reason_.ok()) {
      end_reason_ = status;
      news_->had_to_end = status;
      state_ = State::kEnding;
      dropped = assembler_.discard();
      writer_.set_deadline(std::nullopt);
      writer_.finish();
      return;
    }
  }
  fail(status);
}

void Recording::fail(const Status& status) {
  log_failure("the file is not finished", status);
  file_.abandon();
  Fragment dropped;  // given back without the lock
  const std::lock_guard lock(mutex_);
  note_progress();
  state_ = State::kFailed;
  news_->failed = end_reason_.ok() ? status : end_reason_;
  dropped = assembler_.discard();
  writer_.set_deadline(std::nullopt);
  writer_.wake();
}

void Recording::log_failure(const char* what, const Status& status) const {
  MP4_LOG(settings_.log, LogLevel::kDebug, "%s: %s (errno %d, %s)", what, status.text().c_str(),
          status.error_number(),
          status.error_number() ? std::strerror(status.error_number()) : "no system error");
}

bool Recording::has_news() {
  const std::lock_guard lock(mutex_);
  return news_->opened || !news_->damaged.empty() || !news_->left_out.empty() ||
         !news_->grown_long.empty() || news_->had_to_end || news_->finished || news_->failed;
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
  if (news->opened) listener->opened(*news->opened);
  for (TrackIndex track : news->damaged) listener->track_damaged(track);
  for (TrackIndex track : news->left_out) listener->track_left_out(track);
  for (TrackIndex track : news->grown_long) listener->track_grew_long(track);
  if (news->had_to_end) listener->had_to_end(*news->had_to_end);
  if (news->finished) listener->finished(*news->finished, news->end_reason);
  if (news->failed) listener->failed(*news->failed);
  if (!news->had_to_end && !news->failed) return;
  const std::lock_guard lock(mutex_);
  is_told_ = true;
}

}  // namespace mp4
