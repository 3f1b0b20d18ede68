#!/usr/bin/env python3
"""Measures trm_node over DDS: a simulated robot drives to one goal after the other among moving obstacles, in real time.

Starts a map publisher, trm_node and the robot for each case, records every plan from `~/status`, checks published paths
against the raw map, and writes one recording for each case, which `trm bench --node` makes its report of. Cases: idle, loaded
(with stress-ng on all cores, where it is installed), large_map. Exit code 0 when all cases ran.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/demo"))
# Talk to nobody else: an unused-looking domain, this machine alone, unless the user has decided.
os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100 + 1))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

try:
    import numpy as np
    import yaml

    import processes
    import scene
    import usage
    from movers import Movers
    from recorder import Recorder
    from scene import raw_map
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `make bench`, or first `. tools/ros/env.sh` (made by tools/ros/setup.sh)")

PLANNER = "trm_node"
# The first plans warm up what the node allocates and what the system maps: not recorded, in seconds.
WARM_UP = 2.0
# After a recording, until /diagnostics has come once more.
SETTLE = 1.2
# How often the obstacles move, and how often a published path is checked, in seconds.
OBSTACLES_EVERY, CHECK_EVERY = 0.2, 0.5
# A path may be this much older than the obstacles that it is checked with, in seconds.
IN_FLIGHT = 0.5
NEAREST_GOAL = 5.0
# The robot is the demo's, and so are the parameters that go with it.
PARAMETERS = yaml.safe_load((ROOT / "tools/demo/demo.yaml").read_text())["/**"]["ros__parameters"]


class Failed(Exception):
    """The bench didn't work; the text says why."""


def outrank(load: list[str]) -> None:
    """Under load the bench itself must still hear every plan. Else it is an ordinary process, as those of a robot are."""
    policy, priority = (os.SCHED_RR, 1) if load else (os.SCHED_OTHER, 0)
    try:
        os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except PermissionError:
        print("the bench has no real-time priority: under load it may not hear of every plan", file=sys.stderr)


class Goals:
    """Random free places of a map that can be reached, or the given ones in turn."""

    def __init__(self, grid: raw_map.Map, radius: float, rng, given: list | None = None):
        self.grid, self.rng, self.given = grid, rng, list(given or [])
        if not self.given:
            roomy = raw_map.inflate(grid, radius + scene.ROOM) & scene.seen_free(grid)
            self.cells = np.argwhere(scene.largest_room(roomy))
            if not len(self.cells):
                raise Failed(f"{grid.path}: no room for a robot of radius {radius} m")

    def next(self, robot) -> tuple[float, float, float]:
        if self.given:
            self.given.append(self.given.pop(0))
            return tuple(self.given[-1])
        for _ in range(1000):
            row, col = self.cells[self.rng.integers(len(self.cells))]
            x, y = self.grid.to_metres(col + 0.5, row + 0.5)
            if math.dist((x, y), robot[:2]) >= NEAREST_GOAL:
                break
        return x, y, float(self.rng.uniform(-math.pi, math.pi))


@dataclasses.dataclass(frozen=True)
class Phase:
    """A part of a case that is recorded by itself."""

    name: str
    seconds: float
    load: list[str]


