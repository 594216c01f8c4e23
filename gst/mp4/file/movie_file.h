// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MovieFile: what stands on disk, and in which order it gets there. Used by the I/O thread alone.
//
// While the file grows (each visible top-level box always has its true size; only the hidden tail
// may claim more than there is):
//
//   0    ftyp, H         H is an empty mdat in 64-bit form
//   48   moov A          the tracks without samples
//        skip            the reserve, in which a later moov may take A's place
//   E    a fragment      hidden:    [u32 total]['skip'] [the rest of moof] [mdat]
//                        published: [u32 moof]['moof']  ... by one aligned write of 8 bytes
//   ...
// At the end:
//   E    [u32 8+m]['skip'] [moov M, m bytes]
//   flip bytes 40..47 become the size from 32 up to and including the 8 bytes before M
//
// A recording without fragments has its samples from 48 on, and no more before the flip.
//
// Nothing is published before a sync that covers it, nothing is flipped before M is durable, and
// after a sync that failed nothing is written any more: what is on disk then is not known.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mp4/base/boxes.h"
#include "mp4/base/log.h"
#include "mp4/file/fragment.h"
#include "mp4/file/output_file.h"

namespace mp4 {

class MovieFile {
 public:
  explicit MovieFile(std::unique_ptr<OutputFile> file, Log log = {})
      : log_(std::move(log)), file_(std::move(file)) {}
  // One that a recorder left over: its fragments end there, and what is behind is a rest, or the
  // very moov that is to be shown. All that can be done with it is finish().
  enum class Behind { kRest, kMoov };
  MovieFile(std::unique_ptr<OutputFile> file, uint64_t end, Behind behind)
      : file_(std::move(file)),
        end_(end),
        has_name_(true),
        has_rest_(behind == Behind::kRest),
        keeps_moov_(behind == Behind::kMoov) {}

  // S0: makes the file.
  Status create();
  // S1 with the first, S2: appends the fragment, hidden. A sample whose bytes cannot be had becomes
  // zeros of its size and its track is added to damaged. kNoSpace: it is not in the file, which can
  // be finished without it.
  Status append(const Fragment& fragment, std::vector<TrackIndex>& damaged);
  // S3, S4: makes durable and publishes what was appended. A file whose place it takes may be held
  // for now: that is tried again with the next fragment.
  Status commit();
  // Makes durable what was published.
  Status settle();
  // S5 to S9: the ending, after a commit. On an error the file is closed as it is, never flipped
  // halfway.
  Status finish(const Boxes& moov);
  // Closes the file, after an error that has been reported. What is complete and was not published
  // yet is, if no sync has failed and one that covers it does not either.
  void abandon();

  uint64_t bytes_written() const { return size_; }  // of the file
  uint64_t bytes_synced() const { return synced_size_; }
  // What readers find, were the recorder killed now.
  uint64_t fragments_published() const { return published_; }

 private:
  struct Hidden {  // a fragment that was appended and is not published
    uint64_t offset;
    std::vector<uint8_t> box_header;
  };

  Status publish();
  Status begin(const FragmentFrame& frame);
  Status revise(const FragmentFrame::Revision& revision);
  Status append_samples(const Fragment& fragment, std::vector<TrackIndex>& damaged);
  Status append_moov(const Boxes& moov);
  Status append_moov_over_rest(const Boxes& moov);
  Status write_slices(uint64_t offset, std::vector<uint8_t> header, const Boxes& moov);
  Status forget_fragment();
  void drop_rest();
  Status check_size(uint64_t expected);
  Status flip(uint64_t mdat_size);
  Status write(uint64_t offset, std::span<const uint8_t> bytes);
  Status write(uint64_t offset, std::span<const iovec> pieces);
  Status sync(const char* step);  // the step's name in the log
  Status take_name();
  Status take_name_at_last();
  template <typename Work>
  Status log_step(const char* step, const Work& work) const;
  void note_written(uint64_t offset, uint64_t bytes);
  void note_synced();

  const Log log_;
  std::unique_ptr<OutputFile> file_;
  uint64_t end_ = 0;  // E: where the next fragment goes
  std::vector<Hidden> hidden_;
  bool has_name_ = false;
  bool has_rest_ = false;    // of a write that failed, behind the end
  bool keeps_moov_ = false;  // what is behind the end is good
  bool sync_failed_ = false;
  uint64_t size_ = 0;
  uint64_t synced_size_ = 0;
  bool is_synced_ = true;
  uint64_t published_ = 0;
};

}  // namespace mp4
