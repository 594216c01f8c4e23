// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The sample table: reads each box as it is, then lays the samples out from them. No box's count is
// believed before another one, or the size of the file, bears it out.
#include <algorithm>
#include <limits>

#include "movie_reading.h"

namespace boxes {
namespace {

struct TimeRun {
  uint32_t count;
  int64_t value;  // duration or composition offset
};

struct ChunkRun {
  uint32_t first_chunk;
  uint32_t samples_per_chunk;
  uint32_t description_index;
};

unsigned long long ull(uint64_t value) { return value; }

class SampleTableReader {
 public:
  SampleTableReader(Reading& reading, Box& stbl, size_t index)
      : reading_(reading),
        stbl_(stbl),
        track_(reading.movie.tracks[index]),
        facts_(reading.facts[index]) {}

  void run();

 private:
  void read_box(Box& box);
  void read_stsd(Box& box);
  void read_stts(const Box& box);
  void read_ctts(const Box& box);
  void read_stss(const Box& box);
  void read_stsz(const Box& box);
  void read_stz2(const Box& box);
  void read_stsc(const Box& box);
  void read_chunk_offsets(const Box& box, bool wide);
  void read_sdtp(const Box& box);
  void read_cslg(const Box& box);
  bool believe(BoxCursor& cursor, uint32_t count, uint32_t constant_size);
  void lay_out_times();
  void lay_out_offsets();
  void place_chunk(uint32_t chunk, const ChunkRun& run, size_t& next);
  void mark_sync();
  void check_chunk_runs();
  void check_offset_width();
  void check_cslg();
  const Box& box(const char* type) const { return *stbl_.child(type); }

  Reading& reading_;
  Box& stbl_;
  Track& track_;
  TrackFacts& facts_;
  std::vector<TimeRun> durations_, offsets_;
  std::vector<ChunkRun> chunk_runs_;
  std::vector<uint64_t> chunks_;
  std::vector<uint32_t> sync_;
  std::vector<int64_t> cslg_;
};

void SampleTableReader::run() {
  // Sizes first: they make the samples that the others describe.
  const Box* stsz = stbl_.child("stsz");
  const Box* stz2 = stbl_.child("stz2");
  if (stsz) read_stsz(*stsz);
  if (stz2 && !stsz) read_stz2(*stz2);
  if (!stsz == !stz2) reading_.problems.at(stbl_, "wants either stsz or stz2");
  for (Box& child : stbl_.children) read_box(child);
  if (track_.has_stco == track_.has_co64) {
    reading_.problems.at(stbl_, "wants either stco or co64");
  }
  facts_.moov_sample_count = track_.samples.size();
  lay_out_times();
  check_chunk_runs();
  lay_out_offsets();
  mark_sync();
  check_cslg();
  check_offset_width();
  read_sample_groups(reading_, stbl_, track_, track_.samples.size());
}

void SampleTableReader::read_box(Box& child) {
  const std::string& type = child.type;
  if (type == "stsd") return read_stsd(child);
  if (type == "stts") return read_stts(child);
  if (type == "ctts") return read_ctts(child);
  if (type == "stss") return read_stss(child);
  if (type == "stsc") return read_stsc(child);
  if (type == "stco") return read_chunk_offsets(child, false);
  if (type == "co64") return read_chunk_offsets(child, true);
  if (type == "sdtp") return read_sdtp(child);
  if (type == "cslg") read_cslg(child);
}

// 8.5.2 SampleDescriptionBox
void SampleTableReader::read_stsd(Box& box) {
  {
    BoxCursor cursor(box, reading_.problems, 8);
    cursor.full_header(0);
    const uint32_t count = cursor.u32();
    if (count != box.children.size() || count == 0) {
      cursor.problem(text("entry_count %u, but %zu entries", count, box.children.size()));
    }
  }
  for (Box& child : box.children) {
    track_.entries.push_back(read_sample_entry(reading_, child, track_.handler));
  }
}

// 8.6.1.2 TimeToSampleBox
void SampleTableReader::read_stts(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  cursor.full_header(0);
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, 8);
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t samples = cursor.u32();
    const uint32_t delta = cursor.u32();
    if (samples == 0) cursor.problem(text("entry %u is of no samples", i + 1));
    if (delta > INT32_MAX) cursor.problem(text("entry %u has a negative duration", i + 1));
    durations_.push_back({samples, delta});
  }
}

// 8.6.1.3 CompositionOffsetBox
void SampleTableReader::read_ctts(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  track_.has_ctts = true;
  track_.ctts_version = cursor.full_header(1).version;
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, 8);
  uint32_t negative = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t samples = cursor.u32();
    const int32_t offset = cursor.i32();
    if (samples == 0) cursor.problem(text("entry %u is of no samples", i + 1));
    if (offset < 0) negative++;
    offsets_.push_back({samples, offset});
  }
  if (negative > 0 && track_.ctts_version == 0) {
    cursor.problem(text("%u negative offsets in version 0", negative));
  }
}

