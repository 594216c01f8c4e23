// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recorder.h"

#include <algorithm>
#include <chrono>

#include "busmessages.h"
#include "tags.h"
#include "upstream.h"

GST_DEBUG_CATEGORY_EXTERN(trailing_mp4_sink_debug);
#define GST_CAT_DEFAULT trailing_mp4_sink_debug

namespace trailingmp4 {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstStuckWarning{5'000};
constexpr milliseconds kNextStuckWarning{30'000};

milliseconds in_milliseconds(GstClockTime time) {
  return milliseconds(static_cast<int64_t>(std::min<GstClockTime>(time, G_MAXINT64) / GST_MSECOND));
}

}  // namespace

// Hears of one recording on its I/O thread. Holds the element, and so the Recorder, until the last
// message; a recording that outlives its cycle (stop-timeout) changes nothing in the next one.
class Recorder::Listener final : public mp4::Recording::Listener {
 public:
  Listener(Recorder& recorder, unsigned cycle, std::string location)
      : element_(GstRef<GstElement>::share(recorder.element_)),
        recorder_(recorder),
        cycle_(cycle),
        location_(std::move(location)) {}

  void opened() override { post_opened(element_.get(), location_); }

  void track_damaged(mp4::TrackIndex track) override {
    post_stream_warning(element_.get(), "Samples of track " + std::to_string(track + 1) +
                                            " could not be read; zeros stand in their place.");
  }

  void finished(const mp4::Recording::Summary& summary) override {
    if (summary.limit_reached)
      post_resource_warning(
          element_.get(),
          "The recording ended because an MP4 file can hold no more. File: \"" + location_ + "\".");
    post_finished(element_.get(), location_, summary);
    recorder_.recording_done(cycle_, true);
  }

  void failed(const mp4::Status& status) override {
    recorder_.recording_done(cycle_, false);
    post_error(element_.get(), status, location_);
  }

