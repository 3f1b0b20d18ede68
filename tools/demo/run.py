#!/usr/bin/env python3
"""A robot drives to several goals with trm_node: real processes that talk over DDS.

Starts a map publisher, trm_node and a simulated robot, sends goals, prints statistics while it runs, and writes demo.png and
demo.json. A disc drives on the map of a real place, and an obstacle drops on its way. A forklift drives through aisles and doors
and picks up a load; a car parks. Exit code 0 only if every goal was reached and the robot never touched an occupied cell.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Talk to nobody else: an unused-looking domain, this machine alone, unless the user has decided.
os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100 + 1))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

try:
    import numpy as np
    import yaml

    import figures
    import picture
    import processes
    import scene
    import setting
    from observer import Observer
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `make demo`, or first `. tools/ros/env.sh` (made by tools/ros/setup.sh)")

PLANNER = "trm_node"


class Failed(Exception):
    """The demo didn't work; the text says why."""


@dataclasses.dataclass
class Leg:
    """One goal: when it was sent, and when the robot was there."""

    goal: scene.Pose
    began: float
    ended: float | None = None
    length: float = 0.0  # of the first path to it


class Demo:
    def __init__(self, arguments, place: setting.Setting, parameters: dict, logs: pathlib.Path):
        self.arguments, self.place = arguments, place
        self.grid, self.start, self.goals = place.grid, place.start, place.goals
        self.tolerance = parameters["goal_reached_tolerance"]
        self.window = parameters.get("window_size", 32)
        self.children = processes.Children(logs)
        self.observer = Observer(PLANNER)
        self.legs: list[Leg] = []
        self.obstacle: scene.Obstacle | None = None
        self.changed = math.inf  # when the obstacle dropped, or the load was picked up
        self.dropped_from: scene.Pose | None = None  # where the robot was
        self.began = time.monotonic()
        self.end = self.began + arguments.timeout
        self.next_line = self.next_try = 0.0

    def run(self) -> None:
        """Drives to all goals; raises `Failed`."""
        here, python = pathlib.Path(__file__).parent, sys.executable
        self.children.start("map_publisher", [python, str(here / "map_publisher.py"), str(self.place.map)])
        self.children.start("robot", [python, str(here / "robot.py"), "--speed", str(self.arguments.speed),
                                      "--pose", *map(str, self.start), *self.place.steering])
        bundle = self.arguments.bundle
        self.children.start(PLANNER, [str(self.arguments.node), "--ros-args", "--params-file", str(self.arguments.params),
                                      *(["-p", f"bundle:={bundle.resolve()}"] if bundle else [])])
        self.wait(self.observer.graph_complete, 30.0, "the processes to find each other")
        for number, goal in enumerate(self.goals, 1):
            self.drive(goal)
            if self.place.pickup and self.place.pickup.at_goal == number:
                self.pick_up()

    def wait(self, condition, seconds: float, what: str) -> None:
        end = min(self.end, time.monotonic() + seconds)
        while not condition():
            self.observer.spin(0.02)
            now = time.monotonic()
            if dead := self.children.dead():
                raise Failed(dead)
            if now > end:
                waited = f"{seconds:.0f} s" if now < self.end else f"to the end of all {self.arguments.timeout:.0f} s"
                raise Failed(f"waited {waited} for {what}; the node's last word: {self.observer.last_word()}")
            if self.legs and now >= self.next_line:
                self.next_line = now + 1.0
                print(figures.live_line(self.observer, self.began, now, len(self.legs), len(self.goals),
                                        self.legs[-1].goal), flush=True)

    def drive(self, goal: scene.Pose) -> None:
        observer, number = self.observer, len(self.legs) + 1
        leg = Leg(goal, time.monotonic())
        self.legs.append(leg)
        observer.send_goal(goal)
        self.wait(lambda: self.newest_plan(leg) is not None, 15.0, f"a plan to goal {number}")
        leg.length = self.newest_plan(leg).length
        # A robot that is slow for some time is fine; one that never comes is not.
        patience = 20.0 + 4.0 * leg.length / self.arguments.speed
        self.wait(lambda: self.arrived(leg), patience, f"the robot at goal {number}")
        leg.ended = time.monotonic()

    def newest_plan(self, leg: Leg):
        """The newest path to this leg's goal."""
        for plan in reversed(self.observer.plans[-50:]):
            if plan.received >= leg.began and self.leads_to(plan, leg):
                return plan
        return None

    def leads_to(self, plan, leg: Leg) -> bool:
        return math.dist(plan.poses[-1, :2], leg.goal[:2]) < self.grid.resolution

    def arrived(self, leg: Leg) -> bool:
        # In the second half of the goals, and on the second half of the way to one of them.
        drops = self.place.is_disc and not self.arguments.no_obstacle
        if drops and self.obstacle is None and len(self.legs) > len(self.goals) // 2:
            plan = self.newest_plan(leg)
            if plan and plan.length < 0.6 * leg.length and time.monotonic() > self.next_try:
                self.drop_in_front(plan)
        x, y, yaw = self.observer.robot
        turned = abs(math.remainder(yaw - leg.goal[2], math.tau)) < 0.1
        return turned and math.dist((x, y), leg.goal[:2]) <= self.tolerance

    def drop_in_front(self, plan) -> None:
        """Drops the obstacle on the path, where that leaves a way round; else tries again a little later."""
        arguments, observer = self.arguments, self.observer
        self.next_try = time.monotonic() + 0.5
        radius = self.place.body.radius
        obstacle = scene.obstacle_ahead(self.grid, plan.poses, radius, arguments.obstacle, arguments.drop_distance)
        if obstacle is None or figures.avoids(observer.plans[-1], obstacle, self.grid, radius):
            return
        self.obstacle, self.dropped_from = obstacle, observer.robot
        self.changed = observer.drop(obstacle)
        distance = obstacle.distance(self.grid, *observer.robot[:2])
        print(f"{self.changed - self.began:6.1f} s  an obstacle drops on the path, {distance:.1f} m ahead", flush=True)

    def pick_up(self) -> None:
        """The load's feet go from the map, and the robot is as large as the load."""
        self.changed = self.observer.pick_up(self.place.pickup, self.grid.resolution)
        print(f"{self.changed - self.began:6.1f} s  the robot picks up a load", flush=True)

    def later(self):
        """The map and the robot after the change."""
        if self.obstacle:
            return self.obstacle.put(self.grid), self.place.body
        if self.changed < math.inf:
            return self.place.without_feet(), self.place.loaded
        return self.grid, self.place.body

    def replanned_ms(self) -> float | None:
        """From dropping the obstacle to the first path around it, all the way over DDS and back."""
        for plan in self.observer.plans:
            if plan.received > self.changed and figures.avoids(plan, self.obstacle, self.grid, self.place.body.radius):
                return round((plan.received - self.changed) * 1e3, 1)
        return None

    def load(self, way: np.ndarray) -> dict | None:
        """What became of the way that the robot with the load is too large for."""
        if not self.place.pickup or self.changed == math.inf:
            return None
        pickup = self.place.pickup
        through = [figures.is_through(part, pickup.too_narrow) for part in figures.parts(way, self.changed)]
        plans = [p.received for p in self.observer.plans if p.received > self.changed]
        return {"footprint_m": pickup.footprint, "at_goal": pickup.at_goal,
                "first_plan_after_ms": round((plans[0] - self.changed) * 1e3, 1) if plans else None,
                "through_the_narrow_door": {"before": through[0], "after": through[1]}}

    def report(self, reason: str | None) -> dict:
        """All figures, with every check; `reason` says why the demo ended early."""
        observer, body = self.observer, self.place.body
        times = ((self.grid, body), self.later())
        courses = [robot.way_check(grid) for grid, robot in times]
        way = np.array(observer.way)
        statuses = observer.statuses
        goals, whole = [], scene.Clearance(math.inf, math.inf, set(), 0)
        for number, leg in enumerate(self.legs):
            end = self.legs[number + 1].began if number + 1 < len(self.legs) else math.inf
            part = way[(way[:, 0] >= leg.began) & (way[:, 0] < end)]
            mine = [s for s in statuses if leg.began <= s.received < end]
            clearance = figures.check_way(part, *courses, self.changed)
            whole = figures.both(whole, clearance)
            plans = [p for p in observer.plans if leg.began <= p.received < end and self.leads_to(p, leg)]
            goals.append({"goal": [round(v, 3) for v in leg.goal], "reached": leg.ended is not None,
                          **figures.of_way(part, clearance),
                          "first_plan_ms": round((plans[0].received - leg.began) * 1e3, 1) if plans else None,
                          "path_switches": figures.switches(plans, self.changed),
                          **figures.of_plans(mine)})
        checked, faults = figures.check_plans(
            observer.plans_with_sources(), [robot.path_check(grid) for grid, robot in times], self.changed, every=10)
        if not reason and whole.touched:
            reason = f"the robot touched {len(whole.touched)} occupied cells, (col, row) {sorted(whole.touched)[:3]}"
        if not reason and faults:
            reason = f"a published path is wrong: {faults[0]}"
        obstacle = None
        if self.obstacle:
            obstacle = {"corners": [[round(v, 3) for v in c] for c in self.obstacle.corners(self.grid)],
                        "during_goal": sum(leg.began < self.changed for leg in self.legs),
                        "new_path_after_ms": self.replanned_ms()}
        reached = sum(leg.ended is not None for leg in self.legs)
        return {"ok": reason is None, "reason": reason, "robot": self.arguments.robot, "map": self.place.map.parent.name,
                "goals_reached": reached, "goals_wanted": len(self.goals), **body.figures(),
                "wall_s": round(time.monotonic() - self.began, 1), "machine": figures.machine(),
                "paths_checked": checked, "path_faults": faults, "obstacle": obstacle, "load": self.load(way),
                "overall": {**figures.of_way(way, whole), **figures.of_plans(statuses),
                            "path_switches": sum(g["path_switches"] for g in goals)}, "goals": goals}


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robot", choices=("disc", "forklift", "car"), default="disc")
    parser.add_argument("--map", type=pathlib.Path, default=ROOT / "tests/maps/pal_office/map.yaml",
                        help="of a disc: map_server's YAML file")
    parser.add_argument("--start", metavar="X,Y,YAW", help="the robot's first pose")
    parser.add_argument("--goals", metavar="X,Y,YAW;...", help="default: far-apart places of the map")
    parser.add_argument("--number", type=int, default=5, help="of goals, when not given")
    parser.add_argument("--budget", type=float, default=90.0, help="metres to drive, when the goals are not given")
    parser.add_argument("--speed", type=float, default=1.0, help="the robot's greatest speed, m/s")
    parser.add_argument("--physical-radius", type=float, default=0.22, help="of the robot's disc, metres")
    parser.add_argument("--obstacle", type=float, default=0.8, help="side of the dropped obstacle, metres")
    parser.add_argument("--drop-distance", type=float, default=2.5, help="metres ahead of the robot")
    parser.add_argument("--no-obstacle", action="store_true")
    parser.add_argument("--timeout", type=float, default=240.0, help="seconds for everything")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT, help="folder for demo.png and demo.json")
    parser.add_argument("--node", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("TRM_NODE", ROOT / "target/debug/trm_node")))
    parser.add_argument("--params", type=pathlib.Path, help="parameters of the node [default: the robot's, beside this file]")
    parser.add_argument("--bundle", type=pathlib.Path, help="the model's folder [default: the released one]")
    arguments = parser.parse_args(argv)
    name = "demo" if arguments.robot == "disc" else arguments.robot
    arguments.params = arguments.params or pathlib.Path(__file__).with_name(f"{name}.yaml")
    if (arguments.goals is None) != (arguments.start is None):
        parser.error("--start and --goals go together")
    if arguments.bundle and not arguments.bundle.is_dir():
        parser.error(f"--bundle: there is no folder {arguments.bundle}")
    for name, file in (("--map", arguments.map), ("--node", arguments.node), ("--params", arguments.params)):
        if not file.is_file():
            parser.error(f"{name}: there is no file {file}")
    return arguments


