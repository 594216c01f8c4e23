# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 count.py BUILD MEMORY_FOLDER [--record]

Counts instructions a sample under callgrind, which come out the same on a busy machine, and compares
them with those in instructions.json: more than 10 % above them is a failure. Each is the difference of
a long and a short run, so that what a process needs to begin is not in it. --record writes the file.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

BUILD, MEMORY = sys.argv[1:3]
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
ALLOWED = 1.10


def instructions(command):
    name = f"{MEMORY}/callgrind-{abs(hash(tuple(command)))}"
    done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={name}",
                           *command], capture_output=True, text=True, check=False)
    if os.path.exists(name):
        os.remove(name)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        sys.exit(done.stderr[-2000:])
    result = json.loads(done.stdout.splitlines()[-1])
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: it did not end well: {done.stdout}{done.stderr[-2000:]}")
    return int(found.group(1)), result["samples"]


def core(samples, *more):
    return [f"{BUILD}/tests/benchmarks/bench-core", "--samples", str(samples), *more]


def element(recorder, media, seconds):
    folder = f"{MEMORY}/{recorder}-{media}-{seconds}"  # they run beside each other
    os.makedirs(folder, exist_ok=True)
    return [f"{BUILD}/tests/benchmarks/bench-push", "--recorder", recorder, "--media", media,
            "--seconds", str(seconds), "--folder", folder]


PATHS = {
    "core: append, fragment, ending": (core(2_000), core(12_000)),
    "core: the same with B-frames": (core(2_000, "--b-frames"), core(12_000, "--b-frames")),
    "null sink, camera": (element("null", "small", 5), element("null", "small", 35)),
    "element, camera": (element("trailingmp4sink", "small", 5),
                        element("trailingmp4sink", "small", 35)),
}


def main():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {name: [pool.submit(instructions, command) for command in commands]
                for name, commands in PATHS.items()}
    found = {}
    for name, (short, long) in runs.items():
        (few, few_samples), (many, many_samples) = short.result(), long.result()
        found[name] = round((many - few) / (many_samples - few_samples))
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
        print(f"{name:40} {value:7} instructions a sample, {recorded[name]:7} recorded, "
              f"{(rise - 1) * 100:+.1f} %{' TOO MANY' if rise > ALLOWED else ''}")
    sys.exit(worse)


if __name__ == "__main__":
    main()
