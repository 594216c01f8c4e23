// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file that is to be finished: what is in it may be anything. It is refused, or finished, and
// then a second look finds it so.
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "fuzz_support.h"
#include "memory_source.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/recovery/finalize.h"

namespace {

using Bytes = std::vector<uint8_t>;

class MemoryFile final : public mp4::OutputFile {
 public:
  explicit MemoryFile(Bytes& bytes) : bytes_(bytes) {}

  mp4::Status create() override { return {}; }
  mp4::Status reserve(uint64_t, uint64_t) override { return {}; }
  mp4::Status write(uint64_t offset, std::span<const iovec> pieces) override {
    for (const iovec& piece : pieces) {
      if (bytes_.size() < offset + piece.iov_len) bytes_.resize(offset + piece.iov_len);
      memcpy(bytes_.data() + offset, piece.iov_base, piece.iov_len);
      offset += piece.iov_len;
    }
    return {};
  }
  mp4::Status truncate(uint64_t size) override {
    bytes_.resize(size);
    return {};
  }
  mp4::Status sync() override { return {}; }
  mp4::Status sync_with_name() override { return {}; }
  mp4::Status take_name() override { return {}; }
  mp4::Status size(uint64_t& bytes) override {
    bytes = bytes_.size();
    return {};
  }
  mp4::Status close() override { return {}; }

 private:
  Bytes& bytes_;
};

bool read(const Bytes& bytes, finalize::LeftOver& found) {
  const mp4_test::MemorySource source(bytes);
  return found.read(source, [](uint64_t) {}).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using finalize::LeftOver;
  Bytes bytes(data, data + size);
  LeftOver left_over;
  if (!read(bytes, left_over) || left_over.kind() == LeftOver::Kind::kFinished) return 0;
  // What was cut ends with the padding that it had.
  fuzz::expect(left_over.end() < bytes.size() + mp4::kAlignment, "it ends behind the file");
  fuzz::expect(left_over.tracks().samples() > 0, "there is nothing in it");
  const auto status = finalize::finish(left_over, std::make_unique<MemoryFile>(bytes));
  fuzz::expect(status.ok(), status.text());
  LeftOver again;
  fuzz::expect(read(bytes, again) && again.kind() == LeftOver::Kind::kFinished,
               "it is not finished");
  return 0;
}