 private:
  GstRef<GstElement> element_;
  Recorder& recorder_;
  unsigned cycle_;
  std::string location_;
};

Settings Recorder::settings() {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void Recorder::set_settings(const Settings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  drops_when_full_ = settings.queue_full == QueueFull::kDrop;
  if (recording_) recording_->set_max_queue_bytes(settings.max_queue_bytes);
}

std::shared_ptr<mp4::Recording> Recorder::recording() {
  const std::lock_guard lock(mutex_);
  return recording_;
}

// ---- state changes ----

bool Recorder::prepare() {
  const Settings settings = this->settings();
  std::unique_ptr<mp4::PosixOutputFile> target;
  mp4::Status status;
  if (settings.location.empty())
    status = {mp4::StatusCode::kOpen, "No location is set to record to."};
  else
    status = mp4::PosixOutputFile::open_folder(settings.location, settings.file_mode, target);
  if (!status.ok()) {
    post_error(element_, status, settings.location);
    return false;
  }
  const std::lock_guard lock(mutex_);
  target_ = std::move(target);
  target_location_ = settings.location;
  return true;
}

bool Recorder::start() {
  bool prepared;
  {
    const std::lock_guard lock(mutex_);
    prepared = target_ && target_location_ == settings_.location;
  }
  if (!prepared && !prepare()) return false;
  const std::lock_guard lock(mutex_);
  open_location_ = target_location_;
  auto listener = std::make_shared<Listener>(*this, ++cycle_, open_location_);
  mp4::Recording::Settings recording_settings;
  recording_settings.max_queue_bytes = settings_.max_queue_bytes;
  recording_ =
      std::make_shared<mp4::Recording>(std::move(target_), std::move(listener), recording_settings);
  anchors_ = std::make_unique<Anchors>(
      [recording = recording_.get()] { return recording->latest_end_ns(); });
  stopping_ = reached_eos_ = forced_eos_ = done_ = failed_ = false;
  group_id_.reset();
  last_stats_.reset();
  for (Member& member : members_) {
    member = Member{.input = member.input};
    member.input->set_cancel(Input::kStopping, false);
    member.input->begin_cycle(recording_, *anchors_, settings_.start_at_sync);
  }
  return true;
}

void Recorder::play() {
  {
    const std::lock_guard lock(mutex_);
    playing_ = true;
    eos_posted_ = false;
    if (recording_) recording_->set_running(true);
  }
  gate_.notify_all();
  post_eos_if_due();
}

void Recorder::pause() {
  const std::lock_guard lock(mutex_);
  playing_ = false;
  if (recording_) recording_->set_running(false);
}

void Recorder::begin_stop() {
  std::shared_ptr<mp4::Recording> recording;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    playing_ = false;
    for (Member& member : members_) member.input->set_cancel(Input::kStopping, true);
    recording = recording_;
  }
  gate_.notify_all();
  if (recording) recording->wake();
}

void Recorder::finish_stop() {
  const std::shared_ptr<mp4::Recording> recording = this->recording();
  if (!recording) return;
  end_recording(*recording);
  wait_for_ending(*recording, settings().stop_timeout);
  StructureOwner stats = this->stats();
  const std::lock_guard lock(mutex_);
  ++cycle_;
  last_stats_ = std::move(stats);
  for (Member& member : members_) member.input->end_cycle();
  recording_.reset();
  anchors_.reset();
}

void Recorder::forget() {
  const std::lock_guard lock(mutex_);
  target_.reset();
}

void Recorder::wait_for_ending(mp4::Recording& recording, GstClockTime timeout) {
  const auto limit = timeout ? in_milliseconds(timeout) : milliseconds::max();
  milliseconds waited{0};
  milliseconds next = kFirstStuckWarning;
  while (waited < limit) {
    const milliseconds step = std::min(next, limit - waited);
    if (recording.wait_until_ended(step)) return;
    waited += step;
    next = kNextStuckWarning;
    if (waited < limit)
      post_resource_warning(
          element_, "Still waiting for the disk to take the end of \"" + open_location_ + "\".");
  }
  post_resource_warning(element_, "The disk did not take the end of \"" + open_location_ +
                                      "\" within stop-timeout; writing goes on in the background.");
}

// ---- pads ----

void Recorder::add(Input& input) {
  const std::lock_guard lock(mutex_);
  input.attach(this);
  members_.push_back({.input = &input});
  input.set_cancel(Input::kStopping, stopping_);
  if (recording_) input.begin_cycle(recording_, *anchors_, settings_.start_at_sync);
}

void Recorder::cancel(Input& input, Input::Cancel reason, bool on) {
  std::shared_ptr<mp4::Recording> recording;
  {
    const std::lock_guard lock(mutex_);
    input.set_cancel(reason, on);
    recording = recording_;
  }
  if (!on) return;
  gate_.notify_all();
  if (recording) recording->wake();
}

void Recorder::remove(Input& input) {
  {
    const std::lock_guard lock(mutex_);
    input.attach(nullptr);
    std::erase_if(members_, [&](const Member& member) { return member.input == &input; });
  }
  end_if_due();
}

Recorder::Member* Recorder::member(const Input& input) {
  auto found = std::find_if(members_.begin(), members_.end(),
                            [&](const Member& member) { return member.input == &input; });
  return found == members_.end() ? nullptr : &*found;
}

// ---- streaming threads ----

bool Recorder::wait_until_playing(const Input& input) {
  if (playing_.load() && !input.cancelled().load()) return true;
  std::unique_lock lock(mutex_);
  gate_.wait(lock, [&] { return playing_.load() || input.cancelled().load(); });
  return !input.cancelled().load();
}

Recorder::Turn Recorder::wait_for_turn(const Input& input) {
  for (;;) {
    if (!wait_until_playing(input)) return Turn::kCancelled;
    const std::shared_ptr<mp4::Recording> recording = this->recording();
    if (!recording || recording->has_room()) return Turn::kGo;
    if (drops_when_full_.load()) return Turn::kQueueFull;
    recording->wait_for_room(input.cancelled());
  }
}

void Recorder::stream_started(Input& input, guint group_id) {
  bool new_group;
  {
    const std::lock_guard lock(mutex_);
    if (Member* member = this->member(input)) {
      member->stream_started = true;
      member->at_eos = forced_eos_;
    }
    if (!forced_eos_) reached_eos_ = eos_posted_ = false;
    new_group = group_id_ != group_id;
    group_id_ = group_id;
  }
  if (!new_group) return;
  GstMessage* message = gst_message_new_stream_start(GST_OBJECT(element_));
  gst_message_set_group_id(message, group_id);
  gst_element_post_message(element_, message);
}

void Recorder::ended(Input& input, guint32 seqnum) {
  {
    const std::lock_guard lock(mutex_);
    if (Member* member = this->member(input)) member->at_eos = true;
    eos_seqnum_ = seqnum;
  }
  end_if_due();
}

void Recorder::flushed(Input& input) {
  const std::lock_guard lock(mutex_);
  if (forced_eos_) return;
  if (Member* member = this->member(input)) member->at_eos = false;
  reached_eos_ = eos_posted_ = false;
}

void Recorder::unlinked(Input& input) {
  {
    const std::lock_guard lock(mutex_);
    if (Member* member = this->member(input)) member->stream_started = false;
  }
  end_if_due();
}

bool Recorder::end_all(guint32 seqnum) {
  {
    const std::lock_guard lock(mutex_);
    if (!recording_) return false;
    forced_eos_ = true;
    for (Member& member : members_) member.at_eos = true;
    eos_seqnum_ = seqnum;
  }
  end_if_due();
  return true;
}

GstFlowReturn Recorder::give_up(Input& input, const char* sentence) {
  bool last;
  {
    const std::lock_guard lock(mutex_);
    if (Member* member = this->member(input)) member->given_up = true;
    last = !any_good();
  }
  last = last && !expects_stream();
  const GString8 name(gst_object_get_name(GST_OBJECT(input.pad())));
  const std::string text = std::string("Track of pad ") + name.get() + " ends: " + sentence;
  if (!last) {
    post_stream_warning(element_, text);
    return GST_FLOW_OK;
  }
  if (const auto recording = this->recording()) end_recording(*recording);
  post_stream_error(element_, text + " No other track is left.");
  return GST_FLOW_ERROR;
}

bool Recorder::any_good() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.takes_part() && !member.given_up; });
}

