// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what trailingmp4-finalize makes of a file, and which files it leaves alone. The crashes
// it may have itself are in test_finalize_crashes.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "box_reader.h"
#include "crash_judge.h"
#include "faulty_file.h"
#include "file_bytes.h"
#include "memory_source.h"
#include "mp4/boxes/file_layout.h"
#include "mp4/file/posix_output_file.h"
#include "mp4/recovery/finalize.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace {

using finalize::LeftOver;
using finalize::Report;
using mp4::StatusCode;
using mp4_test::Bytes;
using mp4_test::DiskCall;
using mp4_test::DiskState;
using mp4_test::FaultyDisk;
using mp4_test::FaultyFile;
using mp4_test::Film;
using mp4_test::kScenarios;
using mp4_test::Medium;
using mp4_test::Mutant;
using mp4_test::TemporaryFolder;

constexpr std::size_t kFlip = 40;  // where the size of the mdat stands

const mp4_test::Scenario& scenario(const std::string& name) {
  return *std::find_if(kScenarios.begin(), kScenarios.end(),
                       [&](const auto& scenario) { return name == scenario.name; });
}

struct Recorded {
  explicit Recorded(const mp4_test::Scenario& scenario) : film(Mutant::kNone, scenario.settings) {
    scenario.record(film);
    film.finish();
    calls = film.disk->calls();
    each_killed_state(calls, {1u << 20}, [&](const DiskState& state) {
      if (state.calls == calls.size()) finished = state.file;
    });
  }
  // The file before the flip: all fragments, and a moov that is hidden.
  Bytes unflipped() const {
    Bytes bytes = finished;
    for (std::size_t i = kFlip; i < kFlip + 8; ++i) bytes[i] = i == kFlip + 7 ? 16 : 0;
    return bytes;
  }
  // Two fragments, of which the second is whole and not published.
  Bytes with_hidden_fragment() const {
    Bytes bytes = unflipped();
    const auto next_moof = [&](std::size_t from) {
      constexpr char kMoof[] = {'m', 'o', 'o', 'f'};
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(from);
      return static_cast<std::size_t>(std::search(begin, bytes.end(), kMoof, kMoof + 4) -
                                      bytes.begin()) -
             4;
    };
    const std::size_t second = next_moof(next_moof(0) + 8), third = next_moof(second + 8);
    fail_unless(third < bytes.size());
    bytes.resize(third);
    const auto header = mp4::write_skip_header(third - second);
    std::copy(header.begin(), header.end(), bytes.begin() + static_cast<std::ptrdiff_t>(second));
    return bytes;
  }

  Film film;
  std::vector<DiskCall> calls;
  Bytes finished;
};

// A file to be treated.
struct Treated {
  explicit Treated(const Bytes& bytes, Medium medium = Medium::kDisk) : folder(medium) {
    fail_unless(boxes::store_file(path, bytes));
  }
  mp4::Status treat(const finalize::Options& options = {}) {
    report = {};
    return finalize::finalize(
        path, options, [](uint64_t) {}, report);
  }
  Bytes bytes() const { return boxes::load_file(path); }

  TemporaryFolder folder;
  const std::string path = folder.path("left.mp4");
  Report report;
};

// Where the first one begins and the last one ends.
std::pair<std::size_t, std::size_t> fragments_of(const boxes::Movie& movie) {
  const auto is = [](const char* type) {
    return [type](const boxes::Box& box) { return box.type == type; };
  };
  const auto moof = std::find_if(movie.top.begin(), movie.top.end(), is("moof"));
  const auto mdat = std::find_if(movie.top.rbegin(), movie.top.rend(), is("mdat"));
  fail_unless(moof != movie.top.end() && mdat != movie.top.rend());
  const auto first = std::find_if(moof, movie.top.end(), is("mdat"));
  return {first->offset + first->size, mdat->offset + mdat->size};
}

void expect_whole_ones(const boxes::Movie& cut, const boxes::Movie& movie, std::size_t track,
                       std::size_t size) {
  const auto& all = movie.tracks[track].samples;
  const auto is_whole = [&](const auto& sample) { return sample.offset + sample.size <= size; };
  const auto wanted = std::find_if_not(all.begin(), all.end(), is_whole) - all.begin();
  const auto found = track < cut.tracks.size() ? cut.tracks[track].samples.size() : 0;
  fail_unless_equals_int(found, wanted);
}

