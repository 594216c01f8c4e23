#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/support/run/cross-armhf.sh
#
# Builds everything for 32-bit ARM in build-armhf/, where a warning is an error, and runs the tests of
# the core and of the element in qemu's emulation of its processor. For Debian 13 with the architecture
# armhf, which tests/debian13.sh --armhf makes. The last line counts the tests.
set -eu

repository=$(cd "$(dirname "$0")/../../.." && pwd)
directory=$repository/build-armhf
cross_file=$directory/armhf.ini
triplet=arm-linux-gnueabihf

write_cross_file() {
  mkdir -p "$directory"
  cat >"$cross_file" <<END
[binaries]
cpp = '$triplet-g++'
ar = '$triplet-ar'
strip = '$triplet-strip'
pkg-config = 'pkg-config'
exe_wrapper = 'qemu-arm'

[properties]
run_program = 'qemu-arm'
pkg_config_libdir = ['/usr/lib/$triplet/pkgconfig', '/usr/share/pkgconfig']

[host_machine]
system = 'linux'
cpu_family = 'arm'
cpu = 'armv7hl'
endian = 'little'
END
}

# GCC's notes that GCC 6 passed some arguments otherwise (-Wno-psabi) are no fault of anything here.
build() {
  [ -f "$cross_file" ] || write_cross_file
  [ -f "$directory/build.ninja" ] ||
    meson setup "$directory" "$repository" --cross-file "$cross_file" -Dwerror=true \
      -Dcpp_args='-g1 -Wno-psabi'
  ninja -C "$directory" -k 0 all tests
}

sh "$repository/tests/support/run/install-packages.sh" armhf
rm -f "$directory"/meson-logs/testlog*.json
echo "== build-armhf =="
# GStreamer's plugin scanner is a program of its own, which nothing would emulate.
export GST_REGISTRY_FORK=no
if build </dev/null; then
  meson test -C "$directory" --no-rebuild --print-errorlogs --timeout-multiplier 4 \
    --num-processes $(($(nproc) * 2)) --suite mp4 --suite timeline --suite elements </dev/null || true
fi
cd "$repository"
exec python3 "$repository/tests/support/run/count_results.py" build-armhf
