# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 count.py BUILD [--record]

Counts instructions a sample under callgrind, which come out the same on a busy machine, and compares
them with those in instructions.json: more than 10 % above them is a failure. Each is the difference of
a long and a short run, so that what a process needs to begin is not in it, and what a sink takes that
only lets go of the buffers is taken off. They are those of Debian 12's compiler and libraries, with
-O2. --record writes the file.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = sys.argv[1]
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
ALLOWED = 1.10
SHORT, LONG = 5, 35  # seconds of media


def environment():
    """Without what meson runs tests with so that they fail sooner."""
    mine = {name: value for name, value in os.environ.items()
            if name not in ("MALLOC_PERTURB_", "G_SLICE")}
    return {**mine, "GST_PLUGIN_PATH_1_0": f"{BUILD}/gst/trailingmp4",
            "GST_REGISTRY_1_0": f"{BUILD}/tests/registry.bin"}


def run(program, *arguments):
    """Instructions, and samples."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        more = [] if program == "core" else ["--folder", folder]
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             f"{BUILD}/tests/benchmarks/bench-{program}", *map(str, arguments), *more],
            capture_output=True, text=True, env=environment(), timeout=240, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{program} {arguments} did not end well: {done.stdout}{done.stderr[-2000:]}")
    return int(found.group(1)), json.loads(done.stdout.splitlines()[-1])["samples"]


def core(*more):
    return [("core", "--samples", samples, *more) for samples in (2_000, 12_000)]


def push(recorder, media):
    return [("push", "--recorder", recorder, "--media", media, "--seconds", seconds)
            for seconds in (SHORT, LONG)]


# Name: what is counted, and what is taken off it.
PATHS = {
    "core: append, fragment, ending": (core(), None),
    "core: the same with B-frames": (core("--b-frames"), None),
    "element above a null sink: H.264 and AAC": (push("trailingmp4sink", "small"),
                                                 push("null", "small")),
    "element above a null sink: G.711": (push("trailingmp4sink", "g711"), push("null", "g711")),
}


def count(pool):
    commands = {command for pairs in PATHS.values() for pair in pairs if pair for command in pair}
    runs = {command: pool.submit(run, *command) for command in commands}

    def a_sample(pair):
        (few, few_samples), (many, many_samples) = (runs[command].result() for command in pair)
        return (many - few) / (many_samples - few_samples)

    return {name: round(a_sample(what) - (a_sample(less) if less else 0))
            for name, (what, less) in PATHS.items()}


def main():
    # Looked through once, not by each of them.
    subprocess.run(["gst-inspect-1.0", "trailingmp4sink"], env=environment(),
                   stdout=subprocess.DEVNULL, check=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = count(pool)
    if "--record" in sys.argv:
        with open(RECORDED, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
            file.write("\n")
    with open(RECORDED, encoding="utf-8") as file:
        recorded = json.load(file)
    worse = False
    for name, value in found.items():
        rise = value / recorded[name]
        worse = worse or rise > ALLOWED
        print(f"{name:42} {value:6} instructions a sample, {recorded[name]:6} recorded, "
              f"{(rise - 1) * 100:+.1f} %{' TOO MANY' if rise > ALLOWED else ''}")
    sys.exit(worse)


if __name__ == "__main__":
    main()
