"""Corridors as wide as the robot, or a little wider, at resolutions as people and programs write them. The command reads
the resolution from a file, the node from a message in single precision, as a map server would publish that file. The
judge reads it as the shortest decimal of that precision, and inflates with code of its own.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

import worlds
from bench import Bench
from case import Case
from peer import Peer
from raw_map import FREE, OCCUPIED, Graph, Map, inflate
from test_parameters import set_parameter

RESOLUTIONS = [("own", "0.05"), ("own", "0.05000000074505806"), ("navigation#377", "0.025"),
               ("navigation#377", "0.02500000037252903"), ("own", "0.1"), ("own", "0.10000000149011612"),
               ("navigation2#5405", "0.049999999"), ("own", "0.2"), ("own", "0.20000000298023224"),
               ("own", "0.0333333333"), ("own", "5e-2"), ("own", "0.125")]
# Cells between the middle of the corridor and the walls' centres.
REACH = 4
LENGTH, ROOM = 30, 15


def walls(resolution: float) -> Map:
    """Two rooms, and a corridor whose middle is just this many cells from the centres of its walls."""
    height = 2 * ROOM + 1
    state = np.full((height, LENGTH + 2 * ROOM), OCCUPIED, np.uint8)
    state[1:-1, 1:ROOM] = state[1:-1, -ROOM:-1] = FREE
    state[ROOM - REACH + 1:ROOM + REACH, ROOM:-ROOM] = FREE
    return Map(pathlib.Path("corridor"), state, resolution, (0.0, 0.0, 0.0))


def ends(grid: Map) -> tuple[tuple[float, float, float], ...]:
    """The middles of both rooms."""
    cols, row = (ROOM // 2 + 0.5, grid.state.shape[1] - ROOM // 2 - 0.5), ROOM + 0.5
    return tuple((*grid.to_metres(col, row), 0.0) for col in cols)


def judged(grid: Map, radius: float) -> str:
    graph = Graph(inflate(grid, radius))
    first, last = ((ROOM, ROOM // 2), (ROOM, grid.state.shape[1] - ROOM // 2 - 1))
    return "a path" if graph.reachable(first)[last] else "NO_VALID_PATH"


def by_command(bench: Bench, grid: Map, text: str, radius: float) -> str:
    folder = bench.folder()
    Image.fromarray(np.where(grid.state[::-1] == OCCUPIED, 0, 254).astype(np.uint8)).save(folder / "map.pgm")
    (folder / "map.yaml").write_text(f"image: map.pgm\nresolution: {text}\norigin: [0, 0, 0]\nnegate: 0\n"
                                     "occupied_thresh: 0.65\nfree_thresh: 0.25\n")
    (start, goal) = ends(grid)
    answer = bench.command("plan", folder / "map.yaml", "--start", *start[:2], "--goal", *goal[:2], "--robot-radius",
                           radius, "--deadline-ms", 5000, "--json")
    if "NO_VALID_PATH" in answer.stdout:
        return "NO_VALID_PATH"
    return "a path" if answer.returncode == 0 else answer.stderr


def by_node(peer: Peer, grid: Map, text: str, radius: float) -> str:
    assert set_parameter(peer, "robot_radius", radius).successful
    peer.publish_map(dataclasses.replace(grid, resolution=float(np.float32(float(text)))))
    start, goal = ends(grid)
    mark = peer.now()
    peer.ask(start, goal)
    # The first plans may still be on the grid or the radius before.
    peer.spin(0.7)
    mark = peer.now()
    status = peer.status_after(mark, lambda s: s.is_plan and s.result in ("SUCCEEDED", "NO_VALID_PATH"), "a plan")
    return "a path" if status.result == "SUCCEEDED" else status.result


def cases(bench: Bench, resolutions=RESOLUTIONS) -> Iterator[Case]:
    parameters = {"deadline_ms": 1000.0, "planner_frequency": 5.0, "inflation_radius": 0.0}
    with bench.node(parameters, "/corridor") as (_, peer):
        for id, text in resolutions:
            grid = walls(float(str(np.float32(float(text)))))
            for what, share in (("just two radii", 1.0), ("a little more than two radii", 1.0 - 1e-5)):
                radius = round(REACH * grid.resolution * share, 9)
                expected = judged(grid, radius)
                got = by_command(bench, grid, text, radius), by_node(peer, grid, text, radius)
                for program, answer in zip(("command", "node"), got):
                    yield Case(id, f"resolution {text}, corridor of {what}, {program}", expected, answer)