def main() -> int:
    arguments = parse(sys.argv[1:])
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler)
    parameters = yaml.safe_load(arguments.params.read_text())["/**"]["ros__parameters"]
    with tempfile.TemporaryDirectory(prefix="trm_demo_") as folder, processes.ros():
        place = setting.of(arguments, parameters, pathlib.Path(folder))
        height, width = place.grid.state.shape
        print(f"{place.map.parent.name}: {width} x {height} cells, {len(place.goals)} goals; "
              f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}", flush=True)
        demo = Demo(arguments, place, parameters, pathlib.Path(folder))
        reason = None
        try:
            demo.run()
        except Failed as failure:
            reason = str(failure)
        except KeyboardInterrupt:
            reason = "interrupted"
        finally:
            complaints = demo.children.stop()
        reason = reason or "; ".join(complaints) or None
        if reason:
            for name in ("map_publisher", "robot", PLANNER):
                print(f"--- {name}:\n{demo.children.log(name)[-3000:]}", file=sys.stderr)
        if not demo.observer.way or not demo.legs:
            print(f"demo failed: {reason}", file=sys.stderr)
            return 1
        report = demo.report(reason)
        (arguments.out / "demo.json").write_text(json.dumps(report, indent=1) + "\n")
        picture.draw(demo, report, arguments.out / "demo.png")
        demo.observer.close()
    print(figures.summary(report, place.body))
    print(f"written: {arguments.out / 'demo.png'}, {arguments.out / 'demo.json'}")
    if not report["ok"]:
        print(f"demo failed: {report['reason']}", file=sys.stderr)
        return 130 if report["reason"] == "interrupted" else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
