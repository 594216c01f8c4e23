// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element_bench.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include <gst/check/gstcheck.h>
// clang-format on

namespace bench {
namespace {

constexpr size_t kMostLines = 20;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

guint64 number_of(const GstStructure* stats, const char* field, const Bench::Location& where) {
  guint64 value = 0;
  if (!gst_structure_get_uint64(stats, field, &value))
    fail_at(where, std::string("stats have no number ") + field);
  return value;
}

Owned<GstStructure> stats_of(GstElement* element) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  return Owned<GstStructure>(stats);
}

std::optional<int64_t> earliest_pts(const std::vector<const Feed*>& feeds) {
  std::optional<int64_t> earliest;
  for (const Feed* feed : feeds)
    for (const Expected& sample : feed->expected())
      earliest = std::min(earliest.value_or(sample.pts_ns), sample.pts_ns);
  return earliest;
}

// One track against one feed.
class TrackComparison {
 public:
  TrackComparison(const std::string& path, const boxes::Movie& movie, const boxes::Track& track,
                  int64_t origin_ns)
      : path_(path), movie_(movie), track_(track), origin_ns_(origin_ns) {
    const double tick = 1e9 / track.timescale;
    const double movie_tick = 1e9 / movie.timescale;
    const bool on_a_tick = origin_ns * int64_t{90} % 1'000'000 == 0;
    const bool starts_late = !track.edits.empty() && track.edits[0].media_time < 0;
    tolerance_ns_ = tick / 2 + 1 + (on_a_tick && !starts_late ? 0 : movie_tick);
  }

  std::vector<std::string> differences(const std::vector<Expected>& expected) {
    if (track_.samples.size() != expected.size())
      add(std::to_string(track_.samples.size()) + " samples, not " +
          std::to_string(expected.size()));
    const size_t count = std::min(track_.samples.size(), expected.size());
    for (size_t i = 0; i < count && lines_.size() < kMostLines; ++i)
      compare(i, track_.samples[i], expected[i]);
    return std::move(lines_);
  }

 private:
  void add(const std::string& text) {
    lines_.push_back("track " + std::to_string(track_.id) + ": " + text);
  }

  void compare(size_t number, const boxes::Sample& sample, const Expected& expected) {
    const std::string name = "sample " + std::to_string(number);
    if (boxes::read_sample(path_, sample) != expected.bytes) add(name + " has other bytes");
    if (sample.sync != expected.sync) add(name + " has a wrong sync mark");
    const int64_t wanted = expected.pts_ns - origin_ns_;
    const int64_t found = boxes::presentation_ns(movie_, track_, sample);
    if (static_cast<double>(std::abs(found - wanted)) > tolerance_ns_)
      add(name + " is shown at " + std::to_string(found) + " ns, not " + std::to_string(wanted));
  }

  const std::string& path_;
  const boxes::Movie& movie_;
  const boxes::Track& track_;
  int64_t origin_ns_;
  double tolerance_ns_;
  std::vector<std::string> lines_;
};

}  // namespace

void fail_at(const Bench::Location& where, const std::string& text) {
  _ck_assert_failed(where.file, where.line, where.function, "%s", text.c_str(), nullptr);
}

void expect_text(const std::string& found, const std::string& expected, Bench::Location where) {
  if (found != expected) fail_at(where, "it is \"" + found + "\", not \"" + expected + "\"");
}

const boxes::Track* track_of(const std::string& path, const boxes::Movie& movie, const Feed& feed) {
  if (feed.expected().empty()) return nullptr;
  for (const boxes::Track& track : movie.tracks)
    if (!track.samples.empty() &&
        boxes::read_sample(path, track.samples[0]) == feed.expected()[0].bytes)
      return &track;
  return nullptr;
}

std::vector<std::string> file_differences(const std::string& path, const boxes::Movie& movie,
                                          const std::vector<const Feed*>& feeds) {
  std::vector<std::string> lines;
  const auto origin = earliest_pts(feeds);
  size_t wanted = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    if (feeds[i]->expected().empty()) continue;
    ++wanted;
    const boxes::Track* track = track_of(path, movie, *feeds[i]);
    if (!track) {
      lines.push_back("no track begins with the first sample of feed " + std::to_string(i));
      continue;
    }
    TrackComparison comparison(path, movie, *track, *origin);
    for (const auto& line : comparison.differences(feeds[i]->expected())) lines.push_back(line);
  }
  if (movie.tracks.size() != wanted)
    lines.push_back(std::to_string(movie.tracks.size()) + " tracks, not " + std::to_string(wanted));
  return lines;
}

// ---- Bench ----

