// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/recovery/left_over.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "mp4/base/narrow.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/recovery/box_view.h"
#include "mp4/recovery/hidden_moov.h"

namespace finalize {
namespace {

using namespace mp4::literals;
using mp4::kBoxHeaderSize;
using mp4::Status;
using mp4::StatusCode;

constexpr uint64_t kLargestMoof = uint64_t{64} << 20;  // and moov of a growing file
constexpr uint64_t kLargestFinishedMoov = uint64_t{1} << 30;
constexpr uint64_t kSector = 512;

struct Header {
  uint64_t size;
  mp4::FourCC type;
};

std::vector<uint8_t> read_bytes(const mp4::ByteSource& file, uint64_t offset, uint64_t size) {
  std::vector<uint8_t> bytes(mp4::narrow<std::size_t>(size));
  bytes.resize(file.read(offset, bytes));
  return bytes;
}

// Sizes of 64 bits and "to the end" are not ours.
std::optional<Header> read_any_header(const mp4::ByteSource& file, uint64_t offset) {
  const std::vector<uint8_t> bytes = read_bytes(file, offset, kBoxHeaderSize);
  Fields fields(bytes);
  const uint64_t size = fields.u32();
  const mp4::FourCC type = fields.fourcc();
  if (fields.exhausted() || size < kBoxHeaderSize) return {};
  return Header{size, type};
}

// Of a box that is whole.
std::optional<Header> read_header(const mp4::ByteSource& file, uint64_t offset) {
  const auto header = read_any_header(file, offset);
  return header && header->size <= file.size() - offset ? header : std::nullopt;
}

// A 'moof', hidden or not, as far as its boxes are whole.
struct MoofWalk {
  uint64_t size;               // up to the first box that is not of it, or is not whole
  std::optional<Header> next;  // that one, as far as there is one
};

MoofWalk walk_moof(const mp4::ByteSource& file, uint64_t offset) {
  for (uint64_t position = kBoxHeaderSize;;) {
    const auto box = read_any_header(file, offset + position);
    const auto expected = position == kBoxHeaderSize ? "mfhd"_4cc : "traf"_4cc;
    const bool goes_on = box && box->type == expected && position <= kLargestMoof &&
                         box->size <= file.size() - offset - position;
    if (!goes_on) return {position, box};
    position += box->size;
  }
}

// How long the 'moof' of a hidden fragment is: its boxes go on as far as the 'mdat', which ends
// with the fragment.
std::optional<uint64_t> find_hidden_mdat(const mp4::ByteSource& file, uint64_t offset,
                                         uint64_t size) {
  const MoofWalk moof = walk_moof(file, offset);
  if (!moof.next || moof.next->type != "mdat"_4cc || moof.size > size) return {};
  return moof.next->size == size - moof.size ? std::optional(moof.size) : std::nullopt;
}

// Whether the file ends in the midst of this 'moof'. If its size alone is wrong, there is an 'mdat'
// behind its boxes.
bool is_cut_moof(const mp4::ByteSource& file, uint64_t offset, uint64_t size) {
  const MoofWalk moof = walk_moof(file, offset);
  if (size > kLargestMoof || moof.size > size) return false;
  const uint64_t there = file.size() - offset - moof.size;
  if (!moof.next) return there < kBoxHeaderSize;
  const auto expected = moof.size == kBoxHeaderSize ? "mfhd"_4cc : "traf"_4cc;
  return moof.next->type == expected && moof.next->size > there &&
         moof.next->size <= size - moof.size;
}

// A sector that the disk did not get before the power went is zeros. No sector of coded pictures
// is: H.264 and H.265 forbid three zero bytes in a row. PCM may be, where all is silent: that
// fragment is left out then, which nobody hears.
bool has_lost_sectors(const mp4::ByteSource& file, uint64_t offset, uint64_t size) {
  std::array<uint8_t, 128 * kSector> buffer;
  const uint64_t end = offset + size;
  for (uint64_t at = (offset + kSector - 1) / kSector * kSector; at + kSector <= end;) {
    const auto left = mp4::narrow<std::size_t>((end - at) / kSector * kSector);
    const std::span<uint8_t> bytes = std::span(buffer).first(std::min(buffer.size(), left));
    const std::size_t count = bytes.size();
    if (file.read(at, bytes) != count) return true;
    for (uint64_t sector = 0; sector < count; sector += kSector) {
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(sector);
      if (std::all_of(begin, begin + kSector, [](uint8_t byte) { return byte == 0; })) return true;
    }
    at += count;
  }
  // Of the last one there is a part, of which a part may be padding.
  const std::vector<uint8_t> last = read_bytes(file, end / kSector * kSector, end % kSector);
  return last.size() >= mp4::kAlignment && end - offset > last.size() &&
         std::all_of(last.begin(), last.end(), [](uint8_t byte) { return byte == 0; });
}

// What a crash may leave behind the last box that is whole: nothing, a 'skip' that claims more than
// there is, its header alone or a part of that, or zeros where the disk did not get it.
bool is_hidden_tail(const mp4::ByteSource& file, uint64_t offset) {
  const std::vector<uint8_t> bytes = read_bytes(file, offset, kBoxHeaderSize);
  if (bytes.size() < kBoxHeaderSize) return true;
  Fields fields(bytes);
  const uint64_t size = fields.u32();
  const mp4::FourCC type = fields.fourcc();
  const bool is_skip = type == "skip"_4cc && size > file.size() - offset;
  return is_skip || (size == 0 && type == mp4::FourCC{});
}

// How large the moov of the same samples can be at most: their times may be some ticks off, so
// there may be more runs of them. What fragments claim may need more than there is of memory.
uint64_t largest_moov_like(uint64_t size) {
  constexpr uint64_t kMoreRuns = uint64_t{16} << 20;
  return std::min(kLargestFinishedMoov, 8 * size + kMoreRuns);
}

uint64_t aligned(uint64_t size) { return size + mp4::padding_after(size); }

Status invalid(const char* sentence) { return {StatusCode::kInvalid, sentence}; }

}  // namespace

// One whose 'mdat' goes on behind the end of the file, or of what hides it.
struct CutFragment {
  uint64_t offset;
  uint64_t moof_size;
  uint64_t size;   // that it had
  uint64_t there;  // that is left of it
  bool is_hidden;
};

Status LeftOver::read(const mp4::ByteSource& file, const Progress& progress) {
  const std::vector<uint8_t> found = read_bytes(file, 0, mp4::kHeaderSize);
  if (found.size() < mp4::kHeaderSize) return invalid("Nothing was recorded into it.");
  if (!mp4::has_our_brands(found)) return invalid("It is not a recording of trailingmp4sink.");
  Fields fields(found);
  fields.skip(mp4::kMdatSizeOffset);
  const uint64_t mdat_size = fields.u64();
  if (mdat_size != mp4::kHeaderSize - mp4::kMdatOffset) return read_finished(file, mdat_size);
  return read_boxes(file, progress);
}

Status LeftOver::read_finished(const mp4::ByteSource& file, uint64_t mdat_size) {
  const auto damaged = invalid("It is damaged: it says that it is finished, and has no index.");
  if (mdat_size > file.size() - mp4::kMdatOffset) return damaged;
  const uint64_t end = mp4::kMdatOffset + mdat_size;
  const std::vector<uint8_t> bytes = read_bytes(file, end, kBoxHeaderSize);
  Fields fields(bytes);
  const uint64_t size = fields.u32();
  if (fields.fourcc() != "moov"_4cc || size != file.size() - end) return damaged;
  kind_ = Kind::kFinished;
  return {};
}

Status LeftOver::read_boxes(const mp4::ByteSource& file, const Progress& progress) {
  uint64_t offset = mp4::kHeaderSize;
  while (const auto header = read_header(file, offset)) {
    if (offset % mp4::kAlignment != 0) break;
    progress(offset);
    uint64_t size = header->size;
    if (header->type == "moov"_4cc) {
      if (!read_moov(file, offset, size))
        return invalid("Its description of the tracks is damaged.");
    } else if (header->type == "moof"_4cc) {
      const auto mdat = read_header(file, offset + size);
      if (!mdat) break;  // cut
      if (mdat->type != "mdat"_4cc || !add(file, offset, size, size + mdat->size))
        return invalid("It is damaged: a fragment cannot be understood.");
      ++published_;
      size += mdat->size;
      end_ = offset + size;
    } else if (header->type == "skip"_4cc) {
      if (!read_hidden_cut(file, offset)) read_hidden(file, offset, size);
    } else {
      break;
    }
    offset += size;
  }
  if (has_moov_ && !read_cut(file, offset) && !is_hidden_tail(file, offset))
    return invalid("It is damaged: what is behind its fragments cannot be understood.");
  if (fragments() > 0 && !is_cut_) read_finished_moov(file);
  if (fragments() > 0) return {};
  return invalid(has_moov_ ? "No fragment of it was written: there is nothing to finish."
                           : "It was recorded without fragments (fragment-duration=0), or before "
                             "the first fragment was written: there is nothing to finish.");
}

bool LeftOver::read_moov(const mp4::ByteSource& file, uint64_t offset, uint64_t size) {
  if (has_moov_ || size > kLargestMoof) return false;
  const std::vector<uint8_t> bytes = read_bytes(file, offset, size);
  if (bytes.size() != size) return false;
  auto movie = read_growing_moov(std::span(bytes).subspan(kBoxHeaderSize));
  has_moov_ = movie && tracks_.begin(std::move(*movie));
  return has_moov_;
}

// Older moovs, room for later ones and samples that are in no fragment are hidden too, and stay so.
void LeftOver::read_hidden(const mp4::ByteSource& file, uint64_t offset, uint64_t size) {
  if (!has_moov_) return;
  const auto moof_size = find_hidden_mdat(file, offset, size);
  if (!moof_size || has_lost_sectors(file, offset, size)) return;
  if (!add(file, offset, *moof_size, size)) return;
  ++hidden_;
  end_ = offset + size;
}

void LeftOver::read_finished_moov(const mp4::ByteSource& file) {
  const auto skip = read_header(file, end_);
  const bool is_last = skip && skip->type == "skip"_4cc && skip->size == file.size() - end_;
  if (!is_last || skip->size > kLargestFinishedMoov || has_lost_sectors(file, end_, skip->size))
    return;
  std::vector<uint8_t> bytes = read_bytes(file, end_ + kBoxHeaderSize, skip->size - kBoxHeaderSize);
  std::span<const uint8_t> boxes(bytes);
  const auto moov = next_box(boxes);
  if (!moov || moov->type != "moov"_4cc || !boxes.empty()) return;
  const mp4::Boxes boxes_anew = tracks_.moov();
  if (boxes_anew.size() > largest_moov_like(skip->size)) return;
  const std::vector<uint8_t> anew = boxes_anew.whole();
  if (can_use_moov(moov->body, std::span(anew).subspan(kBoxHeaderSize), end_))
    finished_moov_ = std::move(bytes);
}

// The last fragment of a copy that was cut. What is not whole of it is left out.
bool LeftOver::read_cut(const mp4::ByteSource& file, uint64_t offset) {
  const auto header = read_any_header(file, offset);
  if (!header || offset % mp4::kAlignment != 0) return false;
  if (header->type == "skip"_4cc) return read_hidden_cut(file, offset);
  if (header->type != "moof"_4cc) return false;
  const uint64_t there = file.size() - offset;
  const auto mdat =
      header->size < there ? read_any_header(file, offset + header->size) : std::nullopt;
  const bool is_cut_before = header->size > there ? is_cut_moof(file, offset, header->size)
                                                  : there - header->size < kBoxHeaderSize;
  if (mdat && mdat->type == "mdat"_4cc)
    return add_cut(file, {offset, header->size, header->size + mdat->size, there, false});
  is_cut_ = is_cut_ || is_cut_before;
  return is_cut_before;
}

// What an earlier run made of it, up to its last sample that is whole; what is to be written behind
// that may be missing, and so may a part of the last 8 bytes.
bool LeftOver::read_hidden_cut(const mp4::ByteSource& file, uint64_t offset) {
  const std::vector<uint8_t> mark = read_bytes(file, offset + kCutMarkOffset, 4);
  if (Fields(mark).u32() != kCutMark) return false;
  const auto header = read_any_header(file, offset);
  const MoofWalk moof = walk_moof(file, offset);
  if (!has_moov_ || header->size >= file.size() - offset + mp4::kAlignment) return false;
  if (!moof.next || moof.next->type != "mdat"_4cc || moof.size > header->size) return false;
  const uint64_t size = moof.size + moof.next->size;
  return size > header->size && add_cut(file, {offset, moof.size, size, header->size, true});
}

// Its size must be what its samples say: where it is wrong, there may be others behind it.
bool LeftOver::add_cut(const mp4::ByteSource& file, const CutFragment& cut) {
  if (cut.moof_size > kLargestMoof || !mp4::fits<uint32_t>(cut.size)) return false;
  const std::vector<uint8_t> bytes = read_bytes(file, cut.offset, cut.moof_size);
  if (bytes.size() != cut.moof_size) return false;
  auto fragment = read_fragment(std::span(bytes).subspan(kBoxHeaderSize), cut.size);
  if (!fragment || aligned(fragment->end()) != cut.size || !tracks_.can_add(*fragment))
    return false;
  FragmentView padded = *fragment;
  fragment->cut(cut.there);
  // The padding that follows must not make another sample whole.
  const uint64_t samples = padded.samples();
  padded.cut(aligned(fragment->end()));
  if (padded.samples() > fragment->samples())
    fragment->cut(cut.there / mp4::kAlignment * mp4::kAlignment);
  is_cut_ = true;
  samples_cut_ = samples - fragment->samples();
  if (fragment->runs.empty()) return true;
  tracks_.add(file, cut.offset, *fragment);
  ++published_;
  end_ = cut.offset + aligned(fragment->end());
  if (!cut.is_hidden) cut_offset_ = cut.offset;
  return true;
}

bool LeftOver::add(const mp4::ByteSource& file, uint64_t offset, uint64_t moof_size,
                   uint64_t size) {
  if (!has_moov_ || moof_size > kLargestMoof) return false;
  const std::vector<uint8_t> bytes = read_bytes(file, offset, moof_size);
  if (bytes.size() != moof_size) return false;
  const auto fragment = read_fragment(std::span(bytes).subspan(kBoxHeaderSize), size);
  if (!fragment || !tracks_.can_add(*fragment)) return false;
  tracks_.add(file, offset, *fragment);
  return true;
}

}  // namespace finalize
