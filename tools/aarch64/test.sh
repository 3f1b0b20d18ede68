#!/usr/bin/env bash
# Builds trm_kernel and trm_net for aarch64 and runs their tests, golden files included, under emulation. That shows
# whether the kernel computes the right numbers on robots' ARM boards, not how fast. Everything is in target/aarch64/.
# Needs root (for chroot) on an x86_64 Debian or Ubuntu, and 4 GB of disk. Arguments replace those of `cargo test`.
# Exits with 3 when something that it needs is missing, and with another code than 0 when a test fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(cd "$here/../.." && pwd -P)
folder=${TRM_AARCH64:-$repository/target/aarch64}
root=$folder/root
log=$folder/setup.log
triple=aarch64-unknown-linux-gnu

fail() {
  echo "tools/aarch64/test.sh: $1" >&2
  exit 3
}

[[ $(uname -m) == x86_64 ]] || fail "this is for x86_64; on an ARM board run 'cargo test -p trm_kernel -p trm_net'"
((EUID == 0)) || fail "needs root, to enter the root that it makes: sudo $0"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
unshare --mount true 2>/dev/null || fail "may not make a mount namespace here"
command -v cargo >/dev/null || fail "cargo is missing: https://rustup.rs"

# Debian's stable releases have no Rust that is new enough.
make_root() {
  echo "making $root (log: $log)"
  rm -rf "$root"
  mkdir -p "$folder"
  {
    debootstrap --variant=minbase testing "$root"
    cp /etc/resolv.conf "$root/etc/"
    chroot "$root" dpkg --add-architecture arm64
    chroot "$root" apt-get -o Acquire::Check-Valid-Until=false update
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      rustc cargo gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstd-rust-dev:arm64 qemu-user
    chroot "$root" apt-get clean
    mkdir -p "$root/repository" "$root/build" "$root/cargo/registry"
  } >"$log" 2>&1 || fail "making the root failed; the end of $log says: $(tail -n 3 "$log")"
  touch "$root/made"
}
[[ -e $root/made ]] || make_root

# Fetched here: the root needs no network then.
(cd "$repository" && cargo fetch --locked --quiet) || fail "the crates can't be fetched"
mkdir -p "$folder/build"

registry=${CARGO_HOME:-$HOME/.cargo}/registry
enter=(env -i PATH=/usr/bin:/bin HOME=/root "TERM=${TERM:-dumb}" CARGO_HOME=/cargo CARGO_TARGET_DIR=/build
  # .cargo/config.toml names this machine's headers for bindgen; the cross compiler must not see them.
  CPATH=/usr/aarch64-linux-gnu/include
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 -L /usr/aarch64-linux-gnu")

# The mounts are in a namespace of their own: they are gone with the command, however it ends.
inside() { # COMMAND...
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount bash -euo pipefail -c '
    root=$1 repository=$2 registry=$3 build=$4
    shift 4
    mount -t proc proc "$root/proc"
    mount --bind "$repository" "$root/repository"
    mount -o remount,bind,ro "$root/repository"
    mount --bind "$registry" "$root/cargo/registry"
    mount --bind "$build" "$root/build"
    exec chroot "$root" "$@"
  ' - "$root" "$repository" "$registry" "$folder/build" "$@"
}

cargo_test() { # ARGUMENT...
  inside "${enter[@]}" sh -c 'cd /repository && exec cargo test --offline --locked "$@"' - \
    --target "$triple" "$@"
}

if (($#)); then
  cargo_test "$@"
else
  cargo_test -p trm_kernel --lib
  cargo_test -p trm_net --lib --test golden
fi