// Some pad has had no stream yet but may have one.
bool Recorder::expects_stream() {
  std::vector<GstRef<GstPad>> pads;
  {
    const std::lock_guard lock(mutex_);
    for (const Member& member : members_)
      if (member.may_start()) pads.push_back(GstRef<GstPad>::share(member.input->pad()));
  }
  return std::any_of(pads.begin(), pads.end(), [](auto& pad) { return has_source(pad.get()); });
}

// ---- the ending ----

bool Recorder::everything_ended() const {
  if (members_.empty()) return true;
  bool any_eos = false;
  for (const Member& member : members_) {
    if (member.takes_part()) return false;
    any_eos = any_eos || member.at_eos;
  }
  return any_eos;
}

void Recorder::end_if_due() {
  if (expects_stream()) return;
  std::shared_ptr<mp4::Recording> recording;
  {
    const std::lock_guard lock(mutex_);
    if (!recording_ || !everything_ended()) return;
    reached_eos_ = !members_.empty() || forced_eos_;  // no EOS by releasing the last pad
    recording = recording_;
  }
  end_recording(*recording);
  post_eos_if_due();
}

// Once; the first cause wins, Recording sees to that.
void Recorder::end_recording(mp4::Recording& recording) {
  hand_over_tags(recording);
  if (recording.end()) return;  // the I/O thread will say when
  bool nothing, given_up;
  {
    const std::lock_guard lock(mutex_);
    nothing = !done_ && !failed_ && recording.summary().tracks.empty();
    given_up = std::any_of(members_.begin(), members_.end(), [](auto& m) { return m.given_up; });
    if (nothing) done_ = true;
    nothing = nothing && reached_eos_;
  }
  if (!nothing) return;
  if (given_up)
    post_stream_error(element_,
                      "Nothing was recorded, because no track could be. There is no file.");
  else
    post_stream_warning(element_,
                        "Nothing was recorded, because no sample came. There is no file.");
}

void Recorder::recording_done(unsigned cycle, bool success) {
  {
    const std::lock_guard lock(mutex_);
    if (cycle != cycle_) return;
    done_ = success;
    failed_ = !success;
  }
  post_eos_if_due();
}

void Recorder::post_eos_if_due() {
  GstMessage* message = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!playing_ || !reached_eos_ || !done_ || eos_posted_) return;
    eos_posted_ = true;
    message = gst_message_new_eos(GST_OBJECT(element_));
    if (eos_seqnum_ != GST_SEQNUM_INVALID) gst_message_set_seqnum(message, eos_seqnum_);
  }
  gst_element_post_message(element_, message);
}

void Recorder::merge_tags(const GstTagList* tags) {
  {
    const std::lock_guard lock(tags_mutex_);
    GstTagSetter* setter = GST_TAG_SETTER(element_);
    gst_tag_setter_merge_tags(setter, tags, gst_tag_setter_get_tag_merge_mode(setter));
  }
  if (const auto recording = this->recording()) hand_over_tags(*recording);
}

void Recorder::hand_over_tags(mp4::Recording& recording) {
  std::vector<mp4::MovieTag> tags;
  {
    const std::lock_guard lock(tags_mutex_);
    tags = movie_tags(gst_tag_setter_get_tag_list(GST_TAG_SETTER(element_)));
  }
  recording.set_movie_tags(std::move(tags));
}

// ---- statistics ----

guint64 Recorder::bytes_written() {
  const auto recording = this->recording();
  return recording ? recording->summary().bytes_written : 0;
}

StructureOwner Recorder::stats() {
  const std::lock_guard lock(mutex_);
  if (!recording_ && last_stats_) return StructureOwner(gst_structure_copy(last_stats_.get()));
  mp4::Recording::Summary summary;
  if (recording_) summary = recording_->summary();
  StructureOwner stats(gst_structure_new(
      "application/x-trailingmp4sink-stats", "location", G_TYPE_STRING, open_location_.c_str(),
      "duration", G_TYPE_UINT64, static_cast<guint64>(summary.duration_ns), "bytes-written",
      G_TYPE_UINT64, static_cast<guint64>(summary.bytes_written), "bytes-synced", G_TYPE_UINT64,
      static_cast<guint64>(summary.bytes_synced), "queue-bytes", G_TYPE_UINT64,
      static_cast<guint64>(summary.queued_bytes), nullptr));
  GValue tracks = G_VALUE_INIT;
  gst_value_array_init(&tracks, 0);
  for (const Member& member : members_) {
    StructureOwner track = member.input->stats(summary);
    if (!track) continue;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, track.release());
    gst_value_array_append_and_take_value(&tracks, &value);
  }
  gst_structure_take_value(stats.get(), "tracks", &tracks);
  return stats;
}

}  // namespace trailingmp4
