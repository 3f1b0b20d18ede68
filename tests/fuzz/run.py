#!/usr/bin/env python3
"""Builds the fuzz targets once and runs each in turn, one process at a time: `make fuzz`.

What a target learns stays in corpus/<target>, what breaks a law in artifacts/<target>. Each run is a line of the table
RUNS: its core-seconds, executions and coverage as libFuzzer prints them. The sums are printed at the end.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TARGETS = [path.stem for path in sorted((FUZZ / "fuzz_targets").glob("*.rs"))]
RUNS = FUZZ / "runs.csv"
COLUMNS = ["date", "target", "core_seconds", "executions", "edges", "features", "exit"]


def build():
    """Builds all targets, and copies them: a change of the sources doesn't reach a campaign that is under way."""
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1", CARGO_TARGET_DIR=str(FUZZ / "target"))
    # Safe Rust needs no sanitizer to show its faults: panics, overflows, too much memory, too much time.
    options = ["--fuzz-dir", str(FUZZ), "-s", "none", "-O"]
    subprocess.run(["cargo", "fuzz", "build", *options], cwd=FUZZ, env=environment, check=True)
    programs = FUZZ / "target" / "programs"
    programs.mkdir(exist_ok=True)
    for target in TARGETS:
        (built,) = (FUZZ / "target").glob(f"*/release/{target}")
        copy = programs / f"{target}.new"
        shutil.copy2(built, copy)
        copy.replace(programs / target)
    return programs


def run(program, target, seconds):
    """Runs a target for so many seconds and returns its line of the table."""
    folders = {name: FUZZ / name / target for name in ("corpus", "artifacts")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    log = folders["artifacts"] / "log"
    options = [f"-max_total_time={seconds}", "-rss_limit_mb=3000", "-timeout=60", "-print_final_stats=1"]
    command = [program, folders["corpus"], FUZZ / "seeds" / target, f"-artifact_prefix={folders['artifacts']}/", *options]
    before = os.times()
    with log.open("wb") as out:
        code = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL).returncode
    after = os.times()
    core = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    text = log.read_text(errors="replace")
    if code != 0:
        shutil.copy(log, folders["artifacts"] / f"log-{int(time.time())}")
    last = lambda pattern: (re.findall(pattern, text) or ["0"])[-1]
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "target": target,
        "core_seconds": f"{core:.0f}",
        # A run that ends with a fault prints no final number.
        "executions": max(int(last(r"number_of_executed_units: *(\d+)")), int(last(r"(?m)^#(\d+)"))),
        "edges": last(r"cov: (\d+)"),
        "features": last(r"ft: (\d+)"),
        "exit": code,
    }


def note(line):
    is_new = not RUNS.exists()
    with RUNS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(line)
    print(" ".join(f"{name} {line[name]}" for name in COLUMNS[1:]), flush=True)


def sums():
    """The table of README.md, less what was found."""
    runs = list(csv.DictReader(RUNS.open())) if RUNS.exists() else []
    yield "| target | core-seconds | executions | edges | files in the corpus |"
    yield "|---|---|---|---|---|"
    for target in TARGETS:
        mine = [line for line in runs if line["target"] == target]
        seconds, executions = (sum(int(line[name]) for line in mine) for name in ("core_seconds", "executions"))
        edges = max((int(line["edges"]) for line in mine), default=0)
        corpus = FUZZ / "corpus" / target
        yield f"| `{target}` | {seconds} | {executions} | {edges} | {len(list(corpus.glob('*')))} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each run of a target [60]")
    parser.add_argument("--rounds", type=int, default=1, help="how often each target runs; 0: until stopped [1]")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--no-build", action="store_true", help="run the programs that were built last")
    parser.add_argument("--sums", action="store_true", help="only print the sums so far")
    arguments = parser.parse_args()
    faults = 0
    if not arguments.sums:
        programs = FUZZ / "target" / "programs" if arguments.no_build else build()
        number = 0
        while arguments.rounds == 0 or number < arguments.rounds:
            number += 1
            for target in arguments.targets:
                line = run(programs / target, target, arguments.seconds)
                note(line)
                faults += line["exit"] != 0
    print("\n".join(sums()))
    return f"{faults} runs ended with a fault: see {FUZZ / 'artifacts'}" if faults else 0


if __name__ == "__main__":
    sys.exit(main())
