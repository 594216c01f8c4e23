// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every codec that cameras send, from a real encoder, where there is one through a real payloader
// and depayloader: all packets are in the file with their bytes and times, finished, killed and
// finalised (without fragments: finished), readers name the codec, and what is decoded is what the
// encoder's own stream gives.
#include <gst/gst.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "box_reader.h"
#include "codec_cases.h"
#include "file_readers.h"
#include "recording_pipeline.h"
#include "scratch_folder.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using pipelines::Bytes;
using pipelines::CodecCase;
using pipelines::MediaSample;
using pipelines::MediaTrack;
using pipelines::ScratchFolder;

void assert_none(const CodecCase& one, const char* state, const std::vector<std::string>& lines) {
  fail_unless(lines.empty(), "%s, %s: %s", one.name, state, pipelines::join(lines).c_str());
}

Bytes join(const std::vector<Bytes>& pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

// What is presented is what the encoder's own stream gives, but for what is clipped.
void check_decoded(const CodecCase& one, const char* state, const std::string& path,
                   const MediaTrack& pushed) {
  assert_none(one, state, pipelines::player_complaints(path));
  const Bytes stream = join(pipelines::decode_samples(pushed, one.decoder));
  const Bytes found = join(pipelines::decode_file(path, one.decoder));
  fail_unless(!found.empty() && stream.size() >= one.clip + found.size());
  const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(one.clip);
  fail_unless(std::equal(found.begin(), found.end(), begin), "%s, %s: decoded to something else",
              one.name, state);
  if (one.clip == 0)
    fail_unless(found.size() == stream.size(), "%s, %s: %zu decoded bytes, not %zu", one.name,
                state, found.size(), stream.size());
}

bool is_same(const boxes::SampleEntry& a, const boxes::SampleEntry& b) {
  const auto numbers = [](const boxes::SampleEntry& entry) {
    return std::tuple(entry.format, entry.config, entry.object_type, entry.width, entry.height,
                      entry.channels, entry.sample_bits, entry.sample_rate, entry.max_bitrate,
                      entry.avg_bitrate);
  };
  const auto colour = [](const boxes::SampleEntry& entry) {
    const auto colr = entry.colr.value_or(boxes::Colour{});
    return std::tuple(entry.colr.has_value(), colr.primaries, colr.transfer, colr.matrix,
                      colr.full_range);
  };
  return numbers(a) == numbers(b) && colour(a) == colour(b);
}

// All but what tags say, which is in no fragment.
bool is_same(const boxes::Track& a, const boxes::Track& b) {
  const auto edit = [](const boxes::Edit& x, const boxes::Edit& y) {
    return x.segment_duration == y.segment_duration && x.media_time == y.media_time;
  };
  const auto sample = [](const boxes::Sample& x, const boxes::Sample& y) {
    const auto numbers = [](const boxes::Sample& one) {
      return std::tuple(one.offset, one.size, one.dts, one.pts, one.duration, one.sync,
                        one.description_index, one.chunk);
    };
    return numbers(x) == numbers(y);
  };
  const auto group = [](const boxes::SampleGroup& x, const boxes::SampleGroup& y) {
    return x.grouping_type == y.grouping_type && x.entries == y.entries && x.runs == y.runs;
  };
  const auto entry = [](const auto& x, const auto& y) { return is_same(x, y); };
  return std::ranges::equal(a.entries, b.entries, entry) &&
         std::ranges::equal(a.edits, b.edits, edit) &&
         std::ranges::equal(a.samples, b.samples, sample) &&
         std::ranges::equal(a.groups, b.groups, group);
}

void check(const CodecCase& one) {
  const ScratchFolder folder;
  const std::string path = folder.file("recorded.mp4");
  const MediaTrack pushed = pipelines::record_codec(one, path);
  fail_unless_equals_string(pipelines::codec_name(path).c_str(), one.codec);
  const auto movie = boxes::read_movie(path);
  fail_unless(movie.has_value());
  fail_unless_equals_string(movie->tracks.at(0).entries.at(0).format.c_str(), one.format);
  assert_none(one, "finished", pipelines::faults(path, {pushed}));
  check_decoded(one, "finished", path, pushed);
  if (!pipelines::fragments_are_on()) return;
  const std::string killed = pipelines::as_killed(path);
  assert_none(one, "killed", pipelines::faults(killed, {pushed}));
  check_decoded(one, "killed", killed, pushed);
  std::string complaint;
  const std::string finalized = pipelines::as_finalized(path, complaint);
  fail_unless(complaint.empty(), "%s: %s", one.name, complaint.c_str());
  const auto rebuilt = boxes::read_movie(finalized);
  fail_unless(rebuilt.has_value());
  assert_none(one, "finalised", rebuilt->problems);
  fail_unless(is_same(rebuilt->tracks.at(0), movie->tracks[0]),
              "%s: the finalised track is another than the finished one", one.name);
}

GST_START_TEST(readers_name_pictures_find_every_packet_and_decode_it) {
  check(pipelines::picture_codecs()[size_t(__i__)]);
}
GST_END_TEST

GST_START_TEST(readers_name_sounds_find_every_packet_and_decode_it) {
  check(pipelines::sound_codecs()[size_t(__i__)]);
}
GST_END_TEST

Suite* codecs_suite() {
  Suite* suite = suite_create("codecs");
  // Processes of their own run them, by these names.
  TCase* pictures = tcase_create("pictures");
  suite_add_tcase(suite, pictures);
  tcase_add_loop_test(pictures, readers_name_pictures_find_every_packet_and_decode_it, 0,
                      static_cast<int>(pipelines::picture_codecs().size()));
  TCase* sounds = tcase_create("sounds");
  suite_add_tcase(suite, sounds);
  tcase_add_loop_test(sounds, readers_name_sounds_find_every_packet_and_decode_it, 0,
                      static_cast<int>(pipelines::sound_codecs().size()));
  return suite;
}

}  // namespace

GST_CHECK_MAIN(codecs)
