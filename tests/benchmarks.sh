#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/benchmarks.sh [--check | --record] [FOLDER]
#
# Builds a release in build-benchmarks/ and measures what recording costs, beside mp4mux, qtmux and a
# sink that does nothing, into build-benchmarks/results/: about ten minutes. FOLDER is on the disk to record to (default: the
# build's). ROUNDS=n: how often each is run, 5 if not said. PARTS="cpu pipeline file core live many":
# some of it only.
#
# --check counts instructions a sample instead, some seconds long, and fails if they are more than 10 %
# above tests/benchmarks/instructions.json; --record writes that file.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
build=$repository/build-benchmarks
mode=
case ${1:-} in --check | --record) mode=$1; shift ;; esac

sh "$repository/tests/support/run/install-packages.sh" record test
[ -f "$build/build.ninja" ] ||
  meson setup "$build" "$repository" --buildtype=release -Doptimization=2 -Dcpp_args=-g1 >/dev/null
ninja -C "$build" benchmarks >"$build/benchmarks.log" 2>&1 || { cat "$build/benchmarks.log" >&2; exit 1; }

export GST_PLUGIN_PATH_1_0="$build/gst/trailingmp4"
export GST_REGISTRY_1_0="$build/tests/registry.bin"
gst-inspect-1.0 trailingmp4sink >/dev/null

# Out of the reach of any disk, where there is a tmpfs.
memory=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
disk=$(mktemp -d -p "${1:-$build}")
trap 'rm -rf "$memory" "$disk"' EXIT INT TERM

cd "$repository/tests/benchmarks"
export PYTHONDONTWRITEBYTECODE=1
if [ -n "$mode" ]; then
  python3 count.py "$build" $mode
else
  python3 run.py "$build" "$disk" "$memory" "$build/results"
fi
