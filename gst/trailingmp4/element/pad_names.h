// SPDX-License-Identifier: LGPL-2.1-or-later
//
// PadNames: finds names for pads that are requested without one: the first number of the template
// that is free, also when several threads ask at once.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <set>
#include <string>

namespace trailingmp4 {

class PadNames {
 public:
  // A name that no pad of the element has and that is nobody else's until release().
  std::string reserve(GstElement* element, GstPadTemplate* templ);
  void release(const std::string& name);

 private:
  std::mutex mutex_;
  std::set<std::string> reserved_;
};

}  // namespace trailingmp4
