#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/support/run/install-packages.sh SECTION...
#
# Installs what is missing of these sections of tests/packages.txt. Says nothing and needs neither
# root nor network when nothing is missing.
set -eu

tests=$(cd "$(dirname "$0")/../.." && pwd)

list_packages() {
  awk -v section="[$1]" '/^\[/ { on = ($0 == section); next } on && /^[^#]/ { print $1 }' \
    "$tests/packages.txt"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# In the background, since a shell runs a trap only when the command in the foreground has ended.
# SIGINT ends apt-get where that leaves no package half unpacked, and else after dpkg; a background
# command ignores it until env takes that back.
run_apt_get() {
  set -- env --default-signal=INT DEBIAN_FRONTEND=noninteractive apt-get "$@"
  [ "$(id -u)" -eq 0 ] || set -- sudo "$@"
  [ -z "$stopping" ] || return 130
  "$@" &
  apt_get=$!
  [ -z "$stopping" ] || stop_apt_get
  # A signal ends the wait, and not always apt-get.
  while :; do
    interrupted=
    apt_status=0
    wait "$apt_get" || apt_status=$?
    [ -n "$interrupted" ] || return "$apt_status"
  done
}

apt_get=
stopping=
stop_apt_get() {
  stopping=yes
  interrupted=yes
  [ -z "$apt_get" ] || kill -s INT "$apt_get" 2>/dev/null || true
}

# Only what goes wrong is worth reading.
run_apt_get_quietly() {
  log=$(mktemp)
  status=0
  run_apt_get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" \
    </dev/null >"$log" 2>&1 || status=$?
  [ "$status" -eq 0 ] || [ -n "$stopping" ] || tail -n 20 "$log" >&2
  rm -f "$log"
  [ -z "$stopping" ] || exit 130
  return "$status"
}

trap stop_apt_get INT TERM HUP
wanted=
for section in "$@"; do
  wanted="$wanted $(list_packages "$section")"
done

if ! command -v dpkg-query >/dev/null; then
  echo "This is not Debian. Needed are the equals of:" $wanted >&2
  exit 0
fi

missing=
for package in $wanted; do
  [ -z "$stopping" ] || exit 130
  is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
  echo "Not root and no sudo; please install:$missing" >&2
  exit 1
fi
echo "Installing:$missing"
run_apt_get_quietly update
run_apt_get_quietly install --no-install-recommends $missing
