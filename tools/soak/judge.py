"""What a soak is judged by: whether the node needs no more than at first, and why a plan was late. No ROS in here."""

import dataclasses
import math

import numpy as np

# The first part of a run is warming up.
WARM_UP = 0.2
# RSS may grow by this much an hour, in MB, or by this share of itself.
RSS_MB, RSS_SHARE = 1.0, 0.01
# A slope over less than this says nothing, in seconds.
LEAST_SECONDS = 900.0
# The p99 of the last third of the time, over that of the first.
P99_RATIO = 1.5
# A part explains a late plan if it is at least this share of what the plan took beyond the usual.
EXPLAINS = 0.5

STEAL, READY, PUBLISH, LONG, UNEXPLAINED = (
    "host steal", "ready but not scheduled", "blocked in publish", "long computation", "unexplained")
CAUSES = (STEAL, READY, PUBLISH, LONG, UNEXPLAINED)
# Stages that are no computation.
NO_WORK = ("wake", "publish", "rest")
# Nobody but the node is to blame for these. What isn't explained counts as its own.
OWN = (PUBLISH, LONG, UNEXPLAINED)


@dataclasses.dataclass(frozen=True)
class Check:
    """`passed` is None where the run was too short to say."""

    name: str
    passed: bool | None
    text: str


def quantile(values, share: float) -> float:
    """The value that so large a share of them doesn't exceed; NaN if there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan


def warmed_up(times, values) -> tuple[np.ndarray, np.ndarray]:
    times, values = np.asarray(times, float), np.asarray(values, float)
    late = times >= times[0] + WARM_UP * (times[-1] - times[0]) if len(times) else slice(None)
    return times[late], values[late]


def slope_per_hour(times, values) -> float:
    """Least squares over what came after warming up; `times` are seconds."""
    times, values = warmed_up(times, values)
    return float(np.polyfit((times - times.mean()) / 3600.0, values, 1)[0]) if len(times) > 2 else math.nan


def thirds(times, values) -> tuple[np.ndarray, np.ndarray]:
    """The values of the first and of the last third of the time after warming up."""
    times, values = warmed_up(times, values)
    if not len(times):
        return values, values
    third = (times[-1] - times[0]) / 3
    return values[times <= times[0] + third], values[times >= times[-1] - third]


def flat_rss(times, rss_mb) -> Check:
    _, values = warmed_up(times, rss_mb)
    limit = max(RSS_MB, RSS_SHARE * float(values.mean())) if len(values) else RSS_MB
    slope = slope_per_hour(times, rss_mb)
    long_enough = len(values) > 2 and times[-1] - times[0] >= LEAST_SECONDS
    text = f"{slope:+.2f} MB an hour, limit {limit:.2f}"
    return Check("RSS", bool(slope < limit) if long_enough else None, text)


def constant(name: str, times, counts) -> Check:
    """The most of the last third is no more than that of the first: what comes and goes may do so, nothing adds up."""
    first, last = thirds(times, counts)
    if not len(first) or not len(last):
        return Check(name, None, "too few samples")
    spans = [f"{values.min():.0f} to {values.max():.0f}" for values in (first, last)]
    text = f"{spans[0]} in the first third, {spans[1]} in the last"
    return Check(name, bool(last.max() <= first.max()), text)


def steady_latency(p99_first: float, p99_last: float) -> Check:
    ratio = p99_last / p99_first if p99_first > 0 else math.nan
    text = f"{p99_first:.2f} ms in the first third, {p99_last:.2f} ms in the last: {ratio:.2f} x, limit {P99_RATIO}"
    return Check("p99", bool(ratio <= P99_RATIO), text)


def none_of(name: str, count: int) -> Check:
    return Check(name, count == 0, str(count))


@dataclasses.dataclass(frozen=True)
class ThreadTime:
    """What a thread did in an interval, in ms, by the system's books."""

    cpu: float
    ready: float  # waiting for a CPU
    blocked: float  # neither


@dataclasses.dataclass(frozen=True)
class Late:
    """A late plan and what is known of its time, in ms."""

    total: float
    usual: float  # the median of such plans
    usual_publish: float
    stages: dict[str, float]  # with `wake`, `publish`, and `rest`: what no stage holds
    planner: ThreadTime
    publisher: ThreadTime
    # What the host took of the CPUs of these threads: the longest that one ran nobody, not even who outranks all and
    # waited for nothing but his timer; or what the system's books say, which count in steps of 10 ms.
    stolen: float


def parts(late: Late) -> dict[str, float]:
    """How much of the time each cause took, in ms; nothing is counted twice."""
    # For the system, who is on the queue of a CPU that was taken away is ready.
    ready = late.planner.ready + late.publisher.ready - late.stolen
    # Plans without a path have no publishing, but wait for that of the plans before them. The publisher's work is
    # short: what isn't waiting for a CPU is waiting for somebody else.
    publish = sum(late.stages.get(stage, 0.0) for stage in ("publish", "rest"))
    publish -= late.usual_publish + late.publisher.ready + late.stolen
    # The thread may have made other plans meanwhile, and a stage may have waited.
    worked = min(late.planner.cpu, sum(ms for stage, ms in late.stages.items() if stage not in NO_WORK))
    sizes = {STEAL: late.stolen, READY: ready, PUBLISH: publish, LONG: worked - (late.usual - late.usual_publish)}
    return {name: round(max(0.0, size), 3) for name, size in sizes.items()}


def cause(late: Late) -> str:
    """The largest part, if it explains half of what the plan took beyond the usual; of equal ones the first."""
    excess = late.total - late.usual
    sizes = parts(late)
    largest = max(sizes, key=sizes.get)
    if excess > 0 and sizes[largest] >= EXPLAINS * excess:
        return largest
    # The host may have taken only a part of the time in which they were ready.
    ready = late.planner.ready + late.publisher.ready
    return READY if excess > 0 and ready >= EXPLAINS * excess else UNEXPLAINED
