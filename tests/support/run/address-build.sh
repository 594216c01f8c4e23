#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/support/run/address-build.sh DIRECTORY
#
# Sets up a build with AddressSanitizer and UndefinedBehaviorSanitizer, in which libFuzzer sees where
# the code goes, unless there is one. It is clang's.
set -eu

repository=$(cd "$(dirname "$0")/../../.." && pwd)
[ ! -f "$1/build.ninja" ] || exit 0

# Optimised a little: what that costs in the build comes back several times in the tests. Lines in
# stack traces are enough; more of debug information is a quarter of the time of a build. What does
# not go on after an error is less code, and fewer ways for the fuzzer to look for.
export CC=clang CXX=clang++
export CXXFLAGS='-g1 -fsanitize=fuzzer-no-link -fno-sanitize-recover=all'
exec meson setup "$1" "$repository" \
  -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
