#!/usr/bin/env bash
# Runs the tests of the code that works with raw memory, the kernel and the queues, in search of undefined behaviour:
# under Miri where it is installed, else under AddressSanitizer. Says which of the two it was.
# Miri, which needs a nightly toolchain, interprets the portable kernel and finds whatever breaks the language's rules.
# The sanitizer runs every instruction set of this processor and finds accesses outside of allocations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# It would replace the flags given below.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/memory-check
# The profile turns them off: they check every load and store.
assertions=(--config profile.dev.package.trm_kernel.debug-assertions=true)

for miri in "cargo miri" "rustup run nightly cargo miri"; do
  if $miri --version >/dev/null 2>&1; then
    echo "memory check: Miri ($miri)"
    $miri test "${assertions[@]}" -p trm_kernel --lib
    # The rest of trm_rt is system calls, most of which Miri doesn't know.
    $miri test -p trm_rt --lib -- ring:: futex::
    exit
  fi
done

echo "memory check: AddressSanitizer; for Miri: rustup toolchain install nightly --component miri"
# With a target, build scripts and procedural macros are built without the sanitizer.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 cargo test --target "$host" --config 'build.rustflags=["-Zsanitizer=address"]' "${assertions[@]}" \
  -p trm_kernel -p trm_rt --lib
