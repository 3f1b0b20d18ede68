"""One drive in Gazebo: everything started, the robot sent from goal to goal among people, and judged."""

import dataclasses
import math
import pathlib
import re
import sys
import time
from collections.abc import Callable

import imports

import numpy as np
import yaml
from lifecycle_msgs.msg import Transition

import draw_map
import people
import raw_map
from bridge import velocity
from drive import Pose
from drive_figures import Figures
from framing import TransportError
from goals import Goals
from judge import Judge
from listener import PLANNER, Listener
from motion import Motion
from plan_status import Status
from processes import Children
from published import Published
from recording import Recording
from simulation import SERVER, Simulation, free_port, start_server
from unseen import Unseen
from world import World

HERE = pathlib.Path(__file__).resolve().parent
ROBOT_FILE = imports.ROOT / "worlds/robot.sdf"
# The robot's disc, as in robot.sdf; the planner's radius is larger, since the robot cuts corners while it follows a
# path.
ROBOT_RADIUS = 0.22
DEFAULTS = yaml.safe_load((imports.ROOT / "config/trm_node.yaml").read_text())["/**"]["ros__parameters"]
PARAMETERS = yaml.safe_load((imports.ROOT / "tools/demo/demo.yaml").read_text())["/**"]["ros__parameters"] | {
    "use_sim_time": True,
    # It is brought up through its lifecycle, as a manager does it.
    "autostart": False,
    # The pursuit hears of it when there is no path any more.
    "publish_empty_path": True,
}
# How far goals are from each other in a straight line, in metres; those that a map grows to are farther.
DISTANCE = (2.0, 3.5)
# So long a goal may take: at all, and for each metre in a straight line, in seconds of the world.
PATIENCE, PATIENCE_PER_M = 30.0, 6.0
# Of what is drawn of the drive, in seconds of the world.
FRAME = 0.25
# People are moved this often: Gazebo is slow to hear of anything else where it is told much more.
MOVE = 0.04
# A stop that counts, in seconds.
STOP = 0.2


# Of the other generation; Gazebo Classic says of each plugin that it doesn't know it.
OTHERS = "gz-sim-"


def plain(log: str) -> str:
    """A log without colours, and without what is always in it."""
    return "\n".join(line for line in re.sub("\x1b\\[[0-9;]*m", "", log).splitlines() if OTHERS not in line)


class Failed(Exception):
    """The drive didn't work; the text says why, and what to do."""


@dataclasses.dataclass
class Frame:
    time: float
    robot: Pose
    people: np.ndarray
    plan: np.ndarray | None
    goal: Pose | None
    grid: raw_map.Map | None  # where it is mapped


@dataclasses.dataclass
class Leg:
    number: int
    goal: Pose
    distance: float
    outcome: str = "missed"
    seconds: float = 0.0
    unseen: bool = False
    motion: Motion = dataclasses.field(default_factory=Motion)


