// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Judge: what must hold of a film in a state in which a crash may leave it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "box_reader.h"
#include "crash_scenarios.h"

namespace mp4_test {

class Judge {
 public:
  using Counts = std::map<uint32_t, std::size_t>;  // samples of each track

  // calls: those that the recording made.
  Judge(const Film& film, const std::vector<DiskCall>& calls);
  ~Judge();
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  void judge_killed(const DiskState& state);
  void judge_powerless(const DiskState& state);
  // A file of so many fragments, and a finished one, whoever left it. Returns what is in it.
  Counts judge_growing(const DiskState& state, std::size_t fragments);
  Counts judge_finished(const DiskState& state);
  // Behind what is published there are hidden boxes and nothing else: of the file judged last, if
  // it lost no sector.
  void expect_hidden_tail();
  void expect_all_recorded();
  void problem(const std::string& text);

  // Fragments that are published after so many calls of the recording.
  std::size_t published(std::size_t calls) const { return progress_[calls].published; }
  bool flipped(std::size_t calls) const { return progress_[calls].flipped; }
  const std::set<std::string>& problems() const { return problems_; }
  std::string problems_text() const;
  std::size_t states() const { return states_; }

 private:
  struct Progress {  // what the calls to the disk did so far
    std::size_t published = 0;
    bool flipped = false;
  };

  void look(const DiskState& state);
  bool store() const;
  void probe();
  Counts counts() const;
  Counts all_samples() const;
  void expect_nothing();
  void expect_finished();
  void expect_fragments(std::size_t fewest, std::size_t most);
  void expect_no_problems(bool growing);
  void expect_right_samples(bool may_have_holes = false);
  void expect_right(const boxes::Track& found, const boxes::Sample& out, const Film::Track& track,
                    const Film::Sample& in);
  bool has_bytes(const boxes::Sample& out, const Film::Sample& in) const;

  const Film& film_;
  std::vector<Progress> progress_;  // after so many calls
  int64_t origin_ = INT64_MAX;
  const std::string path_;
  const DiskState* state_ = nullptr;
  std::optional<boxes::Movie> movie_;
  std::map<std::size_t, Counts> samples_of_;
  Counts finished_;
  std::set<std::string> problems_;
  std::size_t states_ = 0;
};

}  // namespace mp4_test
