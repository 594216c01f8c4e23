#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/compare/compare-faults.sh
#
# Prints the table of docs/faults.md: the faults of a camera's clock through trailingmp4sink, through
# mp4mux ! filesink, and through ffmpeg -c copy. Installs what it needs, builds the plugin, and takes
# some minutes, since where a recorder hangs it waits 20 s for it.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
sh "$repository/tests/support/run/install-packages.sh" record test >&2
[ -f "$repository/build/build.ninja" ] || meson setup "$repository/build" "$repository" >&2
ninja -C "$repository/build" gst/trailingmp4/libgsttrailingmp4.so >&2
export GST_PLUGIN_PATH_1_0="$repository/build/gst/trailingmp4"
export GST_REGISTRY_1_0="$repository/build/tests/registry.bin"
# Debian's own Python has Debian's own GStreamer.
exec /usr/bin/python3 "$repository/tests/compare/compare_faults.py"
