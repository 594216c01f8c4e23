#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/compare/compare-crashes.sh [--check]
#
# Prints the table of docs/crashes.md: what SIGKILL, a cut and a full disk leave of the recordings of
# trailingmp4sink, of mp4mux ! filesink, and of ffmpeg -c copy. Installs what it needs, builds the
# plugin, and takes some minutes. As root, or it cannot mount the small disk. --check: whether
# trailingmp4sink alone does what the page says, in some seconds.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
sh "$repository/tests/support/run/install-packages.sh" record test compare >&2
[ -f "$repository/build/build.ninja" ] || meson setup "$repository/build" "$repository" >&2
ninja -C "$repository/build" gst/trailingmp4/libgsttrailingmp4.so >&2
export GST_PLUGIN_PATH_1_0="$repository/build/gst/trailingmp4"
export GST_REGISTRY_1_0="$repository/build/tests/registry.bin"
# Debian's own Python has Debian's own GStreamer.
exec /usr/bin/python3 "$repository/tests/compare/compare_crashes.py" "$@"
