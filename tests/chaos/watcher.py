"""A peer that attacks: what it needs beyond the one of tests/dds."""

import pathlib
import time

from geometry_msgs.msg import TransformStamped
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

import worlds
from peer import LATCHED, Peer
from plan_status import Status
from process import NodeProcess
from worlds import Pose


def rss_mb(node: NodeProcess) -> float:
    lines = pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def static_transform(parent: str, child: str, pose: Pose, stamp) -> TFMessage:
    msg = TransformStamped(child_frame_id=child)
    msg.header.frame_id, msg.header.stamp = parent, stamp
    msg.transform.translation.x, msg.transform.translation.y = pose[:2]
    msg.transform.rotation = worlds.quaternion(pose[2])
    return TFMessage(transforms=[msg])


class Watcher(Peer):
    """Keeps all that comes, and can set a robot down for good."""

    def __init__(self, context, namespace: str = "", planner: str = "trm_node"):
        super().__init__(context, namespace, planner)
        self.tf_static_name = "tf_static" if namespace else "/tf_static"
        self.tf_static = self.node.create_publisher(TFMessage, self.tf_static_name, LATCHED)

    def _on_plan(self, msg) -> None:
        super()._on_plan(msg)
        self.plans[-1].msg = None  # there are too many of them to keep

    def stand(self, pose: Pose) -> None:
        """The robot stays here, and no transform grows old."""
        self.tf_static.publish(static_transform("map", "base_link", pose, self.stamp()))

    def statuses_since(self, mark: float) -> list[Status]:
        return [s for s in self.statuses if s.stamp >= mark]


class Calls:
    """Service requests that nobody waits for. So many of them may be unanswered at a time; more are left out."""

    def __init__(self, peer: Peer, service, name: str, most: int):
        self.peer, self.most = peer, most
        qos = QoSProfile(depth=1000)
        self.client = peer.node.create_client(service, f"{peer.planner}/{name}", qos_profile=qos)
        peer.wait(self.client.service_is_ready, f"the service {name}")
        self.futures = []
        self.left_out = 0

    def send(self, request) -> None:
        if self.pending >= self.most:
            self.left_out += 1
            return
        self.futures.append(self.client.call_async(request))

    @property
    def pending(self) -> int:
        return sum(not future.done() for future in self.futures[-4 * self.most:])

    @property
    def unanswered(self) -> int:
        return sum(not future.done() for future in self.futures)

    def wait(self, seconds: float = 5.0) -> int:
        """How many are unanswered after this time."""
        end = time.monotonic() + seconds
        while self.unanswered and time.monotonic() < end:
            self.peer.spin(0.05)
        return self.unanswered

    def close(self) -> None:
        self.peer.node.destroy_client(self.client)


class Setter(Calls):
    """Sets a parameter, again and again."""

    def __init__(self, peer: Peer, most: int = 50):
        super().__init__(peer, SetParameters, "set_parameters", most)

    def set(self, name: str, value: float) -> None:
        value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
        self.send(SetParameters.Request(parameters=[Parameter(name=name, value=value)]))


class Getter(Calls):
    def __init__(self, peer: Peer, most: int = 1000):
        super().__init__(peer, GetParameters, "get_parameters", most)

    def get(self, *names: str) -> None:
        self.send(GetParameters.Request(names=list(names)))
