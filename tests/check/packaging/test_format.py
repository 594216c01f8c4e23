# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 test_format.py REPOSITORY

Fails where clang-format would change a line. Versions differ in what they do with some lines, so that only
the one of Debian 12 counts; with another one the test is skipped.
"""
import pathlib
import re
import subprocess
import sys

VERSION = "14"
SKIPPED = 77  # as meson understands it


def main(repository):
    root = pathlib.Path(repository)
    found = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)", found.stdout)[1]
    if version != VERSION:
        print(f"clang-format is of version {version}, not {VERSION}")
        return SKIPPED
    files = [str(file) for folder in ("gst", "tests") for end in ("*.h", "*.cpp")
             for file in sorted((root / folder).rglob(end))]
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *files],
                          capture_output=True, text=True, check=False)
    print(done.stderr[-5000:], end="")
    print(f"{len(files)} files looked at")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
