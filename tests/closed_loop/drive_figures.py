"""The figures of a drive, and of several together."""

import collections
import dataclasses

import numpy as np

from judge import Judge

# A change of sides is for little if the way before was still open, and cost at most this share more.
WORTH = 0.05


def spread(values: list[float], unit: float = 1e3) -> dict[str, float]:
    """p50, p99 and maximum, by default of seconds in milliseconds."""
    if not values:
        return {"count": 0}
    scaled = np.array(values) * unit
    return {"count": len(values), "p50": round(float(np.quantile(scaled, 0.5)), 1),
            "p99": round(float(np.quantile(scaled, 0.99)), 1), "max": round(float(scaled.max()), 1)}


@dataclasses.dataclass
class Figures:
    name: str
    people: int
    judge: Judge
    outcomes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    bad_goals: list[str] = dataclasses.field(default_factory=list)
    others: list["Figures"] = dataclasses.field(default_factory=list)

    def goal(self, number: int, outcome: str, pose, seconds: float, last: tuple[str, str]) -> None:
        self.outcomes[outcome] += 1
        if outcome not in ("reached", "refused"):
            self.bad_goals.append(f"{self.name}, goal {number} at {pose[0]:.2f} {pose[1]:.2f}: {outcome} after "
                                  f"{seconds:.0f} s; the last result is {last[0]}: {last[1]}")

    @staticmethod
    def sum(drives: list["Figures"]) -> "Figures":
        whole = Figures("all", max(drive.people for drive in drives), drives[0].judge, others=drives)
        for figures in drives:
            whole.outcomes += figures.outcomes
            whole.bad_goals += figures.bad_goals
        return whole

    @property
    def judges(self) -> list[Judge]:
        return [figures.judge for figures in self.others] or [self.judge]

    def total(self, name: str):
        """The sum of numbers, or all of the lists one after the other."""
        parts = [getattr(judge, name) for judge in self.judges]
        return sum(parts, [] if isinstance(parts[0], list) else 0)

    def values(self) -> dict:
        distance, statuses, stops = self.total("distance"), self.total("statuses"), self.total("stops")
        sources = collections.Counter(status.source for status in statuses)
        paths = max(sum(sources[s] for s in ("model", "previous", "fallback")), 1)
        sides = self.total("sides")
        unforced = [change for change in sides if not change.forced]
        for_little = [change for change in unforced if change.after > (1.0 - WORTH) * change.before]
        idle = {name: [stop.seconds for stop in stops if stop.waited_for == name and stop.has_way]
                for name in ("first plan", "plan", "robot")}
        return {
            "goals": dict(self.outcomes), "people": self.people, "distance_m": round(distance, 1),
            "drive_s": round(self.total("seconds"), 1),
            "collisions": {"caused_by_a_plan": sum(c.by_plan for c in self.total("collisions")),
                           "others": [f"{c.with_what}, {'moving' if c.moving else 'standing'}, goal {c.goal}"
                                      for c in self.total("collisions") if not c.by_plan]},
            "nearest_m": {name: round(min(j.nearest[name] for j in self.judges), 3) for name in ("wall", "person")},
            "plans_that_cross_what_was_published": self.total("crossing_plans"),
            "oldest_unknown_news_ms": round(1e3 * max(j.oldest_news for j in self.judges), 1),
            "stops_without_reason_ms": {name.replace(" ", "_"): spread(values) for name, values in idle.items()},
            "stops_without_a_way": sum(not stop.has_way for stop in stops),
            "drove_without_valid_plan_s": round(self.total("without_plan"), 2),
            "sides_changed": {"all": len(sides), "way_was_blocked": sum(change.forced for change in sides),
                              "new_way_is_cheaper": len(unforced) - len(for_little), "for_little": len(for_little)},
            "sides_changed_for_little_per_100_m": round(100 * len(for_little) / max(distance, 1e-9), 2),
            "heard_after_ms": spread(self.total("heard_after")),
            "first_plan_ms": spread(self.total("first_plans")),
            "replanned_after_blockage_ms": spread(self.total("replanned")),
            "told_after_blockage_ms": spread(self.total("told")),
            "plans": len(statuses), "results": dict(collections.Counter(s.result for s in statuses)),
            "sources": dict(sources), "fallback_share": round(sources["fallback"] / paths, 4),
            "missed": sum(status.missed for status in statuses),
            "total_ms": spread([status.total_ms for status in statuses], 1.0),
        }

    def faults(self) -> list[str]:
        """What may never be. What depends on the machine's load isn't among it."""
        values = self.values()
        faults = list(self.bad_goals)
        if values["collisions"]["caused_by_a_plan"]:
            faults.append(f"{values['collisions']['caused_by_a_plan']} collisions because of a plan")
        if values["plans_that_cross_what_was_published"]:
            faults.append(f"{values['plans_that_cross_what_was_published']} plans cross what had been published")
        return faults

    def __str__(self) -> str:
        lines = [f"{self.name}:"]
        for name, value in self.values().items():
            if isinstance(value, dict):
                value = "  ".join(f"{key} {inner}" for key, inner in value.items()) or "none"
            lines.append(f"  {name.replace('_', ' '):42} {value}")
        return "\n".join(lines)
