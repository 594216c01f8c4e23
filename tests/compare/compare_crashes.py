#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What SIGKILL, a cut and a full disk leave of the recordings of several recorders, as a table.

Every recorder is given the same live camera. What is left of its file is read by ffprobe and decoded
by ffmpeg, which are as strict with all. Run it by sh tests/compare/compare-crashes.sh. With --check it looks
at our recorder alone, and fails where docs/crashes.md promises more than there is.
"""
import collections
import concurrent.futures
import ctypes
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile

from compare_faults import Gst, encode
from live_recorders import KINDS, RATE, SECOND, Recorder, write_media
from written_states import Trace, strace

KILLS = 6
LIFE = 5  # seconds until the first kill; the others follow within a fragment's second
TRACED = 10  # seconds
STATES = 40  # of those that a kill may leave
DISK = 8  # MiB
SEED = 1
WORST = 4  # seconds --check allows: 1 of a fragment, 1 of that being written, 2 of a loaded machine

Verdict = collections.namedtuple("Verdict", "pictures clean")  # decoded; without a complaint


def judge(path):
    """What plays of a file."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", path],
                           capture_output=True, text=True, timeout=120)
    if probe.returncode or "video" not in probe.stdout:
        return Verdict(0, False)
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", path, "-map", "0", "-fps_mode", "passthrough",
               "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = done.stdout.split("\n")
    kinds = [line.split() for line in lines if line.startswith("#media_type")]  # "#media_type 0: video"
    video = tuple(number.replace(":", ",") for _, number, kind in kinds if kind == "video")
    pictures = sum(line.startswith(video) for line in lines)
    return Verdict(pictures, not (done.returncode or done.stderr or probe.stderr))


def judge_all(files):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(judge, files))


def seconds_lost(verdict, pushed):
    return max(0, pushed - verdict.pictures) / RATE


def tell(verdicts, pushed):
    """One cell: how many open, and what is lost of those."""
    opened = [(v, seconds_lost(v, p)) for v, p in zip(verdicts, pushed) if v.pictures]
    text = f"{len(opened)} of {len(verdicts)}"
    if len(opened) < len(verdicts):
        text = f"**{text}**"
    unclean = sum(not verdict.clean for verdict, _ in opened)
    if unclean:
        text += f" ({unclean} with complaints)"
    if not opened:
        return text
    lost = [seconds for _, seconds in opened]
    return text + f"; {statistics.median(lost):.1f} s, at worst {max(lost):.1f} s lost"


class Files:
    """A folder with the camera's recording, and names for files in it."""

    def __init__(self, folder, seconds):
        self.folder, self.made = folder, 0
        self.media = self.name("media")
        write_media(encode(seconds * SECOND, "snow", 320, 240, 2000), self.media)

    def name(self, ending="mp4"):
        self.made += 1
        return os.path.join(self.folder, f"{self.made}.{ending}")

    def record(self, kind, prefix=(), path=None):
        return Recorder(kind, path or self.name(), self.media, prefix)


def need_life(recorder, seconds):
    if not recorder.live(seconds):
        sys.exit(f"{recorder.kind.name} ended by itself: {recorder.close()[1]}")


def kill_some(files, kind, kills=KILLS):
    """Live recorders, each killed a bit later in a fragment. How they were left, what they had."""
    recorders, pushed = [files.record(kind) for _ in range(kills)], []
    for number, recorder in enumerate(recorders):
        need_life(recorder, LIFE + number / kills)
        pushed.append(recorder.signal(signal.SIGKILL))
        recorder.close()
    return judge_all([recorder.path for recorder in recorders]), pushed


