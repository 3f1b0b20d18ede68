"""The demo's figures, for demo.json and for the lines on the screen."""

import collections
import itertools
import math
import os
import pathlib

import numpy as np

from bodies import Disc, Polygon
from observer import Heard, Observer, Plan
from scene import Clearance, Pose


def histogram(values) -> dict[str, int]:
    counter = collections.Counter(values)
    return {str(key): counter[key] for key in sorted(counter)}


def percentiles(values: list[float]) -> dict[str, float | int]:
    if not values:
        return {"n": 0}
    p50, p90, p99, top = np.quantile(values, (0.5, 0.9, 0.99, 1.0))
    named = {"p50": p50, "p90": p90, "p99": p99, "max": top}
    return {"n": len(values), **{name: round(float(value), 3) for name, value in named.items()}}


def rate(times: list[float]) -> float | None:
    """Events per second, from the first to the last."""
    if len(times) < 2 or times[-1] <= times[0]:
        return None
    return round((len(times) - 1) / (times[-1] - times[0]), 2)


def of_plans(statuses: list[Heard]) -> dict:
    """Everything that the statuses tell."""
    paths = [s for s in statuses if s.has_path]
    return {
        "plans": len(statuses),
        "plans_per_s": rate([s.received for s in statuses]),
        "latency_ms": percentiles([s.total_ms for s in statuses]),
        "deadline_ms": statuses[0].deadline_ms if statuses else None,
        "misses": sum(s.missed for s in statuses),
        "results": histogram(s.result for s in statuses),
        "sources": histogram(s.source for s in statuses),
        "guidance": histogram(s.guidance for s in statuses),
        "stops": histogram(s.stop for s in statuses),
        "steps": histogram(s.steps for s in statuses),
        "applications": sum(s.applications for s in statuses),
        "warm": sum(s.warm for s in statuses),
        "paths": len(paths),
    }


def switches(plans: list[Plan], drop: float) -> int:
    """How often the path jumps aside by more than half a metre within the next metres, for no obstacle's sake."""
    def ahead(plan: Plan) -> np.ndarray:
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(plan.poses[:, :2], axis=0).T))])
        stations = np.arange(0.5, 5.0, 0.5)
        return np.stack([np.interp(stations, along, plan.poses[:, i]) for i in (0, 1)], axis=1)
    count = 0
    for old, new in itertools.pairwise(plans):
        if not old.received < drop < new.received:
            count += int(np.hypot(*(ahead(old) - ahead(new)).T).max() > 0.5)
    return count


def of_way(way: np.ndarray, clearance: Clearance) -> dict:
    """`way` [n, 3 or 4]: received, x, y, ..."""
    def metres(value: float) -> float | None:
        return round(value, 4) if math.isfinite(value) else None
    return {
        "driven_m": round(float(np.hypot(*np.diff(way[:, 1:3], axis=0).T).sum()), 2),
        "time_s": round(float(way[-1, 0] - way[0, 0]), 2),
        "min_clearance_to_occupied_centres_m": metres(clearance.to_centre),
        "min_clearance_to_occupied_squares_m": metres(clearance.to_square),
        "touched_cells": sorted(clearance.touched),
        "samples_outside_the_map": clearance.outside,
    }


def both(a: Clearance, b: Clearance) -> Clearance:
    return Clearance(min(a.to_centre, b.to_centre), min(a.to_square, b.to_square), a.touched | b.touched,
                     a.outside + b.outside)


def check_way(way: np.ndarray, before, after, drop: float) -> Clearance:
    """Against the map as it was when the robot drove there. `way` [n, 4]."""
    result = Clearance(math.inf, math.inf, set(), 0)
    for part, course in zip(parts(way, drop), (before, after)):
        if len(part):
            result = both(result, course.clearance(part[:, 1:]))
    return result


def parts(way: np.ndarray, change: float) -> tuple[np.ndarray, np.ndarray]:
    """The way before a change and after it."""
    late = np.searchsorted(way[:, 0], change)
    return way[:late + 1], way[late:]


