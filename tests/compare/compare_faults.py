#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same faults of a camera's clock through several recorders, as a table in Markdown.

Encodes a minute of picture and sound once, and pushes it into each recorder with the fault put into
the time stamps. What each made of it is read back with ffprobe: how much is there, how long it is,
and how far apart sound and picture are at the end. Run it by sh tests/compare/compare-faults.sh. With --check
it says so of our recorder alone, and fails where it is not as it should be.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401

SECOND = 1_000_000_000
MS = 1_000_000
HOUR = 3600 * SECOND
LENGTH = 60 * SECOND
AT = 20 * SECOND  # where the fault begins
WITHIN = 0.0214  # of sync: one audio frame


class Fault:
    """What is added to true time: (begin, by) from then on; None: no time at all."""

    def __init__(self, name, steps, whose="all", kept=0, ffmpeg=True):
        self.name, self.steps, self.whose, self.kept = name, steps, whose, kept
        self.ffmpeg = ffmpeg  # whether setts can say it

    def shift(self, time, kind):
        if self.whose not in ("all", kind):
            return 0
        by = 0
        for begin, value in self.steps:
            if time >= begin:
                by = value
        return by


def back_and_forth(by):
    return [(AT, by), (AT + 5 * SECOND, 0)]


FAULTS = [
    Fault("none", []),
    Fault("one buffer without time, video", [(AT, None), (AT + 40 * MS, 0)], "video", ffmpeg=False),
    Fault("two pictures of one time", [(AT, -40 * MS), (AT + 40 * MS, 0)], "video"),
    Fault("two pictures inverted", [(AT, 80 * MS), (AT + 40 * MS, 0)], "video"),
    Fault("50 ms back and forward, video", back_and_forth(-50 * MS), "video"),
    Fault("1 s back and forward, video", back_and_forth(-SECOND), "video"),
    Fault("1 s back and forward, audio", back_and_forth(-SECOND), "audio"),
    Fault("1 s back for good, video", [(AT, -SECOND)], "video"),
    Fault("1 s back for good, audio", [(AT, -SECOND)], "audio"),
    Fault("1 s back for good, both", [(AT, -SECOND)]),
    Fault("back to zero, both", [(AT, -AT)]),
    Fault("1 s forward, video (real)", [(AT, SECOND)], "video", kept=SECOND),
    Fault("11 s forward, video", [(AT, 11 * SECOND)], "video"),
    Fault("11 s forward, audio", [(AT, 11 * SECOND)], "audio"),
    Fault("11 s forward, both", [(AT, 11 * SECOND)]),
    Fault("1 h forward, video", [(AT, HOUR)], "video"),
    Fault("1 h forward, both", [(AT, HOUR)]),
    Fault("1 h forward and back, video", back_and_forth(HOUR), "video"),
    Fault("2^62 ns forward, video", [(AT, 1 << 62)], "video", ffmpeg=False),
    Fault("first buffer at 10 h", [(0, 10 * HOUR)], ffmpeg=False),
]


def encode(length=LENGTH, pattern="ball", width=160, height=120, kbits=2048):
    """The samples of both tracks: {kind: (caps, [(true time, bytes, key)])}."""
    pictures, frames = length * 25 // SECOND, length * 48000 // 1024 // SECOND
    lines = {
        "video": f"videotestsrc pattern={pattern} num-buffers={pictures} ! video/x-raw,format=I420,"
        f"width={width},height={height},framerate=25/1 ! x264enc tune=zerolatency key-int-max=25 "
        f"threads=1 speed-preset=ultrafast bitrate={kbits} ! h264parse ! video/x-h264,stream-format=avc,alignment=au",
        "audio": f"audiotestsrc samplesperbuffer=1024 num-buffers={frames} freq=443 ! audio/x-raw,"
        "rate=48000,channels=2 ! avenc_aac ! aacparse",
    }
    tracks = {}
    for kind, line in lines.items():
        pipeline = Gst.parse_launch(line + " ! appsink name=out sync=false max-buffers=0")
        pipeline.set_state(Gst.State.PLAYING)
        out, samples, caps = pipeline.get_by_name("out"), [], None
        distance = 40 * MS if kind == "video" else 1024 * SECOND / 48000
        while sample := out.emit("pull-sample"):
            buffer, caps = sample.get_buffer(), sample.get_caps()
            key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
            data = buffer.extract_dup(0, buffer.get_size())
            samples.append((int(len(samples) * distance), data, key))
        pipeline.set_state(Gst.State.NULL)
        tracks[kind] = (caps, samples)
    return tracks