class Traced:
    """One recorder's ten seconds, call by call."""

    def __init__(self, files, kind):
        self.files, self.log = files, files.name("trace")
        path = files.name()
        self.recorder = files.record(kind, strace(path, self.log), path)

    def finish(self):
        need_life(self.recorder, TRACED)
        self.pushed = self.recorder.signal(signal.SIGINT)
        self.recorder.wait(60)
        self.start = self.recorder.pushed()[0]
        self.recorder.close()
        self.trace = Trace(self.log)
        with open(self.recorder.path, "rb") as file:
            if file.read() != self.trace.whole():
                sys.exit(f"strace overlooked something of {self.recorder.kind.name}")

    def tell(self, states, cut=lambda: 0):
        """What is left after these states, each shortened by so many bytes."""
        paths, pushed = [], []
        for state, contents in self.trace.contents(states):
            paths.append(self.files.name())
            with open(paths[-1], "wb") as file:
                file.write(contents[:max(0, len(contents) - cut())])
            pushed.append(min(self.pushed, (self.trace.time(state) - self.start) * RATE))
        verdicts = judge_all(paths)
        for path in paths:
            os.remove(path)
        return tell(verdicts, pushed)

    def growing(self):
        """States after the first fragments and before the end."""
        states = self.trace.states(self.start + 2.5, self.trace.end)
        return random.Random(SEED).sample(states, min(STATES, len(states)))

    def killed(self):
        return self.tell(self.growing())

    def shortened(self):
        numbers = random.Random(SEED)
        return self.tell(self.growing(), lambda: numbers.randint(1, 4000))

    def finishing(self):
        """Every call from the stop on, and some of the states within a call."""
        states = self.trace.states(self.trace.end, float("inf"))
        within = [state for state in states if state[1] is not None]
        some = random.Random(SEED).sample(within, min(STATES // 2, len(within)))
        return self.tell([state for state in states if state[1] is None] + some)

    def synced(self):
        """How long what was recorded may stay in memory."""
        times = [time for time in self.trace.syncs() if time < self.trace.end]
        last = len(self.trace.syncs()) - len(times)
        if not times:
            return "**never**" + (f", {last} at the end" if last else "")
        edges = [self.start] + times + [self.trace.end]
        longest = max(after - before for before, after in zip(edges, edges[1:]))
        rate = len(times) / (self.trace.end - self.start)
        return f"{rate:.1f} a second, at most {longest:.1f} s apart, {last} at the end"


def trace_all(files):
    """All at once, since most of the time they wait for the camera."""
    all_traced = [Traced(files, kind) for kind in KINDS]
    for traced in all_traced:
        traced.finish()
    return all_traced


def small_disk(folder, megabytes):
    """Mounts one for this process alone, so that nothing of it stays. Whether that was possible."""
    os.mkdir(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "disk", folder],
                          stderr=subprocess.DEVNULL)
    return done.returncode == 0


def own_mounts():
    """Gives this process mounts of its own."""
    new_mounts = 0x00020000  # CLONE_NEWNS
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts):
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], stderr=subprocess.DEVNULL).returncode == 0


