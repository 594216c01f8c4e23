# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures what recording costs: python3 run.py BUILD DISK_FOLDER MEMORY_FOLDER RESULTS

Everything that is compared runs in turn, round by round, so that a machine that becomes slower makes
all of them slower; a ratio is taken within its round, and what is shown is the median of the rounds.
"""
import json
import os
import statistics
import struct
import subprocess
import sys

import plots

ROUNDS = int(os.environ.get("ROUNDS", "5"))
OURS, MUX, SAFE, QTMUX = "trailingmp4sink", "mp4mux", "mp4mux-fragments", "qtmux"
MEDIA = {"camera": (300, MUX), "small": (600, MUX), "fast": (60, MUX), "sound": (600, MUX),
         "g711": (1200, QTMUX)}
BUILD, DISK, MEMORY, RESULTS = sys.argv[1:5]
ROWS, RAW = [], []


def run(program, *arguments):
    command = [f"{BUILD}/tests/benchmarks/bench-{program}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if not done.stdout.startswith("{"):
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    RAW.append({"command": [program, *map(str, arguments)], **result})
    if result.get("good", 1) != 1:
        print(f"{' '.join(command)}: it did not end well", file=sys.stderr)
    return result


def push(recorder, media, seconds, folder, *more):
    return run("push", "--recorder", recorder, "--media", media, "--seconds", seconds,
               "--folder", folder, *more)


def median(values):
    return statistics.median(list(values))


def row(what, goal, value, unit="", note=""):
    """goal: the largest value that meets it, or None."""
    met = "" if goal is None else "met" if value <= goal else "missed"
    if met == "missed" and goal > 0:
        met += f", {value / goal:.2f} times it"
    ROWS.append({"what": what, "goal": goal, "value": value, "unit": unit, "result": met,
                 "note": note})
    print(f"{what:70} {'' if goal is None else format(goal, '.3g'):>8} {value:>9.3g} {unit:8} {met} "
          f"{note}", flush=True)


def as_markdown():
    lines = ["| what | goal | measured | |", "|---|---|---|---|"]
    for one in ROWS:
        goal = "" if one["goal"] is None else format(one["goal"], ".3g")
        lines.append(f"| {one['what']} | {goal} | {one['value']:.3g} {one['unit']} | {one['result']}"
                     f"{'; ' if one['result'] and one['note'] else ''}{one['note']} |")
    return "\n".join(lines) + "\n"


def cpu_above_floor():
    for folder, where in ((MEMORY, "tmpfs"), (DISK, "disk")):
        for media, (seconds, other) in MEDIA.items():
            if where == "disk" and media not in ("camera", "g711"):
                continue
            names = ["null", "limit", OURS, other] + ([SAFE] if other == MUX else [])
            rounds = []
            for _ in range(ROUNDS):
                rounds.append({name: push(name, media, seconds, folder) for name in names})
                for name in names[1:]:
                    os.remove(f"{folder}/{name}-0.mp4")
            show_cpu(media, where, other, rounds)


def show_cpu(media, where, other, rounds):
    def above(one, name):
        return one[name]["cpu"] - one["null"]["cpu"]

    samples = rounds[0][OURS]["samples"]
    label = f"{media}, {where}"
    for name in rounds[0]:
        if name != "null":
            row(f"{label}: CPU a sample above the floor, {name}", None,
                median(above(one, name) for one in rounds) / samples * 1e6, "us")
    row(f"{label}: CPU against {other}", 1 / 15,
        median(above(one, OURS) / above(one, other) for one in rounds))
    if SAFE in rounds[0]:
        row(f"{label}: CPU against mp4mux, first moov then finalise", 1 / 18,
            median(above(one, OURS) / above(one, SAFE) for one in rounds))
    row(f"{label}: writing alone (the limit) against {other}", None,
        median(above(one, "limit") / above(one, other) for one in rounds))
    row(f"{label}: what is above writing, against the same of {other}", None,
        median((above(one, OURS) - above(one, "limit")) / (above(one, other) - above(one, "limit"))
               for one in rounds))
    row(f"{label}: CPU against the limit", 1.25,
        median(one[OURS]["cpu"] / one["limit"]["cpu"] for one in rounds))
    if where == "tmpfs":
        row(f"{label}: waits a sample", 0.05 if media == "camera" else None,
            max(0, median((one[OURS]["waits"] - one["null"]["waits"]) / samples for one in rounds)))
        row(f"{label}: waits a fragment", None,
            median(max(0, one[OURS]["waits"] - one["null"]["waits"]) / one[OURS]["fragments"]
                   for one in rounds))


def whole_pipeline():
    source = f"{MEMORY}/{OURS}-0.mp4"
    push(OURS, "camera", 300, MEMORY)
    moved = f"{MEMORY}/source.mp4"
    os.rename(source, moved)
    begin = f"filesrc location={moved} ! qtdemux name=d "
    fake = begin + ("d.video_0 ! queue ! h264parse ! fakesink sync=false "
                    "d.audio_0 ! queue ! aacparse ! fakesink sync=false")
    ours = (begin + f"d.video_0 ! queue ! h264parse ! r.video_0 d.audio_0 ! queue ! aacparse ! "
            f"r.audio_0 trailingmp4sink name=r overwrite=true location={source}")
    mux = (begin + f"d.video_0 ! queue ! h264parse ! r.video_0 d.audio_0 ! queue ! aacparse ! "
           f"r.audio_0 mp4mux name=r ! filesink location={MEMORY}/mux.mp4")
    rounds = [{name: run("launch", line)["cpu"]
               for name, line in (("fake", fake), ("ours", ours), ("mux", mux))}
              for _ in range(ROUNDS)]
    row("camera: CPU of the whole pipeline against fakesinks", 1.15,
        median(one["ours"] / one["fake"] for one in rounds))
    row("the same, mp4mux", None, median(one["mux"] / one["fake"] for one in rounds))
    null, limit = (push(name, "camera", 300, MEMORY)["cpu"] for name in ("null", "limit"))
    os.remove(f"{MEMORY}/limit-0.mp4")
    row("the same, writing alone (the limit)", None,
        1 + (limit - null) / median(one["fake"] for one in rounds))
    copies = []
    for _ in range(ROUNDS):
        before = os.times()
        subprocess.run(["ffmpeg", "-v", "quiet", "-nostdin", "-y", "-i", moved, "-c", "copy",
                        f"{MEMORY}/copy.mp4"], check=False)
        after = os.times()
        copies.append(after.children_user + after.children_system - before.children_user
                      - before.children_system)
    row("ffmpeg -c copy of the same file, CPU against the whole pipeline", None,
        median(copies) / median(one["ours"] for one in rounds))
    for name in (source, moved, f"{MEMORY}/mux.mp4", f"{MEMORY}/copy.mp4"):
        os.remove(name)


def top_level_boxes(path):
    sizes = {}
    with open(path, "rb") as file:
        end, at = os.path.getsize(path), 0
        while at + 8 <= end:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                size = struct.unpack(">Q", file.read(8))[0]
            sizes[kind.decode()] = sizes.get(kind.decode(), 0) + size
            at += size or end
    return sizes


def file_overhead():
    sizes = {}
    for name in (OURS, MUX):
        media = push(name, "camera", 600, MEMORY)["bytes"]
        path = f"{MEMORY}/{name}-0.mp4"
        sizes[name] = (os.path.getsize(path), top_level_boxes(path)["moov"], media)
        os.remove(path)
    size, moov, media = sizes[OURS]
    row("10 minutes of camera: bytes neither media nor moov", 0.002, (size - moov - media) / size)
    row("moov against mp4mux's", 1, moov / sizes[MUX][1], "", f"{moov} bytes, {sizes[MUX][1]}")


def core_over_time():
    runs = [run("core", "--hours", 24, "--moov-to", f"{DISK}/moov") for _ in range(ROUNDS)]
    per_hour = [[float(value) for value in one["append_ns"].split()] for one in runs]
    memory = [[float(value) for value in one["bytes_a_sample"].split()] for one in runs]
    for hours in (1, 6, 24):
        row(f"memory a sample at {hours} h, pictures and sound", 4,
            median(one[hours - 1] for one in memory), "B")
    reordered = [float(value)
                 for value in run("core", "--hours", 24, "--b-frames")["bytes_a_sample"].split()]
    for hours in (1, 6, 24):
        row(f"memory a sample at {hours} h, pictures alone with B-frames", 6, reordered[hours - 1],
            "B")
    row("cost of a sample in the 24th hour against the first, the core alone", 1.10,
        median(one[23] / one[0] for one in per_hour))
    row("ending of 24 h: memory above recording", 8 * 2**20,
        median(one["finish_peak"] for one in runs), "B")
    row("ending of 24 h: CPU a sample", 100, median(one["finish_cpu_ns"] for one in runs), "ns")
    row("ending of 24 h: time above writing and syncing as much", 0.3,
        median(one["finish_wall"] - one["dd_wall"] for one in runs), "s")
    lengths = [1, 2, 6, 12, 24]
    endings = [median(run("core", "--hours", hours)["finish_cpu_ns"] for _ in range(3))
               for hours in lengths]
    row("ending: CPU a sample of 24 h against 6 h", 1.10, endings[-1] / endings[2])
    plots.write(f"{RESULTS}/length.svg", "Cost of a sample against the length of the recording",
                "hours", "ns of CPU a sample",
                {"appended (core)": [(i + 1, median(one[i] for one in per_hour))
                                     for i in range(24)],
                 "at the ending": list(zip(lengths, endings))})
    plots.write(f"{RESULTS}/memory.svg", "Memory a sample against the length of the recording",
                "hours", "bytes a sample",
                {"pictures and sound": [(i + 1, median(one[i] for one in memory))
                                        for i in range(24)],
                 "pictures with B-frames": [(i + 1, reordered[i]) for i in range(24)]})


def live_pace():
    floor = push("null", "camera", 20, DISK, "--live")
    ours = push(OURS, "camera", 20, DISK, "--live")
    row("one recorder at live pace: waits a fragment", 8,
        (ours["waits"] - floor["waits"]) / ours["fragments"])
    stalled = [push(OURS, "camera", 8, DISK, "--live", "--stall") for _ in range(ROUNDS)]
    most = max(one["holds_waiting"] for one in stalled)
    longest = max(one["longest_wait"] for one in stalled) * 1e3
    row("disk stalled for 2 s: pushes in which the pad's thread waited", 0,
        median(one["holds_waiting"] for one in stalled), "",
        f"of {stalled[0]['samples']:.0f}; at most {most:.0f}, {longest:.2g} ms")
    row("disk stalled for 2 s: longest push", None,
        median(one["hold_max"] for one in stalled) * 1e3, "ms")


def many_recorders():
    curves = {OURS: [], MUX: []}
    memory = {OURS: [], MUX: []}
    for count, seconds in ((1, 10), (10, 10), (30, 10), (100, 30)):
        more = ("--live", "--recorders", count)
        runs = {name: push(name, "camera", seconds, DISK, *more)
                for name in ("null", "limit", OURS, MUX)}
        for name in (OURS, MUX):
            above = (runs[name]["cpu"] - runs["null"]["cpu"]) / seconds * 100
            curves[name].append((count, above))
            memory[name].append((count, (runs[name]["peak"] - runs["null"]["peak"]) / 2**20))
        for name in ("limit", OURS, MUX):
            for i in range(count):
                os.remove(f"{DISK}/{name}-{i}.mp4")
    ours, mux = curves[OURS][-1][1], curves[MUX][-1][1]
    limit = (runs["limit"]["cpu"] - runs["null"]["cpu"]) / seconds * 100
    row("100 recorders, live, 30 s: CPU against mp4mux", 1 / 6, ours / mux, "",
        f"{ours:.1f} %, {mux:.1f} % of a processor")
    row("100 recorders: writing alone (the limit) against mp4mux", None, limit / mux, "",
        f"{limit:.1f} % of a processor")
    row("100 recorders: what is above writing, against the same of mp4mux", None,
        (ours - limit) / (mux - limit))
    row("100 recorders: memory against mp4mux", 1 / 2, memory[OURS][-1][1] / memory[MUX][-1][1], "",
        f"{memory[OURS][-1][1]:.0f} MiB, {memory[MUX][-1][1]:.0f} MiB")
    row("100 recorders: p99.9 of the pads' hold above null sinks", 1,
        (runs[OURS]["hold_p999"] - runs["null"]["hold_p999"]) * 1e3, "ms",
        f"mp4mux {runs[MUX]['hold_p999'] * 1e3:.3g} ms, the limit "
        f"{runs['limit']['hold_p999'] * 1e3:.3g} ms")
    row("100 recorders: those that lost samples or failed", 0, 1 - runs[OURS]["good"])
    plots.write(f"{RESULTS}/recorders.svg", "Recorders of a live camera in one process", "recorders",
                "% of a processor above null sinks", curves)
    plots.write(f"{RESULTS}/recorders-memory.svg", "Recorders of a live camera in one process",
                "recorders", "MiB above null sinks", memory)


def main():
    os.makedirs(RESULTS, exist_ok=True)
    print(f"{'':70} {'goal':>8} {'measured':>9}")
    parts = os.environ.get("PARTS", "cpu pipeline file core live many").split()
    for name, part in (("cpu", cpu_above_floor), ("pipeline", whole_pipeline),
                       ("file", file_overhead), ("core", core_over_time), ("live", live_pace),
                       ("many", many_recorders)):
        if name in parts:
            part()
    with open(f"{RESULTS}/results.json", "w", encoding="utf-8") as file:
        json.dump({"rounds": ROUNDS, "rows": ROWS, "runs": RAW}, file, indent=1)
    with open(f"{RESULTS}/results.md", "w", encoding="utf-8") as file:
        file.write(as_markdown())


if __name__ == "__main__":
    main()
