#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/fuzz.sh [SECONDS [TARGET...]]
# sh tests/fuzz.sh --quick
#
# Runs the targets of tests/fuzz, or those named, for that many seconds each (60), with clang's
# libFuzzer in build-fuzz/; --quick those that find something in seconds, for five. What they find is in build-fuzz/artefacts/, what they learnt in
# build-fuzz/corpus/, from where the next run goes on. A finding is run again by
#   build-fuzz/tests/fuzz/TARGET build-fuzz/artefacts/FILE
# The last line counts the targets.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
directory=$repository/build-fuzz
seconds=${1:-60}
suite=fuzz
targets=fuzz-targets
if [ "$seconds" = --quick ]; then
  seconds=5
  suite=quick
  targets=quick-fuzz-targets
fi
[ $# -eq 0 ] || shift

sh "$repository/tests/support/install-packages.sh" record fuzz
rm -f "$directory"/meson-logs/testlog*.json
[ -f "$directory/build.ninja" ] ||
  env CC=clang CXX=clang++ meson setup "$directory" "$repository" \
    -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
ninja -C "$directory" $targets </dev/null
for target in "$repository"/tests/fuzz/corpus/*; do
  mkdir -p "$directory/corpus/$(basename "$target")"
done
mkdir -p "$directory/artefacts"

# Files are written by the thousand, and left behind by a run that ends in a finding.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch"
meson test -C "$directory" --no-rebuild --suite $suite --print-errorlogs --timeout-multiplier 0 \
  --test-args="-max_total_time=$seconds" "$@" </dev/null || true

grep -ohE '^(Done [0-9].*|stat::(average|peak).*)' "$directory/meson-logs/testlog.txt" || true
clean=$(grep -c '"result": "OK"' "$directory/meson-logs/testlog.json" || true)
failed=$(grep -vc '"result": "OK"' "$directory/meson-logs/testlog.json" || true)
echo "${clean:-0} targets clean, ${failed:-0} failed"
[ "${failed:-0}" -eq 0 ] && [ "${clean:-0}" -gt 0 ]
