// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Roster: which pads there are and how far each one's stream has come; whether all is over. Plain
// book-keeping under its Recorder's lock.
//
// A pad takes part from its STREAM_START until its EOS, its release or its unlinking, or until its
// track is given up. Before its STREAM_START it may still do so: encoders hold that event back
// until their first output.
#pragma once

#include <vector>

#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/stream/input.h"

namespace trailingmp4 {

class Roster {
 public:
  void add(Input& input) { members_.push_back({.input = &input}); }
  void remove(const Input& input);
  void reset();  // all as if just added

  void stream_started(const Input& input) { find(input).stream_started = true; }
  void unlinked(const Input& input) { find(input).stream_started = false; }
  void set_at_eos(const Input& input, bool at_eos) { find(input).at_eos = at_eos; }
  void end_all();
  void give_up(const Input& input) { find(input).given_up = true; }

  bool empty() const { return members_.empty(); }
  // No pad takes part any more, and not just because none has begun.
  bool all_ended() const;
  bool any_given_up() const;
  bool all_given_up() const;  // and there are some
  bool any_at_eos() const;
  bool any_takes_part() const;
  std::vector<GstRef<GstPad>> pads_without_stream() const;  // that may still have one

  template <typename F>
  void each(F f) const {
    for (const Member& member : members_) f(*member.input);
  }

 private:
  struct Member {
    Input* input = nullptr;
    bool stream_started = false;
    bool at_eos = false;
    bool given_up = false;
    bool takes_part() const { return stream_started && !at_eos && !given_up; }
  };

  // A member that is none any more is of no consequence.
  Member& find(const Input& input);
  template <typename F>
  bool any(F f) const;

  std::vector<Member> members_;
  Member nobody_;
};

}  // namespace trailingmp4
