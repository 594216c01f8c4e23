// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/roster.h"

#include <algorithm>

namespace trailingmp4 {

template <typename F>
bool Roster::any(F f) const {
  return std::any_of(members_.begin(), members_.end(), f);
}

Roster::Member& Roster::find(const Input& input) {
  auto found = std::find_if(members_.begin(), members_.end(),
                            [&](const Member& member) { return member.input == &input; });
  return found == members_.end() ? nobody_ : *found;
}

void Roster::remove(const Input& input) {
  std::erase_if(members_, [&](const Member& member) { return member.input == &input; });
}

void Roster::reset() {
  for (Member& member : members_) member = {.input = member.input};
}

void Roster::end_all() {
  for (Member& member : members_) member.at_eos = true;
}

bool Roster::any_takes_part() const {
  return any([](const Member& member) { return member.takes_part(); });
}

bool Roster::all_ended() const {
  if (any_takes_part()) return false;
  return empty() || any_at_eos();
}

bool Roster::any_given_up() const {
  return any([](const Member& member) { return member.given_up; });
}

bool Roster::all_given_up() const {
  return !empty() && !any([](const Member& member) { return !member.given_up; });
}

bool Roster::any_at_eos() const {
  return any([](const Member& member) { return member.at_eos; });
}

std::vector<GstRef<GstPad>> Roster::pads_without_stream() const {
  std::vector<GstRef<GstPad>> pads;
  for (const Member& member : members_)
    if (!member.stream_started && !member.at_eos && !member.given_up)
      pads.push_back(GstRef<GstPad>::share(member.input->pad()));
  return pads;
}

}  // namespace trailingmp4
