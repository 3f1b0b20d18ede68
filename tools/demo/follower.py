"""How the simulated robot drives along a path of poses: pose by pose, backwards where the path leads back, and turning on the
spot only where it does.

The errors against the pose on the path are fed back as by Kanayama et al., "A stable tracking control method for an autonomous
mobile robot" (1990). In drives backwards the sideways error counts the other way.
"""

import math
import time

import numpy as np

from drive import Drive, Limits, angle

# Poses nearer than this, in metres, are at one place: between them the robot turns.
SAME_PLACE = 1e-4
# What a radian counts in metres where distances of poses are compared.
RADIAN = 0.3
# A path is the one that the robot follows if so many poses of it are.
COMPARED = 40
# The robot waits at a stop until it is this near, in metres and radians; it drives at least so fast, in m/s and rad/s.
NEAR, TURNED = 0.005, 0.01
CREEP, CREEP_TURN = 0.04, 0.15
# An older path isn't followed further, but for the last metres of it.
LONGEST_PLAN_AGE, LAST_STRETCH = 1.0, 0.3
# Share of the limits that the plan of speeds uses: the rest is for errors.
SHARE = 0.5
# Share of the greatest speed backwards.
BACK = 0.5


class Path:
    """Poses [n, 3] and how one gets from each to the next: +1 forwards, -1 backwards, 0 turning on the spot."""

    def __init__(self, poses: np.ndarray):
        self.poses = poses
        steps = np.diff(poses, axis=0)
        self.turns = (steps[:, 2] + math.pi) % math.tau - math.pi
        self.chords = np.hypot(steps[:, 0], steps[:, 1])
        middle = poses[:-1, 2] + self.turns / 2
        ahead = steps[:, 0] * np.cos(middle) + steps[:, 1] * np.sin(middle) >= 0.0
        self.ways = np.where(self.chords < SAME_PLACE, 0, np.where(ahead, 1, -1))
        self.measure = np.where(self.ways == 0, np.abs(self.turns), self.chords)
        # The pose where each piece's way changes or ends.
        self.stops = np.empty(len(self.ways), int)
        stop = len(self.ways)
        for at in range(len(self.ways) - 1, -1, -1):
            if at + 1 < len(self.ways) and self.ways[at] != self.ways[at + 1]:
                stop = at + 1
            self.stops[at] = stop

    def at(self, place: float) -> np.ndarray:
        """The pose at a place that counts poses."""
        piece = min(int(place), len(self.ways) - 1)
        a, b = self.poses[piece], self.poses[piece + 1]
        share = place - piece
        return np.array([*(a[:2] + share * (b[:2] - a[:2])), a[2] + share * self.turns[piece]])

    def left(self, place: float, stop: int) -> float:
        """Metres, or radians of a turn on the spot, from a place to the stop after it."""
        if place >= stop:
            return 0.0
        piece = int(place)
        return float(self.measure[piece:stop].sum() - (place - piece) * self.measure[piece])

    def way_left(self, place: float) -> float:
        """Metres from a place to the end."""
        return float(self.chords[int(place):].sum())

    def first_nearest(self, pose: np.ndarray) -> float:
        """The first place that is nearer to a pose than those just before and after it."""
        best, place = math.inf, 0.0
        for at in np.arange(0.0, len(self.ways), 0.25):
            x, y, yaw = self.at(at) - pose
            distance = math.hypot(x, y, RADIAN * angle(yaw))
            if distance > best + 0.02:
                break
            if distance < best:
                best, place = distance, at
        return place

    def is_rest_of(self, other: "Path") -> bool:
        """Whether this is what is left of another path; its first pose is where the robot was."""
        mine = self.poses[1:1 + COMPARED]
        if not len(mine) or not np.allclose(self.poses[-1], other.poses[-1]):
            return False
        same = np.flatnonzero(np.abs(other.poses - mine[0]).max(1) < 1e-6)
        return any(at + len(mine) <= len(other.poses) and np.allclose(other.poses[at:at + len(mine)], mine) for at in same)


