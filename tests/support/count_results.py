#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the results of `meson test` in the build directories given: one line at the end.

DIRECTORY:BASE stands for results that were written with `--logbase BASE`.

A program made with Check reports how many test cases it ran, and each of them counts; any other test
counts as one. A program that fails although all its cases passed (a leak, a crash at its end) counts
as one failure more. A directory without results, because it could not be built, counts as one.
"""

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


def count_build(build):
    directory, _, base = build.partition(":")
    total = [0, 0, 0]
    lines = []
    for log in sorted(pathlib.Path(directory, "meson-logs").glob(f"{base or 'testlog'}*.json")):
        lines += log.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines:
        print(f"{build}: not built, or no test was run")
        return [0, 1, 0]
    for line in lines:
        test = json.loads(line)
        counts = count_test(test)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print(f"{directory}: {test['name']}: {counts[1]} failed ({test['result']})")
    return total


def main(directories):
    passed, failed, skipped = map(sum, zip(*map(count_build, directories)))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