// All calls to the disk. Empty: it is finished.
std::vector<DiskCall> calls_of_finishing(const Bytes& file) {
  const mp4_test::MemorySource source(file);
  LeftOver left_over;
  const auto status = left_over.read(source, [](uint64_t) {});
  fail_unless(status.ok(), "%s", status.text().c_str());
  if (left_over.kind() == LeftOver::Kind::kFinished) return {};
  const auto disk = std::make_shared<mp4_test::CrashDisk>();
  fail_unless(finalize::finish(left_over, std::make_unique<mp4_test::CrashFile>(disk, file)).ok());
  return disk->calls();
}

}  // namespace

// ---- what it makes ----

// A recorder that is killed before its last step has done all but that, and knows no more than its
// fragments say.
GST_START_TEST(the_file_is_the_one_that_the_recorder_would_have_made) {
  for (const char* name : {"one track", "two tracks", "reordered pictures", "variable frame rate",
                           "late track", "released pad", "one fragment", "in a rush"}) {
    const Recorded recorded(scenario(name));
    Treated left(recorded.unflipped());
    const auto status = left.treat();
    fail_unless(status.ok(), "%s: %s", name, status.text().c_str());
    fail_unless(left.report.has_changed, "%s", name);
    fail_unless(left.bytes() == recorded.finished, "%s: it is another file", name);
  }
}
GST_END_TEST;

// Nor is what it knows besides lost: titles, another description, pictures of a late track that are
// in no fragment.
void record_titles(Film& film) {
  scenario("late track").record(film);
  film.recording->set_movie_tags({mp4::MovieTag{mp4::FourCC{0xa96e616d}, "Crossing at night"}});
}

GST_START_TEST(what_the_recorder_had_written_and_not_shown_is_used) {
  const mp4_test::Scenario titles{"titles", {}, record_titles};
  const mp4_test::Scenario* const cases[] = {&titles, &scenario("parameter change"),
                                             &scenario("reordered pictures")};
  for (const auto* scenario : cases) {
    const Recorded recorded(*scenario);
    Treated left(recorded.unflipped());
    const auto status = left.treat();
    fail_unless(status.ok(), "%s: %s", scenario->name, status.text().c_str());
    fail_unless(left.report.left_over.has_finished_moov(), "%s", scenario->name);
    fail_unless(left.bytes() == recorded.finished, "%s: it is another file", scenario->name);
  }
}
GST_END_TEST;