def record(line, tracks, fault, path):
    """Pushes both tracks. What went wrong, or nothing."""
    pipeline = Gst.parse_launch(line.format(path=path))
    sources = {kind: pipeline.get_by_name(kind) for kind in tracks}
    for kind, source in sources.items():
        source.set_property("caps", tracks[kind][0])
    pipeline.set_state(Gst.State.PLAYING)

    def push_all():
        """As a camera sends them: by time, so that neither track is far ahead."""
        order = sorted((time, kind, number) for kind in tracks
                       for number, (time, _, _) in enumerate(tracks[kind][1]))
        for time, kind, number in order:
            _, data, key = tracks[kind][1][number]
            by = fault.shift(time, kind)
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = Gst.CLOCK_TIME_NONE if by is None else max(0, time + by)
            if not key:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            if sources[kind].emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
        for source in sources.values():
            source.emit("end-of-stream")

    thread = threading.Thread(target=push_all, daemon=True)
    thread.start()
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(20 * SECOND, kinds)
    pipeline.set_state(Gst.State.NULL)
    thread.join(2)
    if message is None:
        return "hangs"
    if message.type == Gst.MessageType.ERROR:
        return "stops: " + message.parse_error()[0].message.split("\n")[0].rstrip(".")
    return None


APPSRC = "appsrc name={0} format=time max-bytes=0 max-buffers=10 block=true ! "
OURS = (
    "trailingmp4sink name=r location={path} "
    + APPSRC.replace("{0}", "video") + "r.video_0 " + APPSRC.replace("{0}", "audio") + "r.audio_0"
)
QUEUE = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
MP4MUX = (
    "mp4mux name=m ! filesink location={path} "
    + APPSRC.replace("{0}", "video") + QUEUE + "m.video_0 "
    + APPSRC.replace("{0}", "audio") + QUEUE + "m.audio_0"
)


def expression(fault, kind):
    text = "0"
    for begin, by in fault.steps:
        text = f"if(gte(PTS*TB,{begin / SECOND}),{by / SECOND}/TB,{text})"
    return f"setts=ts='max(0,TS+{text})'" if fault.whose in ("all", kind) else "null"


def copy_with_ffmpeg(clean, fault, path):
    command = ["ffmpeg", "-v", "error", "-y", "-i", clean, "-c", "copy", "-copyts",
               "-bsf:v", expression(fault, "video"), "-bsf:a", expression(fault, "audio"), path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return "stops: " + done.stderr.strip().split("\n")[-1] if done.returncode else None


def packets(path):
    command = ["ffprobe", "-v", "error", "-show_entries",
               "packet=codec_type,pts_time:format=duration", "-of", "json", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    answer = json.loads(done.stdout or "{}")
    if not answer.get("packets"):
        return None
    times = {"video": [], "audio": []}
    for packet in answer["packets"]:
        if "pts_time" in packet and packet["codec_type"] in times:
            times[packet["codec_type"]].append(float(packet["pts_time"]))
    return times, float(answer["format"].get("duration", 0))


def judge(path, tracks, fault, problem):
    """One cell of the table."""
    found = packets(path) if os.path.exists(path) and os.path.getsize(path) else None
    if found is None:
        return "**no file that opens**" + (f" ({problem})" if problem else "")
    times, duration = found
    said = [f"**{problem}**"] if problem else []
    lost = len(tracks["video"][1]) - len(times["video"])
    if lost > 0:
        said.append(f"**{lost} pictures lost**")
    silent = len(tracks["audio"][1]) - len(times["audio"])
    if silent > 1:
        said.append(f"{silent} frames of sound missing")
    if times["video"] and times["audio"]:
        picture = max(times["video"]) - tracks["video"][1][-1][0] / SECOND - fault.kept / SECOND
        sound = max(times["audio"]) - tracks["audio"][1][-1][0] / SECOND
        off = picture - sound
        said.append("in sync" if abs(off) <= WITHIN + 0.001 else f"**{off:+.2f} s off**")
    wanted = (LENGTH + fault.kept) / SECOND
    said.append(f"{duration:.1f} s" if abs(duration - wanted) < 0.5 else f"**{duration:.1f} s**")
    return ", ".join(said)


def check(tracks, folder):
    """Our recorder alone. Whether every fault was put right."""
    good = True
    for number, fault in enumerate(FAULTS):
        path = os.path.join(folder, f"{number}.mp4")
        cell = judge(path, tracks, fault, record(OURS, tracks, fault, path))
        print(f"{fault.name}: {cell}", flush=True)
        good = good and "**" not in cell and "missing" not in cell
    return good


def main():
    Gst.init(None)
    tracks = encode()
    if sys.argv[1:] == ["--check"]:
        with tempfile.TemporaryDirectory() as folder:
            return 0 if check(tracks, folder) else 1
    print("| fault | trailingmp4sink | mp4mux ! filesink | ffmpeg -c copy |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clean = os.path.join(folder, "clean.mp4")
        record(OURS, tracks, FAULTS[0], clean)
        for number, fault in enumerate(FAULTS):
            cells = []
            for name, line in (("ours", OURS), ("mp4mux", MP4MUX)):
                path = os.path.join(folder, f"{number}-{name}.mp4")
                problem = record(line, tracks, fault, path)
                cells.append(judge(path, tracks, fault, problem))
            if fault.ffmpeg:
                path = os.path.join(folder, f"{number}-ffmpeg.mp4")
                problem = copy_with_ffmpeg(clean, fault, path)
                cells.append(judge(path, tracks, fault, problem))
            else:
                cells.append("-")
            print(f"| {fault.name} | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
