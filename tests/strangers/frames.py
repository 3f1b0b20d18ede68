"""Names of frames in messages and parameters. The judge is tf2's rule (its `stripSlash`): one leading
slash is no part of a name. What names no frame, or another one without a transform, is refused by its name.
"""

from collections.abc import Iterator

import worlds
from bench import Bench
from case import Case
from peer import Peer

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
# Of the parameters map_frame and robot_base_frame, the grid, the goal, and the transform's parent and child.
USUAL = {"map_frame": "map", "robot_base_frame": "base_link", "grid": "map", "goal": "map", "parent": "map",
         "child": "base_link"}
TRIED = [
    ("own", {}),
    ("cob_command_tools#301", {"goal": "/map"}),
    ("rslidar_sdk#91", {"grid": "/map"}),
    ("turtlebot3#1064", {"child": "/base_link"}),
    ("own", {"parent": "/map"}),
    ("own", {"map_frame": "/map"}),
    ("own", {"robot_base_frame": "/base_link"}),
    ("own", {name: f"/{frame}" for name, frame in USUAL.items()}),
    ("own", {"map_frame": "world", "grid": "/world", "goal": "world", "parent": "/world"}),
    ("own", {"grid": "odom"}),
    ("own", {"grid": ""}),
    ("own", {"goal": ""}),
    ("own", {"goal": "nowhere"}),
    ("own", {"goal": "//map"}),
    ("own", {"child": "base_footprint"}),
]


def stripped(frame: str) -> str:
    return frame[1:] if frame.startswith("/") else frame


def judged(frames: dict[str, str]) -> str:
    frames = {name: stripped(frame) for name, frame in frames.items()}
    fits = (frames["grid"] == frames["goal"] == frames["parent"] == frames["map_frame"]
            and frames["child"] == frames["robot_base_frame"])
    return "a path" if fits else "refused by name"


def by_node(bench: Bench, number: int, frames: dict[str, str]) -> str:
    parameters = {name: frames[name] for name in ("map_frame", "robot_base_frame")}
    with bench.node(parameters, f"/frames{number}") as (_, peer):
        peer.map.publish(worlds.grid_message(worlds.room(), peer.stamp(), frames["grid"]))
        timer = peer.node.create_timer(0.02, lambda: peer.publish_tf(frames["parent"], frames["child"], START))
        peer.send_goal(GOAL, frames["goal"])

        def answer() -> str | None:
            if any(plan.ends_at(GOAL) for plan in peer.plans):
                return "a path"
            return "refused by name" if is_named(peer, frames) else None
        try:
            return peer.wait(answer, "a path or a refusal", patience=10.0)
        except AssertionError as nothing:
            return str(nothing)
        finally:
            peer.node.destroy_timer(timer)


def is_named(peer: Peer, frames: dict[str, str]) -> bool:
    """Whether a status or the diagnostics name a frame that doesn't fit."""
    wrong = [frame for name, frame in frames.items() if stripped(frame) not in ("map", "world", "base_link")]
    wrong += [frames["robot_base_frame"]] if stripped(frames["child"]) != stripped(frames["robot_base_frame"]) else []
    texts = [s.message for s in peer.statuses] + [s.message for _, s in peer.diagnostics]
    return any((stripped(frame) or '""') in text for frame in wrong for text in texts)


def cases(bench: Bench, tried=None) -> Iterator[Case]:
    for number, (id, changes) in enumerate(TRIED if tried is None else tried):
        frames = {**USUAL, **changes}
        what = ", ".join(f"{name} {frame!r}" for name, frame in changes.items()) or "all as usual"
        yield Case(id, f"frames: {what}", judged(frames), by_node(bench, number, frames))
