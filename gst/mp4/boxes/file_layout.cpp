// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/boxes/file_layout.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "mp4/base/box_writer.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

constexpr uint32_t kSizeIsIn64Bits = 1;  // 4.2: the box has a largesize
constexpr uint64_t kMdatHeaderSize = 16;

}  // namespace

std::vector<uint8_t> write_file_header(FourCC codec_brand) {
  BoxWriter w;
  {
    Box ftyp(w, "ftyp"_4cc);  // 4.3
    w.fourcc("isom"_4cc);     // major_brand
    w.u32(0x200);             // minor_version
    for (FourCC brand : {"isom"_4cc, "iso6"_4cc, codec_brand, "mp42"_4cc}) w.fourcc(brand);
  }
  w.u32(kSizeIsIn64Bits);  // 8.1.1 MediaDataBox, by hand: its size is not known until the flip
  w.fourcc("mdat"_4cc);
  w.u64(kMdatHeaderSize);
  return w.take();
}

bool has_our_brands(std::span<const uint8_t> begin) {
  return std::ranges::any_of(std::array{kNoCodecBrand, kAv1Brand}, [&](FourCC brand) {
    const std::vector<uint8_t> header = write_file_header(brand);
    return begin.size() >= kMdatSizeOffset &&
           std::equal(header.begin(), header.begin() + kMdatSizeOffset, begin.begin());
  });
}

// Finished, or a growing one with its moov, or with a 'skip' where that was before it was revised.
// What has neither can be read by nobody.
bool may_hold_recording(std::span<const uint8_t> begin) {
  const std::vector<uint8_t> header = write_file_header();
  if (begin.size() < kTellingBytes) return false;
  const bool is_ours = has_our_brands(begin);
  const bool grows =
      std::equal(header.begin() + kMdatSizeOffset, header.end(), begin.begin() + kMdatSizeOffset);
  static constexpr uint8_t kMoov[] = {'m', 'o', 'o', 'v'}, kSkip[] = {'s', 'k', 'i', 'p'};
  const uint8_t* type = &begin[kHeaderSize + 4];
  const bool has_moov = std::equal(std::begin(kMoov), std::end(kMoov), type) ||
                        std::equal(std::begin(kSkip), std::end(kSkip), type);
  return !is_ours || !grows || has_moov;
}

std::vector<uint8_t> write_skip_header(uint64_t size) {
  BoxWriter w;
  w.u32(narrow<uint32_t>(size));
  w.fourcc("skip"_4cc);
  return w.take();
}

}  // namespace mp4
