#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/debian13.sh [--armhf] [FOLDER]
#
# The plain suite on Debian 13 ("trixie"), in a chroot; with --armhf a cross build for 32-bit ARM there
# instead, and the tests of the core and the element in an emulator. The chroot is made in FOLDER, by
# default in ${TMPDIR:-/var/tmp}/trailingmp4-debian13 or -armhf, and stays there with what was built: the
# next run builds only what has changed. Some 3 GB each; needs root. The last line counts as the one of
# tests/run.sh does.
set -eu

suite=trixie
architecture=
tests='tests/run.sh --fast'
default_folder=${TMPDIR:-/var/tmp}/trailingmp4-debian13
case ${1:-} in
  --armhf) architecture=armhf; tests=tests/support/run/cross-armhf.sh; default_folder=$default_folder-armhf ;;
  -*) echo "usage: sh tests/debian13.sh [--armhf] [FOLDER]" >&2; exit 2 ;;
esac

if [ "$(id -u)" -ne 0 ]; then
  echo "A chroot needs root" >&2
  exit 1
fi
# Everything runs in namespaces of its own: its mounts and its processes end with the script, however
# that ends. What is begun in the background would have SIGINT ignored.
if [ -z "${in_own_namespaces:-}" ]; then
  unshare --mount --pid --fork --kill-child --propagation private \
    env --default-signal=INT,QUIT in_own_namespaces=yes sh "$0" "$@" &
  child=$!
  trap 'kill -KILL "$child"; exit 130' INT TERM HUP
  wait "$child"
  exit
fi

[ -z "$architecture" ] || shift
repository=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$default_folder}
# The repository's place in the chroot.
inside=/srv/trailingmp4

# What git knows or would add, as it is in the work tree, with its times. build*/ of the last run goes
# on. Nothing is mounted yet.
copy_repository() {
  new=$folder$inside.new
  rm -rf "$new"
  mkdir -p "$new"
  (cd "$repository" &&
    git ls-files -z --cached --others --exclude-standard |
    xargs -0 sh -c 'for path; do [ ! -e "$path" ] || printf "%s\0" "$path"; done' sh |
    tar -c --null -T -) | tar -x --no-same-owner -C "$new"
  # Ninja goes by times, and a file of another tree may be older than what was built of this one.
  (cd "$new" && find . -type f) | while read -r file; do
    cmp -s "$new/$file" "$folder$inside/$file" || touch "$new/$file"
  done
  for build in "$folder$inside"/build*; do
    [ ! -d "$build" ] || mv "$build" "$new/"
  done
  rm -rf "$folder$inside"
  mv "$new" "$folder$inside"
}

# What the tests use: loop devices, shared memory, and an empty /tmp.
mount_all() {
  mount -t proc proc "$folder/proc"
  mount --rbind /sys "$folder/sys"
  mount --rbind /dev "$folder/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$folder/tmp"
  cp /etc/resolv.conf "$folder/etc/resolv.conf"
}

# run_inside COMMAND...: in the chroot, in the repository's copy, with an environment of its own.
run_inside() {
  chroot "$folder" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
    sh -c 'cd "$0" && exec "$@"' "$inside" "$@"
}

main() {
  mkdir -p "$(dirname "$folder")"
  exec 9>"$folder.lock"
  flock -n 9 || { echo "Another run uses $folder" >&2; exit 1; }
  sh "$repository/tests/support/run/make-chroot.sh" "$suite" "$folder" $architecture
  echo "The chroot is $folder"
  copy_repository
  mount_all
  run_inside sh $tests
}

main; exit
