"""Who ran on which CPU when a plan was late: the kernel's record of its scheduler, where root may have one."""

import contextlib
import os
import pathlib
import re
import time

TRACEFS = pathlib.Path("/sys/kernel/tracing")
BUFFER_KB = 1024  # for each CPU: some seconds
HEAD = r"\[(\d+)\] \S+ +([\d.]+): "
SWITCH = re.compile(HEAD + r"sched_switch: prev_comm=(.*) prev_pid=(\d+) prev_prio=-?\d+ prev_state=(\S+)"
                           r" ==> next_comm=(.*) next_pid=(\d+) next_prio=-?\d+")
WAKE_UP = re.compile(HEAD + r"sched_wakeup: comm=(.*) pid=(\d+) ")


def parse(line: str) -> tuple | None:
    """(when, cpu, who stops, the state he is left in, who goes on). Who is woken "stops" in the state "woken"."""
    if found := SWITCH.search(line):
        cpu, when, before, before_pid, state, after, after_pid = found.groups()
        return float(when), int(cpu), f"{before}-{before_pid}", state, f"{after}-{after_pid}"
    if found := WAKE_UP.search(line):
        cpu, when, name, pid = found.groups()
        return float(when), int(cpu), f"{name}-{pid}", "woken", ""
    return None


def shares(switches: list[tuple], begin: float, end: float) -> dict[int, dict[str, float]]:
    """By CPU, how many ms everybody ran in this time, most first."""
    ran: dict[int, dict[str, float]] = {}
    since: dict[int, float] = {}
    last: dict[int, str] = {}
    for when, cpu, before, state, after in switches:
        if state == "woken":
            continue
        add(ran.setdefault(cpu, {}), before, min(when, end) - max(since.get(cpu, begin), begin))
        since[cpu], last[cpu] = when, after
    for cpu, name in last.items():
        add(ran[cpu], name, end - max(since[cpu], begin))
    return {cpu: {name: round(1e3 * s, 3) for name, s in sorted(own.items(), key=lambda item: -item[1])[:6]}
            for cpu, own in sorted(ran.items())}


def waits(switches: list[tuple], begin: float, end: float, whose: set[str]) -> dict[str, float]:
    """How many ms of this time threads with these numbers were ready and did not run, most first."""
    waited: dict[str, float] = {}
    since: dict[str, float] = {}
    for when, _, before, state, after in switches:
        if after in since:
            add(waited, after, min(when, end) - max(since.pop(after), begin))
        if before.rpartition("-")[2] in whose and (state == "woken" or state.startswith("R")):
            since.setdefault(before, when)
    for name, when in since.items():
        add(waited, name, end - max(when, begin))
    return {name: round(1e3 * s, 3) for name, s in sorted(waited.items(), key=lambda item: -item[1])[:6]}


def add(ran: dict[str, float], name: str, seconds: float) -> None:
    if seconds > 0:
        ran[name] = ran.get(name, 0.0) + seconds


class Switches:
    """An own instance of the kernel's tracing; `problem` says why there is none."""

    def __init__(self, threads: set[str]):
        """`threads` are the numbers of those whose waking is recorded, too."""
        woken = "||".join(f"pid=={thread}" for thread in threads)
        self.folder, self.problem = TRACEFS / "instances" / f"soak_{os.getpid()}", ""
        try:
            self.folder.mkdir()
            for file, value in (("trace_clock", "mono"), ("buffer_size_kb", str(BUFFER_KB)),
                                ("events/sched/sched_wakeup/filter", woken),
                                ("events/sched/sched_wakeup/enable", "1"), ("events/sched/sched_switch/enable", "1")):
                (self.folder / file).write_text(value)
        except OSError as error:
            self.problem = f"{error.strerror}: {error.filename} (as root: mount -t tracefs nodev {TRACEFS})"

    def between(self, begin: float, end: float) -> list[tuple]:
        """The switches of this time (Unix time), and one before; oldest first."""
        if self.problem:
            return []
        offset = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        # What is read while it goes on is full of gaps.
        (self.folder / "tracing_on").write_text("0")
        with (self.folder / "trace").open(errors="replace") as file:
            found = [(switch[0] + offset, *switch[1:]) for line in file if (switch := parse(line))]
        (self.folder / "tracing_on").write_text("1")
        return sorted(switch for switch in found if begin - 0.1 <= switch[0] <= end + 0.001)

    def close(self) -> None:
        if not self.problem:
            (self.folder / "events/enable").write_text("0")
            with contextlib.suppress(OSError):
                self.folder.rmdir()