Bench::Bench() {
  GstElement* made = gst_element_factory_make("trailingmp4sink", nullptr);
  if (!made) fail_at(Location::current(), "there is no element trailingmp4sink");
  // The suites are run in both ways.
  if (g_getenv("TEST_WITHOUT_FRAGMENTS"))
    g_object_set(made, "fragment-duration", guint64{0}, nullptr);
  element_.reset(GST_ELEMENT(gst_object_ref_sink(made)));
  gst_element_set_bus(element(), log_.bus());
  fresh_location();
}

Bench::~Bench() {
  gst_element_set_state(element(), GST_STATE_NULL);
  feeds_.clear();
  gst_element_set_bus(element(), nullptr);
}

void Bench::set_location(const std::string& location) {
  location_ = location;
  g_object_set(element(), "location", location.c_str(), nullptr);
}

const std::string& Bench::fresh_location() {
  set_location(folder_.file(std::to_string(++locations_) + ".mp4"));
  return location_;
}

Feed& Bench::add(Kind kind, const char* pad_name) {
  return *feeds_.emplace_back(std::make_unique<Feed>(element(), kind, pad_name));
}

void Bench::drop(Feed& feed) {
  std::erase_if(feeds_, [&](const auto& owned) { return owned.get() == &feed; });
}

void Bench::to(GstState state, Location where) {
  const GstStateChangeReturn result = gst_element_set_state(element(), state);
  if (result != GST_STATE_CHANGE_SUCCESS)
    fail_at(where, std::string("to ") + gst_element_state_get_name(state) + ": " +
                       gst_element_state_change_return_get_name(result) + " " +
                       log_.text(GST_MESSAGE_ERROR));
}

Owned<GstMessage> Bench::expect(GstMessageType type, const std::string& name, Location where) {
  Owned<GstMessage> message = log_.wait_for(type, name);
  if (!message)
    fail_at(where, std::string("no message ") + gst_message_type_get_name(type) + " " + name +
                       " came, but:" + joined(log_.names()));
  return message;
}

void Bench::wait_until_at_rest(Location where) {
  if (!threads_.wait_until_at_rest()) fail_at(where, "there is a thread that never rests");
}

void Bench::wait_until_nothing_is_due(Location where) {
  if (!threads_.wait_until_nothing_is_due()) fail_at(where, "there is always something due");
}

void Bench::expect_none_at_rest(GstMessageType type, Location where) {
  wait_until_at_rest(where);
  if (log_.count(type))
    fail_at(where, std::string("a message came that must not: ") + gst_message_type_get_name(type));
}

void Bench::expect_quiet(Location where) {
  for (GstMessageType type : {GST_MESSAGE_ERROR, GST_MESSAGE_WARNING})
    if (log_.count(type)) fail_at(where, "not quiet: " + log_.text(type));
}

guint64 Bench::stat(const char* field, Location where) {
  return number_of(stats_of(element()).get(), field, where);
}

guint64 Bench::stat(const Feed& feed, const char* field, Location where) {
  const Owned<GstStructure> stats = stats_of(element());
  const GValue* tracks = gst_structure_get_value(stats.get(), "tracks");
  const Owned<gchar> name(gst_object_get_name(GST_OBJECT(feed.pad())));
  for (guint i = 0; tracks && i < gst_value_array_get_size(tracks); ++i) {
    const GstStructure* track = gst_value_get_structure(gst_value_array_get_value(tracks, i));
    if (g_strcmp0(gst_structure_get_string(track, "pad"), name.get()) == 0)
      return number_of(track, field, where);
  }
  fail_at(where, std::string("stats know nothing of pad ") + name.get());
  return 0;
}

bool Bench::file_exists() const {
  struct stat found {};
  return lstat(location_.c_str(), &found) == 0;
}

boxes::Movie Bench::movie(Location where) {
  std::optional<boxes::Movie> movie = boxes::read_movie(location_);
  if (!movie) fail_at(where, "the file cannot be read" + joined(log_.names()));
  if (!movie->problems.empty()) fail_at(where, "the file has faults:" + joined(movie->problems));
  return std::move(*movie);
}

boxes::Movie Bench::expect_all_feeds(Location where) {
  std::vector<const Feed*> feeds;
  for (const auto& feed : feeds_) feeds.push_back(feed.get());
  return expect_file(feeds, where);
}

boxes::Movie Bench::expect_file(const std::vector<const Feed*>& feeds, Location where) {
  boxes::Movie movie = this->movie(where);
  const auto differences = file_differences(location_, movie, feeds);
  if (!differences.empty())
    fail_at(where, "the file is not what was pushed:" + joined(differences));
  return movie;
}

}  // namespace bench