def boxes(path):
    """The names of the boxes at the top, until the first that is not whole."""
    names, at, size = [], 0, os.path.getsize(path)
    with open(path, "rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:], "big")
            if length < 8 or at + length > size:
                return " ".join(names + ["..."])
            names.append(head[4:8].decode("latin-1"))
            at += length
    return " ".join(names)


Full = collections.namedtuple("Full", "status said boxes verdict pushed")


class FullDisks:
    """Each recorder on a small disk of its own, until that is full."""

    def __init__(self, files, kinds, megabytes):
        self.recorders, self.disks = [], []
        self.mounted = own_mounts()
        for kind in kinds:
            disk = files.name("disk")
            self.mounted = self.mounted and small_disk(disk, megabytes)
            if self.mounted:
                self.disks.append(disk)
                self.recorders.append(files.record(kind, path=os.path.join(disk, "recording.mp4")))

    def finish(self):
        """What each made of it; None where no disk could be mounted."""
        found = []
        for recorder in self.recorders:
            status = recorder.wait(60)
            pushed, said = recorder.close()
            path = recorder.path
            found.append(Full(status, said, boxes(path), judge(path), pushed))
        for disk in self.disks:
            subprocess.run(["umount", disk], check=False)
        return found if self.mounted else None


def end_on_full_disk(full):
    if full.status is None:
        return "**goes on**"
    if full.status == 0:
        return "**as if all were well**"
    said = full.said.split("\n")[0].split("] ")[-1]
    said = re.sub(r'\. File: ".*', "", said)  # whose name is different each time
    return said.split(": ")[-1].rstrip(".")


def file_on_full_disk(full):
    plays = full.verdict.pictures / RATE
    if not plays:
        return "**does not open**"
    kind = "finished" if set(full.boxes.split()) <= {"ftyp", "free", "mdat", "moov"} else "unfinished"
    complaints = "" if full.verdict.clean else ", with complaints"
    return f"{kind}; {plays:.1f} of {full.pushed / RATE:.1f} s{complaints}"


def stop_all(files):
    """Stops recorders without EOS. ffmpeg knows no such thing; SIGTERM is what comes next to it."""
    recorders, pushed = [files.record(kind) for kind in KINDS], []
    for recorder in recorders:
        need_life(recorder, LIFE)
        ask = signal.SIGUSR1 if recorder.kind.ffmpeg is None else signal.SIGTERM
        pushed.append(recorder.signal(ask))
        recorder.wait(30)
        recorder.close()
    cells = []
    for recorder, given in zip(recorders, pushed):
        verdict = judge(recorder.path)
        cells.append(f"{seconds_lost(verdict, given):.1f} s lost" if verdict.pictures
                     else "**does not open**")
        if verdict.pictures and not verdict.clean:
            cells[-1] += ", with complaints"
    return cells


def row(name, cells):
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def compare(files):
    row("what happens", [kind.name for kind in KINDS])
    print("|---" * (len(KINDS) + 1) + "|")
    row("SIGKILL, live", [tell(*kill_some(files, kind)) for kind in KINDS])
    traced = trace_all(files)
    row("SIGKILL at any write", [each.killed() for each in traced])
    row("its last 1 to 4000 bytes cut off", [each.shortened() for each in traced])
    row("SIGKILL while it is finished", [each.finishing() for each in traced])
    row("stopped without EOS", stop_all(files))
    found = FullDisks(files, KINDS, DISK).finish()
    where = ["could not mount here"] * len(KINDS)
    row("disk full: the error", [end_on_full_disk(full) for full in found] if found else where)
    row("disk full: the file", [file_on_full_disk(full) for full in found] if found else where)
    row("fsync, fdatasync", [each.synced() for each in traced])


def check(files):
    """Our recorder alone. What is not as it should be."""
    problems, disks = [], FullDisks(files, KINDS[:1], 2)
    for verdict, pushed in zip(*kill_some(files, KINDS[0], 4)):
        lost = seconds_lost(verdict, pushed)
        print(f"killed: {verdict.pictures} of {pushed} pictures, {lost:.1f} s lost")
        if not verdict.pictures or not verdict.clean:
            problems.append("A recording that was killed does not play, or not without a complaint.")
        elif lost > WORST:
            problems.append(f"A recording that was killed lost {lost:.1f} s.")
    found = disks.finish()
    if found is None:
        print("full disk: could not mount here")
        return problems
    full = found[0]
    print(f"full disk: {end_on_full_disk(full)}; {full.boxes}; {file_on_full_disk(full)}")
    if full.status != 1 or "no space left" not in full.said:
        problems.append("A full disk does not end the recording with an error that says so.")
    if full.boxes != "ftyp mdat moov" or not full.verdict.pictures or not full.verdict.clean:
        problems.append("A full disk does not leave a finished file that plays.")
    elif seconds_lost(full.verdict, full.pushed) > WORST:
        problems.append("A full disk lost more than what did not fit.")
    return problems


def main():
    Gst.init(None)
    checking = sys.argv[1:] == ["--check"]
    with tempfile.TemporaryDirectory() as folder:
        if not checking:
            compare(Files(folder, 40))
            return 0
        problems = check(Files(folder, 15))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
