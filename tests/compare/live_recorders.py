#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recorders of a live camera, as processes of their own that can be killed.

The camera is a recording that was encoded once and is pushed at the pace of its time stamps, so that
every recorder is given the same bytes at the same time. GStreamer's recorders have it in their own
process, as an application has; ffmpeg reads it from a pipe. Run as a program, this is the child.
"""
import collections
import itertools
import mmap
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401

SECOND = 1_000_000_000
RATE = 25  # pictures a second
START_LIMIT = 60  # seconds: of a loaded machine
NUMBERS = itertools.count()
PUSHED = struct.Struct("dQ")  # when the first picture was pushed (time.time), and how many were

# A camera does not wait.
SOURCE = "appsrc name={0} format=time is-live=true max-bytes=0 ! "
VIDEO, AUDIO = SOURCE.replace("{0}", "video"), SOURCE.replace("{0}", "audio")
QUEUE = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
OURS = "trailingmp4sink name=m location={path} " + VIDEO + "m.video_0 " + AUDIO + "m.audio_0"
MP4MUX = ("mp4mux name=m {options} ! filesink location={path} "
          + VIDEO + QUEUE + "m.video_0 " + AUDIO + QUEUE + "m.audio_0")
TO_FFMPEG = ("matroskamux name=m streamable=true ! fdsink fd=1 sync=false "
             + VIDEO + QUEUE + "m.video_0 " + AUDIO + QUEUE + "m.audio_0")

Kind = collections.namedtuple("Kind", "name line ffmpeg", defaults=[None])  # ffmpeg: its options
KINDS = [
    Kind("trailingmp4sink", OURS),
    Kind("mp4mux", MP4MUX.replace("{options}", "")),
    Kind("mp4mux, first moov then finalise", MP4MUX.replace(
        "{options}", "fragment-mode=first-moov-then-finalise fragment-duration=1000")),
    Kind("mp4mux, fragments", MP4MUX.replace("{options}", "fragment-duration=1000")),
    Kind("ffmpeg", TO_FFMPEG, []),
    Kind("ffmpeg, fragments", TO_FFMPEG, ["-movflags", "+frag_keyframe+empty_moov"]),
]


class Recorder:
    """A recorder that has been started. `prefix` is what it is started by, such as strace."""

    def __init__(self, kind, path, media, prefix=()):
        self.kind, self.path = kind, path
        # Not beside the file, whose disk may be full.
        notes = os.path.join(os.path.dirname(media), f"notes-{next(NUMBERS)}")
        self.counts, self.said = notes + ".counts", notes + ".said"
        with open(self.counts, "wb") as counts:
            counts.write(bytes(PUSHED.size))
        feed = ["/usr/bin/python3", __file__, media, self.counts, kind.line.format(path=path)]
        with open(self.said, "wb") as said:
            self.start(feed, list(prefix), said)

    def start(self, feed, prefix, said):
        self.feeder = None
        if self.kind.ffmpeg is None:
            self.process = subprocess.Popen(prefix + feed, stderr=said, start_new_session=True)
            return
        self.feeder = subprocess.Popen(feed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "matroska", "-i", "pipe:0",
                   "-c", "copy", *self.kind.ffmpeg, self.path]
        self.process = subprocess.Popen(prefix + command, stdin=self.feeder.stdout, stderr=said,
                                        start_new_session=True)
        self.feeder.stdout.close()

    def pushed(self):
        """When the first picture was pushed, and how many were until now."""
        with open(self.counts, "rb") as counts:
            return PUSHED.unpack(counts.read())

    def live(self, seconds):
        """Lets it record so long. Whether it still does."""
        limit = time.time() + START_LIMIT
        while not self.pushed()[1] and self.wait(0.01) is None and time.time() < limit:
            pass
        return self.wait(max(0, self.pushed()[0] + seconds - time.time())) is None

    def wait(self, seconds):
        """How it ended, or None."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number):
        """To it and to strace, which does not mind. How many pictures it has been given."""
        pushed = self.pushed()[1]
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return pushed

    def close(self):
        """Nothing of it runs on. How many pictures it has been given, what it said at the end."""
        pushed = self.signal(signal.SIGKILL)
        self.process.wait()
        if self.feeder:
            self.feeder.kill()
            self.feeder.wait()
        with open(self.said, encoding="utf-8", errors="replace") as said:
            return pushed, said.read().strip()


def write_media(tracks, path):
    media = {kind: (caps.to_string(), samples) for kind, (caps, samples) in tracks.items()}
    with open(path, "wb") as file:
        pickle.dump(media, file)


class Feed:
    """The child: pushes what a camera would send until it is told to stop."""

    def __init__(self, media, counts, line):
        with open(media, "rb") as file:
            self.tracks = pickle.load(file)
        with open(counts, "r+b") as file:
            self.counts = mmap.mmap(file.fileno(), PUSHED.size)
        self.pipeline = Gst.parse_launch(line)
        self.sources = {kind: self.pipeline.get_by_name(kind) for kind in self.tracks}
        for kind, source in self.sources.items():
            source.set_property("caps", Gst.Caps.from_string(self.tracks[kind][0]))
        self.ended, self.dropped = threading.Event(), False

    def end(self, *_):
        self.ended.set()

    def drop(self, *_):
        self.dropped = True

    def push_all(self):
        order = sorted((sample, kind) for kind in self.tracks
                       for sample in self.tracks[kind][1])
        begin, start, pictures = time.monotonic(), time.time(), 0
        for (pts, data, key), kind in order:
            if self.ended.wait(max(0, begin + pts / SECOND - time.monotonic())):
                break
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = pts
            if not key:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            if self.sources[kind].emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            pictures += kind == "video"
            self.counts[:] = PUSHED.pack(start, pictures)
        for source in self.sources.values():
            source.emit("end-of-stream")

    def run(self):
        """SIGINT is an orderly end; SIGUSR1 takes the pipeline to NULL as it is."""
        signal.signal(signal.SIGINT, self.end)
        signal.signal(signal.SIGUSR1, self.drop)
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.push_all, daemon=True).start()
        kinds, message = Gst.MessageType.EOS | Gst.MessageType.ERROR, None
        while message is None and not self.dropped:
            message = self.pipeline.get_bus().timed_pop_filtered(SECOND // 20, kinds)
        self.pipeline.set_state(Gst.State.NULL)
        if message is None or message.type == Gst.MessageType.EOS:
            return 0
        print(message.parse_error()[0].message.split("\n")[0], file=sys.stderr)
        return 1


if __name__ == "__main__":
    Gst.init(None)
    sys.exit(Feed(*sys.argv[1:]).run())
