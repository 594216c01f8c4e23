#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records H.264 and AAC from a live source with something the matter, for tests/players-table.sh.

record_trouble.py WHAT FILE [kill]: ten seconds, in real time. With kill, SIGKILL takes the recorder
when the last sample was given to it.
"""
import os
import signal
import sys
import time

import compare_faults
from compare_faults import Gst, SECOND

LENGTH = 10 * SECOND
FROM, TO = 3 * SECOND, 6 * SECOND  # both are sync samples
LATE = 2 * SECOND


def without_sets(data):
    """Of NAL units with lengths: parameter sets come in the caps alone, as behind rtph264depay."""
    rest = b""
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        if data[4] & 31 not in (7, 8):
            rest += data[:end]
        data = data[end:]
    return rest


def encode(**options):
    """By time: [(true time, time stamp, kind, caps, bytes, key)]."""
    samples = [(true, true, kind, caps, without_sets(data) if kind == "video" else data, key)
               for kind, (caps, media) in compare_faults.encode(LENGTH, **options).items()
               for true, data, key in media]
    return sorted(samples, key=lambda s: s[0])


def without(kind, begin, end):
    return [s for s in encode() if s[2] != kind or not begin <= s[0] < end]


def other_size():
    """Small, large and small pictures; the sound goes through."""
    small, large = encode(), encode(width=320, height=240)
    within = [s for s in large if s[2] == "video" and FROM <= s[0] < TO]
    outside = [s for s in small if s[2] == "audio" or not FROM <= s[0] < TO]
    return sorted(within + outside, key=lambda s: s[0])


def clock_steps():
    return [(true, true - SECOND if FROM <= true < TO else true, *rest)
            for true, _, *rest in encode()]


TROUBLE = {
    "late-sound": lambda: without("audio", 0, LATE),
    "late-pictures": lambda: without("video", 0, LATE),
    "other-size": other_size,
    "hole": lambda: without("video", FROM, TO),
    "clock-steps": clock_steps,
}


def push(samples, sources):
    begin = time.monotonic()
    for true, stamp, kind, caps, data, key in samples:
        time.sleep(max(0, begin + true / SECOND - time.monotonic()))
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts = stamp
        if not key:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        sources[kind].emit("push-sample", Gst.Sample.new(buffer, caps, None, None))


def main():
    Gst.init(None)
    what, path, *kill = sys.argv[1:]
    samples = TROUBLE[what]()
    live = "appsrc name={0} format=time is-live=true ! r.{0}_0 "
    pipeline = Gst.parse_launch(
        "trailingmp4sink name=r " + live.format("video") + live.format("audio"))
    pipeline.get_by_name("r").set_property("location", path)
    sources = {kind: pipeline.get_by_name(kind) for kind in ("video", "audio")}
    pipeline.set_state(Gst.State.PLAYING)
    push(samples, sources)
    if kill:
        os.kill(os.getpid(), signal.SIGKILL)
    for source in sources.values():
        source.emit("end-of-stream")
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(20 * SECOND, kinds)
    pipeline.set_state(Gst.State.NULL)
    return 0 if message and message.type == Gst.MessageType.EOS else 1


if __name__ == "__main__":
    sys.exit(main())
