// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MovieFile: what stands on disk, and in which order it gets there. Used by the I/O thread alone.
//
//   0    ftyp   32 bytes
//   32   H      16 bytes: 00000001 'mdat' 0000000000000010, an empty mdat with a 64-bit size
//   48   the samples, chunk by chunk
//   E    [u32 8+m]['skip'] [moov M, m bytes]
//   flip bytes 40..47 become the size from 32 up to and including the 8 bytes before M
//
// Before the flip a reader finds ftyp and an empty mdat; after it ftyp, one mdat and moov. The flip
// is one aligned write of 8 bytes and comes after the sync that made M durable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fragment.h"
#include "output_file.h"

namespace mp4 {

class MovieFile {
 public:
  static constexpr uint64_t kFirstSampleOffset = 48;

  explicit MovieFile(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  // S0, S1: makes the file with its header, and its name durable.
  Status create();
  // S2: appends the samples. A sample whose bytes cannot be had becomes zeros of its size and its
  // track is added to damaged.
  Status append(const Fragment& fragment, std::vector<TrackIndex>& damaged);
  // S5 to S9: the ending. On an error the file is closed as it is, never flipped halfway.
  Status finish(std::span<const uint8_t> moov);
  // Closes the file as it is, after an error that has been reported.
  void abandon();

  uint64_t bytes_written() const { return written_; }
  uint64_t bytes_synced() const { return synced_; }

 private:
  Status write(uint64_t offset, std::span<const uint8_t> bytes);
  Status append_moov(std::span<const uint8_t> moov);
  Status check_size(uint64_t expected);
  Status flip(uint64_t mdat_size);
  Status sync();

  std::unique_ptr<OutputFile> file_;
  uint64_t end_ = 0;  // E: where the next sample goes
  uint64_t written_ = 0;
  uint64_t synced_ = 0;
};

}  // namespace mp4
