#!/usr/bin/env python3
"""Asks trm_node and another planner server for the same paths over their actions, in turn, and judges both alike.

The other one is Nav2's: `make bench PEER=planner_server` with a Nav2 sourced. Any executable that is a managed node called
planner_server with the action compute_path_to_pose will do. Both get the same map, and inflate it by the same radii. Every
path is judged on the raw map by tests/raw_map.py. Prints a table, and writes it as JSON with --json FILE.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Before rclpy reads them. A domain of this run's own, on this machine alone.
os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100 + 1))
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("TRM_NODE", str(ROOT / "target/release/trm_node"))
sys.path[:0] = [str(ROOT / "tests/dds"), str(ROOT / "tests")]

try:
    import numpy as np
    import rclpy
    import yaml

    import raw_map
    from action_client import SUCCEEDED, poses_of, seconds, to_pose
    from managed import ACTIVATE, CONFIGURE, Managed
    from nav2_msgs.action import ComputePathToPose
    from peer import Peer
    from process import BINARY, NodeProcess
    from quantiles import quantiles
    from rclpy.action import ActionClient
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `make bench`, or first `. tools/ros/env.sh` (made by tools/ros/setup.sh)")

PACKAGE = "nav2_planner"
OURS, THEIRS = "/ours", "/theirs"
# As nav2_bringup's parameter file has them.
RADIUS, INFLATION, SCALING, TOLERANCE = 0.22, 0.55, 3.0, 0.5
# Metres from start to goal, at least.
LEAST = 3.0
# So long a server may take until it is active, and to an answer, in seconds.
PATIENCE = 60.0


# The status of a goal that wasn't accepted.
REFUSED = -1


class Failed(Exception):
    """It can't be measured; the text says why."""


def executable(name: str) -> pathlib.Path:
    """A file, or an executable of nav2_planner in the sourced environment."""
    if "/" in name:
        found = [pathlib.Path(name)]
    else:
        prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
        found = [pathlib.Path(prefix) / "lib" / PACKAGE / name for prefix in prefixes]
    for file in found:
        if os.access(file, os.X_OK) and file.is_file():
            return file
    where = "there is no such executable file" if "/" in name else f"no {PACKAGE} in AMENT_PREFIX_PATH has it: source a Nav2"
    raise Failed(f"PEER {name}: {where}")


def our_parameters(deadline_ms: float) -> dict:
    return {"robot_radius": RADIUS, "inflation_radius": INFLATION, "cost_scaling_factor": SCALING, "tolerance": TOLERANCE,
            "deadline_ms": deadline_ms, "allow_unknown": False}


def their_parameters(use_astar: bool) -> dict:
    """Nav2's planner server with NavFn, on a costmap of the map and its inflation."""
    layers = {"static_layer": {"plugin": "nav2_costmap_2d::StaticLayer", "map_subscribe_transient_local": True},
              "inflation_layer": {"plugin": "nav2_costmap_2d::InflationLayer", "inflation_radius": INFLATION,
                                  "cost_scaling_factor": SCALING}}
    costmap = {"global_frame": "map", "robot_base_frame": "base_link", "robot_radius": RADIUS, "update_frequency": 1.0,
               "publish_frequency": 1.0, "track_unknown_space": True, "plugins": [*layers], **layers}
    navfn = {"plugin": "nav2_navfn_planner::NavfnPlanner", "use_astar": use_astar, "allow_unknown": False,
             "tolerance": TOLERANCE}
    server = {"planner_plugins": ["GridBased"], "GridBased": navfn}
    return {f"{THEIRS}/planner_server": {"ros__parameters": server},
            f"{THEIRS}/global_costmap/global_costmap": {"ros__parameters": costmap}}


@dataclasses.dataclass
class Answer:
    """What one server said to one request."""

    round_trip_ms: float
    planning_ms: float
    poses: np.ndarray
    code: int
    faults: list[str]

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.poses[:, :2], axis=0).T).sum())


