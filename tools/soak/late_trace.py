"""The last half minute of the CPUs and of the node's two real-time threads: written by sampler.py, read here."""

import mmap
import os
import pathlib
import struct
import subprocess
import sys

from judge import ThreadTime

# Seconds from one pulse to the next; every second one is a sample, too.
PERIOD = 0.0025
PULSES, SAMPLES = 1 << 14, 1 << 13
# When, how late the timer was, how long the process then waited for its CPU: in seconds.
PULSE = "=ddd"
# Time on a CPU and waiting for one (ns), switches, the CPU, the state, what it waits for in the kernel, the system
# call, and the beginning of the lock that it waits for.
THREAD = "QQQi1s24s40s16s"
THREAD_FIELDS = 8
TICK_MS = 1e3 / os.sysconf("SC_CLK_TCK")


def sample_format(cpus: int) -> str:
    return "=d" + "QQ" * cpus + THREAD + THREAD


class Ring:
    """The last records of a kind; one writer, and readers who come seldom."""

    COUNT = struct.Struct("=Q")

    def __init__(self, memory, begin: int, record: str, size: int):
        self.memory, self.begin, self.record, self.size = memory, begin, struct.Struct(record), size
        self.end = begin + self.COUNT.size + size * self.record.size
        self.count = 0

    def at(self, number: int) -> int:
        return self.begin + self.COUNT.size + number % self.size * self.record.size

    def write(self, *fields) -> None:
        self.record.pack_into(self.memory, self.at(self.count), *fields)
        self.count += 1
        self.COUNT.pack_into(self.memory, self.begin, self.count)

    def between(self, begin: float, end: float) -> list[tuple]:
        """Those of this time, and one more on either side; the first field is the time. Oldest first."""
        count, = self.COUNT.unpack_from(self.memory, self.begin)
        found = []
        # A few of the oldest may be overwritten meanwhile.
        for number in range(count - 1, max(-1, count - self.size + 8), -1):
            fields = self.record.unpack_from(self.memory, self.at(number))
            if fields[0] > end:
                found = [fields]
                continue
            found.append(fields)
            if fields[0] < begin:
                break
        return found[::-1]


def thread_ids(pid: int) -> dict[str, int]:
    """The threads of a process by name."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return {(task / "comm").read_text().strip(): int(task.name) for task in tasks.iterdir()}


def holder(state: bytes, call: bytes, lock: bytes) -> int:
    """The thread that holds the lock that this one waits for, 0 if it waits for none. glibc's mutexes have it in their
    third word, and the first one is 2 while somebody waits."""
    if state != b"S" or not call.startswith(b"202 ") or len(lock.rstrip(b"\0")) < 9:
        return 0
    word, _, owner, _ = struct.unpack("=4i", lock)
    return owner if word == 2 and owner > 0 else 0


def name_of(thread: int) -> str:
    try:
        return f"{pathlib.Path(f'/proc/{thread}/comm').read_text().strip()}-{thread}"
    except OSError:
        return f"ended-{thread}"


def text(field: bytes) -> str:
    return field.rstrip(b"\0").decode(errors="replace").strip()


class Trace:
    """The samplers of all CPUs."""

    def __init__(self, pid: int, priority: int):
        threads, self.cpus = thread_ids(pid), os.cpu_count()
        self.rings, self.processes = [], []
        for cpu in sorted(os.sched_getaffinity(0)):
            size = Ring(None, 0, PULSE, PULSES).end
            size = Ring(None, size, sample_format(self.cpus), SAMPLES).end
            descriptor = os.memfd_create("soak")
            os.ftruncate(descriptor, size)
            self.rings.append((cpu, Ring(mmap.mmap(descriptor, 0), 0, PULSE, PULSES)))
            watched = [] if self.processes else [str(pid), str(threads["planner"]), str(threads["publisher"])]
            command = [sys.executable, str(pathlib.Path(__file__).with_name("sampler.py")), str(descriptor),
                       str(os.getpid()), str(cpu), str(priority), *watched]
            self.processes.append(subprocess.Popen(command, pass_fds=[descriptor], start_new_session=True))
            os.close(descriptor)
        first = self.rings[0][1]
        self.samples = Ring(first.memory, first.end, sample_format(self.cpus), SAMPLES)

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()

    def pulses(self, begin: float, end: float) -> dict[int, dict]:
        """Of each CPU, the latest pulse in this time: `absent` of its lateness was no wait for the CPU; in ms."""
        found = {}
        for cpu, ring in self.rings:
            # A pulse is written when it comes: one that was due in this time may come after it.
            near = [(late, waited) for when, late, waited in ring.between(begin, end + 0.1) if when - late <= end]
            absent = max((late - waited for late, waited in near), default=0.0)
            found[cpu] = {"absent_ms": ms(absent), "held_ms": ms(max((waited for _, waited in near), default=0.0)),
                          "pulses": len(near)}
        return found

    def interval(self, begin: float, end: float) -> dict | None:
        """What happened in this time (Unix time), by the samples on either side of it; None without samples."""
        samples = self.samples.between(begin, end)
        if len(samples) < 2:
            return None
        first, last = samples[0], samples[-1]
        spent = [ms(last[0] - first[0])]
        threads = [self.thread(samples, 1 + 2 * self.cpus + n * THREAD_FIELDS, spent[0]) for n in (0, 1)]
        steal = {cpu: (last[2 + 2 * cpu] - first[2 + 2 * cpu]) * TICK_MS for cpu in range(self.cpus)}
        return {"samples": len(samples), "from": first[0], "ms": spent[0], "steal_ms": steal,
                "pulses": self.pulses(begin, end), "planner": threads[0], "publisher": threads[1]}

    def thread(self, samples: list[tuple], at: int, spent: float) -> dict:
        first, last = samples[0], samples[-1]
        cpu, ready = ((last[at + n] - first[at + n]) * 1e-6 for n in (0, 1))
        seen = [f"{text(s[at + 4])} {text(s[at + 5])} {text(s[at + 6])[:12]}".strip() for s in samples]
        holders = [name_of(owner) for s in samples if (owner := holder(s[at + 4], s[at + 6], s[at + 7]))]
        return {"cpu_ms": round(cpu, 3), "ready_ms": round(ready, 3),
                "blocked_ms": round(max(0.0, spent - cpu - ready), 3), "switches": last[at + 2] - first[at + 2],
                "cpus": sorted({s[at + 3] for s in samples}), "waits_for": holders, "seen": seen[:20]}


def thread_time(found: dict) -> ThreadTime:
    return ThreadTime(found["cpu_ms"], found["ready_ms"], found["blocked_ms"])


def stolen_ms(found: dict) -> float:
    """What the host took of one of the CPUs of both threads, by the pulses or by the system's books."""
    cpus = {str(cpu) for thread in ("planner", "publisher") for cpu in found[thread]["cpus"]}
    absent = [pulse["absent_ms"] for cpu, pulse in found["pulses"].items() if str(cpu) in cpus]
    booked = [steal for cpu, steal in found["steal_ms"].items() if str(cpu) in cpus]
    return max([0.0, *absent, *booked])


def ms(seconds: float) -> float:
    return round(1e3 * seconds, 3)


