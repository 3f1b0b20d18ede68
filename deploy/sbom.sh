#!/usr/bin/env bash
# Writes what each program and crate of this workspace consists of to target/sbom/NAME.cdx.json (CycloneDX 1.5).
# Cargo's crates only: the libraries of ROS 2 come from its own distribution.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${TARGET:-target}/sbom

# The tool writes beside each Cargo.toml.
written() { find trm_node tests/tidy -name '*.cdx.json'; }
trap 'written | xargs -r rm -f' EXIT

cargo cyclonedx --quiet --format json --spec-version 1.5
rm -rf "$out"
mkdir -p "$out"
written | xargs mv -t "$out"
python3 - "$out" <<'PY'
import json, pathlib, sys

for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    bill = json.loads(file.read_text())
    assert bill["bomFormat"] == "CycloneDX", file
    print(f"{file}: {len(bill.get('components', []))} components")
PY