class Server:
    """A planner server, and its client."""

    def __init__(self, name: str, peer: Peer, checker: raw_map.Checker):
        self.name, self.peer, self.checker = name, peer, checker
        self.client = ActionClient(peer.node, ComputePathToPose, "compute_path_to_pose")
        peer.wait(self.client.server_is_ready, f"the action of {name}", PATIENCE)
        self.answers: list[Answer] = []

    def ask(self, query: raw_map.Query) -> Answer:
        began = time.perf_counter()
        handle = self._result(self.client.send_goal_async(to_pose((*query.goal, 0.0), (*query.start, 0.0))))
        status, result = REFUSED, ComputePathToPose.Result()
        if handle.accepted:
            answered = self._result(handle.get_result_async())
            status, result = answered.status, answered.result
        took = 1e3 * (time.perf_counter() - began)
        poses = poses_of(result.path)
        faults = []
        if status == SUCCEEDED:
            ends = [math.dist(poses[0, :2], query.start) > TOLERANCE, math.dist(poses[-1, :2], query.goal) > TOLERANCE]
            faults = [f"ends elsewhere: {query}"] if any(ends) else []
            faults += self.checker.collisions(self.checker.grid.to_cells(poses[:, :2]))
        else:
            poses = poses[:0]
        answer = Answer(took, 1e3 * seconds(result.planning_time), poses, result.error_code, faults)
        self.answers.append(answer)
        return answer

    def _result(self, future):
        self.peer.wait(future.done, f"an answer of {self.name}", PATIENCE)
        return future.result()


def row(server: Server, shortest: np.ndarray, resolution: float) -> dict:
    """The figures of one server."""
    solved = [(answer, best) for answer, best in zip(server.answers, shortest, strict=True) if len(answer.poses)]
    codes: dict[str, int] = {}
    for answer in server.answers:
        if not len(answer.poses):
            codes[str(answer.code)] = codes.get(str(answer.code), 0) + 1
    return {"server": server.name, "requests": len(server.answers), "paths": len(solved), "error_codes": codes,
            "planning_ms": quantiles([answer.planning_ms for answer in server.answers]),
            "round_trip_ms": quantiles([answer.round_trip_ms for answer in server.answers]),
            "touching": sum(any(fault.startswith("touches") for fault in answer.faults) for answer, _ in solved),
            "too_near": sum(any("comes within" in fault for fault in answer.faults) for answer, _ in solved),
            "length_ratio": quantiles([answer.length / (best * resolution) for answer, best in solved if best > 0])}


def show(rows: list[dict]) -> None:
    print(f"{'server':<40}{'paths':>12}{'planning p50/p99/max ms':>26}{'touching':>10}{'too near':>10}{'length p50':>12}")
    for figures in rows:
        times = "/".join(f"{figures['planning_ms'][key]:.2f}" for key in ("p50", "p99", "max"))
        length = figures["length_ratio"].get("p50", math.nan)
        print(f"{figures['server']:<40}{figures['paths']:>6} of {figures['requests']:>3}{times:>24}{figures['touching']:>10}"
              f"{figures['too_near']:>10}{length:>12.3f}")


