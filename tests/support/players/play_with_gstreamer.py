#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plays a file in playbin as fast as it can, for tests/players.sh.

play_with_gstreamer.py FILE prints how many pictures, seconds of sound and texts came out, and then
what playbin complained of.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

SECOND = 1_000_000_000


def main():
    Gst.init(None)
    player = Gst.ElementFactory.make("playbin")
    player.set_property("uri", Gst.filename_to_uri(sys.argv[1]))
    came = {"video": [], "audio": [], "text": []}  # durations

    def count(_, buffer, __, kind):
        known = buffer.duration != Gst.CLOCK_TIME_NONE
        came[kind].append(buffer.duration if known else 0)

    for kind in came:
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("signal-handoffs", True)
        sink.connect("handoff", count, kind)
        player.set_property(f"{kind}-sink", sink)
    player.set_state(Gst.State.PLAYING)
    complaints = []
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.WARNING
    while message := player.get_bus().timed_pop_filtered(60 * SECOND, kinds):
        if message.type == Gst.MessageType.EOS:
            break
        error = message.type == Gst.MessageType.ERROR
        complaints.append((message.parse_error if error else message.parse_warning)()[0].message)
        if error:
            break
    else:
        complaints.append("does not end")
    player.set_state(Gst.State.NULL)
    print(len(came["video"]), f"{sum(came['audio']) / SECOND:.2f}", len(came["text"]))
    print(*complaints, sep="\n", end="")


if __name__ == "__main__":
    main()