class Follower:
    """Gives the speeds with which a robot stays on the newest path."""

    def __init__(self, limits: Limits, settle: float):
        """A sideways error is gone after some `settle` metres."""
        self.limits, self.settle = limits, settle
        self.path: Path | None = None
        self.received = -math.inf
        self.place, self.stop = 0.0, 0
        self.speed = 0.0  # along the path, m/s or rad/s

    def take(self, poses: np.ndarray, drive: Drive) -> None:
        distinct = np.abs(np.diff(poses, axis=0)).max(1) > 1e-9
        poses = poses[np.concatenate([[True], distinct])]
        if len(poses) < 2:
            return
        self.received = time.monotonic()
        path = Path(poses)
        if self.path is None or not path.is_rest_of(self.path):
            self.path, self.place = path, path.first_nearest(np.array([drive.x, drive.y, drive.yaw]))
            self.stop = path.stops[min(int(self.place), len(path.ways) - 1)]

    def commands(self, drive: Drive, dt: float) -> tuple[float, float]:
        """Speed and rate of turning."""
        path = self.path
        is_old = time.monotonic() - self.received > LONGEST_PLAN_AGE
        if path is None or is_old and path.way_left(self.place) > LAST_STRETCH:
            self.speed = 0.0
            return 0.0, 0.0
        error = path.at(self.place) - (drive.x, drive.y, drive.yaw)
        ahead = error[0] * math.cos(drive.yaw) + error[1] * math.sin(drive.yaw)
        aside = error[1] * math.cos(drive.yaw) - error[0] * math.sin(drive.yaw)
        turn = angle(error[2])
        if self.place >= self.stop:
            self.go_on(abs(turn) < TURNED if path.ways[self.stop - 1] == 0 else abs(ahead) < NEAR)
            return 2.0 * ahead, 4.0 * turn
        piece = int(self.place)
        speed, way = self.along(piece, dt), path.ways[piece]
        if way == 0:
            return 2.0 * ahead, math.copysign(speed, path.turns[piece]) + 4.0 * turn
        rate, stiffness = speed * path.turns[piece] / path.chords[piece], 1.0 / self.settle
        return (way * speed * math.cos(turn) + 2.0 * ahead,
                rate + way * speed * stiffness ** 2 * aside + 2.0 * speed * stiffness * math.sin(turn))

    def go_on(self, is_there: bool) -> None:
        """Starts the way after a stop, if there is one and the robot is there."""
        if is_there and self.stop < len(self.path.ways):
            self.stop, self.speed = self.path.stops[self.stop], 0.0

    def along(self, piece: int, dt: float) -> float:
        """Goes on to the next place on the path: the speed there."""
        path, limits = self.path, self.limits
        if path.ways[piece] == 0:
            gain, fastest, creep = SHARE * limits.turn_acceleration, SHARE * limits.turn, CREEP_TURN
        else:
            bend = abs(path.turns[piece]) / path.chords[piece]
            gain, creep = SHARE * limits.acceleration, CREEP
            fastest = min(limits.speed * (BACK if path.ways[piece] < 0 else 1.0), SHARE * limits.turn / max(bend, 1e-6))
        left = path.left(self.place, self.stop)
        self.speed = min(fastest, self.speed + gain * dt, math.sqrt(2.0 * gain * left) + creep)
        self.advance(self.speed * dt)
        return self.speed

    def advance(self, length: float) -> None:
        """Moves the place on by metres, or radians, up to the stop."""
        while length > 0.0 and self.place < self.stop:
            piece = int(self.place)
            left = (piece + 1 - self.place) * self.path.measure[piece]
            if left > length:
                self.place += length / self.path.measure[piece]
                return
            self.place, length = float(piece + 1), length - left
