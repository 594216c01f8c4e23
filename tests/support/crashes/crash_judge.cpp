// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash_judge.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "file_bytes.h"
#include "libav_reader.h"

namespace mp4_test {
namespace {

using Kind = DiskCall::Kind;

constexpr unsigned kProbed = 50;  // each such state is opened by FFmpeg's libraries too

}  // namespace

Judge::Judge(const Film& film, const std::vector<DiskCall>& calls)
    : film_(film),
      path_((access("/dev/shm", W_OK) == 0 ? "/dev/shm/crash-state-" : "/tmp/crash-state-") +
            std::to_string(getpid()) + ".mp4") {
  Progress progress;
  progress_.push_back(progress);
  uint64_t first_fragment = 0;
  for (const DiskCall& call : calls) {
    if (call.kind == Kind::kWrite && call.offset == 0) first_fragment = call.bytes.size();
    const bool eight = call.kind == Kind::kWrite && call.bytes.size() == 8;
    // Not what is put over a fragment that found no space.
    const bool published = eight && std::equal(call.bytes.begin() + 4, call.bytes.end(), "moof");
    if (eight && call.offset == 40) progress.flipped = true;
    if (published && call.offset >= first_fragment) ++progress.published;
    progress_.push_back(progress);
  }
  for (const Film::Track& track : film.tracks)
    for (const Film::Sample& sample : track.samples)
      origin_ = std::min(origin_, track.timescale.to_ns(sample.times.pts));
}
Judge::~Judge() { unlink(path_.c_str()); }

void Judge::judge_killed(const DiskState& state) {
  const Progress& done = progress_[state.calls];
  look(state);
  if (film_.settings.overwrites && !state.has_name) return;  // the old file is untouched
  if (done.flipped) return expect_finished();
  if (done.published == 0) return expect_nothing();
  expect_fragments(done.published, done.published);
  expect_hidden_tail();
  const auto [known, is_new] = samples_of_.insert({done.published, counts()});
  if (!is_new && known->second != counts()) problem("other samples than before");
}

void Judge::judge_powerless(const DiskState& state) {
  const Progress& done = progress_[state.calls];
  const Progress& durable = progress_[state.synced];
  if (film_.settings.overwrites && !state.has_name) return;
  if (film_.settings.overwrites && durable.published == 0 && !durable.flipped)
    problem("the old file is gone and nothing of the new one is durable");
  if (durable.published == 0 && !durable.flipped && !done.flipped) return;  // nothing is promised
  look(state);
  if (durable.flipped) return expect_finished();
  if (done.flipped && movie_ && !movie_->fragmented) return expect_finished();
  if (durable.published == 0) return expect_nothing();
  expect_fragments(durable.published, done.published);
}

Judge::Counts Judge::judge_growing(const DiskState& state, std::size_t fragments) {
  look(state);
  expect_fragments(fragments, fragments);
  return counts();
}

Judge::Counts Judge::judge_finished(const DiskState& state) {
  look(state);
  expect_finished();
  return counts();
}

void Judge::expect_all_recorded() {
  if (film_.witness->failure() || samples_of_.empty()) return;
  if (finished_ != all_samples()) problem("not all samples are in the finished file");
}

void Judge::look(const DiskState& state) {
  state_ = &state;
  ++states_;
  if (!store()) problem("the state cannot be stored");
  movie_ = boxes::read_movie(path_);
  if (states_ % kProbed == 0) probe();
}

bool Judge::store() const {
  const Hole hole = film_.disk->hole();
  const Bytes& file = state_->file;
  if (file.size() <= hole.offset) return boxes::store_file(path_, file);
  const auto middle = file.begin() + static_cast<std::ptrdiff_t>(hole.offset);
  return boxes::store_file(path_, {file.begin(), middle}) &&
         boxes::store_file_at(path_, {middle, file.end()}, hole.offset + hole.size);
}

// No packet of ffmpeg can be as large as a hole.
void Judge::probe() {
  if (film_.disk->hole().size > 0 || !movie_ || counts().empty()) return;
  const libav::File file = libav::read_file(path_, libav::Heard::kFatal);
  if (!file.opened) problem("FFmpeg does not open it");
  std::size_t packets = 0, samples = 0;
  for (const libav::Stream& stream : file.streams) packets += stream.packets.size();
  for (const auto& [id, count] : counts()) samples += count;
  if (packets != samples)
    problem("FFmpeg finds " + std::to_string(packets) + " of " + std::to_string(samples));
}

void Judge::problem(const std::string& text) {
  if (problems_.size() < 20)
    problems_.insert("after " + std::to_string(state_ ? state_->calls : 0) + " calls: " + text);
}

Judge::Counts Judge::counts() const {
  Counts counts;
  if (movie_)
    for (const boxes::Track& track : movie_->tracks)
      if (!track.samples.empty()) counts[track.id] = track.samples.size();
  return counts;
}
Judge::Counts Judge::all_samples() const {
  Counts counts;
  for (std::size_t i = 0; i < film_.by_id.size(); ++i)
    counts[static_cast<uint32_t>(i + 1)] = film_.tracks[film_.by_id[i]].samples.size();
  return counts;
}

void Judge::expect_nothing() {
  if (!counts().empty()) problem("samples that were not published");
}

void Judge::expect_finished() {
  if (!movie_) return problem("the finished file does not open");
  if (movie_->fragmented || movie_->top.size() != 3) problem("it is not finished");
  expect_no_problems(false);
  expect_right_samples();
  finished_ = counts();
}

void Judge::expect_fragments(std::size_t fewest, std::size_t most) {
  if (!movie_) return problem("it does not open");
  if (!movie_->fragmented) return problem("it is finished before the flip");
  const auto is_moof = [](const boxes::Box& box) { return box.type == "moof"; };
  const auto fragments =
      static_cast<std::size_t>(std::count_if(movie_->top.begin(), movie_->top.end(), is_moof));
  if (fragments < fewest || fragments > most)
    problem(std::to_string(fragments) + " fragments, not " + std::to_string(fewest));
  const auto is_moov = [](const boxes::Box& box) { return box.type == "moov"; };
  if (std::count_if(movie_->top.begin(), movie_->top.end(), is_moov) > 1)
    problem("a second moov is visible");
  expect_no_problems(true);
  // Of two that were published and are not durable, the second may be there alone.
  expect_right_samples(fewest < most);
}

// Of a file that lost nothing.
void Judge::expect_hidden_tail() {
  if (!movie_) return;
  const auto is_seen = [](const boxes::Box& box) { return box.type == "mdat"; };
  const auto last = std::find_if(movie_->top.rbegin(), movie_->top.rend(), is_seen);
  for (auto box = last.base(); box != movie_->top.end(); ++box)
    if (box->type != "skip") problem("a reader finds '" + box->type + "' in the hidden tail");
}

// The hidden tail alone may claim more than there is.
void Judge::expect_no_problems(bool growing) {
  uint64_t end = film_.disk->hole().with(state_->file.size());
  if (growing)
    for (auto box = movie_->top.rbegin(); box != movie_->top.rend(); ++box)
      if (box->type == "moof" || box->type == "mdat") {
        end = box->offset + box->size;
        break;
      }
  for (const std::string& text : movie_->problems) {
    const auto at = std::min(text.rfind("offset "), text.rfind('@'));
    const auto number = text.find_first_of("0123456789", at);
    if (number == std::string::npos || strtoull(&text[number], nullptr, 10) < end) problem(text);
  }
}

void Judge::expect_right_samples(bool may_have_holes) {
  for (const boxes::Track& found : movie_->tracks) {
    if (found.id == 0 || found.id > film_.by_id.size()) return problem("a track too many");
    const Film::Track& track = film_.tracks[film_.by_id[found.id - 1]];
    auto next = track.samples.begin();
    for (const boxes::Sample& sample : found.samples) {
      while (may_have_holes && next != track.samples.end() && !has_bytes(sample, *next)) ++next;
      if (next == track.samples.end()) return problem("samples too many, or with other bytes");
      expect_right(found, sample, track, *next++);
    }
  }
}

bool Judge::has_bytes(const boxes::Sample& out, const Film::Sample& in) const {
  const Hole hole = film_.disk->hole();
  if (in.large > 0) return out.offset == hole.offset && out.size == in.large;
  const uint64_t offset = hole.without(out.offset);
  const auto begin = state_->file.begin() + static_cast<std::ptrdiff_t>(offset);
  return offset + out.size <= state_->file.size() && out.size == in.bytes.size() &&
         std::equal(in.bytes.begin(), in.bytes.end(), begin);
}

void Judge::expect_right(const boxes::Track& found, const boxes::Sample& out,
                         const Film::Track& track, const Film::Sample& in) {
  const int64_t late =
      boxes::presentation_ns(*movie_, found, out) - (track.timescale.to_ns(in.times.pts) - origin_);
  if (std::abs(late) > 12'000) problem("a sample is " + std::to_string(late) + " ns late");
  if (out.sync != in.sync) problem("a sync sample is wrong");
  if (!has_bytes(out, in)) problem("a sample has other bytes");
}

std::string Judge::problems_text() const {
  std::string text;
  for (const std::string& problem : problems_) text += "\n  " + problem;
  return text;
}

}  // namespace mp4_test
