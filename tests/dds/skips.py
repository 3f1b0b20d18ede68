"""Tests that need a tool are skipped where it is missing or forbidden."""

import shutil
import subprocess

import pytest


def needs(command: list[str], package: str) -> pytest.MarkDecorator:
    if not shutil.which(command[0]):
        return pytest.mark.skip(reason=f"{command[0]} is missing: apt-get install {package}")
    tried = subprocess.run(command, capture_output=True, text=True)
    return pytest.mark.skipif(tried.returncode != 0, reason=f"{command[0]} may not work here: {tried.stderr.strip()}")


needs_strace = needs(["strace", "-D", "-f", "-o", "/dev/null", "true"], "strace")
