// SPDX-License-Identifier: LGPL-2.1-or-later
//
// RecorderUnderTest: what the benchmarks push into. The element, others that make the same file,
// and the floor they are all measured above.
//
//   trailingmp4sink          as it is by default
//   mp4mux, qtmux            with filesink behind it
//   mp4mux-fragments         mp4mux in fragments of a second that are made one file at the end
//   null                     the buffers are let go
//   limit                    and as many bytes are written, a MiB at once
#pragma once

#include <memory>
#include <string>

#include "gst_owners.h"
#include "media.h"

namespace bench {

class RecorderUnderTest {
 public:
  virtual ~RecorderUnderTest() = default;
  // A pad to push into; it lives as long as the recorder.
  virtual GstPad* pad(TrackMedia::Kind kind) = 0;
  virtual void play() = 0;
  // After EOS went into every pad. False: it ended with an error, or lost samples.
  virtual bool wait_until_finished() = 0;
  virtual uint64_t fragments() { return 0; }
};

// Null: there is none of that name.
std::unique_ptr<RecorderUnderTest> make_recorder(const std::string& name, const std::string& path);

}  // namespace bench
