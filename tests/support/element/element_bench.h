// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bench: a trailingmp4sink alone on the table, with a folder for its file, feeds on its pads and
// all its messages in a log. The file is read back by the tests' own reader.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "box_reader.h"
#include "feed.h"
#include "gst_owners.h"
#include "message_log.h"
#include "synthetic_media.h"
#include "temp_folder.h"
#include "thread_states.h"

namespace bench {

class Bench {
 public:
  // Of the test that calls; shown when it fails. clang 14 has no std::source_location.
  struct Location {
    const char* file = nullptr;
    int line = 0;
    const char* function = nullptr;
    static Location current(const char* file = __builtin_FILE(), int line = __builtin_LINE(),
                            const char* function = __builtin_FUNCTION()) {
      return {file, line, function};
    }
  };

  Bench();
  ~Bench();  // to NULL, and all is gone
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  GstElement* element() const { return element_.get(); }
  MessageLog& log() { return log_; }
  const TempFolder& folder() const { return folder_; }
  const std::string& location() const { return location_; }  // what was set last
  // Another name in the folder, not used before. Returns it.
  const std::string& fresh_location();
  void set_location(const std::string& location);

  // The feed lives as long as the bench.
  Feed& add(Kind kind, const char* pad_name = "sink_%u");
  Feed& add_video() { return add(Kind::kVideo); }
  Feed& add_audio() { return add(Kind::kAudio); }
  void drop(Feed& feed);  // ends its life: unlinks and releases its pad

  // State changes that must succeed at once.
  void to(GstState state, Location where = Location::current());
  void play(Location where = Location::current()) { to(GST_STATE_PLAYING, where); }
  void stop(Location where = Location::current()) { to(GST_STATE_NULL, where); }

  // The message that must come.
  Owned<GstMessage> expect(GstMessageType type, const std::string& name = "",
                           Location where = Location::current());
  Owned<GstMessage> expect_eos(Location where = Location::current()) {
    return expect(GST_MESSAGE_EOS, "", where);
  }
  Owned<GstMessage> expect_finished(Location where = Location::current()) {
    return expect(GST_MESSAGE_ELEMENT, "trailingmp4sink-finished", where);
  }
  // All that was pushed has had its effect: every thread that was started since the bench was made,
  // of the element or of a feed, is gone or waits on a condition variable, the writer's for a job
  // or in a call that a faulty disk holds. The caller's own pushes post what they post before they
  // return. What only time brings (a fragment that is due by the clock, a sync) is not waited for.
  void wait_until_at_rest(Location where = Location::current());
  // And nothing is left that time alone would bring.
  void wait_until_nothing_is_due(Location where = Location::current());
  // All that was pushed has had its effect, and none of that type has come.
  void expect_none_at_rest(GstMessageType type, Location where = Location::current());
  // Neither errors nor warnings so far.
  void expect_quiet(Location where = Location::current());

  // A field of stats; of the track of a pad when feed is given.
  guint64 stat(const char* field, Location where = Location::current());
  guint64 stat(const Feed& feed, const char* field, Location where = Location::current());

  bool file_exists() const;
  // The file, finished, without a fault of form. It is read here, so it must be whole by now.
  boxes::Movie movie(Location where = Location::current());
  // The file holds exactly what the feeds expect: a track for each that expects anything, its
  // samples' bytes, sync marks and presentation times to half a tick. Times count from the earliest
  // presentation of all; where that is not on a tick, or a track starts later by an empty edit, a
  // tick of the movie's 90 kHz is granted besides.
  boxes::Movie expect_file(const std::vector<const Feed*>& feeds,
                           Location where = Location::current());
  boxes::Movie expect_file(const Feed& feed, Location where = Location::current()) {
    return expect_file(std::vector{&feed}, where);
  }
  boxes::Movie expect_all_feeds(Location where = Location::current());  // of this bench

 private:
  threads::Since threads_;
  TempFolder folder_;
  std::string location_;
  int locations_ = 0;
  MessageLog log_;
  Owned<GstElement> element_;
  std::vector<std::unique_ptr<Feed>> feeds_;
};

// What is wrong with the file, a line each.
std::vector<std::string> file_differences(const std::string& path, const boxes::Movie& movie,
                                          const std::vector<const Feed*>& feeds);
// The track that holds a feed's samples, told by the first one's bytes; null if there is none.
const boxes::Track* track_of(const std::string& path, const boxes::Movie& movie, const Feed& feed);

// Fails the test at that place.
void fail_at(const Bench::Location& where, const std::string& text);
// gst-check's macro keeps pointers into strings that are gone.
void expect_text(const std::string& found, const std::string& expected,
                 Bench::Location where = Bench::Location::current());

}  // namespace bench