class Case:
    """The processes on one map, and the recordings of its phases."""

    def __init__(self, arguments, map_file: pathlib.Path, phases: list[Phase], start=None, goals=None,
                 obstacles: int = 0):
        self.arguments, self.phases = arguments, phases
        self.name = phases[0].name
        self.grid = raw_map.load(map_file)
        self.rng = np.random.default_rng(arguments.seed)
        self.goals = Goals(self.grid, PARAMETERS["robot_radius"], self.rng, goals)
        self.start = start or self.goals.next((math.inf, math.inf))
        self.movers = Movers(self.grid, obstacles, self.rng)
        self.checked = 0
        self.violations: list[str] = []

    def run(self, folder: pathlib.Path, out: pathlib.Path) -> None:
        """Writes a recording of each phase into `out`; raises `Failed`. `folder` is for logs and parameters."""
        children = processes.Children(folder)
        recorder = Recorder(PLANNER)
        try:
            pid = self.start_all(folder, children)
            self.wait(recorder.graph_complete, 60.0, "the processes to find each other", children, recorder)
            recorder.send_goal(self.goals.next(recorder.robot))
            self.wait(lambda: recorder.path is not None, 30.0, "the first plan", children, recorder)
            for phase in self.phases:
                footer = self.record(phase, pid, children, recorder)
                self.write(out / f"node_{phase.name}.jsonl", phase, recorder.ticks, footer)
        except Failed as failure:
            for name in children.running:
                print(f"--- {name}:\n{children.log(name)[-3000:]}", file=sys.stderr)
            raise Failed(f"{self.name}: {failure}; the node's last result: {recorder.last_result}") from None
        finally:
            complaints = children.stop()
            recorder.close()
        for complaint in complaints:
            if complaint.startswith(PLANNER):
                raise Failed(f"{self.name}: {complaint}")
            # The measurement is whole, however rclpy's processes end.
            print(f"{self.name}: {complaint}", file=sys.stderr)
        if self.violations:
            raise Failed(f"{self.name}: a published path is wrong: {self.violations[0]}")

    def write(self, file: pathlib.Path, phase: Phase, ticks: list[dict], footer: dict) -> None:
        arguments, (height, width) = self.arguments, self.grid.state.shape
        header = {"name": phase.name, "map": str(self.grid.path), "width": width, "height": height,
                  "resolution": self.grid.resolution, "rate_hz": arguments.rate, "deadline_ms": arguments.deadline_ms,
                  "window": arguments.window, "seconds": phase.seconds, "load": phase.load,
                  "rmw": os.environ.get("RMW_IMPLEMENTATION", ""), "bundle": arguments.bundle}
        with file.open("w") as out:
            for line in ({"header": header}, *({"tick": tick} for tick in ticks), {"footer": footer}):
                print(json.dumps(line), file=out)

    def start_all(self, folder: pathlib.Path, children: processes.Children) -> int:
        """Starts the processes; gives the node's number."""
        arguments = self.arguments
        own = {"planner_frequency": float(arguments.rate), "deadline_ms": float(arguments.deadline_ms),
               "window_size": arguments.window, **({"bundle": arguments.bundle} if arguments.bundle else {})}
        parameters = folder / f"{self.name}.yaml"
        parameters.write_text(yaml.safe_dump({"/**": {"ros__parameters": {**PARAMETERS, **own}}}))
        demo, python = ROOT / "tools/demo", sys.executable
        children.start("map_publisher", [python, str(demo / "map_publisher.py"), str(self.grid.path)])
        children.start("robot", [python, str(demo / "robot.py"), "--speed", str(arguments.speed),
                                 "--pose", *map(str, self.start)])
        children.start(PLANNER, [str(arguments.node), "--ros-args", "--params-file", str(parameters)])
        return children.running[PLANNER].pid

    def record(self, phase: Phase, pid: int, children: processes.Children, recorder: Recorder) -> dict:
        """Records the ticks of a phase; gives what is known of it as a whole."""
        outrank(phase.load)
        if phase.load:
            children.start("stress-ng", stress(phase.load))
        self.drive(WARM_UP, None, children, recorder)
        checked, wrong, recorder.ticks = self.checked, len(self.violations), []
        sensors = start_sensors(self.arguments)
        before, overruns = usage.read(pid), recorder.overruns
        recorder.recording = True
        self.drive(phase.seconds, phase, children, recorder)
        recorder.recording = False
        after, readings = usage.read(pid), stop_sensors(sensors)
        # The next message of /diagnostics has the last overruns.
        self.drive(SETTLE, None, children, recorder)
        ids = [tick["id"] for tick in recorder.ticks]
        unheard = ids[-1] - ids[0] + 1 - len(ids) if ids else 0
        return {"lost": recorder.overruns - overruns + unheard, **usage.between(before, after),
                "energy_mj": readings and readings.get("energy_mj"), "sensors": readings,
                "paths_checked": self.checked - checked, "violations": len(self.violations) - wrong}

    def wait(self, condition, seconds: float, what: str, children: processes.Children, recorder: Recorder) -> None:
        end = time.monotonic() + seconds
        while not condition():
            recorder.spin(0.02)
            if dead := children.dead():
                raise Failed(dead)
            if time.monotonic() > end:
                raise Failed(f"waited {seconds:.0f} s for {what}; {recorder.inputs}")

    def drive(self, seconds: float, phase: Phase | None, children: processes.Children, recorder: Recorder) -> None:
        """Sends goals and obstacles, and checks paths, for so long."""
        began = moved = checked = shown = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            recorder.spin(min(0.02, began + seconds - now))
            if dead := children.dead():
                raise Failed(dead)
            if recorder.goal_reached:
                recorder.send_goal(self.goals.next(recorder.robot))
            if self.movers.count and now >= moved + OBSTACLES_EVERY:
                update = self.movers.update(now, now - moved, recorder.robot[:2], recorder.path)
                moved = now
                if update:
                    recorder.send_update(*update)
            # A check takes long: under load, where the bench outranks the node's subscriptions, it would be a load itself.
            busy = phase is not None and phase.load
            if not busy and now >= checked + CHECK_EVERY and recorder.path is not None and recorder.path_received > checked:
                checked = now
                self.check(recorder)
            if phase and now >= shown + (0.5 if sys.stderr.isatty() else 5.0):
                shown = now
                show(phase, recorder.ticks, now - began)

    def check(self, recorder: Recorder) -> None:
        """The newest path against the raw map with what stood on it all the time that the path may be of."""
        state = self.movers.occupied_since(recorder.path_received - IN_FLIGHT)
        checker = raw_map.Checker(dataclasses.replace(self.grid, state=state), PARAMETERS["robot_radius"])
        # The whole of a very long path takes a second; what the robot drives next is its beginning.
        path = recorder.path[:400]
        self.checked += 1
        # The robot itself may have come a little too near to something: what begins there is for the node to judge.
        self.violations += checker.collisions(self.grid.to_cells(path[2:, :2]))[:1] if len(path) > 2 else []


