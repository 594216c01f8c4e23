// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file as FFmpeg's libraries see it, in the test's own process: what ffprobe and `ffmpeg -f null`
// print comes from the same code, but each start of theirs costs more than most files do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace libav {

using Bytes = std::vector<uint8_t>;
using Tags = std::map<std::string, std::string>;

/// What is heard of the libraries' log: as with `-v fatal`, `-v error`, `-v warning`.
enum class Heard { kFatal, kErrors, kWarnings };

struct Packet {
  Bytes bytes;
  std::optional<int64_t> pts, dts;        ///< ticks of the stream
  std::optional<int64_t> pts_ns, dts_ns;  ///< the same in nanoseconds
  int64_t position = -1;                  ///< in the file
  bool key = false;
  bool discarded = false;  ///< decoded and not presented
};

struct Stream {
  bool video = false;
  std::string codec;  ///< as ffprobe names it
  Tags tags;
  std::optional<double> rotation;  ///< degrees counterclockwise
  std::vector<Packet> packets;
};

struct File {
  bool opened = false;
  Tags tags;
  std::vector<Stream> streams;
  std::string log;  ///< lines; empty: nothing to complain about
};

/// What `ffprobe -show_format -show_streams -show_packets` does.
File read_file(const std::string& path, Heard heard);

struct Decoded {
  std::vector<std::string> pictures;  ///< MD5 sums as of `-f framemd5`, of all video streams
  std::string log;                    ///< lines; empty: nothing to complain about
};

/// What `ffmpeg -i FILE -map 0 -fps_mode passthrough -f null -` does, to the file's end. What would
/// make it end early with `-xerror` is in the log as an error.
Decoded decode_file(const std::string& path, Heard heard);

}  // namespace libav
