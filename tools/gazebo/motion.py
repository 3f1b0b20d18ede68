"""How smoothly the robot moved, by where it was: the jerk, and the stops."""

import dataclasses
import math

import numpy as np

from drive import Pose

# Positions are taken at this rate, and a cubic is fitted to as many as this time holds (Savitzky, Golay, 1964): a
# shorter time shows the simulator's wheels, a longer one rounds off how the robot starts and brakes.
RATE, SPAN = 50.0, 0.4
# Below this it stands, in m/s and rad/s.
STANDS, TURNS = 0.02, 0.05
# Figures begin and end with so much motion, in seconds at least.
LEAST = 1.0


def cubic_fit(count: int, step: float) -> np.ndarray:
    """[4, count] the weights that give, of so many values, the coefficients of the cubic that fits them best; its
    middle is at 0."""
    at = (np.arange(count) - (count - 1) / 2) * step
    return np.linalg.pinv(np.stack([at**n for n in range(4)], axis=1))


@dataclasses.dataclass
class Motion:
    times: list[float] = dataclasses.field(default_factory=list)
    poses: list[Pose] = dataclasses.field(default_factory=list)

    def take(self, time: float, pose: Pose) -> None:
        self.times.append(time)
        self.poses.append(pose)

    @property
    def way(self) -> np.ndarray:
        """[n, 3]"""
        return np.array(self.poses).reshape(-1, 3)

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.way[:, :2], axis=0).T).sum())

    def derivatives(self) -> tuple[np.ndarray, np.ndarray]:
        """[n, 2] velocities in m/s and [n, 2] jerks in m/s³, at the rate."""
        if not self.times or self.times[-1] - self.times[0] < max(LEAST, 2.0 * SPAN):
            return np.empty((0, 2)), np.empty((0, 2))
        at = np.arange(self.times[0], self.times[-1], 1.0 / RATE)
        places = np.stack([np.interp(at, self.times, self.way[:, i]) for i in (0, 1)], axis=1)
        fit = cubic_fit(round(SPAN * RATE) | 1, 1.0 / RATE)
        windows = np.lib.stride_tricks.sliding_window_view(places, fit.shape[1], axis=0)  # [n, 2, count]
        return windows @ fit[1], 6.0 * (windows @ fit[3])

    def figures(self) -> dict:
        """Of all jerks while the robot drove."""
        velocity, jerk = self.derivatives()
        jerks = np.hypot(*jerk.T)[np.hypot(*velocity.T) > STANDS]
        if not len(jerks):
            return {"n": 0}
        return {"n": len(jerks), "rms_m_s3": round(math.sqrt(float(np.mean(jerks**2))), 3),
                "p99_m_s3": round(float(np.quantile(jerks, 0.99)), 3)}
