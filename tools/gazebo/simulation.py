"""Gazebo Classic for a run: the server in its root, the robot spawned, people moved, contacts and poses taken."""

import collections
import dataclasses
import pathlib
import queue
import socket
import time
from collections.abc import Callable

import imports

import numpy as np

from bridge import pose_of, seconds
from drive import Pose
from processes import Children
from transport import Transport

SERVER = "gzserver"
ROBOT = "robot"
# The mounts are in a namespace of their own: they are gone with the process, however it ends.
ENTER = """
root=$1 worlds=$2
shift 2
mkdir -p "$root/worlds"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$worlds" "$root/worlds"
exec chroot "$root" env -i PATH=/usr/bin:/bin HOME=/tmp "$@"
"""


@dataclasses.dataclass(frozen=True)
class Contact:
    time: float
    other: str  # name of the model that was touched


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start_server(children: Children, world: pathlib.Path, port: int) -> None:
    # No model database: it is asked over the network, and nothing here comes from it.
    command = [f"GAZEBO_MASTER_URI=http://127.0.0.1:{port}", "GAZEBO_IP=127.0.0.1", "GAZEBO_MODEL_DATABASE_URI=",
               SERVER, "--verbose", f"/worlds/{world.name}"]
    children.start(SERVER, ["unshare", "--mount", "bash", "-euc", ENTER, "-", str(imports.FOLDER / "root"),
                            str(world.parent), *command])


class Simulation:
    """The true world. What it says is in the queue, as (time, robot's pose); contacts come into their list."""

    def __init__(self, port: int, died: Callable[[], str | None]):
        self.gazebo = Transport(imports.FOLDER / "messages.desc", port, died=died)
        self.poses: queue.SimpleQueue[tuple[float, Pose]] = queue.SimpleQueue()
        self.contacts: list[Contact] = []
        self.rates: collections.deque[tuple[float, float]] = collections.deque()  # real time, simulated time
        self.time = 0.0
        self.factory = self.gazebo.advertise("~/factory", "Factory")
        self.modify = self.gazebo.advertise("~/model/modify", "Model")
        self.gazebo.subscribe("~/pose/info", "PosesStamped", self._on_poses)
        self.gazebo.subscribe("~/world_stats", "WorldStatistics", self._on_statistics)
        self.gazebo.subscribe(f"~/{ROBOT}/base_link/bumper", "Contacts", self._on_contacts)

    def close(self) -> None:
        self.gazebo.close()

    def is_there(self) -> bool:
        return self.factory.has_subscribers and self.modify.has_subscribers

    def spawn(self, file: pathlib.Path, pose: Pose) -> None:
        """A robot at a pose."""
        message = self.gazebo.message("Factory")
        message.sdf = file.read_text()
        self._place(message.pose, (*pose[:2], 0.0), pose[2])
        self.factory.publish(message)

    def move(self, model: str, place: tuple[float, float, float]) -> None:
        message = self.gazebo.message("Model")
        message.name = model
        self._place(message.pose, place, 0.0)
        self.modify.publish(message)

    def _place(self, pose, place: tuple[float, float, float], yaw: float) -> None:
        pose.position.x, pose.position.y, pose.position.z = place
        pose.orientation.x = pose.orientation.y = 0.0
        pose.orientation.z, pose.orientation.w = np.sin(yaw / 2), np.cos(yaw / 2)

    def _on_poses(self, message) -> None:
        time = seconds(message.time)
        for pose in message.pose:
            if pose.name == ROBOT and time > self.time:
                self.time = time
                self.poses.put((time, pose_of(pose)))

    def _on_statistics(self, message) -> None:
        self.rates.append((time.monotonic(), seconds(message.sim_time)))

    def _on_contacts(self, message) -> None:
        for contact in message.contact:
            names = {contact.collision1.partition("::")[0], contact.collision2.partition("::")[0]} - {ROBOT}
            self.contacts.append(Contact(seconds(contact.time), names.pop() if names else ROBOT))

    def real_time_factor(self, since: float) -> dict[str, float]:
        """Over all from a time of the world on, and the lowest in 2 s."""
        samples = [(real, simulated) for real, simulated in self.rates if simulated >= since]
        if len(samples) < 2:
            return {}
        real, simulated = np.array(samples).T
        later = np.searchsorted(real, real + 2.0)
        inside = later < len(real)
        rates = (simulated[later[inside]] - simulated[inside]) / (real[later[inside]] - real[inside])
        mean = (simulated[-1] - simulated[0]) / (real[-1] - real[0])
        return {"mean": round(float(mean), 3), "lowest_in_2_s": round(float(rates.min(initial=mean)), 3)}

