"""Every program in Python begins, from any folder: what it imports is found."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def programs() -> list[str]:
    """Those of tools/ and tests/ that take arguments."""
    files = sorted(file for folder in ("tools", "tests") for file in (ROOT / folder).rglob("*.py"))
    texts = {file: file.read_text() for file in files if "target" not in file.parts and file.name != "test_programs.py"}
    return [str(file.relative_to(ROOT)) for file, text in texts.items() if "ArgumentParser(" in text and "__main__" in text]


@pytest.mark.parametrize("program", programs())
def test_a_program_says_what_it_is_for(program, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(ROOT / program), "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    missing = re.search(r"No module named '(\w+)'", done.stderr)
    if missing and not [*(ROOT / "tools").rglob(f"{missing[1]}.py"), *(ROOT / "tests").rglob(f"{missing[1]}.py")]:
        pytest.skip(f"{missing[1]} isn't installed")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")
