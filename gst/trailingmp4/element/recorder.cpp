// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/recorder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "trailingmp4/base/bus_messages.h"
#include "trailingmp4/base/log.h"
#include "trailingmp4/element/location.h"
#include "trailingmp4/element/properties.h"
#include "trailingmp4/element/recording_listener.h"
#include "trailingmp4/element/upstream.h"
#include "trailingmp4/stream/statistics.h"

namespace trailingmp4 {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstStuckWarning{5'000};
constexpr milliseconds kNextStuckWarning{30'000};

milliseconds in_milliseconds(GstClockTime time) {
  return milliseconds(static_cast<int64_t>(std::min<GstClockTime>(time, G_MAXINT64) / GST_MSECOND));
}

}  // namespace

Settings Recorder::settings() {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void Recorder::change_settings(const std::function<void(Settings&)>& change) {
  const std::lock_guard lock(mutex_);
  change(settings_);
  drops_when_full_ = settings_.queue_full == QueueFull::kDrop;
  if (!recording_) return;
  recording_->set_max_queue_bytes(settings_.max_queue_bytes);
  recording_->wake();  // queue-full may be another now
}

std::shared_ptr<mp4::Recording> Recorder::recording() {
  const std::lock_guard lock(mutex_);
  return recording_;
}

// ---- state changes ----

bool Recorder::prepare() {
  const Settings settings = this->settings();
  std::unique_ptr<mp4::PosixOutputFile> target;
  mp4::Status status = check_location(settings.location);
  if (status.ok())
    status = mp4::PosixOutputFile::open_folder(settings.location,
                                               {settings.file_mode, settings.overwrite}, target);
  if (!status.ok()) {
    post_error(element_, status, settings.location);
    return false;
  }
  const std::lock_guard lock(mutex_);
  target_ = std::move(target);
  target_settings_ = settings;
  return true;
}

bool Recorder::start() {
  bool prepared;
  {
    const std::lock_guard lock(mutex_);
    prepared = target_ && target_settings_.location == settings_.location &&
               target_settings_.file_mode == settings_.file_mode &&
               target_settings_.overwrite == settings_.overwrite;
  }
  if (!prepared && !prepare()) return false;
  warn_of_short_fragments();
  GST_INFO_OBJECT(element_, "settings in force:%s",
                  settings_text(G_OBJECT_GET_CLASS(element_), settings()).c_str());
  tags_.forget();
  const std::lock_guard lock(mutex_);
  open_location_ = target_settings_.location;
  auto listener = std::make_shared<RecordingListener>(*this, element_, ++cycle_, open_location_);
  mp4::Recording::Settings recording_settings;
  recording_settings.max_queue_bytes = settings_.max_queue_bytes;
  recording_settings.fragment_ns = static_cast<int64_t>(settings_.fragment_duration);
  recording_settings.sync_interval_ns = static_cast<int64_t>(settings_.sync_interval);
  const GString8 name(gst_object_get_name(GST_OBJECT(element_)));
  recording_settings.log = core_log(name.get());
  recording_ =
      std::make_shared<mp4::Recording>(std::move(target_), std::move(listener), recording_settings);
  clock_ = std::make_shared<SharedClock>(
      [recording = recording_.get()] { return recording->latest_end_ns(); });
  stopping_ = reached_eos_ = forced_eos_ = done_ = false;
  group_id_.reset();
  last_stats_.reset();
  released_.clear();
  roster_.reset();
  roster_.each([&](Input& input) {
    input.set_cancel(Input::kStopping, false);
    input.set_cancel(Input::kFlushing, false);  // a flush that a stop cut short
    input.begin_cycle(cycle_settings());
  });
  return true;
}

// mp4mux counts the same property in milliseconds.
void Recorder::warn_of_short_fragments() {
  constexpr GstClockTime kShortest = 10 * GST_MSECOND;
  GstClockTime duration;
  {
    const std::lock_guard lock(mutex_);
    duration = settings_.fragment_duration;
    if (duration == 0 || duration >= kShortest) return;
    if (std::exchange(warned_of_short_fragments_, true)) return;
  }
  post_settings_warning(element_, "fragment-duration is " + std::to_string(duration) +
                                      " nanoseconds. Its unit is nanoseconds: one second is "
                                      "1000000000. Each fragment below 10 ms costs a sync of the "
                                      "disk and hundreds of bytes.");
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
    roster_.each([](Input& input) { input.set_cancel(Input::kStopping, true); });
    recording = recording_;
  }
  gate_.notify_all();
  if (recording) recording->wake();
}

void Recorder::finish_stop() {
  const std::shared_ptr<mp4::Recording> recording = this->recording();
  if (!recording) return;
  GST_DEBUG_OBJECT(element_, "stopped; waiting for the end of the file");
  end_recording(*recording);
  wait_for_ending(*recording, settings().stop_timeout);
  StructureOwner stats = this->stats();
  for (const GstRef<GstPad>& pad : silent_pads())
    GST_INFO_OBJECT(pad.get(), "no sample came on this pad");
  const std::lock_guard lock(mutex_);
  ++cycle_;
  last_stats_ = std::move(stats);
  roster_.each([](Input& input) { input.end_cycle(); });
  recording_.reset();
  clock_.reset();
}

std::vector<GstRef<GstPad>> Recorder::silent_pads() {
  const std::lock_guard lock(mutex_);
  std::vector<GstRef<GstPad>> pads;
  roster_.each([&](Input& input) {
    if (!input.has_begun()) pads.push_back(GstRef<GstPad>::share(input.pad()));
  });
  return pads;
}

void Recorder::forget() {
  const std::lock_guard lock(mutex_);
  target_.reset();
}

void Recorder::wait_for_ending(mp4::Recording& recording, GstClockTime timeout) {
  const auto limit = timeout ? in_milliseconds(timeout) : milliseconds::max();
  milliseconds waited{0};
  for (milliseconds next = kFirstStuckWarning;; next = kNextStuckWarning) {
    const milliseconds step = std::min(next, limit - waited);
    if (recording.wait_until_ended(step)) return;
    waited += step;
    if (waited >= limit) break;
    post_resource_warning(
        element_, "Still waiting for the disk to take the end of \"" + open_location_ + "\".");
  }
  post_resource_warning(element_, "The disk did not take the end of \"" + open_location_ +
                                      "\" within stop-timeout; writing goes on in the background.");
}

// ---- pads ----

CycleSettings Recorder::cycle_settings() const {
  return {recording_, clock_, settings_.clock, settings_.loss_policy, settings_.start_at_sync};
}

void Recorder::add(Input& input) {
  const std::lock_guard lock(mutex_);
  input.attach(this);
  roster_.add(input);
  input.set_cancel(Input::kStopping, stopping_);
  if (recording_) input.begin_cycle(cycle_settings());
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
  bool all_given_up;
  {
    const std::lock_guard lock(mutex_);
    input.attach(nullptr);
    input.end_tracks();
    roster_.remove(input);
    all_given_up = recording_ && roster_.all_given_up();
    if (recording_)
      if (auto stats = input.stats(recording_->summary())) released_.push_back(std::move(stats));
  }
  if (all_given_up)
    end_without_tracks(
        "The last pad that was recorded is gone, and the tracks of the others ended "
        "before.");
  else
    end_if_due();
}

// ---- streaming threads ----

bool Recorder::wait_until_playing(const Input& input) {
  if (playing_.load() && !input.cancelled().load()) return true;
  std::unique_lock lock(mutex_);
  gate_.wait(lock, [&] { return playing_.load() || input.cancelled().load(); });
  return !input.cancelled().load();
}

Recorder::Turn Recorder::wait_for_turn(const Input& input, mp4::Recording& recording) {
  for (;;) {
    if (!wait_until_playing(input)) return Turn::kCancelled;
    if (recording.has_room()) return Turn::kGo;
    if (drops_when_full_.load()) return Turn::kQueueFull;
    recording.wait_for_room([&] { return input.cancelled().load() || drops_when_full_.load(); });
  }
}

void Recorder::stream_started(Input& input, guint group_id) {
  bool new_group;
  {
    const std::lock_guard lock(mutex_);
    roster_.stream_started(input);
    roster_.set_at_eos(input, forced_eos_);
    if (!forced_eos_) reached_eos_ = eos_posted_ = false;
    new_group = group_id_ != group_id;
    group_id_ = group_id;
  }
  if (!new_group) return;
  GstMessage* message = gst_message_new_stream_start(GST_OBJECT(element_));
  if (group_id != GST_GROUP_ID_INVALID) gst_message_set_group_id(message, group_id);
  gst_element_post_message(element_, message);
}

void Recorder::ended(Input& input, guint32 seqnum) {
  {
    const std::lock_guard lock(mutex_);
    roster_.set_at_eos(input, true);
    eos_seqnum_ = seqnum;
  }
  end_if_due();
}

void Recorder::flushed(Input& input) {
  const std::lock_guard lock(mutex_);
  if (forced_eos_) return;
  roster_.set_at_eos(input, false);
  reached_eos_ = eos_posted_ = false;
}

void Recorder::unlinked(Input& input) {
  {
    const std::lock_guard lock(mutex_);
    roster_.unlinked(input);
  }
  end_if_due();
}

bool Recorder::end_all(guint32 seqnum) {
  {
    const std::lock_guard lock(mutex_);
    if (!recording_) return false;
    forced_eos_ = true;
    roster_.end_all();
    eos_seqnum_ = seqnum;
  }
  end_if_due();
  return true;
}

GstFlowReturn Recorder::give_up(Input& input, const char* sentence) {
  bool others;
  {
    const std::lock_guard lock(mutex_);
    roster_.give_up(input);
    others = roster_.any_takes_part() || roster_.any_at_eos();
  }
  const GString8 name(gst_object_get_name(GST_OBJECT(input.pad())));
  const std::string text = std::string("Track of pad ") + name.get() + " ends: " + sentence;
  if (!others && !expects_stream()) {
    end_without_tracks(text + " No other track is left.");
    return GST_FLOW_ERROR;
  }
  post_stream_warning(element_, text);
  end_if_due();  // the others may be at EOS
  return GST_FLOW_OK;
}

void Recorder::end_without_tracks(const std::string& text) {
  if (const auto recording = this->recording()) end_recording(*recording);
  post_stream_error(element_, text);
}

GstFlowReturn Recorder::end_with_error(Input& input, const char* sentence) {
  if (const auto recording = this->recording()) end_recording(*recording);
  const GString8 name(gst_object_get_name(GST_OBJECT(input.pad())));
  post_stream_error(element_, std::string("Pad ") + name.get() + ": " + sentence);
  return GST_FLOW_ERROR;
}

// Some pad has had no stream yet but may have one.
bool Recorder::expects_stream() {
  std::vector<GstRef<GstPad>> pads;
  {
    const std::lock_guard lock(mutex_);
    pads = roster_.pads_without_stream();
  }
  return std::any_of(pads.begin(), pads.end(), [](auto& pad) { return has_source(pad.get()); });
}

// ---- the ending ----

void Recorder::end_if_due() {
  if (expects_stream()) return;
  std::shared_ptr<mp4::Recording> recording;
  {
    const std::lock_guard lock(mutex_);
    if (!recording_ || !roster_.all_ended()) return;
    if (roster_.empty() && !forced_eos_ && !recording_->started()) return;  // nothing to end yet
    if (!roster_.empty() || forced_eos_) reached_eos_ = true;  // not by releasing the last pad
    recording = recording_;
  }
  GST_DEBUG_OBJECT(element_, "no pad takes part any more");
  end_recording(*recording);
  post_eos_if_due();
}

// Once; the first cause wins, Recording sees to that.
void Recorder::end_recording(mp4::Recording& recording) {
  hand_over_tags(recording);
  if (recording.end()) return;  // the I/O thread will say when
  bool first, given_up;
  {
    const std::lock_guard lock(mutex_);
    first = reached_eos_ && !done_;
    given_up = roster_.any_given_up();
    done_ = true;
  }
  if (!first) return;
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

std::optional<int64_t> Recorder::clock_time() const {
  const auto clock = GstRef<GstClock>::adopt(gst_element_get_clock(element_));
  if (!clock) return std::nullopt;
  return static_cast<int64_t>(std::min<GstClockTime>(gst_clock_get_time(clock.get()), G_MAXINT64));
}

void Recorder::merge_tags(const GstTagList* tags) {
  tags_.merge(tags);
  if (const auto recording = this->recording()) hand_over_tags(*recording);
}

void Recorder::hand_over_tags(mp4::Recording& recording) {
  recording.set_movie_tags(tags_.with(GST_TAG_SETTER(element_)));
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
  std::vector<StructureOwner> tracks;
  for (const StructureOwner& track : released_)
    tracks.emplace_back(gst_structure_copy(track.get()));
  roster_.each([&](Input& input) {
    if (auto track = input.stats(summary)) tracks.push_back(std::move(track));
  });
  return recording_stats(open_location_, summary, std::move(tracks));
}

}  // namespace trailingmp4
