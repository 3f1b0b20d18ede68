"""The figures of drives in Gazebo, for gazebo.json and for the screen."""

import collections
import math

import imports  # noqa: F401, I001

import numpy as np

import figures
from drive_goals import Drive

machine = figures.machine


def of(drive: Drive, reason: str | None) -> dict:
    """One drive; `reason` says why it ended early."""
    judged, plans = drive.figures.values(), drive.statuses
    contacts, reached = drive.contacts(), sum(leg.outcome == "reached" for leg in drive.legs)
    faults = ([reason] if reason else []) + drive.figures.bad_goals
    faults += [f"touched {name} after {when - drive.began:.1f} s" for when, name in contacts]
    result = {
        "world": drive.arguments.world.stem, "planner_frequency_hz": drive.frequency, "seed": drive.arguments.seed,
        "node": drive.arguments.node.parent.name, "people": judged["people"],
        "goals": {"sent": len(drive.legs), "reached": reached}, "contacts": [name for _, name in contacts],
        "distance_m": round(drive.motion.length, 1), "seconds": round(drive.now - drive.began, 1),
        "real_time_factor": drive.simulation.real_time_factor(drive.began) if drive.simulation else {},
        "jerk": drive.motion.figures(),
        "plans": figures_of(plans),
        "legs": [of_leg(leg) for leg in drive.legs],
    }
    if drive.unseen:
        result["map"] = mapped(drive)
    else:
        result |= {"unexplained_stops_s": drive.unexplained_stops(),
                   "stops": {key: judged[key] for key in ("stops_without_reason_ms", "stops_without_a_way")},
                   "nearest_m": judged["nearest_m"],
                   "plans_that_cross_what_was_published": judged["plans_that_cross_what_was_published"]}
        faults += [fault for fault in drive.figures.faults() if fault not in faults]
    return result | {"faults": faults}


def figures_of(plans: list) -> dict:
    return {
        "count": len(plans), "misses": sum(s.missed for s in plans),
        "deadline_ms": plans[0].deadline_ms if plans else None,
        "latency_ms": figures.percentiles([s.total_ms for s in plans]),
        "results": dict(collections.Counter(s.result for s in plans)),
        "sources": dict(collections.Counter(s.source for s in plans)),
        "stopped_by": dict(collections.Counter(s.stop for s in plans)),
        "steps_mean": round(float(np.mean([s.steps for s in plans])), 2) if plans else None,
    }


def of_leg(leg) -> dict:
    return {"goal": [round(v, 2) for v in leg.goal], "outcome": leg.outcome, "away_m": round(leg.distance, 2),
            "seconds": round(leg.seconds, 2), "driven_m": round(leg.motion.length, 2), "jerk": leg.motion.figures()}


def mapped(drive: Drive) -> dict:
    """How the map grew."""
    maps = drive.listener.maps
    return {"sizes": [{"width": w, "height": h, "origin_m": [round(x, 2), round(y, 2)]} for _, w, h, x, y in maps],
            "origins": len({m[3:] for m in maps}), "goals_in_unseen_cells": sum(leg.unseen for leg in drive.legs),
            "known_of_all_places": drive.unseen.explored()}


def compared(reports: list[dict]) -> dict:
    """The first drive beside the others, pairwise over the goals."""
    if len(reports) < 2:
        return {}
    first, *others = reports
    return {"compared": [{
        "planner_frequency_hz": [first["planner_frequency_hz"], other["planner_frequency_hz"]],
        "jerk_rms_ratio": ratio(first["jerk"], other["jerk"], "rms_m_s3"),
        "jerk_p99_ratio": ratio(first["jerk"], other["jerk"], "p99_m_s3"),
        "unexplained_stops": [len(r.get("unexplained_stops_s", [])) for r in (first, other)],
        "time_to_goal_ratio": paired(first, other),
    } for other in others]}


def ratio(a: dict, b: dict, key: str) -> float | None:
    return round(a[key] / b[key], 3) if b.get(key) and key in a else None


def paired(a: dict, b: dict) -> dict:
    """Of the goals that both reached: the time of the first drive over that of the other one."""
    ratios = [x["seconds"] / y["seconds"] for x, y in zip(a["legs"], b["legs"])
              if x["goal"] == y["goal"] and x["outcome"] == y["outcome"] == "reached" and y["seconds"] > 0]
    if not ratios:
        return {"n": 0}
    return {"n": len(ratios), "median": round(float(np.median(ratios)), 3),
            "geometric_mean": round(math.exp(float(np.mean(np.log(ratios)))), 3)}


def words(counts: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in counts.items()) or "none"


def summary(report: dict) -> str:
    plans, goals = report["plans"], report["goals"]
    lines = [
        f"planning at {report['planner_frequency_hz']:g} Hz: {goals['reached']} of {goals['sent']} goals reached, "
        f"{report['distance_m']} m in {report['seconds']} s among {report['people']} people, "
        f"contacts: {', '.join(report['contacts']) or 'none'}",
        f"real-time factor: {words(report['real_time_factor'])}",
        f"plans {plans['count']}, over the deadline of {plans['deadline_ms']} ms: {plans['misses']}; "
        f"latency ms: {words(plans['latency_ms'])}",
        f"sources: {words(plans['sources'])}; steps {plans['steps_mean']} on average; "
        f"results: {words(plans['results'])}",
        f"jerk: {words(report['jerk'])}",
    ]
    if "map" in report:
        grown = report["map"]
        lines.append(f"map: {len(grown['sizes'])} sizes, {grown['origins']} origins, "
                     f"{grown['goals_in_unseen_cells']} goals in cells never seen, {100 * grown['known_of_all_places']:.0f} % of all places known at the end")
    else:
        stops = report["unexplained_stops_s"]
        lines.append(f"stops longer than 0.2 s without a reason: {len(stops)} {stops or ''}; "
                     f"nearest m: {words(report['nearest_m'])}")
    return "\n".join(lines)