def is_through(way: np.ndarray, box: tuple[float, float, float, float]) -> bool:
    """Whether the robot's base was in a box: left, lower, right, upper."""
    left, lower, right, upper = box
    x, y = way[:, 1], way[:, 2]
    return bool(((x >= left) & (x <= right) & (y >= lower) & (y <= upper)).any())


def check_plans(plans: list[tuple[Plan, str]], checks: list, change: float, every: int) -> tuple[int, list[str]]:
    """Checks every so many plans, and all that a search over headings found, against the map and the robot as they were; those
    in flight when either changed aside."""
    faults, number = [], 0
    for at, (plan, source) in enumerate(plans):
        if at % every and source != "lattice" or 0.0 <= plan.received - change < 0.5:
            continue
        number += 1
        faults += checks[plan.received >= change].faults(plan.poses)
    return number, sorted(set(faults))


def avoids(plan: Plan, obstacle, grid, radius: float) -> bool:
    """Whether no pose of the plan is nearer to the obstacle's square than its cells' centres allow."""
    least = radius - grid.resolution
    return all(obstacle.distance(grid, x, y) >= least for x, y in plan.poses[:, :2])


def live_line(observer: Observer, began: float, now: float, goal: int, goals: int, pose: Pose) -> str:
    """The last second in one line."""
    recent = [s for s in observer.statuses if s.received > now - 1.0]
    latency = percentiles([s.total_ms for s in recent])
    numbers = " ".join(f"{name} {latency[name]:5.1f}" for name in ("p50", "p90", "p99", "max") if name in latency)
    steps = np.mean([s.steps for s in recent]) if recent else 0.0
    left = math.dist(observer.robot[:2], pose[:2])
    return (f"{now - began:6.1f} s  goal {goal}/{goals} {left:5.1f} m  {len(recent):3d} plans/s  "
            f"ms {numbers or '-'}  steps {steps:4.1f}  {words(s.stop for s in recent)}; "
            f"{words(s.source for s in recent)}  misses {misses(observer.statuses)}")


def words(values) -> str:
    return " ".join(f"{key} {count}" for key, count in histogram(values).items()) or "-"


def misses(statuses: list[Heard]) -> int:
    return sum(s.missed for s in statuses)


def machine() -> dict:
    """What the figures were measured on."""
    model = None
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else None
    load = round(os.getloadavg()[0], 2)
    return {"cpu": model, "cores": os.cpu_count(), "load_1min": load, "kernel": os.uname().release}


def summary(report: dict, body: Disc | Polygon) -> str:
    """The whole run in a few lines."""
    whole = report["overall"]
    latency, obstacle, load = whole["latency_ms"], report["obstacle"], report["load"]
    lines = [
        f"goals {report['goals_reached']}/{report['goals_wanted']}, {whole['driven_m']} m in {whole['time_s']} s, "
        f"touched cells {len(whole['touched_cells'])}, least distance to an occupied cell "
        f"{whole['min_clearance_to_occupied_squares_m']} m ({body.words()})",
        f"plans {whole['plans']}, latency ms {', '.join(f'{k} {v}' for k, v in latency.items())}, "
        f"misses {whole['misses']} of deadline {whole['deadline_ms']} ms",
        *(f"{name}: " + ", ".join(f"{k} {v}" for k, v in whole[name].items())
          for name in ("sources", "stops", "steps", "results")),
        f"checked {report['paths_checked']} published paths, faults: {len(report['path_faults'])}; "
        f"the path jumped aside {whole['path_switches']} times",
    ]
    if obstacle:
        lines.append(f"obstacle dropped: path around it after {obstacle['new_path_after_ms']} ms")
    if load:
        through = load["through_the_narrow_door"]
        lines.append(f"load picked up: first path for it after {load['first_plan_after_ms']} ms; through the narrow door before: "
                     f"{'yes' if through['before'] else 'no'}, after: {'yes' if through['after'] else 'no'}")
    return "\n".join(lines)
