#!/usr/bin/env bash
# Makes .venv/ with what models/ needs (PyTorch: 5.7 GB, a minute on a fast line). A second run does nothing.
# PYTHON=... picks the interpreter (3.11 to 3.14).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
venv=$(dirname "$here")/.venv
stamp=$venv/stamp

die() {
  echo "models/setup.sh: $*" >&2
  exit 1
}

python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case $version in 3.11 | 3.12 | 3.13 | 3.14) python=$candidate && break ;; esac
done
[[ $python ]] || die "Python 3.11 to 3.14 is missing: sudo apt-get install python3 python3-venv"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  die "venv of $python is missing: sudo apt-get install python$version-venv"
# torch.compile builds its kernels with a C++ compiler.
command -v "${CXX:-c++}" >/dev/null || die "a C++ compiler is missing: sudo apt-get install build-essential"

# Everything that decides what is in it, its path included: a virtual environment can't be moved.
wanted=$({ echo "$venv $version"; cat "$here/pyproject.toml" "$here/setup.sh"; } | sha256sum | cut -d' ' -f1)
if [[ -e $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi
echo "models: making .venv/ ($("$python" --version))"
rm -f "$stamp"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check install --editable "$here[test]"
"$venv/bin/python" -c 'import numba, onnx, torch; torch.ones(2, 2) @ torch.ones(2, 2)'
echo "$wanted" >"$stamp"
echo "models: .venv/ is ready"
