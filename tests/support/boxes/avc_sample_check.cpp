// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Looks into AVC samples, 14496-15 5.3.4.2: NAL units after their lengths, IDR against stss.
#include <array>

#include "box_file.h"
#include "box_problems.h"
#include "box_reader.h"

namespace boxes {
namespace {

constexpr int kSlice = 1;
constexpr int kIdrSlice = 5;

class AvcSamples {
 public:
  AvcSamples(const BoxFile& file, const Track& track, Problems& problems)
      : file_(file), track_(track), problems_(problems) {}

  void check();

 private:
  bool first_slice(const Sample& sample, size_t length_size, int& type) const;

  const BoxFile& file_;
  const Track& track_;
  Problems& problems_;
};

// Walks all NAL units; false when they do not fill the sample exactly.
bool AvcSamples::first_slice(const Sample& sample, size_t length_size, int& type) const {
  uint64_t position = sample.offset;
  const uint64_t end = sample.offset + sample.size;
  while (position < end) {
    std::array<uint8_t, 5> bytes{};
    const auto head = std::span(bytes).first(length_size + 1);
    if (end - position < head.size() || !file_.read(position, head)) return false;
    uint64_t length = 0;
    for (const uint8_t byte : head.first(length_size)) length = length << 8 | byte;
    if (length == 0 || length > end - position - length_size) return false;
    const int nal_type = head.back() & 0x1f;
    if (type == 0 && nal_type >= kSlice && nal_type <= kIdrSlice) type = nal_type;
    position += length_size + length;
  }
  return true;
}

void AvcSamples::check() {
  size_t broken = 0, without_slice = 0, false_sync = 0, hidden_sync = 0;
  for (const Sample& sample : track_.samples) {
    const size_t index = sample.description_index;
    if (index == 0 || index > track_.entries.size()) continue;
    const SampleEntry& entry = track_.entries[index - 1];
    if (entry.config.size() < 5 || (entry.format != "avc1" && entry.format != "avc3")) continue;
    int type = 0;
    if (!first_slice(sample, (entry.config[4] & 3u) + 1, type)) broken++;
    if (type == 0) without_slice++;
    if (sample.sync && type != kIdrSlice) false_sync++;
    if (!sample.sync && type == kIdrSlice) hidden_sync++;
  }
  const auto report = [&](size_t count, const char* type, const char* what) {
    if (count > 0) problems_.in(track_, type, text("%zu samples %s", count, what));
  };
  report(broken, "mdat", "are not filled by NAL units");
  report(without_slice, "mdat", "hold no slice");
  report(false_sync, "stss", "are marked as sync and are no IDR picture");
  report(hidden_sync, "stss", "are an IDR picture and not marked as sync");
}

}  // namespace

std::vector<std::string> avc_sample_problems(const std::string& path, const Movie& movie) {
  std::vector<std::string> lines;
  Problems problems(lines);
  const BoxFile file(path);
  if (!file.is_open()) return {"file: cannot be opened"};
  for (const Track& track : movie.tracks) AvcSamples(file, track, problems).check();
  return lines;
}

}  // namespace boxes
