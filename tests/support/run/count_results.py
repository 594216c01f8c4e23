#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the results of `meson test` in the build directories given: one line at the end.

DIRECTORY:BASE stands for results that were written with `--logbase BASE`.

A program made with Check reports how many test cases it ran, and each of them counts; any other test
counts as one. A program that fails although all its cases passed (a leak, a crash at its end) counts
as one failure more. A directory without results, because it could not be built, counts as one. So does
each line of meson-logs/unlisted, and each program of meson-logs/listed that was built and not run.
"""

import collections
import json
import pathlib
import re
import sys

CHECK_SUMMARY = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.MULTILINE)
PASSED = {"OK", "EXPECTEDFAIL"}


def count_test(test):
    """(passed, failed, skipped) of one line of testlog.json."""
    result = test["result"]
    if result == "SKIP":
        return 0, 0, 1
    summaries = [tuple(map(int, found)) for found in CHECK_SUMMARY.findall(test.get("stdout") or "")]
    if not summaries:
        return (1, 0, 0) if result in PASSED else (0, 1, 0)
    checks = sum(summary[0] for summary in summaries)
    failed = sum(summary[1] + summary[2] for summary in summaries)
    passed = checks - failed
    if failed == 0 and result not in PASSED:
        failed = 1
    return passed, failed, 0


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def left_out(directory, tests):
    """A sentence for each program of the list that was not built or not run."""
    logs = pathlib.Path(directory, "meson-logs")
    sentences = [f"{name}: in tests/programs.txt or a target of the build, but not both"
                 for name in lines_of(logs / "unlisted")]
    run = {pathlib.PurePath(word).name for test in tests for word in test["command"]}
    return sentences + [f"{name}: was not run" for name in lines_of(logs / "listed")
                        if "/test_" in name and pathlib.PurePath(name).name not in run]


def seconds_of(directory, tests):
    """How long it took: by the clock, and the tests of each suite added up."""
    suites = collections.Counter()
    for test in tests:
        suites[test["name"].split(" / ")[0].split(":")[-1].split("+")[0]] += test["duration"]
    clock = ", ".join(line + " s" for line in lines_of(pathlib.Path(directory, "meson-logs/seconds")))
    added_up = ", ".join(f"{suite} {seconds:.0f} s" for suite, seconds in suites.most_common())
    return f"{directory}: {clock}; of the tests, added up: {added_up}"


def count_build(build):
    directory, _, base = build.partition(":")
    total = [0, 0, 0]
    lines = []
    for log in sorted(pathlib.Path(directory, "meson-logs").glob(f"{base or 'testlog'}*.json")):
        lines += log.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines:
        print(f"{build}: not built, or no test was run")
        return [0, 1, 0]
    tests = list(map(json.loads, lines))
    for test in tests:
        counts = count_test(test)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print(f"{directory}: {test['name']}: {counts[1]} failed ({test['result']})")
    if not base:
        print(seconds_of(directory, tests))
        for sentence in left_out(directory, tests):
            print(f"{directory}: {sentence}")
            total[1] += 1
    return total


def main(directories):
    passed, failed, skipped = map(sum, zip(*map(count_build, directories)))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
