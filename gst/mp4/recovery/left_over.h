// SPDX-License-Identifier: LGPL-2.1-or-later
//
// LeftOver: what a recorder that was killed, or lost its power, left of a recording. It finds the
// fragments (docs/crash-safety.md has the layout), those that were written and not yet published
// among them, and knows what the file's movie box will be.
//
// Of a copy that was cut in a fragment that readers see, it takes the samples that are whole. For
// the tool to be interrupted, that fragment is marked and then hidden first, in a 'skip' that ends
// with the last of them.
//
// It writes nothing, and trusts nothing in the file: whatever it finds, the file can be read as
// before, and what cannot be understood is left alone.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mp4/base/byte_source.h"
#include "mp4/base/status.h"
#include "mp4/recovery/left_over_tracks.h"

namespace finalize {

struct CutFragment;

// Where a fragment that was cut is marked, from its begin, and by what: the flags of 'mfhd', which
// readers do not look at.
inline constexpr uint64_t kCutMarkOffset = 16;
inline constexpr uint32_t kCutMark = 0x637574;

class LeftOver {
 public:
  enum class Kind {
    kFinished,  // nothing is to be done
    kLeftOver,  // it can be finished
  };
  // How far it has come in the file.
  using Progress = std::function<void(uint64_t offset)>;

  // Anything but ok: there is no recording in it that can be finished, and a sentence why.
  mp4::Status read(const mp4::ByteSource& file, const Progress& progress);

  Kind kind() const { return kind_; }
  uint64_t end() const { return end_; }  // of its fragments
  uint64_t fragments() const { return published_ + hidden_; }
  uint64_t hidden_fragments() const { return hidden_; }  // of these, not published until now
  const LeftOverTracks& tracks() const { return tracks_; }

  // The recorder's own movie box stands behind the fragments, hidden, and can be used.
  bool has_finished_moov() const { return !finished_moov_.empty(); }
  // Of the finished file: that one, or another that is made of the fragments.
  mp4::Boxes moov() const {
    return has_finished_moov() ? mp4::Boxes(finished_moov_) : tracks_.moov();
  }
  // The file ends within a fragment, or did before it was to be finished.
  bool is_cut() const { return is_cut_; }
  uint64_t samples_cut() const { return samples_cut_; }  // as far as they are known
  // The fragment that was cut, if a sample of it is there and readers see it; else 0.
  uint64_t cut_offset() const { return cut_offset_; }

 private:
  mp4::Status read_finished(const mp4::ByteSource& file, uint64_t mdat_size);
  mp4::Status read_boxes(const mp4::ByteSource& file, const Progress& progress);
  bool read_moov(const mp4::ByteSource& file, uint64_t offset, uint64_t size);
  bool read_published(const mp4::ByteSource& file, uint64_t offset, uint64_t size);
  void read_hidden(const mp4::ByteSource& file, uint64_t offset, uint64_t size);
  bool add(const mp4::ByteSource& file, uint64_t offset, uint64_t moof_size, uint64_t size);
  bool read_cut(const mp4::ByteSource& file, uint64_t offset);
  bool read_hidden_cut(const mp4::ByteSource& file, uint64_t offset);
  void read_finished_moov(const mp4::ByteSource& file);
  bool add_cut(const mp4::ByteSource& file, const CutFragment& cut);

  Kind kind_ = Kind::kLeftOver;
  bool has_moov_ = false;
  uint64_t end_ = 0;
  uint64_t published_ = 0;
  uint64_t hidden_ = 0;
  std::vector<uint8_t> finished_moov_;
  bool is_cut_ = false;
  uint64_t samples_cut_ = 0;
  uint64_t cut_offset_ = 0;
  LeftOverTracks tracks_;
};

}  // namespace finalize
