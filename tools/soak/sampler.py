"""Looks at CPUs and at two threads every few milliseconds, from above all of them, and keeps the last half minute.

One process for each CPU, with real-time priority where that is allowed:
python3 sampler.py RING PARENT CPU PRIORITY [PID TID TID].
Each notes how late its timer was (on a CPU that the host has taken away it is late), the one with a PID also what /proc
says of the threads. It writes into the memory of its parent; see late_trace.py, which has the formats.
"""

import ctypes
import gc
import mmap
import os
import sys
import time

import late_trace as trace

MCL_CURRENT, MCL_FUTURE = 1, 2
SAMPLE_EVERY = 2  # pulses


def outrank(cpu: int, priority: int) -> None:
    """As far as the system allows it."""
    os.sched_setaffinity(0, {cpu})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        print("no real-time priority: what the pulses say of the host is rough", file=sys.stderr)
    ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE)
    gc.disable()


class Thread:
    """A thread's files, held open."""

    def __init__(self, pid: int, tid: int):
        folder = f"/proc/{pid}/task/{tid}"
        names = ("schedstat", "stat", "wchan", "syscall", "mem")
        self.files = {name: os.open(f"{folder}/{name}", os.O_RDONLY) for name in names}

    def read(self, name: str, size: int, at: int = 0) -> bytes:
        try:
            return os.pread(self.files[name], size, at)
        except OSError:
            return b""

    def fields(self) -> tuple:
        run, ready, switches = self.read("schedstat", 96).split()
        stat = self.read("stat", 512).rpartition(b")")[2].split()
        call = self.read("syscall", 40).rstrip()
        # futex(2), whose first argument is the lock.
        lock = self.read("mem", 16, int(call.split()[1], 16)) if call.startswith(b"202 ") else b""
        return (int(run), int(ready), int(switches), int(stat[36]), stat[0], self.read("wchan", 24), call, lock)


def times(stat: int, cpus: int) -> list[int]:
    """Of each CPU: what it has not been idle, and what the host has taken away, in ticks."""
    numbers = []
    for line in os.pread(stat, 4096, 0).split(b"\n")[1:1 + cpus]:
        user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
        numbers += [user + nice + system + irq + softirq, steal]
    return numbers


def main() -> None:
    descriptor, parent, cpu, priority = map(int, sys.argv[1:5])
    watched = list(map(int, sys.argv[5:8]))
    memory = mmap.mmap(descriptor, 0)
    cpus = os.cpu_count()
    pulses, samples = trace.Ring(memory, 0, trace.PULSE, trace.PULSES), None
    if watched:
        samples = trace.Ring(memory, pulses.end, trace.sample_format(cpus), trace.SAMPLES)
        threads, stat = [Thread(watched[0], tid) for tid in watched[1:]], os.open("/proc/stat", os.O_RDONLY)
    own = os.open("/proc/self/schedstat", os.O_RDONLY)
    outrank(cpu, priority)
    due, waited, number = time.monotonic(), 0, 0
    while os.getppid() == parent:
        due += trace.PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        late, now = time.monotonic() - due, time.time()
        before, waited = waited, int(os.pread(own, 96, 0).split()[1])
        pulses.write(now, late, (waited - before) * 1e-9)
        due = max(due, time.monotonic() - trace.PERIOD)
        number += 1
        if samples and number % SAMPLE_EVERY == 0:
            try:
                samples.write(now, *times(stat, cpus), *threads[0].fields(), *threads[1].fields())
            except (ValueError, IndexError):
                return  # The thread has ended.


if __name__ == "__main__":
    main()
