"""The machine that a soak runs on, and what else it does meanwhile."""

import collections
import datetime
import hashlib
import os
import pathlib
import platform
import re
import subprocess

# Whoever compiles beside the soak.
COMPILERS = {"rustc", "cc1plus", "cc1", "clippy-driver", "ld", "lld", "rust-lld", "cargo"}


def about(arguments, cpu_dma_latency: str) -> dict:
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = arguments.node_commit or git("rev-parse", "--short", "HEAD")
    given = {key: str(value) if isinstance(value, pathlib.Path) else value for key, value in vars(arguments).items()}
    return {"when": datetime.datetime.now().isoformat(timespec="seconds"), "cpu": model and model[1],
            "cpus": os.cpu_count(), "kernel": f"{platform.release()} {platform.version()}", "node_commit": commit,
            "node_sha256": hashlib.sha256(arguments.node.read_bytes()).hexdigest()[:16],
            "niceness": os.nice(0), "cpu_dma_latency": cpu_dma_latency, "arguments": given}


def git(*words: str) -> str:
    here = pathlib.Path(__file__).parent
    return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True).stdout.strip()


def cpu_times() -> list[int]:
    return list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))


def compilers() -> int:
    """How many run or want to."""
    names = collections.Counter()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            names[(folder / "comm").read_text().strip()] += 1
        except OSError:
            continue  # It has ended meanwhile.
    return sum(names[name] for name in COMPILERS)


class Load:
    """How busy all CPUs were since one asked last."""

    def __init__(self):
        self.last = cpu_times()

    def since_last(self) -> dict:
        now = cpu_times()
        spent = [b - a for a, b in zip(self.last, now)]
        self.last, whole = now, max(1, sum(spent))
        percent = lambda ticks: round(100 * ticks / whole, 2)  # noqa: E731
        return {"load": os.getloadavg()[0], "busy_percent": percent(whole - spent[3] - spent[4]),
                "steal_percent": percent(spent[7]), "compilers": compilers()}
