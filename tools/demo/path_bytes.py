"""A nav_msgs/Path as it comes over the wire, read with numpy: rclpy takes milliseconds for a path of some hundred poses.

The wire format is CDR, little-endian (OMG DDSI-RTPS 2.5, 10.2): four bytes of header, then the fields, each aligned to its own
size from there on.
"""

import struct

import numpy as np

HEADER = 4
# Of x, y, z and the quaternion x, y, z, w.
POSE = 7 * 8


def up(offset: int, size: int) -> int:
    return -(-offset // size) * size


def parse(raw: bytes) -> tuple[float, np.ndarray]:
    """The stamp in seconds, and the poses [n, 3] as x, y, yaw. All poses have the same frame's name."""
    if raw[:2] != b"\x00\x01":
        raise ValueError(f"the message isn't little-endian CDR: {raw[:4].hex()}")
    body = raw[HEADER:]
    seconds, nanoseconds, name = struct.unpack_from("<iII", body)
    at = up(12 + name, 4)
    (count,) = struct.unpack_from("<I", body, at)
    at += 4
    stamp = seconds + nanoseconds * 1e-9
    if not count:
        return stamp, np.empty((0, 3))
    (name,) = struct.unpack_from("<I", body, at + 8)
    # Numbers begin at a multiple of eight, and so end at one: from the second pose on, all are as long.
    first = up(at + 12 + name, 8)
    step = up(12 + name, 8) + POSE
    rows = np.lib.stride_tricks.as_strided(
        np.frombuffer(body, np.uint8, offset=first), (count, POSE), (step, 1), writeable=False)
    numbers = np.ascontiguousarray(rows).view("<f8")
    return stamp, np.stack([numbers[:, 0], numbers[:, 1], 2.0 * np.arctan2(numbers[:, 5], numbers[:, 6])], axis=1)