def show(phase: Phase, ticks: list[dict], seconds: float) -> None:
    if not ticks:
        return
    total = sorted(tick["total_us"] for tick in ticks)
    missed = sum(tick["margin_us"] < 0 for tick in ticks)
    p50, p99 = (total[min(len(total) - 1, int(q * len(total)))] / 1e3 for q in (0.5, 0.99))
    line = (f"{phase.name:>9} {seconds:5.0f} of {phase.seconds:.0f} s  {len(ticks):6} plans  ms p50 {p50:6.2f}  "
            f"p99 {p99:6.2f}  max {total[-1] / 1e3:6.2f}  misses {missed}")
    print(line, file=sys.stderr, end="\r" if sys.stderr.isatty() else "\n", flush=True)


def stress(load: list[str]) -> list[str]:
    cores = str(os.cpu_count())
    kinds = {"cpu": ["--cpu", cores], "memory": ["--vm", cores, "--vm-bytes", "128M"]}
    return ["stress-ng", "--quiet", *(word for kind in load for word in kinds[kind])]


def start_sensors(arguments) -> subprocess.Popen:
    return subprocess.Popen([str(arguments.trm), "bench", "sensors"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stop_sensors(sensors: subprocess.Popen) -> dict | None:
    return json.loads(sensors.communicate(timeout=10.0)[0])["sensors"]


def tiles(arguments, folder: pathlib.Path) -> dict:
    """A map of 4000 x 4000 cells, with a start and goals far apart."""
    command = [str(arguments.trm), "bench", "tiles", str(arguments.map), "--cells", "4000", "--out", str(folder),
               "--robot-radius", str(PARAMETERS["robot_radius"] + scene.ROOM)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise Failed(f"{' '.join(command)}: {made.stderr.strip()}")
    return json.loads(made.stdout)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the recordings")
    parser.add_argument("--map", type=pathlib.Path, default=ROOT / "tests/maps/pal_office/map.yaml",
                        help="map_server's YAML file")
    parser.add_argument("--rate", type=float, default=50.0, help="plans a second")
    parser.add_argument("--deadline-ms", type=float, default=10.0)
    parser.add_argument("--window", type=int, default=64, help="cells a side of the model's window")
    parser.add_argument("--bundle", default="", help="folder of the model bundle; default: the released one")
    parser.add_argument("--idle", type=float, default=12.0, metavar="S", help="seconds without load; 0: not at all")
    parser.add_argument("--loaded", type=float, default=6.0, metavar="S", help="seconds with load")
    parser.add_argument("--large", type=float, default=5.0, metavar="S", help="seconds on a map of 4000 x 4000 cells")
    parser.add_argument("--load", default="cpu,memory", help="of the loaded case: cpu, memory or both")
    parser.add_argument("--obstacles", type=int, default=3, help="moving obstacles")
    parser.add_argument("--speed", type=float, default=1.0, help="the robot's greatest speed, m/s")
    parser.add_argument("--seed", type=int, default=1, help="of goals and obstacles")
    parser.add_argument("--node", type=pathlib.Path, default=ROOT / "target/release/trm_node")
    parser.add_argument("--trm", type=pathlib.Path, default=ROOT / "target/release/trm")
    arguments = parser.parse_args(argv)
    arguments.load = [kind for kind in arguments.load.split(",") if kind]
    if unknown := set(arguments.load) - {"cpu", "memory"}:
        parser.error(f"--load: {unknown.pop()} is not cpu or memory")
    for name, file in (("--map", arguments.map), ("--node", arguments.node), ("--trm", arguments.trm)):
        if not file.is_file():
            parser.error(f"{name}: there is no file {file}")
    return arguments


def cases(arguments, folder: pathlib.Path):
    """The cases that are asked for, made one by one."""
    phases = [Phase("idle", arguments.idle, [])] if arguments.idle > 0 else []
    if arguments.loaded > 0 and arguments.load:
        if shutil.which("stress-ng"):
            phases.append(Phase("loaded", arguments.loaded, arguments.load))
        else:
            print("no loaded case: stress-ng isn't installed (sudo apt-get install stress-ng)", file=sys.stderr)
    if phases:
        yield Case(arguments, arguments.map, phases, obstacles=arguments.obstacles)
    if arguments.large > 0:
        made = tiles(arguments, folder)
        yield Case(arguments, pathlib.Path(made["map"]), [Phase("large_map", arguments.large, [])],
                   start=made["start"], goals=made["goals"])


def main() -> int:
    arguments = parse(sys.argv[1:])
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trm_bench_") as folder, processes.ros():
        try:
            for case in cases(arguments, pathlib.Path(folder)):
                case.run(pathlib.Path(folder), arguments.out)
                if sys.stderr.isatty():
                    print(file=sys.stderr)
        except Failed as failure:
            print(f"bench failed: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
