#!/usr/bin/env python3
"""Make the ROS wheels in a virtual environment usable as an ament prefix.

The wheels are made to be loaded by Python only. After this a C compiler, CMake and a Rust node can use the same
libraries, with neither LD_LIBRARY_PATH nor LD_PRELOAD. Run with the environment's own Python. Idempotent.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PREFIX = Path(sys.prefix)
LIB = PREFIX / "lib"
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def patchelf(*args: str | Path) -> str:
    """Run patchelf and return what it prints."""
    command = [str(PREFIX / "bin" / "patchelf"), *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def copy_vendored_libraries() -> int:
    """Copy what auditwheel put beside the Python packages (spdlog, tinyxml2, ...) to where the linker looks."""
    copied = 0
    for library in SITE_PACKAGES.glob("ros_*.libs/*.so*"):
        target = LIB / library.name
        if not target.exists():
            shutil.copy2(library, target)
            copied += 1
    return copied


def link_rmw() -> None:
    """Give the only middleware the name that r2r links. The wheels leave the dispatching library out."""
    link = LIB / "librmw_implementation.so"
    if not link.exists():
        link.symlink_to("librmw_fastrtps_cpp.so")


def patch_libraries() -> int:
    """Let each library find its neighbours, and let no library that a node loads need Python."""
    patched = 0
    for library in sorted(LIB.glob("*.so*")):
        if library.is_symlink():
            continue
        changes: list[str] = []
        if patchelf("--print-rpath", library).strip() != "$ORIGIN":
            changes += ["--set-rpath", "$ORIGIN"]
        if "rosidl_generator_py" not in library.name:
            for needed in patchelf("--print-needed", library).split():
                if "rosidl_generator_py" in needed or needed.startswith("libpython"):
                    changes += ["--remove-needed", needed]
        if changes:
            patchelf(*changes, library)
            patched += 1
    return patched


def patch_cmake_files() -> int:
    """Replace the paths of the machine that built the wheels, in the CMake files that they export."""
    python = r"/opt/python/cp\d+-cp\d+"
    replacements = {
        rf"{python}/include/python3\.\d+": sysconfig.get_path("include"),
        rf"{python}/lib/python3\.\d+/site-packages": str(SITE_PACKAGES),
    }
    patched = 0
    for file in PREFIX.glob("share/*/cmake/*.cmake"):
        before = file.read_text()
        after = before
        for pattern, path in replacements.items():
            after = re.sub(pattern, lambda _, path=path: path, after)
        if after != before:
            file.write_text(after)
            patched += 1
    return patched


def link_libclang() -> None:
    """Give bindgen's needs paths without a Python version, for `.cargo/config.toml`.

    The libclang wheel has no compiler headers (stddef.h, ...): those of the C compiler here serve as well.
    """
    libclang = PREFIX / "libclang"
    if not libclang.exists():
        libclang.symlink_to((SITE_PACKAGES / "clang" / "native").relative_to(PREFIX))
    headers = PREFIX / "compiler-include"
    if not headers.exists():
        command = ["cc", "-print-file-name=include"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        headers.symlink_to(printed.strip())


def main() -> None:
    if sys.prefix == sys.base_prefix:
        sys.exit("patch_prefix.py: run it with the Python of the virtual environment to patch")
    copied = copy_vendored_libraries()
    link_rmw()
    print(f"{copied} vendored libraries copied, {patch_libraries()} libraries patched")
    print(f"{patch_cmake_files()} CMake files patched")
    link_libclang()


if __name__ == "__main__":
    main()
