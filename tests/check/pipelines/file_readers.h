// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A recorded file seen by readers that share no code with the writer, and what they complain about.
#pragma once

#include <string>
#include <vector>

#include "media_track.h"

namespace pipelines {

/// By the tests' own box reader, with times after the edit lists.
MediaTracks read_with_boxes(const std::string& path);
/// By `filesrc ! qtdemux`, running times.
MediaTracks read_with_qtdemux(const std::string& path);
/// By FFmpeg's libraries, packet by packet as they are demuxed.
MediaTracks read_with_libav(const std::string& path);

/// The box reader's problems, those inside the AVC samples among them.
std::vector<std::string> box_problems(const std::string& path);
/// What `ffmpeg -v warning -xerror` would print when it decodes everything, and what GstDiscoverer
/// says if it is not "OK".
std::vector<std::string> player_complaints(const std::string& path);

/// Everything above but the players at once: the file is in order and holds just what was pushed.
std::vector<std::string> faults(const std::string& path, const MediaTracks& pushed);

/// A copy of a finished file as a kill before its last step would have left it: all its fragments,
/// and no moov that names a sample. Returns its path.
std::string as_killed(const std::string& path);
/// The states of a recording that readers can open: the finished file, and as_killed() of it.
/// Without fragments nothing can be read before the end, so that there is the first alone.
std::vector<std::string> readable_states(const std::string& path);
/// The same, killed before it wrote its index, after trailingmp4-finalize has been at it; what it
/// says goes to `complaint`, if it fails.
std::string as_finalized(const std::string& path, std::string& complaint);

/// The pictures of the only video track, decoded.
std::vector<Bytes> decode_file(const std::string& path);
/// The same of a byte stream (Annex B) in a file.
std::vector<Bytes> decode_stream(const std::string& path);
/// The same of samples that never were in a file.
std::vector<Bytes> decode_samples(const MediaTrack& track);
/// The only track of a file through that decoder, and samples that never were in a file through it.
std::vector<Bytes> decode_file(const std::string& path, const std::string& decoder);
std::vector<Bytes> decode_samples(const MediaTrack& track, const std::string& decoder);
/// What ffprobe calls the codec of that track, from 0 on.
std::string codec_name(const std::string& path, std::size_t track = 0);

}  // namespace pipelines
