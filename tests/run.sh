#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/run.sh [--fast | --asan | --tsan]
#
# Installs what is missing, builds and runs every test: as it is in build/, with AddressSanitizer and
# UndefinedBehaviorSanitizer in build-asan/, with ThreadSanitizer in build-tsan/. --fast leaves the
# sanitisers out, --asan and --tsan run that one alone. The last line counts everything.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
support=$repository/tests/support
builds=

set_up_and_build() {
  directory=$1
  shift
  [ -f "$directory/build.ninja" ] || meson setup "$directory" "$repository" "$@"
  ninja -C "$directory" -k 0
}

# GStreamer looks through all its plugins once for each registry. Done here, or every test that runs
# at the same time would do it. Our own plugin can be loaded only where its sanitiser is.
fill_registry() {
  env LD_PRELOAD="$1" ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=report_bugs=0 \
    $run_under gst-inspect-1.0 trailingmp4sink >/dev/null 2>&1 || true
}

# run_tests DIRECTORY "SETUP OPTIONS" "TEST OPTIONS" SANITISER'S LIBRARY
run_tests() (
  directory=$repository/$1
  export GST_REGISTRY_1_0="$directory/tests/registry.bin"
  export GST_PLUGIN_PATH_1_0="$directory/gst/trailingmp4"
  rm -f "$directory/meson-logs/testlog.json"
  echo "== $1 =="
  set_up_and_build "$directory" $2 </dev/null || exit 0
  fill_registry "$4"
  $run_under meson test -C "$directory" --no-rebuild --print-errorlogs $3 </dev/null || true
)

run_plain() {
  builds="$builds build"
  run_under=
  run_tests build '' '' ''
}

# gst-launch-1.0 and gst-plugin-scanner have no sanitiser, so the plugin cannot be loaded into them.
# GLib has no frame pointers: only the slow unwinder sees who called it, which lsan.supp needs.
run_asan() {
  builds="$builds build-asan"
  export GST_REGISTRY_FORK=no
  export ASAN_OPTIONS=fast_unwind_on_malloc=0:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  export LSAN_OPTIONS="suppressions=$support/lsan.supp:print_suppressions=0"
  run_under=
  run_tests build-asan '-Db_sanitize=address,undefined -Db_lundef=false' \
    '--no-suite launch --timeout-multiplier 4' "$(g++ -print-file-name=libasan.so)"
}

# ThreadSanitizer cannot live with the address randomisation of some kernels, so it is switched off
# where that is allowed.
run_tsan() {
  builds="$builds build-tsan"
  export GST_REGISTRY_FORK=no
  export TSAN_OPTIONS="suppressions=$support/tsan.supp:halt_on_error=1:second_deadlock_stack=1"
  run_under=
  if setarch -R true 2>/dev/null; then run_under='setarch -R'; fi
  run_tests build-tsan '-Db_sanitize=thread -Db_lundef=false' \
    '--suite elements --suite mp4 --timeout-multiplier 10' "$(g++ -print-file-name=libtsan.so)"
}

sh "$support/install-packages.sh" record test
case ${1:-} in
  '') run_plain; run_asan; run_tsan ;;
  --fast) run_plain ;;
  --asan) run_asan ;;
  --tsan) run_tsan ;;
  *) echo "usage: sh tests/run.sh [--fast | --asan | --tsan]" >&2; exit 2 ;;
esac
cd "$repository"
exec python3 "$support/count_results.py" $builds
