// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the targets share: how one says that something is wrong, and GStreamer as they want it.
#pragma once

#include <string>

namespace fuzz {

// Ends the run as a finding where the condition does not hold.
void expect(bool condition, const std::string& text);

// GStreamer without a registry, so that nothing but the target is looked at. Call it once.
void init_gstreamer();

// While there is one, a critical message of any library is a finding; other ones are not shown.
class FatalCriticals {
 public:
  FatalCriticals();
  ~FatalCriticals();
  FatalCriticals(const FatalCriticals&) = delete;
  FatalCriticals& operator=(const FatalCriticals&) = delete;
};

}  // namespace fuzz
