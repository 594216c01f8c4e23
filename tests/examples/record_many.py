#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How an application starts and stops recordings while its camera runs: three files, one after the
other, of one connection that is never interrupted. Each stream of the camera ends in a tee. A
recording is a trailingmp4sink with a queue for each stream, linked to the tees when it starts and
unlinked when it stops; docs/element.md says why so. record_many.cpp is the same in C++.

  record_many.py rtsp://user:password@192.168.1.20/stream1 PREFIX [SECONDS-EACH]
  record_many.py --test PREFIX [SECONDS-EACH]
"""
import re
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

FILES = 3

# What a camera may send and this records: what makes parsed media of its packets, and their pad.
KINDS = {
    "H264": ("rtph264depay ! h264parse", "video_%u"),
    "H265": ("rtph265depay ! h265parse", "video_%u"),
    "MPEG4-GENERIC": ("rtpmp4gdepay ! aacparse", "audio_%u"),
    "PCMA": ("rtppcmadepay", "audio_%u"),
    "PCMU": ("rtppcmudepay", "audio_%u"),
}
TEST_SOURCES = (
    ("videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1"
     " ! x264enc tune=zerolatency key-int-max=25 ! h264parse", "video_%u"),
    ("audiotestsrc is-live=true samplesperbuffer=1024 ! avenc_aac ! aacparse", "audio_%u"),
)


def kind_of(caps):
    # Caps.get_structure() is another thing in each version of GStreamer's Python.
    found = re.search(r"encoding-name=\(string\)([^,;]+)", caps.to_string())
    encoding = found[1] if found else "no name"
    if encoding not in KINDS:
        print(f"A stream of {encoding} is not recorded.", flush=True)
    return KINDS.get(encoding)


class Recording:
    """One file: a sink, and for each stream a queue and the tee's pad that feeds it."""

    def __init__(self, pipeline, location):
        self.pipeline = pipeline
        self.branches = []
        self.opened = False
        self.stopping = False
        self.sink = Gst.ElementFactory.make("trailingmp4sink")
        if self.sink is None:
            sys.exit("trailingmp4sink is not installed; see GST_PLUGIN_PATH")
        self.sink.set_property("location", location)
        pipeline.add(self.sink)
        self.sink.sync_state_with_parent()  # a failure comes as an ERROR

    def add_branch(self, tee, pad_template):
        """Everything is linked and in the pipeline's state before the tee's pad is linked, which
        lets the camera's data in. The sink leaves out pictures until a key picture comes."""
        queue = Gst.ElementFactory.make("queue")
        self.pipeline.add(queue)
        sink_pad = self.sink.request_pad_simple(pad_template)
        linked = queue.get_static_pad("src").link(sink_pad)
        queue.sync_state_with_parent()
        tee_pad = tee.request_pad_simple("src_%u")
        self.branches.append((tee, tee_pad, queue))
        for result in (linked, tee_pad.link(queue.get_static_pad("sink"))):
            assert result == Gst.PadLinkReturn.OK, result

    def stop(self):
        """The file is finished when "trailingmp4sink-finished" comes."""
        if self.stopping:
            return
        self.stopping = True
        for _, tee_pad, _ in self.branches:
            tee_pad.add_probe(Gst.PadProbeType.IDLE, self.cut_off)

    @staticmethod
    def cut_off(tee_pad, _info):
        """Runs while nothing is going through the tee's pad: at once, or between two buffers in the
        thread of the stream. The EOS goes into this branch alone, behind all that the queue
        holds."""
        queue_sink = tee_pad.get_peer()
        tee_pad.unlink(queue_sink)
        queue_sink.send_event(Gst.Event.new_eos())
        return Gst.PadProbeReturn.REMOVE

    def remove(self):
        """For the main loop: an element that is set to NULL by one of its own threads waits for
        itself."""
        for tee, tee_pad, queue in self.branches:
            queue.set_state(Gst.State.NULL)
            self.pipeline.remove(queue)
            tee.release_request_pad(tee_pad)
        self.sink.set_state(Gst.State.NULL)
        self.pipeline.remove(self.sink)


