// SPDX-License-Identifier: LGPL-2.1-or-later
#include "movie_file.h"

#include <array>

#include "box_writer.h"
#include "narrow.h"

namespace mp4 {
namespace {

constexpr uint64_t kMdatOffset = 32;
constexpr uint64_t kMdatSizeOffset = 40;
constexpr uint64_t kMdatHeaderSize = 16;
constexpr uint32_t kSizeIsIn64Bits = 1;  // 4.2: the box has a largesize
constexpr uint64_t kSkipHeaderSize = 8;
constexpr std::size_t kPiecesAtOnce = 512;

std::vector<uint8_t> file_header() {
  BoxWriter w;
  {
    Box ftyp(w, "ftyp"_4cc);  // 4.3
    w.fourcc("isom"_4cc);     // major_brand
    w.u32(0x200);             // minor_version
    for (FourCC brand : {"isom"_4cc, "iso6"_4cc, "mp41"_4cc, "mp42"_4cc}) w.fourcc(brand);
  }
  w.u32(kSizeIsIn64Bits);  // 8.1.1 MediaDataBox, by hand: its size is not known until the flip
  w.fourcc("mdat"_4cc);
  w.u64(kMdatHeaderSize);
  return w.take();
}

iovec piece_of(const void* data, std::size_t size) { return {const_cast<void*>(data), size}; }

// Gathers samples, mapped piece by piece, into few large writes.
class Gatherer {
 public:
  Gatherer(OutputFile& file, uint64_t& end) : file_(file), end_(end) { mapped_.reserve(64); }
  ~Gatherer() { unmap(0); }

  // False: the bytes cannot be had; nothing of the sample was taken.
  bool add(const Payload& payload) {
    const std::size_t first = mapped_.size();
    uint64_t bytes = 0;
    for (std::size_t i = 0; i < payload.pieces(); ++i) {
      Mapped& mapped = mapped_.emplace_back(&payload);
      if (!payload.map(i, mapped.piece)) {
        mapped_.pop_back();
        break;
      }
      bytes += mapped.piece.size;
    }
    if (bytes != payload.size()) {
      unmap(first);
      return false;
    }
    for (std::size_t i = first; i < mapped_.size(); ++i)
      pieces_.push_back(piece_of(mapped_[i].piece.data, mapped_[i].piece.size));
    return true;
  }

  void add_zeros(uint64_t size) {
    static constexpr std::array<uint8_t, 4096> kZeros{};
    for (; size > kZeros.size(); size -= kZeros.size())
      pieces_.push_back(piece_of(kZeros.data(), kZeros.size()));
    pieces_.push_back(piece_of(kZeros.data(), size));
  }

  bool full() const { return pieces_.size() >= kPiecesAtOnce; }

  Status write() {
    const Status status = file_.write(end_, pieces_);
    for (const iovec& piece : pieces_) end_ += piece.iov_len;
    pieces_.clear();
    unmap(0);
    return status;
  }

 private:
  struct Mapped {
    explicit Mapped(const Payload* payload) : payload(payload) {}
    const Payload* payload;
    MappedPiece piece;
  };

  void unmap(std::size_t first) {
    for (; mapped_.size() > first; mapped_.pop_back())
      mapped_.back().payload->unmap(mapped_.back().piece);
  }

  OutputFile& file_;
  uint64_t& end_;
  std::vector<Mapped> mapped_;
  std::vector<iovec> pieces_;
};

}  // namespace

Status MovieFile::create() {
  if (auto status = file_->create(); !status.ok()) return status;
  const std::vector<uint8_t> header = file_header();
  if (auto status = write(0, header); !status.ok()) return status;
  end_ = kFirstSampleOffset;
  if (auto status = file_->sync_with_name(); !status.ok()) return status;
  synced_ = written_;
  return {};
}

Status MovieFile::append(const Fragment& fragment, std::vector<TrackIndex>& damaged) {
  const uint64_t start = end_;
  Gatherer gatherer(*file_, end_);
  for (const Fragment::Run& run : fragment.runs()) {
    for (const Payload& sample : run.samples) {
      if (!gatherer.add(sample)) {
        gatherer.add_zeros(sample.size());
        damaged.push_back(run.track);
      }
      if (gatherer.full())
        if (auto status = gatherer.write(); !status.ok()) return status;
    }
  }
  const Status status = gatherer.write();
  written_ += end_ - start;
  return status;
}

// Each line says what a crash after it leaves.
Status MovieFile::finish(std::span<const uint8_t> moov) {
  const uint64_t moov_offset = end_ + kSkipHeaderSize;
  Status status = append_moov(moov);                                // S5: an empty mdat
  if (status.ok()) status = sync();                                 // S6: the same
  if (status.ok()) status = check_size(moov_offset + moov.size());  // S7: the same
  if (status.ok()) status = flip(moov_offset - kMdatOffset);        // S8: either of the two
  if (status.ok()) status = sync();                                 // S9: finished
  const Status closed = file_->close();
  return status.ok() ? closed : status;
}

void MovieFile::abandon() {
  // The error that led here has been reported; what close adds to it helps nobody.
  [[maybe_unused]] const Status status = file_->close();
}

Status MovieFile::write(uint64_t offset, std::span<const uint8_t> bytes) {
  const iovec piece = piece_of(bytes.data(), bytes.size());
  const Status status = file_->write(offset, std::span(&piece, 1));
  if (status.ok()) written_ += bytes.size();
  return status;
}

Status MovieFile::append_moov(std::span<const uint8_t> moov) {
  BoxWriter header;
  header.u32(narrow<uint32_t>(kSkipHeaderSize + moov.size()));
  header.fourcc("skip"_4cc);  // 8.1.2: hides M until the flip makes these 8 bytes part of mdat
  const std::array<iovec, 2> pieces{piece_of(header.bytes().data(), header.size()),
                                    piece_of(moov.data(), moov.size())};
  const Status status = file_->write(end_, pieces);
  if (status.ok()) written_ += kSkipHeaderSize + moov.size();
  return status;
}

Status MovieFile::check_size(uint64_t expected) {
  uint64_t found = 0;
  if (auto status = file_->size(found); !status.ok()) return status;
  if (found == expected) return {};
  return {StatusCode::kUnexpected, "The file was changed by somebody else while it was recorded."};
}

Status MovieFile::flip(uint64_t mdat_size) {
  BoxWriter size;
  size.u64(mdat_size);
  const iovec piece = piece_of(size.bytes().data(), size.size());
  const Status status = file_->write(kMdatSizeOffset, std::span(&piece, 1));
  if (status.ok()) return status;
  return file_->write(kMdatSizeOffset, std::span(&piece, 1));  // once more: both outcomes are good
}

Status MovieFile::sync() {
  const Status status = file_->sync();
  if (status.ok()) synced_ = written_;
  return status;
}

}  // namespace mp4
