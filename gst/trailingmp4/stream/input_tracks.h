// SPDX-License-Identifier: LGPL-2.1-or-later
//
// InputTracks: the tracks of the file that one pad's stream goes into. Parameters that can stand
// beside others get a sample description in the same track, and travel in the samples as well;
// others get another track, and the one they had when they come back.
//
// It belongs to the pad's streaming thread, but for what is marked otherwise.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "mp4/codecs/nal.h"
#include "recording/recording.h"
#include "recording/timing/timeline.h"
#include "trailingmp4/caps/track_caps.h"

namespace trailingmp4 {

class InputTracks {
 public:
  // The pad is named in the log.
  InputTracks(GstPad* pad, std::shared_ptr<mp4::Recording> recording, Timeline::Counters& counters)
      : pad_(pad), recording_(std::move(recording)), counters_(counters) {}

  // The stream from the next sample on. now: where the stream has come to, in nanoseconds.
  void set_caps(TrackCaps caps, int64_t now);
  bool has_caps() const { return current_ != nullptr; }
  const TrackCaps& caps() const { return current_->caps; }
  uint32_t pcm_bytes() const { return current_->pcm_bytes; }  // of a frame; 0: it is none
  TrackTimes& times() { return current_->times; }

  // What the sample says of itself; the parameters that it brings are those of the track from now
  // on.
  mp4::AccessUnit look_into(const mp4::ByteSource& sample);
  bool looks_into_samples() const { return current_->caps.sets || current_->codec.look; }
  // What is to be put into that sample so that decoding can start there, whatever description a
  // reader uses, the last position first; call it once a sample, after look_into().
  struct Insertion {
    uint64_t position;
    std::vector<uint8_t> bytes;
  };
  std::vector<Insertion> sets_to_insert(const mp4::AccessUnit& unit);

  // Where the sample goes. A track begins with its first sample.
  struct Place {
    mp4::TrackIndex track;
    uint32_t description;
    mp4::Ticks clip;  // so much earlier do the track's samples lie than their times say
    bool is_first;    // of the track: the clip is at its beginning
  };
  // clip: at the beginning of the sample, as upstream says; it counts if it begins the track.
  Place place_sample(int64_t now, mp4::Ticks clip);

  // Into the log. offset_ns: by how much running time is moved.
  void log_begin(const Place& place, const mp4::Recording::Sample& sample, int64_t offset_ns) const;
  void log_sample(const Place& place, const mp4::Recording::Sample& sample) const;

  // Of PCM, where the frames end that its track has; nothing: it has none, or is no PCM.
  std::optional<mp4::Ticks> pcm_end() const;
  void set_pcm_end(mp4::Ticks end) { current_->pcm_end = end; }

  // Nothing follows, or not soon. Any thread.
  void end();
  void set_tags(const mp4::TrackTags& tags);
  std::vector<mp4::TrackIndex> begun() const;  // any thread

 private:
  struct Stream {
    Stream(TrackCaps the_caps, TrackTimes the_times)
        : caps(std::move(the_caps)),
          codec(caps.codec()),
          pcm_bytes(mp4::pcm_frame_bytes(caps.config)),
          times(std::move(the_times)) {}

    TrackCaps caps;
    const mp4::Codec& codec;
    const uint32_t pcm_bytes;
    TrackTimes times;
    std::optional<mp4::TrackIndex> track;
    mp4::Ticks clip = 0;
    mp4::Ticks pcm_end = 0;
    uint32_t description = 0;
    bool to_be_described = false;  // the parameters are others than those of `description`
    bool changed = false;          // since the first sample, once at least
    int64_t last = 0;              // where its last sample ends
  };

  TrackTimes times_for(const TrackCaps& caps);
  void change_parameters(TrackCaps caps);
  Stream* find(const TrackCaps& caps, int64_t now) const;
  std::optional<mp4::TrackIndex> alternative_to(const Stream& stream) const;
  mp4::AccessUnit look_for_sets(const mp4::ByteSource& sample);
  void bring_sets(std::vector<std::vector<uint8_t>> sets);
  void note_change();
  void describe(Stream& stream);
  void use_depth();

  GstPad* const pad_;
  std::shared_ptr<mp4::Recording> recording_;
  Timeline::Counters& counters_;
  mp4::TrackTags tags_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Stream* current_ = nullptr;
  std::vector<std::vector<uint8_t>> brought_;  // by the sample at hand
  mutable std::mutex mutex_;
  std::vector<mp4::TrackIndex> begun_;  // mutex_
};

}  // namespace trailingmp4