// A byte in each of its tables, and anything missing: then the tables are made anew, and right.
GST_START_TEST(what_does_not_fit_the_fragments_is_not_used) {
  const Recorded recorded(mp4_test::Scenario{"titles", {}, record_titles});
  const Bytes whole = recorded.unflipped();
  const auto movie = boxes::read_movie(Treated(recorded.finished).path);
  const auto moov = static_cast<std::ptrdiff_t>(movie->top.back().offset);
  const auto treat = [&](const Bytes& bytes, const char* what) {
    Treated file(bytes);
    const auto status = file.treat();
    fail_unless(status.ok(), "%s: %s", what, status.text().c_str());
    fail_unless(!file.report.left_over.has_finished_moov(), "%s", what);
    const auto found = boxes::read_movie(file.path);
    fail_unless(found && found->problems.empty(), "%s", what);
    for (std::size_t i = 0; i < found->tracks.size(); ++i)
      fail_unless_equals_int(found->tracks[i].samples.size(), movie->tracks[i].samples.size());
  };
  for (const char* table : {"stsz", "stco", "stsc", "stts", "stss", "stsd", "mdhd", "hdlr"}) {
    Bytes bytes = whole;
    for (auto at = bytes.begin() + moov;;) {
      at = std::search(at, bytes.end(), table, table + 4);
      if (at == bytes.end()) break;
      at += table == std::string("hdlr") ? 12 : 16;
      ++*at, ++at[3];
    }
    fail_if(bytes == whole, "%s", table);
    treat(bytes, table);
  }
  Bytes lost = whole;
  std::fill_n(lost.begin() + (moov + 1'023) / 512 * 512, 512, uint8_t{0});
  treat(lost, "a sector");
  for (std::size_t missing : {1u, 8u, 700u})
    treat({whole.begin(), whole.end() - missing}, "its end");
}
GST_END_TEST;

GST_START_TEST(a_finished_file_is_left_alone) {
  const Recorded recorded(scenario("two tracks"));
  Treated file(recorded.finished);
  for (int run = 0; run < 2; ++run) {
    fail_unless(file.treat().ok());
    fail_if(file.report.has_changed);
    fail_unless(file.report.left_over.kind() == LeftOver::Kind::kFinished);
    fail_unless(file.bytes() == recorded.finished);
  }
}
GST_END_TEST;

GST_START_TEST(looking_changes_nothing_and_says_what_is_there) {
  const Recorded recorded(scenario("two tracks"));
  const Bytes before = recorded.unflipped();
  Treated file(before);
  fail_unless(file.treat({.only_look = true}).ok());
  const LeftOver& found = file.report.left_over;
  fail_unless(found.kind() == LeftOver::Kind::kLeftOver);
  fail_if(file.report.has_changed);
  fail_unless_equals_int(found.tracks().tracks(), 2);
  fail_unless_equals_int(found.tracks().samples(), 24 + 20);
  fail_unless_equals_int(found.tracks().duration_ns() / 1'000'000, 480);
  fail_unless(found.fragments() >= 4);
  fail_unless_equals_int(found.hidden_fragments(), 0);
  fail_unless(file.bytes() == before);
}
GST_END_TEST;

GST_START_TEST(a_fragment_that_was_not_published_is_in_the_finished_file) {
  const Recorded recorded(scenario("one track"));
  Treated file(recorded.with_hidden_fragment());
  fail_unless(file.treat().ok());
  fail_unless_equals_int(file.report.left_over.hidden_fragments(), 1);
  const auto movie = boxes::read_movie(file.path);
  fail_unless(movie && movie->problems.empty());
  fail_unless_equals_int(movie->tracks[0].samples.size(), 12);
}
GST_END_TEST;

// The power went before the disk had it.
GST_START_TEST(a_fragment_that_lacks_a_sector_is_not) {
  const Recorded recorded(scenario("one track"));
  Bytes bytes = recorded.with_hidden_fragment();
  const std::size_t lost = (bytes.size() - 600) / 512 * 512;
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(lost), 512, uint8_t{0});
  Treated file(bytes);
  fail_unless(file.treat().ok());
  fail_unless_equals_int(file.report.left_over.hidden_fragments(), 0);
  const auto movie = boxes::read_movie(file.path);
  fail_unless(movie && movie->problems.empty());
  fail_unless_equals_int(movie->tracks[0].samples.size(), 6);
}
GST_END_TEST;

GST_START_TEST(a_fragment_that_lacks_the_last_part_of_a_sector_is_not) {
  const Recorded recorded(scenario("one track"));
  Bytes bytes = recorded.with_hidden_fragment();
  fail_unless(bytes.size() % 512 > 16);
  std::fill(bytes.end() - static_cast<std::ptrdiff_t>(bytes.size() % 512), bytes.end(), uint8_t{0});
  Treated file(bytes);
  fail_unless(file.treat().ok());
  fail_unless_equals_int(file.report.left_over.hidden_fragments(), 0);
}
GST_END_TEST;

// The tool's own power cut, after one: the disk has what it wrote but for some sectors.
GST_START_TEST(a_fragment_that_was_rejected_is_not_whole_the_next_time) {
  const Recorded recorded(scenario("two tracks"));
  Bytes bytes = recorded.with_hidden_fragment();
  const Bytes whole = bytes;
  const std::size_t lost = (bytes.size() - 600) / 512 * 512;
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(lost), 512, uint8_t{0});
  const mp4_test::MemorySource source(bytes);
  LeftOver left_over;
  fail_unless(left_over.read(source, [](uint64_t) {}).ok());
  fail_unless_equals_int(left_over.hidden_fragments(), 0);
  const auto disk = std::make_shared<mp4_test::CrashDisk>();
  fail_unless(finalize::finish(left_over, std::make_unique<mp4_test::CrashFile>(disk, bytes)).ok());
  each_powerless_state(disk->calls(), {1}, [&](const DiskState& state) {
    if (state.calls < mp4_test::CrashFile::kCallsBefore || state.file[kFlip + 7] != 16) return;
    const mp4_test::MemorySource again(state.file);
    LeftOver found;
    fail_unless(found.read(again, [](uint64_t) {}).ok());
    fail_unless(found.hidden_fragments() == 0, "after %zu calls", state.calls);
  });
}
GST_END_TEST;