class Program:
    def __init__(self, source, prefix, seconds_each):
        self.prefix = prefix
        self.seconds_each = seconds_each
        self.streams = []  # (tee, template of the sink's pad)
        self.camera_has_video = False
        self.recording = None
        self.files_begun = 0
        self.interrupted = False
        self.failed = False
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.Pipeline.new()
        if source == "--test":
            self.camera_has_video = True
            for description, pad_template in TEST_SOURCES:
                self.add_stream(description, pad_template)
        else:
            self.add_camera(source)

    def fail(self, why):
        print("error:", why, file=sys.stderr)
        self.failed = True
        self.loop.quit()

    def add_camera(self, url):
        camera = Gst.ElementFactory.make("rtspsrc")
        camera.set_property("location", url)
        camera.set_property("protocols", "tcp")
        camera.connect("select-stream", self.on_select_stream)
        camera.connect("pad-added", self.on_camera_pad)
        self.pipeline.add(camera)

    def on_select_stream(self, _camera, _number, caps):
        """For each stream that the camera describes, before any is there: whether it is to be
        sent."""
        kind = kind_of(caps)
        if kind and kind[1].startswith("video"):
            self.camera_has_video = True
        return kind is not None

    def on_camera_pad(self, _camera, pad):
        """A stream is there with its first packet."""
        kind = kind_of(pad.get_current_caps())
        if kind:
            source = self.add_stream(*kind)
            pad.link(source.get_static_pad("sink"))

    def add_stream(self, description, pad_template):
        """Builds what makes a parsed stream of a description and puts a tee behind it. With
        allow-not-linked the tee answers OK while no recording is linked; NOT_LINKED would end the
        camera's stream. A camera adds its streams in threads of its own, so the main loop is
        told."""
        source = Gst.parse_bin_from_description(description, True)
        tee = Gst.ElementFactory.make("tee")
        tee.set_property("allow-not-linked", True)
        self.pipeline.add(source)
        self.pipeline.add(tee)
        source.link(tee)
        tee.sync_state_with_parent()
        source.sync_state_with_parent()
        GLib.idle_add(self.on_stream, tee, pad_template)
        return source

    def on_stream(self, tee, pad_template):
        """A stream is there. The first one starts the first recording; later ones join what is being
        recorded, as a microphone that is heard only after a while does."""
        self.streams.append((tee, pad_template))
        if self.joins_at_once(pad_template):
            if self.recording is None:
                self.start_recording()
            elif not self.recording.stopping:
                self.recording.add_branch(tee, pad_template)
        return GLib.SOURCE_REMOVE

    def joins_at_once(self, pad_template):
        """The file is made with the first key picture, and sound joins then: it would be recorded
        alone until that picture comes."""
        opened = self.recording is not None and self.recording.opened
        return pad_template.startswith("video") or opened or not self.camera_has_video

    def start_recording(self):
        self.files_begun += 1
        self.recording = Recording(self.pipeline, f"{self.prefix}-{self.files_begun}.mp4")
        for tee, pad_template in self.streams:
            if self.joins_at_once(pad_template):
                self.recording.add_branch(tee, pad_template)

    def stop_recording(self):
        self.recording.stop()
        return GLib.SOURCE_REMOVE

    def on_opened(self, location):
        print("recording into", location, flush=True)
        waiting = [s for s in self.streams if not self.joins_at_once(s[1])]
        self.recording.opened = True
        for tee, pad_template in waiting:
            self.recording.add_branch(tee, pad_template)
        GLib.timeout_add(1000 * self.seconds_each, self.stop_recording)

    def on_finished(self, location, duration_ns):
        print(f"finished {location}: {duration_ns / Gst.SECOND:.3f} s", flush=True)
        if not self.loop.is_running():  # everything is being stopped
            return
        ended_by_itself = not self.recording.stopping
        self.recording.remove()
        self.recording = None
        if ended_by_itself:
            self.fail("the camera ended its stream")
        elif self.interrupted or self.files_begun == FILES:
            self.loop.quit()
        else:
            self.start_recording()

    def on_message(self, _bus, message):
        """EOS is no end here: the pipeline posts it after each recording, since all its sinks are
        at EOS then."""
        if message.type == Gst.MessageType.ELEMENT:
            fields = message.get_structure()
            if fields.get_name() == "trailingmp4sink-opened":
                self.on_opened(fields.get_string("location"))
            elif fields.get_name() == "trailingmp4sink-finished":
                self.on_finished(fields.get_string("location"), fields.get_uint64("duration")[1])
        elif message.type == Gst.MessageType.ERROR:
            self.fail(message.parse_error()[0].message)
        elif message.type == Gst.MessageType.WARNING:
            print("warning:", message.parse_warning()[0].message, file=sys.stderr)
        return GLib.SOURCE_CONTINUE

    def on_interrupt(self):
        """The first Ctrl-C stops the recording in good order, another one does not wait for
        that."""
        if self.interrupted or self.recording is None or not self.recording.opened:
            self.loop.quit()
        else:
            self.interrupted = True
            self.recording.stop()
        return GLib.SOURCE_CONTINUE

    def run(self):
        """READY finishes a file that is still being recorded; its last messages are read before
        NULL."""
        bus = self.pipeline.get_bus()
        bus.add_watch(GLib.PRIORITY_DEFAULT, self.on_message)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, self.on_interrupt)
        self.pipeline.set_state(Gst.State.PLAYING)  # a failure comes as an ERROR
        self.loop.run()
        self.pipeline.set_state(Gst.State.READY)
        while GLib.MainContext.default().iteration(False):
            pass
        self.pipeline.set_state(Gst.State.NULL)
        bus.remove_watch()


def main():
    Gst.init(None)
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} URL|--test PREFIX [SECONDS-EACH]")
    seconds_each = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    program = Program(sys.argv[1], sys.argv[2], seconds_each)
    program.run()
    sys.exit(1 if program.failed else 0)


main()
