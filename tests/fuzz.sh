#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/fuzz.sh [SECONDS [TARGET...]]
# sh tests/fuzz.sh --quick
#
# Runs the targets of tests/fuzz, or those named, for that many seconds each (60), with clang's
# libFuzzer in build-fuzz/; --quick for five, in build-asan/, whose objects the tests have too. What
# they find is in artefacts/ there, what they learnt in corpus/, from where the next run goes on. A
# finding is run again by
#   build-fuzz/tests/fuzz/TARGET build-fuzz/artefacts/FILE
# The last line counts the targets.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
directory=$repository/build-fuzz
seconds=${1:-60}
if [ "$seconds" = --quick ]; then
  seconds=5
  directory=$repository/build-asan
fi
[ $# -eq 0 ] || shift

sh "$repository/tests/support/run/install-packages.sh" record fuzz
rm -f "$directory"/meson-logs/fuzzlog*
sh "$repository/tests/support/run/address-build.sh" "$directory" </dev/null
ninja -C "$directory" fuzz-targets </dev/null
for target in "$repository"/tests/fuzz/corpus/*; do
  mkdir -p "$directory/corpus/$(basename "$target")"
done
mkdir -p "$directory/artefacts"

# Files are written by the thousand, and left behind by a run that ends in a finding.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch"
meson test -C "$directory" --no-rebuild --suite fuzz --logbase fuzzlog --print-errorlogs \
  --timeout-multiplier 0 \
  --test-args="-max_total_time=$seconds" "$@" </dev/null || true

grep -ohE '^(Done [0-9].*|stat::(average|peak).*)' "$directory/meson-logs/fuzzlog.txt" || true
clean=$(grep -c '"result": "OK"' "$directory/meson-logs/fuzzlog.json" || true)
failed=$(grep -vc '"result": "OK"' "$directory/meson-logs/fuzzlog.json" || true)
echo "${clean:-0} targets clean, ${failed:-0} failed"
[ "${failed:-0}" -eq 0 ] && [ "${clean:-0}" -gt 0 ]
