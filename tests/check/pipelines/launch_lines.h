// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The launch lines that the documentation shows, for a test that runs them.
#pragma once

#include <string>
#include <vector>

namespace pipelines {

struct LaunchLine {
  std::string place;  ///< file and number of the line
  std::string text;   ///< the command, its continued lines joined
};

/// Every line of indented or fenced code in README.md and docs/*.md that begins with
/// gst-launch-1.0.
std::vector<LaunchLine> documented_launch_lines(const std::string& repository);

/// `location` of every trailingmp4sink in the line.
std::vector<std::string> recorded_files(const std::string& line);
/// `location` of every filesrc in the line.
std::vector<std::string> read_files(const std::string& line);
/// The pads of trailingmp4sinks that the line links, by name; "" where gst-launch-1.0 chooses one.
std::vector<std::string> pads_of(const std::string& line);

}  // namespace pipelines
