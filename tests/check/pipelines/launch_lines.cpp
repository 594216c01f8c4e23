// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launch_lines.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace pipelines {
namespace {

constexpr std::string_view kCommand = "gst-launch-1.0 ";
constexpr std::string_view kLocation = "location=";
constexpr std::string_view kSink = "trailingmp4sink";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
    words.push_back(word);
  }
  return words;
}

bool is_property(const std::string& word) { return word.find('=') != std::string::npos; }

/// A value of a property of each element of that kind.
std::vector<std::string> values(const std::string& line, std::string_view element,
                                std::string_view property) {
  std::vector<std::string> found;
  const std::vector<std::string> words = words_of(line);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != element) continue;
    for (size_t j = i + 1; j < words.size() && is_property(words[j]); ++j)
      if (words[j].starts_with(property)) found.push_back(words[j].substr(property.size()));
  }
  return found;
}

void read_lines(const std::filesystem::path& path, std::vector<LaunchLine>& lines) {
  std::ifstream file(path);
  bool fenced = false;
  bool continued = false;
  int number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (text.starts_with("```")) fenced = !fenced;
    const size_t indent = std::min(text.find_first_not_of(' '), text.size());
    const std::string code = text.substr(indent);
    const bool starts = (fenced || indent >= 4) && code.starts_with(kCommand);
    if (starts)
      lines.push_back({path.filename().string() + ":" + std::to_string(number), code});
    else if (continued)
      lines.back().text += code;
    continued = (starts || continued) && code.ends_with('\\');
    if (continued) lines.back().text.back() = ' ';
  }
}

}  // namespace

std::vector<LaunchLine> documented_launch_lines(const std::string& repository) {
  std::vector<std::filesystem::path> paths{repository + "/README.md"};
  std::error_code no_docs;
  for (const auto& entry : std::filesystem::directory_iterator(repository + "/docs", no_docs))
    if (entry.path().extension() == ".md") paths.push_back(entry.path());
  std::sort(paths.begin() + 1, paths.end());
  std::vector<LaunchLine> lines;
  for (const auto& path : paths) read_lines(path, lines);
  return lines;
}

std::vector<std::string> recorded_files(const std::string& line) {
  return values(line, kSink, kLocation);
}

std::vector<std::string> read_files(const std::string& line) {
  return values(line, "filesrc", kLocation);
}

std::vector<std::string> pads_of(const std::string& line) {
  const std::vector<std::string> names = values(line, kSink, "name=");
  const std::vector<std::string> words = words_of(line);
  std::vector<std::string> pads;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i - 1] != "!") continue;
    if (words[i] == kSink) pads.push_back("");
    for (const std::string& name : names)
      if (words[i].starts_with(name + ".")) pads.push_back(words[i].substr(name.size() + 1));
  }
  return pads;
}

}  // namespace pipelines