// 8.6.2 SyncSampleBox
void SampleTableReader::read_stss(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  track_.has_stss = true;
  cursor.full_header(0);
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, 4);
  uint32_t last = 0, falling = 0, outside = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t number = cursor.u32();
    if (number <= last) falling++;
    if (number == 0 || number > track_.samples.size()) outside++;
    last = number;
    sync_.push_back(number);
  }
  if (falling > 0) cursor.problem(text("%u sample numbers do not rise", falling));
  if (outside > 0) cursor.problem(text("%u sample numbers are out of range", outside));
  if (count == 0 && !track_.samples.empty()) cursor.problem("lists no sync sample");
}

// Whether there can be that many samples: an entry in the table or a byte in the file for each.
bool SampleTableReader::believe(BoxCursor& cursor, uint32_t count, uint32_t constant_size) {
  const bool fits = constant_size == 0 || count <= reading_.file.size() / constant_size;
  if (fits && count <= reading_.samples_left) {
    reading_.samples_left -= count;
    return true;
  }
  cursor.problem(text("%u samples are more than the file can hold", count));
  cursor.abandon();
  return false;
}

// 8.7.3.2 SampleSizeBox
void SampleTableReader::read_stsz(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  cursor.full_header(0);
  const uint32_t constant_size = cursor.u32();
  uint32_t count = cursor.u32();
  if (constant_size == 0) count = cursor.rows(count, 4);
  if (!believe(cursor, count, constant_size)) return;
  track_.samples.resize(count);
  uint32_t empty = 0;
  for (Sample& sample : track_.samples) {
    sample.size = constant_size > 0 ? constant_size : cursor.u32();
    if (sample.size == 0) empty++;
  }
  if (empty > 0) cursor.problem(text("%u samples of no bytes", empty));
}

// 8.7.3.3 CompactSampleSizeBox
void SampleTableReader::read_stz2(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  cursor.full_header(0);
  cursor.zeros(3, "reserved");
  const uint8_t bits = cursor.u8();
  uint32_t count = cursor.u32();
  if (bits != 4 && bits != 8 && bits != 16) {
    cursor.problem(text("field_size %u", bits));
    return cursor.abandon();
  }
  if ((uint64_t{count} * bits + 7) / 8 > cursor.left())
    count = cursor.rows(count, bits > 8 ? 2 : 1);
  if (!believe(cursor, count, 0)) return;
  track_.samples.resize(count);
  uint8_t pair = 0;
  for (size_t i = 0; i < count; i++) {
    if (bits == 4 && i % 2 == 0) pair = cursor.u8();
    const uint32_t half = i % 2 == 0 ? pair >> 4 : pair & 0xf;
    track_.samples[i].size = bits == 4 ? half : bits == 8 ? cursor.u8() : cursor.u16();
  }
}

// 8.7.4 SampleToChunkBox
void SampleTableReader::read_stsc(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  cursor.full_header(0);
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, 12);
  for (uint32_t i = 0; i < count; i++) {
    ChunkRun run{};
    run.first_chunk = cursor.u32();
    run.samples_per_chunk = cursor.u32();
    run.description_index = cursor.u32();
    chunk_runs_.push_back(run);
  }
}

// 8.7.5 ChunkOffsetBox
void SampleTableReader::read_chunk_offsets(const Box& box, bool wide) {
  BoxCursor cursor(box, reading_.problems);
  (wide ? track_.has_co64 : track_.has_stco) = true;
  cursor.full_header(0);
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, wide ? 8 : 4);
  chunks_.clear();
  for (uint32_t i = 0; i < count; i++) chunks_.push_back(wide ? cursor.u64() : cursor.u32());
  track_.chunk_count = count;
}

// 8.6.4 SampleDependencyTypeBox: a byte for each sample.
void SampleTableReader::read_sdtp(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  cursor.full_header(0);
  const size_t count = cursor.rest().size();
  if (count != track_.samples.size()) {
    cursor.problem(text("%zu entries for %zu samples", count, track_.samples.size()));
  }
}

// 8.6.1.4 CompositionToDecodeBox
void SampleTableReader::read_cslg(const Box& box) {
  BoxCursor cursor(box, reading_.problems);
  const int version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  for (int i = 0; i < 5; i++) cslg_.push_back(version > 0 ? cursor.i64() : cursor.i32());
}

// Gives every sample its times; what stts does not reach stays at the last time.
void SampleTableReader::lay_out_times() {
  std::vector<Sample>& samples = track_.samples;
  uint64_t declared = 0, declared_offsets = 0;
  size_t next = 0;
  int64_t dts = 0;
  for (const TimeRun& run : durations_) {
    declared += run.count;
    for (uint32_t i = 0; i < run.count && next < samples.size(); i++, next++) {
      samples[next].dts = samples[next].pts = dts;
      samples[next].duration = static_cast<uint64_t>(run.value);
      dts += run.value;
    }
  }
  for (; next < samples.size(); next++) samples[next].dts = samples[next].pts = dts;
  facts_.moov_duration = facts_.next_dts = static_cast<uint64_t>(dts);
  next = 0;
  for (const TimeRun& run : offsets_) {
    declared_offsets += run.count;
    for (uint32_t i = 0; i < run.count && next < samples.size(); i++, next++) {
      samples[next].pts += run.value;
    }
  }
  if (declared != samples.size() && stbl_.child("stts")) {
    reading_.problems.at(box("stts"),
                         text("is of %llu samples, stsz of %zu", ull(declared), samples.size()));
  }
  if (declared_offsets != samples.size() && track_.has_ctts) {
    reading_.problems.at(box("ctts"), text("is of %llu samples, stsz of %zu", ull(declared_offsets),
                                           samples.size()));
  }
}

