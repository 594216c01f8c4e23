#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/run.sh [--fast | --asan | --tsan | --fuzz]
#
# Installs what is missing, builds and runs every test: as it is in build/, with AddressSanitizer and
# UndefinedBehaviorSanitizer in build-asan/, with ThreadSanitizer in build-tsan/; then the targets of
# tests/fuzz, in build-asan/ too. --fast leaves all but the first out, the others run that one alone.
# Each build's seconds are printed, by suite; the last line counts everything. A program of
# tests/programs.txt that cannot be built, or was not run, counts as a failure.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
support=$repository/tests/support
# Lines in stack traces are enough; more of debug information is a quarter of the time of a build.
options='-Dcpp_args=-g1'

# gold, of Debian's binutils, links a test in less than half of the time.
if command -v ld.gold >/dev/null; then export CXX_LD=gold; fi

# The sanitised builds are clang's: it takes two thirds of g++'s time for them, and what two compilers
# take is seen by both.
sanitiser_library() {
  clang++ -print-file-name="libclang_rt.$1-$(uname -m).so"
}

# set_up_and_build DIRECTORY "TARGETS" MESON'S OPTIONS...
set_up_and_build() {
  directory=$1
  targets=$2
  shift 2
  [ -f "$directory/build.ninja" ] || meson setup "$directory" "$repository" "$@"
  ninja -C "$directory" -k 0 $targets
}

# GStreamer looks through all its plugins once for each registry. Done here, or every test that runs
# at the same time would do it. Our own plugin can be loaded only where its sanitiser is.
fill_registry() {
  env LD_PRELOAD="$1" ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=report_bugs=0 \
    $run_under gst-inspect-1.0 trailingmp4sink >/dev/null 2>&1 || true
}

# note_seconds WHAT BEGIN: since then, for the last lines
note_seconds() {
  echo "$1 $(($(date +%s) - $2))" >>"$directory/meson-logs/seconds"
}

# list_programs: those of tests/programs.txt
list_programs() {
  sed 's/#.*//; /^ *$/d' "$repository/tests/programs.txt"
}

# Writes into meson-logs/unlisted what the list and the targets of the build do not have in common.
compare_programs() {
  list_programs | sort >"$directory/meson-logs/listed"
  ninja -C "$directory" -t targets all | sed -n 's/^\(tests\/[^:]*\): cpp_LINKER.*/\1/p' | sort \
    >"$directory/meson-logs/found"
  comm -3 "$directory/meson-logs/listed" "$directory/meson-logs/found" | tr -d '\t' \
    >"$directory/meson-logs/unlisted"
}

# build_for DIRECTORY "TARGETS" "SETUP OPTIONS" SANITISER'S LIBRARY. What cannot be built is not run: a
# directory without results is counted as a failure.
build_for() {
  directory=$repository/$1
  export GST_REGISTRY_1_0="$directory/tests/registry.bin"
  export GST_PLUGIN_PATH_1_0="$directory/gst/trailingmp4"
  rm -f "$directory"/meson-logs/testlog*.json "$directory"/meson-logs/seconds
  mkdir -p "$directory/meson-logs"
  echo "== $1 =="
  begin=$(date +%s)
  set_up_and_build "$directory" "$2" $3 </dev/null || return 1
  note_seconds build "$begin"
  fill_registry "$4"
}

# Half of the tests wait for a camera's time to pass.
two_a_processor="--num-processes $(($(nproc) * 2))"

# run_tests MESON TEST'S OPTIONS... in the directory that was built last
run_tests() {
  begin=$(date +%s)
  $run_under meson test -C "$directory" --no-rebuild --print-errorlogs "$@" </dev/null || true
  note_seconds tests "$begin"
}

run_plain() {
  run_under=
  build_for build "all benchmarks $(list_programs)" "$options" '' || return 0
  compare_programs
  run_tests $two_a_processor
}

# gst-launch-1.0 and gst-plugin-scanner have no sanitiser, so the plugin cannot be loaded into them. The
# suite "tools" tests the tests' own reader and camera, "plain" is what is also run with fragments,
# "crashes" looks at thousands of files and kills recorders, "readers" is about files.
# Looking for leaks at the end of each of a thousand test cases takes longer than the cases; so only
# the suite "leaks" does it, in which everything is made and given back, in good and in bad times. GLib
# has no frame pointers: only the slow unwinder sees who called it, which lsan.supp needs.
run_asan() (
  export GST_REGISTRY_FORK=no
  export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  run_under=
  sh "$support/run/address-build.sh" "$repository/build-asan" </dev/null || exit 0
  build_for build-asan address-tests '' "$(sanitiser_library asan)" || exit 0
  run_tests --suite mp4 --suite elements --suite timeline --suite pipelines --suite examples \
    --no-suite leaks --no-suite plain --timeout-multiplier 4 $two_a_processor
  export ASAN_OPTIONS=fast_unwind_on_malloc=0
  export LSAN_OPTIONS="suppressions=$support/run/lsan.supp:print_suppressions=0"
  run_tests --suite leaks --no-suite plain --timeout-multiplier 4 --logbase testlog-leaks \
    $two_a_processor
)

# ThreadSanitizer cannot live with the address randomisation of some kernels, so it is switched off
# where that is allowed. What libraries read and free behind locks and counters of their own, which it
# cannot see, is none of its business. The cases are forked, and the sanitiser has a thread of its own
# by then, for which it would end them (die_after_fork).
run_tsan() (
  export GST_REGISTRY_FORK=no
  export TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1:die_after_fork=0
  run_under=
  if setarch -R true 2>/dev/null; then run_under='setarch -R'; fi
  export CC=clang CXX=clang++
  # Optimised a little, as the other one is.
  build_for build-tsan thread-tests \
    "-Db_sanitize=thread $options -Db_lundef=false -Doptimization=1" \
    "$(sanitiser_library tsan)" || exit 0
  run_tests --suite elements --suite threads --no-suite plain --no-suite boxes \
    --timeout-multiplier 10 $two_a_processor
)

# Some seconds, with the objects of the sanitised build; hours are for tests/fuzz.sh.
run_fuzz() {
  echo "== fuzz =="
  directory=$repository/build-asan
  mkdir -p "$directory/meson-logs"
  begin=$(date +%s)
  sh "$repository/tests/fuzz.sh" --quick || true
  note_seconds fuzz "$begin"
}

sh "$support/run/install-packages.sh" record test fuzz
case ${1:-} in
  '') run_plain; run_asan; run_tsan; run_fuzz; builds='build build-asan build-tsan build-asan:fuzzlog' ;;
  --fast) run_plain; builds=build ;;
  --asan) run_asan; builds=build-asan ;;
  --tsan) run_tsan; builds=build-tsan ;;
  --fuzz) run_fuzz; builds=build-asan:fuzzlog ;;
  *) echo "usage: sh tests/run.sh [--fast | --asan | --tsan | --fuzz]" >&2; exit 2 ;;
esac
cd "$repository"
exec python3 "$support/run/count_results.py" $builds