class Drive:
    def __init__(self, arguments, frequency: float, logs: pathlib.Path, recording: Recording):
        self.arguments, self.frequency = arguments, frequency
        self.children = Children(logs)
        world = draw_map.read(arguments.world)
        self.grid = raw_map.load(arguments.world.with_suffix(".yaml"))
        self.models = world.people
        parameters = DEFAULTS | PARAMETERS
        rng = np.random.default_rng(arguments.seed)
        self.goals = Goals(self.grid, parameters["robot_radius"], parameters["tolerance"], rng, DISTANCE)
        self.start = self.goals.start()
        self.unseen = Unseen(self.goals, rng) if arguments.slam else None
        # Of their own, so that they are the same whatever the robot does between goals.
        self.crowd = people.People(self.grid, self.goals.reach, len(self.models), np.array(self.start[:2]),
                                   ROBOT_RADIUS, np.random.default_rng(arguments.seed + 1))
        self.world = World(self.grid, self.crowd, ROBOT_RADIUS)
        self.judge = Judge(Published(self.grid, parameters), 1.0 / parameters["planner_frequency"], ROBOT_RADIUS,
                           parameters["tolerance"])
        self.figures = Figures(arguments.world.stem, len(self.crowd.everybody), self.judge)
        self.listener = Listener(recording)
        self.simulation: Simulation | None = None
        self.robot: Pose | None = None
        self.now, self.began, self.next_move = 0.0, math.inf, 0.0
        self.legs: list[Leg] = []
        self.frames: list[Frame] = []
        self.statuses: list[Status] = []
        self.results: list[tuple[float, str, str]] = []
        self.motion = Motion()
        self.plan: np.ndarray | None = None

    # --- From start to end ---

    def run(self) -> None:
        """Raises `Failed`."""
        self.bring_up()
        self.began = self.now
        for number in range(1, self.arguments.goals + 1):
            if not self.drive_to(number):
                break

    def stop(self) -> list[str]:
        """Ends everything that was started; tells what didn't end as it should."""
        if self.simulation:
            self.simulation.close()
        self.listener.close()
        return self.children.stop()

    def died(self) -> str | None:
        dead = self.children.dead()
        if dead:
            name = dead.split()[0]
            return f"{dead}; the end of its log:\n{plain(self.children.log(name))[-1500:]}{ADVICE.get(name, '')}"
        if self.simulation and self.simulation.gazebo.lost.is_set():
            return f"the connection to Gazebo is gone ({self.simulation.gazebo.error or 'it closed it'})"
        return None

    def bring_up(self) -> None:
        arguments, port = self.arguments, free_port()
        start_server(self.children, arguments.world, port)
        try:
            self.simulation = Simulation(port, self.died)
        except TransportError as error:
            raise Failed(f"{error}") from None
        self.wait(self.simulation.is_there, 30.0, "Gazebo's world")
        self.move_people()
        self.simulation.spawn(ROBOT_FILE, self.start)
        # Before anything else: a robot that isn't there explains all the rest.
        self.wait(lambda: self.robot is not None, 15.0,
                  f"the model robot of {ROBOT_FILE.name} in {arguments.world.name}",
                  "`gz sdf --check` in Gazebo's root tells whether both files are right")
        python = sys.executable
        self.children.start("bridge", [python, str(HERE / "bridge.py"), "--port", str(port)])
        # At 1 Hz a plan is old before the next one comes.
        known = [] if self.unseen else ["--map", str(arguments.world.with_suffix(".yaml"))]
        self.children.start("navigator", [python, str(HERE / "navigator.py"), *known, "--longest-plan-age",
                                          str(max(1.0, 2.5 / self.frequency))])
        file = self.children.logs / "parameters.yaml"
        mapped = {"allow_unknown": True} if self.unseen else {}
        parameters = PARAMETERS | mapped | {"planner_frequency": self.frequency}
        file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
        self.children.start(PLANNER, [str(arguments.node), "--ros-args", "--params-file", str(file)])
        self.wait(self.listener.lifecycle.service_is_ready, 30.0, "the planner's lifecycle services")
        for name in ("CONFIGURE", "ACTIVATE"):
            answer = self.listener.ask_for(getattr(Transition, f"TRANSITION_{name}"))
            self.wait(answer.done, 60.0, f"an answer to {name}")
            if not answer.result().success:
                raise Failed(f"{PLANNER} refused {name}; its log:\n{self.children.log(PLANNER)[-1500:]}")
        self.wait(lambda: not self.listener.missing(), 30.0, "the planner's inputs", self.listener.missing)
        self.wait(lambda: self.listener.grid is not None, 30.0, "the navigator's map")

    def wait(self, condition: Callable[[], bool], patience: float, what: str,
             hint: str | Callable[[], str] = "") -> None:
        end = time.monotonic() + patience
        while not condition():
            self.spin()
            if died := self.died():
                raise Failed(died)
            if time.monotonic() > end:
                hint = hint() if callable(hint) else hint
                raise Failed(f"waited {patience:.0f} s for {what}{': ' if hint else ''}{hint}")

    # --- Goals ---

    def drive_to(self, number: int) -> bool:
        """Whether there was a goal."""
        place = np.array(self.robot[:2])
        # From the goal before, not from where the robot is: then all drives have the same goals.
        last = np.array(self.legs[-1].goal[:2] if self.legs else self.start[:2])
        goal = self.unseen.next(place, self.listener.grid) if self.unseen else self.goals.next(last, True)
        if goal is None:
            return False
        leg = Leg(number, goal.pose, math.dist(place, goal.pose[:2]), unseen=self.unseen is not None)
        self.legs.append(leg)
        began = self.now
        self.judge_goal(np.array(goal.pose[:2]))
        self.results.clear()
        self.listener.send_goal(goal.pose)
        end = self.now + PATIENCE + PATIENCE_PER_M * leg.distance
        while self.now < end and not self.reached(began):
            self.spin()
            if died := self.died():
                raise Failed(died)
        if self.reached(began):
            near = math.dist(self.robot[:2], goal.pose[:2]) <= DEFAULTS["tolerance"] + 0.1
            leg.outcome = "reached" if near else "reached elsewhere"
        leg.seconds = self.now - began
        said = self.results[-1][1:] if self.results else ("nothing", "")
        self.judge_goal(None)
        self.figures.goal(number, leg.outcome, goal.pose, leg.seconds, said)
        print(f"goal {number:2d} {leg.outcome} after {leg.seconds:5.1f} s, {leg.distance:4.1f} m away; "
              f"{len(self.statuses)} plans, {sum(s.missed for s in self.statuses)} late, "
              f"{len(self.contacts())} contacts", flush=True)
        return True

    def judge_goal(self, goal: np.ndarray | None) -> None:
        self.plan = None
        # What it says of plans and stops is by a map whose size stays.
        if not self.unseen:
            self.judge.sent_goal(self.now, goal)

    def reached(self, since: float) -> bool:
        return any(result == "GOAL_REACHED" and stamp >= since for stamp, result, _ in self.results)

    # --- The world and what is said in it ---

    def spin(self) -> None:
        self.listener.spin()
        if self.simulation:
            while not self.simulation.poses.empty():
                self.step(*self.simulation.poses.get())
        self.hear()

    def step(self, now: float, pose: Pose) -> None:
        before, dt = self.robot, now - self.now
        self.now = self.listener.now = now
        self.robot = pose
        if before is None:
            return
        speed, turn = velocity(before, pose, dt)
        place = np.array(pose[:2])
        if self.began < math.inf:
            self.crowd.step(dt, place)
            self.judge.stepped(dt, place, speed, turn, self.world.gaps(place), self.crowd.places)
            self.motion.take(now, pose)
            self.legs[-1].motion.take(now, pose) if self.legs else None
            if now >= self.next_move:
                self.next_move = now + MOVE
                self.move_people()
        if not self.frames or now - self.frames[-1].time >= FRAME:
            self.film(now)

    def move_people(self) -> None:
        for (model, (_, _, height)), (x, y) in zip(self.models.items(), self.crowd.places):
            self.simulation.move(model, (float(x), float(y), height))

    def film(self, now: float) -> None:
        goal = self.legs[-1].goal if self.legs else None
        self.frames.append(Frame(now, self.robot, self.crowd.places.copy(), self.plan, goal,
                                 self.unseen.grid if self.unseen else None))

    def hear(self) -> None:
        listener = self.listener
        if self.unseen and listener.rectangles:
            self.unseen.take(listener.grid)
        elif not self.unseen:
            for when, col, row, values in listener.rectangles:
                self.judge.published_rectangle(when, col, row, values)
        for stamp, poses in listener.plans:
            self.judge.heard_plan(stamp, poses[:, :2])
            self.plan = poses[:, :2] if len(poses) > 1 else None
        for status in listener.statuses:
            self.results.append((status.stamp, status.result, status.message))
            self.judge.heard_status(status)
            if status.is_plan:
                self.statuses.append(status)
        listener.rectangles.clear()
        listener.plans.clear()
        listener.statuses.clear()

    def contacts(self) -> list[tuple[float, str]]:
        """Each touch once: when it began, and what was touched."""
        touches: list[tuple[float, str]] = []
        last: dict[str, float] = {}
        for contact in self.simulation.contacts if self.simulation else []:
            if contact.time - last.get(contact.other, -math.inf) > 0.5:
                touches.append((contact.time, contact.other))
            last[contact.other] = contact.time
        return touches

    def unexplained_stops(self) -> list[float]:
        return [round(stop.seconds, 2) for stop in self.judge.stops if stop.has_way and stop.seconds > STOP]


ADVICE = {
    SERVER: "\nIs the world file right (`gz sdf --check`)? If Gazebo itself is broken, remove .gazebo/ and run "
            "`make gazebo` again.",
    PLANNER: "\nThe node's own log above says why; `make gazebo` builds it anew.",
    "bridge": "\nPython modules that are missing come with `make gazebo`.",
}
