// SPDX-License-Identifier: LGPL-2.1-or-later
//
// StepTrial: how far a clock stepped, where pictures are reordered. One of them does not tell: it
// may be presented well after its turn. On average all are presented by as much after their turn as
// before the step, so a number of them is looked at. Times are nanoseconds; pure logic.
#pragma once

#include <cstdint>
#include <optional>

namespace trailingmp4 {

class StepTrial {
 public:
  struct Before {
    int64_t time;    // where the first picture of the trial was expected
    int64_t offset;  // of the clock
    int64_t usual;   // how far ahead of their turn pictures were on average,
    int64_t reach;   // and how far at most
  };

  explicit StepTrial(const Before& before) : before_(before), time_(before.time) {}

  // Whether the next picture is where it would be without the step that was taken for one
  // meanwhile, if any: it was made before that and is decoded after it. distance: from one to the
  // next.
  bool is_straggler(int64_t raw, int64_t distance, std::optional<int64_t> taken) const;
  // The next picture, the first one included.
  void add(int64_t raw, int64_t distance, bool straggler);

  bool is_over() const { return looked_at_ >= kPictures; }
  // Some pictures were counted, if not as many as are wanted.
  bool can_tell() const { return counted_ >= kFewest; }
  // The clock went back to where it was.
  bool is_undone() const { return stragglers_ >= kStragglers; }
  // By how much the clock stepped, as far as is known.
  int64_t step() const;
  int64_t offset_before() const { return before_.offset; }

 private:
  static constexpr unsigned kPictures = 24;
  static constexpr unsigned kPassedOver = 8;  // at first, old and new are mixed
  static constexpr unsigned kFewest = 4;
  static constexpr unsigned kStragglers = 8;

  Before before_;
  int64_t time_;       // where the next picture is expected
  int64_t first_ = 0;  // how far the first picture is ahead of that, by the clock before
  int64_t sum_ = 0;    // the same of those that are counted
  unsigned looked_at_ = 0;
  unsigned counted_ = 0;
  unsigned stragglers_ = 0;  // in a row
};

}  // namespace trailingmp4
