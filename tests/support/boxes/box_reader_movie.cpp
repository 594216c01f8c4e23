// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The boxes above the sample table: movie, track and media headers, edits, handler, data
// references.
#include <algorithm>

#include "movie_reading.h"

namespace boxes {
namespace {

constexpr uint32_t kUnity = 0x00010000;
constexpr uint32_t kSelfContained = 1;

// Reports a version 1 that no field needs. An unknown duration is all ones and needs nothing.
void check_version(BoxCursor& cursor, int version, std::initializer_list<uint64_t> fields) {
  const bool needed = std::any_of(fields.begin(), fields.end(), [](uint64_t field) {
    return field > UINT32_MAX && field != UINT64_MAX;
  });
  if (version == 1 && !needed) cursor.problem("version 1 where 32 bits are enough");
}

std::array<int32_t, 9> read_matrix(BoxCursor& cursor) {
  std::array<int32_t, 9> matrix{};
  for (int32_t& value : matrix) value = cursor.i32();
  const int64_t scale = int64_t{matrix[0]} * matrix[4] - int64_t{matrix[1]} * matrix[3];
  if (scale == 0) cursor.problem("matrix cannot be inverted");
  if (matrix[2] != 0 || matrix[5] != 0 || matrix[8] != 0x40000000) {
    cursor.problem("matrix: u, v, w are not 0, 0, 1");
  }
  return matrix;
}

void check_times(BoxCursor& cursor, uint64_t creation, uint64_t modification) {
  if (modification < creation) cursor.problem("modification_time is before creation_time");
}

// 8.2.2 MovieHeaderBox
void read_mvhd(Reading& reading, const Box& box) {
  Movie& movie = reading.movie;
  BoxCursor cursor(box, reading.problems);
  const int version = movie.mvhd_version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  movie.creation_time = cursor.sized(version);
  const uint64_t modification = cursor.sized(version);
  check_times(cursor, movie.creation_time, modification);
  movie.timescale = cursor.u32();
  if (movie.timescale == 0) cursor.problem("timescale is 0");
  movie.duration = cursor.sized(version);
  check_version(cursor, version, {movie.creation_time, modification, movie.duration});
  cursor.expect("rate", cursor.u32(), kUnity);
  cursor.expect("volume", cursor.u16(), 0x0100);
  cursor.zeros(2 + 8, "reserved");
  read_matrix(cursor);
  cursor.zeros(24, "pre_defined");
  movie.next_track_id = cursor.u32();
}

// 8.3.2 TrackHeaderBox
void read_tkhd(Reading& reading, const Box& box, Track& track) {
  BoxCursor cursor(box, reading.problems);
  const FullHeader header = cursor.full_header(1, 0xf);
  if (!cursor.is_known()) return;
  track.tkhd_version = header.version;
  track.flags = header.flags;
  track.creation_time = cursor.sized(header.version);
  const uint64_t modification = cursor.sized(header.version);
  check_times(cursor, track.creation_time, modification);
  track.id = cursor.u32();
  if (track.id == 0) cursor.problem("track_ID is 0");
  cursor.zeros(4, "reserved");
  track.tkhd_duration = cursor.sized(header.version);
  check_version(cursor, header.version, {track.creation_time, modification, track.tkhd_duration});
  cursor.zeros(8, "reserved");
  cursor.u16();  // layer
  track.alternate_group = cursor.i16();
  track.volume = cursor.i16() / 256.0;
  cursor.zeros(2, "reserved");
  track.matrix = read_matrix(cursor);
  track.width = cursor.u32() / 65536.0;
  track.height = cursor.u32() / 65536.0;
}

// 8.3.3 TrackReferenceBox, of which 'cdsc' alone is looked at
void read_tref(Reading& reading, const Box& tref, Track& track) {
  const Box* cdsc = tref.child("cdsc");
  if (!cdsc) return;
  BoxCursor cursor(*cdsc, reading.problems);
  track.describes = cursor.u32();
  if (track.describes == 0) cursor.problem("refers to track 0");
}

// 8.6.6 EditListBox
void read_elst(Reading& reading, const Box& box, Track& track) {
  BoxCursor cursor(box, reading.problems);
  const int version = track.elst_version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  const uint32_t declared = cursor.u32();
  const uint32_t count = cursor.rows(declared, version > 0 ? 20 : 12);
  if (count == 0) cursor.problem("has no entries");
  bool wide = false;
  for (uint32_t i = 0; i < count; i++) {
    Edit edit;
    edit.segment_duration = cursor.sized(version);
    edit.media_time = version > 0 ? cursor.i64() : cursor.i32();
    const uint32_t rate = cursor.u32();
    edit.rate = static_cast<int32_t>(rate) / 65536.0;
    if (rate != kUnity) cursor.problem(text("entry %u has rate %g, not 1", i + 1, edit.rate));
    if (edit.media_time < -1) cursor.problem(text("entry %u has a negative media_time", i + 1));
    wide |= edit.segment_duration > UINT32_MAX || edit.media_time > INT32_MAX;
    track.edits.push_back(edit);
  }
  if (version == 1 && !wide) cursor.problem("version 1 where 32 bits are enough");
}

// ISO 639-2/T, each letter less 0x60 in five bits below a zero bit.
std::string read_language(BoxCursor& cursor) {
  const uint16_t packed = cursor.u16();
  std::string language;
  for (int shift = 10; shift >= 0; shift -= 5) {
    language += static_cast<char>((packed >> shift & 0x1f) + 0x60);
  }
  const bool letters =
      std::all_of(language.begin(), language.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if ((packed & 0x8000) || !letters) {
    cursor.problem(text("language 0x%04x is not three packed letters", packed));
  }
  return language;
}

// 8.4.2 MediaHeaderBox
void read_mdhd(Reading& reading, const Box& box, Track& track) {
  BoxCursor cursor(box, reading.problems);
  const int version = track.mdhd_version = cursor.full_header(1).version;
  if (!cursor.is_known()) return;
  const uint64_t creation = cursor.sized(version);
  const uint64_t modification = cursor.sized(version);
  check_times(cursor, creation, modification);
  track.timescale = cursor.u32();
  if (track.timescale == 0) cursor.problem("timescale is 0");
  track.mdhd_duration = cursor.sized(version);
  check_version(cursor, version, {creation, modification, track.mdhd_duration});
  track.language = read_language(cursor);
  cursor.zeros(2, "pre_defined");
}

// 8.4.3 HandlerBox
void read_hdlr(Reading& reading, const Box& box, Track& track) {
  BoxCursor cursor(box, reading.problems);
  cursor.full_header(0);
  if (!cursor.is_known()) return;
  cursor.zeros(4, "pre_defined");
  track.handler = cursor.fourcc();
  cursor.zeros(12, "reserved");
  const std::vector<uint8_t> name = cursor.rest();
  const auto end = std::find(name.begin(), name.end(), 0);
  track.handler_name.assign(name.begin(), end);
  if (end == name.end()) {
    cursor.problem("name does not end with a zero byte inside the box");
  } else if (end + 1 != name.end()) {
    cursor.problem("bytes follow the end of the name");
  }
}

// 8.7.2 DataReferenceBox
void read_dref(Reading& reading, const Box& box, TrackFacts& facts) {
  BoxCursor cursor(box, reading.problems, 8);
  cursor.full_header(0);
  const uint32_t count = cursor.u32();
  if (count != box.children.size()) {
    cursor.problem(text("entry_count %u, but %zu entries", count, box.children.size()));
  }
  facts.data_reference_count = static_cast<uint32_t>(box.children.size());
  if (facts.data_reference_count == 0) cursor.problem("has no entries");
  for (const Box& entry : box.children) {
    BoxCursor fields(entry, reading.problems);
    const FullHeader header = fields.full_header(0, kSelfContained);
    if (entry.type != "url ") fields.problem("is not a 'url ' data reference");
    if (header.flags != kSelfContained) {
      fields.problem("is not self-contained");
      fields.rest();
    }
  }
}

// 12.1.2, 12.2.2, 12.3.2, 12.4.2, 12.6.2: the media header and which handler it belongs to.
void read_media_header(Reading& reading, const Box& minf, const Track& track, TrackFacts& facts) {
  struct Kind {
    const char* type;
    uint32_t flags;
    size_t size;
    const char* handler;
  };
  constexpr Kind kKinds[] = {{"vmhd", 1, 8, "vide"},
                             {"smhd", 0, 4, "soun"},
                             {"hmhd", 0, 16, "hint"},
                             {"sthd", 0, 0, "subt"},
                             {"nmhd", 0, 0, nullptr}};
  for (const Kind& kind : kKinds) {
    const Box* box = minf.child(kind.type);
    if (!box) continue;
    BoxCursor cursor(*box, reading.problems);
    cursor.expect("flags", cursor.full_header(0, 1).flags, kind.flags);
    cursor.zeros(kind.size, "a field");
    if (!facts.media_header.empty()) cursor.problem("is a second media header");
    facts.media_header = kind.type;
    if (kind.handler && track.handler != kind.handler) {
      cursor.problem("does not belong to handler " + printable(track.handler));
    }
  }
  if (track.handler == "vide" && facts.media_header != "vmhd") {
    reading.problems.at(minf, "video without vmhd");
  } else if (track.handler == "soun" && facts.media_header != "smhd") {
    reading.problems.at(minf, "sound without smhd");
  } else if (facts.media_header.empty()) {
    reading.problems.at(minf, "has no media header");
  }
}

void read_mdia(Reading& reading, Box& mdia, size_t index) {
  Track& track = reading.movie.tracks[index];
  TrackFacts& facts = reading.facts[index];
  if (const Box* mdhd = mdia.child("mdhd")) read_mdhd(reading, *mdhd, track);
  if (const Box* hdlr = mdia.child("hdlr")) read_hdlr(reading, *hdlr, track);
  Box* minf = find_box(mdia.children, "minf");
  if (!minf) return;
  read_media_header(reading, *minf, track, facts);
  const Box* dinf = minf->child("dinf");
  const Box* dref = dinf ? dinf->child("dref") : nullptr;
  if (dref) read_dref(reading, *dref, facts);
  if (Box* stbl = find_box(minf->children, "stbl")) read_stbl(reading, *stbl, index);
}

void read_trak(Reading& reading, Box& trak) {
  const size_t index = reading.movie.tracks.size();
  reading.movie.tracks.emplace_back();
  reading.facts.emplace_back();
  Track& track = reading.movie.tracks[index];
  if (const Box* tkhd = trak.child("tkhd")) read_tkhd(reading, *tkhd, track);
  if (const Box* tref = trak.child("tref")) read_tref(reading, *tref, track);
  const Box* edts = trak.child("edts");
  const Box* elst = edts ? edts->child("elst") : nullptr;
  if (elst) read_elst(reading, *elst, track);
  if (Box* mdia = find_box(trak.children, "mdia")) read_mdia(reading, *mdia, index);
}

// 8.8.1 to 8.8.3 MovieExtendsBox
void read_mvex(Reading& reading, const Box& mvex) {
  reading.movie.fragmented = true;
  for (const Box& box : mvex.children) {
    if (box.type != "mehd" && box.type != "trex") continue;
    BoxCursor cursor(box, reading.problems);
    const int version = cursor.full_header(box.type == "mehd" ? 1 : 0).version;
    if (!cursor.is_known()) continue;
    if (box.type == "mehd") {
      cursor.sized(version);  // fragment_duration
      continue;
    }
    FragmentDefaults defaults;
    defaults.track_id = cursor.u32();
    defaults.description_index = cursor.u32();
    defaults.duration = cursor.u32();
    defaults.size = cursor.u32();
    defaults.flags = cursor.u32();
    reading.extends.push_back(defaults);
  }
}

}  // namespace

void read_moov(Reading& reading, Box& moov) {
  if (const Box* mvhd = moov.child("mvhd")) read_mvhd(reading, *mvhd);
  for (Box& box : moov.children) {
    if (box.type == "trak") read_trak(reading, box);
    if (box.type == "mvex") read_mvex(reading, box);
    if (box.type == "udta") read_tags(reading, box);
  }
}

}  // namespace boxes