void SampleTableReader::check_chunk_runs() {
  const Box* stsc = stbl_.child("stsc");
  if (!stsc) return;
  const auto report = [&](size_t i, const char* what, uint32_t value) {
    reading_.problems.at(*stsc, text("entry %zu: %s (%u)", i + 1, what, value));
  };
  uint32_t last = 0;
  for (size_t i = 0; i < chunk_runs_.size(); i++) {
    const ChunkRun& run = chunk_runs_[i];
    if (i == 0 && run.first_chunk != 1) report(i, "first_chunk is not 1", run.first_chunk);
    if (run.first_chunk <= last) report(i, "first_chunk does not rise", run.first_chunk);
    if (run.first_chunk > chunks_.size()) report(i, "first_chunk out of range", run.first_chunk);
    if (run.samples_per_chunk == 0) report(i, "no samples in chunk", run.first_chunk);
    if (run.description_index == 0 || run.description_index > track_.entries.size()) {
      report(i, "description index out of range", run.description_index);
    }
    last = std::max(last, run.first_chunk);
  }
}

void SampleTableReader::lay_out_offsets() {
  size_t next = 0, run = 0;
  uint64_t declared = 0;
  for (uint32_t chunk = 1; chunk <= chunks_.size(); chunk++) {
    while (run + 1 < chunk_runs_.size() && chunk_runs_[run + 1].first_chunk <= chunk) run++;
    if (run >= chunk_runs_.size() || chunk_runs_[run].first_chunk > chunk) continue;
    declared += chunk_runs_[run].samples_per_chunk;
    place_chunk(chunk, chunk_runs_[run], next);
  }
  // A sample that no chunk holds must not seem to lie in the file.
  for (; next < track_.samples.size(); next++) {
    track_.samples[next].offset = std::numeric_limits<uint64_t>::max() - UINT32_MAX;
  }
  if (declared != track_.samples.size() && stbl_.child("stsc")) {
    reading_.problems.at(box("stsc"), text("chunks hold %llu samples, stsz has %zu", ull(declared),
                                           track_.samples.size()));
  }
}

void SampleTableReader::place_chunk(uint32_t chunk, const ChunkRun& run, size_t& next) {
  uint64_t offset = chunks_[chunk - 1];
  for (uint32_t i = 0; i < run.samples_per_chunk && next < track_.samples.size(); i++, next++) {
    Sample& sample = track_.samples[next];
    sample.offset = offset;
    sample.chunk = chunk;
    sample.description_index = run.description_index;
    offset += sample.size;
  }
}

void SampleTableReader::mark_sync() {
  for (Sample& sample : track_.samples) sample.sync = !track_.has_stss;
  for (const uint32_t number : sync_) {
    if (number >= 1 && number <= track_.samples.size()) track_.samples[number - 1].sync = true;
  }
}

void SampleTableReader::check_offset_width() {
  if (!track_.has_co64 || !stbl_.child("co64")) return;
  const auto wide = [](uint64_t offset) { return offset > UINT32_MAX; };
  if (std::none_of(chunks_.begin(), chunks_.end(), wide)) {
    reading_.problems.at(box("co64"), "all offsets fit 32 bits");
  }
}

void SampleTableReader::check_cslg() {
  if (cslg_.size() < 5 || track_.samples.empty()) return;
  int64_t least = INT64_MAX, greatest = INT64_MIN, start = INT64_MAX, end = INT64_MIN;
  for (const Sample& sample : track_.samples) {
    least = std::min(least, sample.pts - sample.dts);
    greatest = std::max(greatest, sample.pts - sample.dts);
    start = std::min(start, sample.pts);
    end = std::max(end, sample.pts + static_cast<int64_t>(sample.duration));
  }
  const int64_t wanted[] = {cslg_[0], least, greatest, start, end};
  for (size_t i = 1; i < 5; i++) {
    if (cslg_[i] == wanted[i]) continue;
    reading_.problems.at(
        box("cslg"), text("field %zu is %lld, not %lld", i + 1, static_cast<long long>(cslg_[i]),
                          static_cast<long long>(wanted[i])));
  }
  if (least < 0 && cslg_[0] < -least) {
    reading_.problems.at(box("cslg"), "compositionToDTSShift is too small");
  }
}

}  // namespace

void read_stbl(Reading& reading, Box& stbl, size_t track_index) {
  SampleTableReader(reading, stbl, track_index).run();
}

}  // namespace boxes
