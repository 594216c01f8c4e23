#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/debian13.sh [FOLDER]
#
# The plain suite on Debian 13 ("trixie"), in a chroot. It is made in FOLDER, by default in
# ${TMPDIR:-/var/tmp}/trailingmp4-debian13, and stays there with what was built: the next run builds
# only what has changed. Some 3 GB; needs root. The last line counts as the one of tests/run.sh does.
set -eu

suite=trixie

if [ "$(id -u)" -ne 0 ]; then
  echo "A chroot needs root" >&2
  exit 1
fi
# Everything runs in namespaces of its own: its mounts and its processes end with the script, however
# that ends.
if [ -z "${in_own_namespaces:-}" ]; then
  exec unshare --mount --pid --fork --kill-child --propagation private \
    env in_own_namespaces=yes sh "$0" "$@"
fi

repository=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-${TMPDIR:-/var/tmp}/trailingmp4-debian13}
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

sh "$repository/tests/support/run/make-chroot.sh" "$suite" "$folder"
echo "The chroot is $folder"
copy_repository
mount_all
run_inside sh tests/run.sh --fast
