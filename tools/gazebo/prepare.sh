#!/usr/bin/env bash
# Gets Gazebo Classic 11 from Debian 11 into a root of its own, the description of its messages, and the Python
# packages that speak to it and write logs. All of it is in .gazebo/, or in TRM_GAZEBO; a second run does nothing.
# Needs root, and 1.5 GB of disk. Exits with 3 when something that it needs is missing; `prepare.sh check` looks for
# that alone.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(cd "$here/../.." && pwd -P)
folder=${TRM_GAZEBO:-$repository/.gazebo}
root=$folder/root
log=$folder/prepare.log
# The newest Debian that has Gazebo.
suite=bullseye
mirror=${TRM_DEBIAN_MIRROR:-http://deb.debian.org/debian}
python_packages=(protobuf==7.36.2 mcap==1.6.0 lz4==4.4.5 zstandard==0.25.0)
protos=/usr/include/gazebo-11/gazebo/msgs/proto

fail() {
  echo "tools/gazebo/prepare.sh: $1" >&2
  exit 3
}

# TITLE COMMAND...; its time is told, and its output is in the log.
stage() {
  local title=$1 began=$SECONDS status
  shift
  echo "Gazebo: $title"
  echo "=== $title" >>"$log"
  # Not `if ! ( ... )`: bash would switch `set -e` off inside.
  set +e
  (set -e && "$@") >>"$log" 2>&1
  status=$?
  set -e
  ((status == 0)) || fail "'$title' failed. Is there a network, and does $mirror still have $suite
(TRM_DEBIAN_MIRROR names another mirror)? The end of $log says: $(tail -n 3 "$log")"
  echo "Gazebo: $title, done in $((SECONDS - began)) s"
}

# What apt-get runs in the root must not start services, and need not wait for the disk: the root is made anew if the
# machine stops.
settings() {
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
  cp /etc/resolv.conf "$root/etc/"
  echo "127.0.0.1 localhost $HOSTNAME" >"$root/etc/hosts"
}

base() {
  rm -rf "$root"
  # Its mounts are in a namespace of their own: they are gone with it, however it ends.
  unshare --mount debootstrap --variant=minbase "$suite" "$root" "$mirror"
  settings
}

packages() {
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount bash -euo pipefail -c '
    mount -t proc proc "$1/proc"
    exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -ec "
      apt-get update
      apt-get install -y --no-install-recommends gazebo gazebo-plugin-base protobuf-compiler
      cd /var/tmp && apt-get download libgazebo-dev
      dpkg-deb --fsys-tarfile libgazebo-dev_*.deb | tar -C / -x --wildcards .$2/*
      rm libgazebo-dev_*.deb
      apt-get clean"
  ' - "$root" "$protos"
}

descriptions() {
  chroot "$root" sh -ec "cd $protos && protoc -I. --include_imports --descriptor_set_out=/var/tmp/messages.desc *.proto"
  mv "$root/var/tmp/messages.desc" "$folder/messages.desc"
}

python_modules() {
  rm -rf "$folder/python" "$folder/python.part"
  # For the Python that will import them.
  # shellcheck source=tools/ros/env.sh
  . "$repository/tools/ros/env.sh"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --target "$folder/python.part" "${python_packages[@]}"
  mv "$folder/python.part" "$folder/python"
}

check() {
  [[ $(uname -sm) == "Linux x86_64" ]] || fail "this is for Linux on x86_64; elsewhere use gazebo.launch.py"
  ((EUID == 0)) || fail "needs root, to make a root for Gazebo and to enter it: run it as root"
  command -v debootstrap >/dev/null || apt_get_install debootstrap
  command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
  unshare --mount true 2>/dev/null || 
    fail "may not make a mount namespace here: run it on the machine itself, or in a container with --privileged"
  mkdir -p "$folder"
}

apt_get_install() {
  command -v apt-get >/dev/null || return 0
  echo "Gazebo: installing $1"
  { apt-get update && apt-get install -y --no-install-recommends "$1"; } >/dev/null 2>&1 || true
}

main() {
  # Everything that decides what is in the folder.
  local wanted
  wanted=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
  if [[ -e $folder/stamp && $(<"$folder/stamp") == "$wanted" ]]; then
    echo "Gazebo: $folder is up to date"
    return
  fi
  check
  [[ ${1:-} != check ]] || return 0
  : >"$log"
  echo "Gazebo: making $folder (a few minutes and 1.5 GB; log in $log)"
  [[ -e $root/made ]] || {
    stage "a small Debian ($suite)" base
    stage "the packages of Gazebo (some hundreds)" packages
    touch "$root/made"
  }
  stage "descriptions of Gazebo's messages" descriptions
  stage "Python packages: ${python_packages[*]}" python_modules
  echo "$wanted" >"$folder/stamp"
}

main "$@"