// A copy of a file that was being recorded.
GST_START_TEST(a_file_that_is_cut_anywhere_is_finished_or_left_alone) {
  const Recorded recorded(scenario("late track"));
  const Bytes whole = recorded.unflipped();
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Treated file(cut, Medium::kMemory);
    const auto status = file.treat();
    if (!status.ok()) {
      fail_unless(status.code() == StatusCode::kInvalid && file.bytes() == cut, "%zu", size);
      continue;
    }
    const auto movie = boxes::read_movie(file.path);
    fail_unless(movie && !movie->fragmented && movie->problems.empty(), "%zu", size);
    fail_unless_equals_int(movie->top.size(), 3);
  }
}
GST_END_TEST;

// All samples that are whole are kept, and no other one.
GST_START_TEST(a_copy_that_was_cut_has_all_samples_that_are_whole) {
  for (const char* name : {"two tracks", "reordered pictures"}) {
    const Recorded recorded(scenario(name));
    const Bytes whole = recorded.unflipped();
    const auto movie = boxes::read_movie(Treated(whole).path);
    const auto [first, end] = fragments_of(*movie);
    for (std::size_t size = first; size < end; size += 1 + size * 7 % 41) {
      const Bytes left(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      Treated file(left, Medium::kMemory);
      const auto status = file.treat();
      fail_unless(status.ok(), "%zu: %s", size, status.text().c_str());
      const auto cut = boxes::read_movie(file.path);
      fail_unless(cut && !cut->fragmented && cut->problems.empty(), "%s, %zu", name, size);
      for (std::size_t track = 0; track < movie->tracks.size(); ++track)
        expect_whole_ones(*cut, *movie, track, size);
    }
  }
}
GST_END_TEST;

// Whenever it is interrupted, the next run finishes the same.
GST_START_TEST(a_copy_that_was_cut_may_be_finished_in_two_runs) {
  const Recorded recorded(scenario("two tracks"));
  const Bytes whole = recorded.unflipped();
  const auto [first, end] = fragments_of(*boxes::read_movie(Treated(whole).path));
  for (std::size_t size = first + (end - first) / 2; size < end; size += 157) {
    const Bytes left(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto calls = calls_of_finishing(left);
    Bytes finished;
    each_killed_state(calls, {1u << 20}, [&](const DiskState& state) { finished = state.file; });
    const auto judge = [&](const DiskState& state) {
      if (state.calls < mp4_test::CrashFile::kCallsBefore) return;
      const auto again = calls_of_finishing(state.file);
      Bytes result = state.file;
      each_killed_state(again, {1u << 20}, [&](const DiskState& last) { result = last.file; });
      fail_unless(result == finished, "cut at %zu, after %zu calls", size, state.calls);
    };
    each_killed_state(calls, {61}, judge);
    each_powerless_state(calls, {97}, judge);
  }
}
GST_END_TEST;

// ---- what it refuses ----

GST_START_TEST(what_it_cannot_finish_it_leaves_alone) {
  Bytes foreign = Recorded(scenario("one track")).unflipped();
  foreign[8] = 'q';
  Bytes lying = Recorded(scenario("one track")).finished;
  lying[kFlip + 6] ^= 1;
  const auto find = [](Bytes& bytes, const char(&type)[5]) {
    return std::search(bytes.begin(), bytes.end(), type, type + 4);
  };
  Bytes torn = Recorded(scenario("one track")).unflipped();
  find(torn, "traf")[0] = 'x';
  Bytes timeless = Recorded(scenario("one track")).unflipped();
  std::fill_n(find(timeless, "mdhd") + 16, 4, uint8_t{0});  // timescale
  const Bytes whole = Recorded(scenario("one track")).unflipped();
  Bytes interrupted = whole;  // by a box of somebody else, with fragments behind it
  const uint8_t kFree[] = {0, 0, 0, 8, 'f', 'r', 'e', 'e'};
  const auto second = find(interrupted, "mdat") + 4;
  const auto moof = std::search(std::search(second, interrupted.end(), "moof", "moof" + 4) + 4,
                                interrupted.end(), "moof", "moof" + 4) -
                    4;
  interrupted.insert(moof, std::begin(kFree), std::end(kFree));
  Bytes wrong_size = whole;  // of the first fragment's mdat
  std::search(find(wrong_size, "moof"), wrong_size.end(), "mdat", "mdat" + 4)[-2] ^= 0x40;
  Bytes wrong_moof = whole;
  find(wrong_moof, "moof")[-2] ^= 0x40;
  const struct {
    Bytes bytes;
    const char* sentence;
  } cases[] = {
      {interrupted, "behind its fragments"},
      {wrong_size, "damaged"},
      {wrong_moof, "damaged"},
      {{}, "Nothing was recorded"},
      {foreign, "not a recording of trailingmp4sink"},
      {lying, "no index"},
      {torn, "cannot be understood"},
      {timeless, "description of the tracks"},
      {Recorded(scenario("no fragments")).unflipped(), "without fragments"},
  };
  for (const auto& [bytes, sentence] : cases) {
    Treated file(bytes);
    const auto status = file.treat();
    fail_unless(status.code() == StatusCode::kInvalid, "%s", sentence);
    fail_unless(status.text().find(sentence) != std::string::npos, "%s", status.text().c_str());
    fail_unless(file.bytes() == bytes, "%s", sentence);
  }
}
GST_END_TEST;

GST_START_TEST(what_is_no_file_is_refused) {
  const TemporaryFolder folder;
  Report report;
  const auto treat = [&](const std::string& path) {
    return finalize::finalize(
               path, {}, [](uint64_t) {}, report)
        .code();
  };
  fail_unless(treat(folder.path("none.mp4")) == StatusCode::kOpen);
  fail_unless(treat(folder.path()) == StatusCode::kNotRegular);
  fail_unless_equals_int(mkfifo(folder.path("fifo").c_str(), 0600), 0);
  fail_unless(treat(folder.path("fifo")) == StatusCode::kNotRegular);
  fail_unless(treat("/dev/null") == StatusCode::kNotRegular);
}
GST_END_TEST;

GST_START_TEST(a_file_that_is_being_recorded_is_refused) {
  mp4_test::TestRecording recording({.fragment_ns = 100'000'000});
  const auto video = recording.add_track(mp4_test::video_config());
  recording.append_many(video, 30, 3'000, 30);
  fail_unless(recording.witness->wait_until_opened());
  fail_unless(mp4_test::eventually([&] { return std::filesystem::file_size(recording.path) > 0; }));
  Report report;
  for (bool only_look : {false, true}) {
    const auto status = finalize::finalize(
        recording.path, {.only_look = only_look}, [](uint64_t) {}, report);
    fail_unless(status.code() == StatusCode::kBusy, "%s", status.text().c_str());
  }
  fail_unless(recording.finish());
  fail_unless(finalize::finalize(
                  recording.path, {}, [](uint64_t) {}, report)
                  .ok());
  fail_if(report.has_changed);
  const std::string differences = recording.differences();
  fail_unless(differences.empty(), "%s", differences.c_str());
}
GST_END_TEST;

GST_START_TEST(without_room_the_file_is_left_as_it_is) {
  const Recorded recorded(scenario("two tracks"));
  const Bytes before = recorded.with_hidden_fragment();
  Treated file(before);
  rlimit limit{};
  fail_unless_equals_int(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit little{before.size() + 100, limit.rlim_max};
  fail_unless_equals_int(setrlimit(RLIMIT_FSIZE, &little), 0);
  const auto status = file.treat();
  fail_unless_equals_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
  fail_unless(status.code() == StatusCode::kNoSpace, "%s", status.text().c_str());
  fail_unless(file.bytes() == before);

  const auto sentence = status.text();
  const auto digits = sentence.find_first_of("0123456789");
  fail_unless(digits != std::string::npos, "%s", sentence.c_str());
  const auto needed = std::stoull(sentence.substr(digits));
  fail_unless(file.treat().ok());
  fail_unless_equals_uint64(file.bytes().size(), before.size() + needed);
}
GST_END_TEST;

// ---- a disk that fails ----

// Every call fails, alone or with all after it.
GST_START_TEST(a_failing_disk_leaves_what_was_there) {
  const Recorded recorded(scenario("two tracks"));
  const Bytes before = recorded.with_hidden_fragment();
  const mp4_test::MemorySource source(before);
  LeftOver left_over;
  fail_unless(left_over.read(source, [](uint64_t) {}).ok());
  const std::size_t published = [&] {
    const auto movie = boxes::read_movie(Treated(before).path);
    return movie->tracks[0].samples.size();
  }();
  bool untouched = false;
  for (unsigned nth = 1; !untouched; ++nth) {
    for (bool for_good : {false, true}) {
      Treated file(before);
      const auto disk = std::make_shared<FaultyDisk>();
      if (for_good)
        disk->fail_all_from(nth, StatusCode::kWrite, EIO);
      else
        disk->fail_call(std::nullopt, nth, StatusCode::kWrite, EIO);
      mp4::FileDescriptor fd(open(file.path.c_str(), O_RDWR | O_CLOEXEC));
      const auto status = finalize::finish(
          left_over,
          std::make_unique<FaultyFile>(disk, mp4::PosixOutputFile::adopt(std::move(fd))));
      const auto calls = disk->calls();
      untouched = calls.size() < nth;
      fail_unless(status.ok() || !untouched);
      const auto movie = boxes::read_movie(file.path);
      fail_unless(movie.has_value(), "call %u", nth);
      const bool finished = !movie->fragmented;
      fail_unless_equals_int(finished ? movie->top.size() : 3, 3);
      fail_unless(finished || movie->tracks[0].samples.size() == published, "call %u", nth);
      fail_unless(disk->file_destroyed());
    }
    fail_unless(nth < 100);
  }
}
GST_END_TEST;

// ---- hostile files ----

// Whatever is in it: no crash, and a file that is refused is as it was.
GST_START_TEST(a_file_with_other_bytes_does_no_harm) {
  const Recorded recorded(scenario("late track"));
  const Bytes whole = recorded.unflipped();
  std::mt19937 random(7);
  const uint8_t kTelling[] = {0x00, 0x01, 0x08, 0x7f, 0x80, 0xff};
  for (int run = 0; run < 3'000; ++run) {
    Bytes bytes = whole;
    for (unsigned change = 0; change <= random() % 4; ++change) {
      const std::size_t at = kFlip + random() % (random() % 2 ? 1'500 : bytes.size() - kFlip);
      for (std::size_t i = at; i < std::min(bytes.size(), at + 1 + random() % 4); ++i)
        bytes[i] = kTelling[random() % std::size(kTelling)];
    }
    const mp4_test::MemorySource source(bytes);
    LeftOver left_over;
    const auto status = left_over.read(source, [](uint64_t) {});
    if (!status.ok() || left_over.kind() == LeftOver::Kind::kFinished) continue;
    fail_unless(left_over.end() <= bytes.size() && left_over.end() % 8 == 0, "run %d", run);
    fail_if(left_over.moov().size() == 0, "run %d", run);
  }
}
GST_END_TEST;

static Suite* finalize_suite() {
  Suite* suite = suite_create("finalize");
  TCase* result = tcase_create("result");
  suite_add_tcase(suite, result);
  tcase_add_test(result, the_file_is_the_one_that_the_recorder_would_have_made);
  tcase_add_test(result, what_the_recorder_had_written_and_not_shown_is_used);
  tcase_add_test(result, what_does_not_fit_the_fragments_is_not_used);
  tcase_add_test(result, a_finished_file_is_left_alone);
  tcase_add_test(result, looking_changes_nothing_and_says_what_is_there);
  tcase_add_test(result, a_fragment_that_was_not_published_is_in_the_finished_file);
  tcase_add_test(result, a_fragment_that_lacks_a_sector_is_not);
  tcase_add_test(result, a_fragment_that_lacks_the_last_part_of_a_sector_is_not);
  tcase_add_test(result, a_fragment_that_was_rejected_is_not_whole_the_next_time);
  tcase_add_test(result, a_file_that_is_cut_anywhere_is_finished_or_left_alone);
  tcase_add_test(result, a_copy_that_was_cut_has_all_samples_that_are_whole);
  tcase_add_test(result, a_copy_that_was_cut_may_be_finished_in_two_runs);
  TCase* refusal = tcase_create("refusal");
  suite_add_tcase(suite, refusal);
  tcase_add_test(refusal, what_it_cannot_finish_it_leaves_alone);
  tcase_add_test(refusal, what_is_no_file_is_refused);
  tcase_add_test(refusal, a_file_that_is_being_recorded_is_refused);
  tcase_add_test(refusal, without_room_the_file_is_left_as_it_is);
  tcase_add_test(refusal, a_failing_disk_leaves_what_was_there);
  tcase_add_test(refusal, a_file_with_other_bytes_does_no_harm);
  return suite;
}

GST_CHECK_MAIN(finalize)
