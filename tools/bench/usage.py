"""What the system knows of a process: /proc/PID, proc(5)."""

import dataclasses
import os
import pathlib
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass(frozen=True)
class Reading:
    when: float
    cpu_s: float
    rss_mb: float
    rss_peak_mb: float
    page_faults: int
    voluntary_switches: int
    involuntary_switches: int


def fields(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def read(pid: int) -> Reading:
    folder = pathlib.Path("/proc") / str(pid)
    # The command's name may hold spaces; the fields are counted after its bracket.
    stat = (folder / "stat").read_text().rpartition(")")[2].split()
    status = fields((folder / "status").read_text())
    switches = [0, 0]
    for task in (folder / "task").iterdir():
        try:
            own = fields((task / "status").read_text())
        except OSError:
            continue  # The thread has ended meanwhile.
        switches[0] += int(own["voluntary_ctxt_switches"])
        switches[1] += int(own["nonvoluntary_ctxt_switches"])
    return Reading(time.monotonic(), (int(stat[11]) + int(stat[12])) / TICK, int(status["VmRSS"].split()[0]) / 1024,
                   int(status["VmHWM"].split()[0]) / 1024, int(stat[7]) + int(stat[9]), *switches)


def between(first: Reading, last: Reading) -> dict:
    """What happened from one reading to another."""
    return {
        "cpu_percent": round(100 * (last.cpu_s - first.cpu_s) / max(last.when - first.when, 1e-9), 2),
        "rss_mb": round(last.rss_mb, 2),
        "rss_peak_mb": round(last.rss_peak_mb, 2),
        "page_faults": last.page_faults - first.page_faults,
        "voluntary_switches": last.voluntary_switches - first.voluntary_switches,
        "involuntary_switches": last.involuntary_switches - first.involuntary_switches,
    }