@contextlib.contextmanager
def their_server(file: pathlib.Path, parameters: pathlib.Path, log: pathlib.Path):
    remaps = [word for topic in ("tf", "tf_static") for word in ("-r", f"/{topic}:={topic}")]
    command = [str(file), "--ros-args", "-r", f"__ns:={THEIRS}", *remaps, "--params-file", str(parameters)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bring_up(peer: Peer, process: subprocess.Popen, log: pathlib.Path) -> None:
    """Takes a managed planner server to its active state."""
    managed = Managed(peer, f"{THEIRS}/planner_server")
    try:
        managed.connect()
        for transition, name in ((CONFIGURE, "configure"), (ACTIVATE, "activate")):
            if not managed.change(transition, patience=PATIENCE):
                raise Failed(f"the planner server refuses to {name}; the end of its log:\n{log.read_text()[-2000:]}")
    except AssertionError as error:
        state = "has ended" if process.poll() is not None else "doesn't answer"
        raise Failed(f"the planner server {state}: {error}; the end of its log:\n{log.read_text()[-2000:]}") from None


def measure(arguments, folder: pathlib.Path, context) -> dict:
    grid = raw_map.load(arguments.map)
    graph = raw_map.Graph(raw_map.inflate(grid, RADIUS))
    queries = raw_map.random_queries(grid, graph, RADIUS, arguments.requests, LEAST, np.random.default_rng(arguments.seed))
    if len(queries) < arguments.requests:
        raise Failed(f"{arguments.map}: only {len(queries)} of {arguments.requests} pairs of places with a way between them")
    shortest = graph.shortest([query.cells for query in queries])
    file = executable(arguments.peer)
    parameters, log = arguments.peer_params or folder / "peer.yaml", folder / "peer.log"
    if arguments.peer_params is None:
        parameters.write_text(yaml.safe_dump(their_parameters(arguments.astar)))
    with contextlib.ExitStack() as stack:
        node = NodeProcess(folder, our_parameters(arguments.deadline_ms), OURS)
        stack.callback(node.stop)
        process = stack.enter_context(their_server(file, parameters, log))
        ours, theirs = Peer(context, OURS), Peer(context, THEIRS, "planner_server")
        for peer in (ours, theirs):
            stack.callback(peer.close)
            peer.pose = (*queries[0].start, 0.0)
        ours.connect(node)
        for peer in (ours, theirs):
            peer.publish_map(grid)
        # Nav2's server waits for the robot's transform while it is activated.
        bring_up(theirs, process, log)
        checker = raw_map.Checker(grid, RADIUS)
        servers = [Server(f"trm_node, deadline {arguments.deadline_ms:g} ms", ours, checker),
                   Server(f"{file.name} ({'A*' if arguments.astar else 'Dijkstra'})", theirs, checker)]
        for server in servers:
            server.peer.wait(lambda server=server: len(server.ask(queries[0]).poses), f"a path of {server.name}", PATIENCE)
            server.answers.clear()
        # Side by side, each first in turn: what disturbs one disturbs the other.
        for number, query in enumerate(queries):
            for server in servers if number % 2 else servers[::-1]:
                server.ask(query)
    rows = [row(server, shortest, grid.resolution) for server in servers]
    return {"map": arguments.map.parent.name, "seed": arguments.seed, "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(), "kernel": platform.release(), "servers": rows}


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="planner_server", help=f"an executable of {PACKAGE}, or a file with its path")
    parser.add_argument("--peer-params", type=pathlib.Path, help="its parameter file; default: NavFn on the same costmap")
    parser.add_argument("--astar", action="store_true", help="NavFn with A* instead of Dijkstra's algorithm")
    parser.add_argument("--map", type=pathlib.Path, default=ROOT / "tests/maps/pal_office/map.yaml")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--deadline-ms", type=float, default=30.0, help="trm_node's; Nav2's has none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args(argv)
    for name, file in (("--map", arguments.map), ("--peer-params", arguments.peer_params), ("TRM_NODE", BINARY)):
        if file is not None and not file.is_file():
            parser.error(f"{name}: there is no file {file}")
    if arguments.requests < 1:
        parser.error(f"--requests: {arguments.requests} is not at least 1")
    return arguments


def main() -> int:
    arguments = parse(sys.argv[1:])
    context = rclpy.Context()
    rclpy.init(context=context)
    with tempfile.TemporaryDirectory(prefix="trm_bench_") as folder:
        try:
            figures = measure(arguments, pathlib.Path(folder), context)
        except Failed as failure:
            print(f"bench failed: {failure}", file=sys.stderr)
            return 1
        finally:
            context.try_shutdown()
    show(figures["servers"])
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
