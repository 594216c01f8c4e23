#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/support/run/make-chroot.sh SUITE FOLDER [ARCHITECTURE]
#
# Makes a chroot of that release of Debian in FOLDER, which is empty or not there yet, from the mirror
# and with the proxies that apt is configured with on this machine. With an ARCHITECTURE its packages
# can be installed too, and updates are left out: both architectures need the same version of each
# library, and mirrors have the updates of one sooner than those of another. Does nothing when FOLDER
# holds a chroot already. Needs root. debootstrap mounts /proc in FOLDER: call this in a mount
# namespace of its own, so that an interrupted run leaves no mount behind.
set -eu

suite=$1
folder=$2
foreign=${3:-}
tests=$(cd "$(dirname "$0")/../.." && pwd)
# Written last: a folder without it holds no chroot, or half of one.
marker=$folder/etc/trailingmp4-chroot

# "SUITE URI COMPONENT" for each package index of Debian that apt reads here, with the suite of the
# new chroot in place of this machine's.
list_mirrors() {
  apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u |
    awk -v suite="$suite" -v foreign="$foreign" '
      $1 !~ /-/ { print suite, $2, $3 }
      $1 ~ /-(updates|security)$/ && !foreign { sub(/^[^-]*/, suite, $1); print }'
}

# How apt fetches: proxies, certificates, checks. Its hooks are this machine's alone.
copy_apt_configuration() {
  apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' \
    >"$folder/etc/apt/apt.conf.d/50of-the-host"
  for path in auth.conf auth.conf.d; do
    [ ! -e "/etc/apt/$path" ] || cp -r "/etc/apt/$path" "$folder/etc/apt/"
  done
  printf '%s\n' "$mirrors" | awk '{ print "deb", $2, $1, $3 }' >"$folder/etc/apt/sources.list"
}

[ ! -e "$marker" ] || exit 0
if [ -n "$(ls -A "$folder" 2>/dev/null)" ]; then
  echo "$folder holds files, but no finished chroot; please remove it" >&2
  exit 1
fi

sh "$tests/support/run/install-packages.sh" chroot
apt-get -q update >/dev/null
mirrors=$(list_mirrors)
mirror=$(printf '%s\n' "$mirrors" | awk -v suite="$suite" '$1 == suite { print $2; exit }')
if [ -z "$mirror" ]; then
  echo "apt reads no mirror of Debian on this machine, so there is none for $suite" >&2
  exit 1
fi

echo "Making a chroot of Debian $suite in $folder"
mkdir -p "$folder"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$mirror" \
  >"$folder.log" 2>&1 </dev/null || { tail -n 20 "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
copy_apt_configuration
[ -z "$foreign" ] || chroot "$folder" dpkg --add-architecture "$foreign"
# No service is started there.
printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
chmod +x "$folder/usr/sbin/policy-rc.d"
echo "$suite" >"$marker"
