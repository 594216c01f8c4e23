#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/package.sh [FOLDER]
#
# Makes a Debian package of the plugin and the tools in a scratch folder, from what git tracks in the
# working tree and tests/package, and looks at it: lintian must have nothing to say, and in a new Debian of
# the same release in which nothing but the package and what it depends on is installed, gst-inspect-1.0
# must find the element, the tool must run, and its manual page must be there. FOLDER: the package is
# copied there. Needs root, for the new Debian, and some minutes. The last line counts the checks.
#
# DEBFULLNAME and DEBEMAIL name who makes the package.
set -eu

[ "$(id -u)" -eq 0 ] || { echo "A new Debian can be made by root alone." >&2; exit 1; }
# What is mounted goes with the script, however that ends.
if [ -z "${in_own_namespace:-}" ]; then
  exec unshare --mount --pid --fork --kill-child --propagation private \
    env in_own_namespace=yes sh "$0" "$@"
fi

repository=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-}
scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
version=$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$repository/meson.build")
maintainer="${DEBFULLNAME:-The trailingmp4 developers} <${DEBEMAIL:-trailingmp4@packages.debian.org}>"
source=$scratch/trailingmp4-$version
new=$scratch/new
passed=0
failed=0

# Mounts are in a namespace of its own; what is mounted still is not gone into.
clean_up() {
  umount "$new/proc" 2>/dev/null || true
  mountpoint -q "$new/proc" || rm -rf --one-file-system "$scratch"
}

# check SENTENCE COMMAND...
check() {
  sentence=$1
  shift
  if "$@" >"$scratch/check.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok: $sentence"
  else
    failed=$((failed + 1))
    echo "FAILED: $sentence"
    tail -n 30 "$scratch/check.log"
  fi
}

copy_sources() {
  mkdir -p "$source"
  (cd "$repository" && git ls-files -z | tar -c --null -T - -f -) | tar -x -C "$source"
  cp -r "$source/tests/package" "$source/debian"
  sed -i "s/@MAINTAINER@/$maintainer/" "$source/debian/control"
  chmod 755 "$source/debian/rules"
  mkdir "$source/debian/source"
  echo '3.0 (native)' >"$source/debian/source/format"
  cat >"$source/debian/changelog" <<END
trailingmp4 ($version) unstable; urgency=medium

  * See /usr/share/doc/gstreamer1.0-trailingmp4/changelog.md.

 -- $maintainer  $(date -R)
END
  echo docs/changelog.md >"$source/debian/gstreamer1.0-trailingmp4.docs"
}

build_package() (
  cd "$source"
  dpkg-buildpackage -b -us -uc
)

# Errors, warnings and information, but for what is said of a first upload to Debian, and of spelling in
# binaries: it takes the names of boxes and symbols for words.
run_lintian() {
  lintian --allow-root --display-info --fail-on error,warning,info \
    --suppress-tags initial-upload-closes-no-bugs,spelling-error-in-binary "$scratch"/*.changes
}

make_new_debian() {
  . /etc/os-release
  sh "$repository/tests/support/run/make-chroot.sh" "$VERSION_CODENAME" "$new"
  mount -t proc proc "$new/proc"
  in_new apt-get update -q
}

in_new() {
  chroot "$new" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

install_package() {
  cp "$scratch"/gstreamer1.0-trailingmp4_*.deb "$new/tmp/"
  # Manual pages are left out of small systems.
  rm -f "$new"/etc/dpkg/dpkg.cfg.d/*
  in_new sh -c 'apt-get install -q -y --no-install-recommends /tmp/*.deb gstreamer1.0-tools'
}

finds_element() {
  in_new gst-inspect-1.0 trailingmp4sink >"$scratch/inspect"
  grep -q "Version  *$version" "$scratch/inspect"
}

trap clean_up EXIT
trap 'exit 1' INT TERM HUP
sh "$repository/tests/support/run/install-packages.sh" record package
copy_sources
check "the package is built" build_package
check "lintian has nothing to say" run_lintian
check "a new Debian is made" make_new_debian
check "the package is installed there" install_package
check "gst-inspect-1.0 finds the element, version $version" finds_element
check "trailingmp4-finalize runs" in_new trailingmp4-finalize --version
check "its manual page is there" test -s "$new/usr/share/man/man1/trailingmp4-finalize.1.gz"
check "the package can be removed" in_new apt-get purge -q -y gstreamer1.0-trailingmp4
if [ -n "$target" ] && [ "$failed" -eq 0 ]; then
  mkdir -p "$target"
  cp "$scratch"/*.deb "$target"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
