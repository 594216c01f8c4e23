// SPDX-License-Identifier: LGPL-2.1-or-later
//
// EncodedFile: a short film that a real encoder wrote into an MP4 file, read by the tests' own box
// reader, with what the core finds in its configuration record and its samples.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "memory_source.h"
#include "mp4/codecs/parameter_sets.h"
#include "test_recording.h"

namespace mp4_test {

/// FFmpeg's options for pictures of that format with the colours of HDR10. The encoders of
/// version 5.1 write what the options say, those of 7.1 what is said with each picture, by a
/// filter.
#define HDR10_PICTURES(format)                                                          \
  "-vf format=" format                                                                  \
  ",setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc " \
  "-pix_fmt " format                                                                    \
  " -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv"

class EncodedFile {
 public:
  /// Runs the command, in which FILE stands for the file to be written. Its track must be video.
  EncodedFile(mp4::NalCodec codec, std::string command) {
    const std::string path = folder_.path("encoded.mp4");
    command.replace(command.find("FILE"), 4, path);
    if (system(command.c_str()) != 0) return;
    const auto movie = boxes::read_movie(path);
    if (!movie || movie->tracks.size() != 1) return;
    record = movie->tracks[0].entries[0].config;
    samples = movie->tracks[0].samples;
    sets = mp4::ParameterSets::from_record(codec, record);
    for (const boxes::Sample& sample : samples) {
      bytes.push_back(boxes::read_sample(path, sample));
      if (sets)
        units.push_back(
            mp4::scan_access_unit(codec, MemorySource(bytes.back()), sets->nal_length_size()));
    }
  }

  /// Pictures that are decoded before one and presented after it, at most.
  unsigned reordered() const {
    unsigned most = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      unsigned later = 0;
      for (std::size_t j = 0; j < i; ++j) later += samples[j].pts > samples[i].pts;
      most = std::max(most, later);
    }
    return most;
  }

  std::vector<uint8_t> record;
  std::vector<boxes::Sample> samples;
  std::vector<std::vector<uint8_t>> bytes;  ///< of each sample
  std::vector<mp4::AccessUnit> units;       ///< of each sample
  std::optional<mp4::ParameterSets> sets;   ///< nothing: no such file, or its record is refused

 private:
  TemporaryFolder folder_;
};

/// An FFmpeg command for so many pictures of that size.
inline std::string ffmpeg_command(const std::string& size, int frames, const std::string& options) {
  return "ffmpeg -v error -f lavfi -i testsrc=size=" + size + ":rate=25 -frames:v " +
         std::to_string(frames) + " " + options + " FILE";
}

}  // namespace mp4_test
