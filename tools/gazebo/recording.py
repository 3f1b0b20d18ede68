"""A log of topics in MCAP (mcap.dev) as ROS 2 writes it, with the definitions of all messages in it: Foxglove and
`ros2 bag play` open it."""

import pathlib
import re

import imports  # noqa: F401, I001

from ament_index_python.packages import get_package_share_directory
from mcap.writer import CompressionType, Writer

# Between the definitions of a schema.
RULE = "=" * 80
# A field of another message: its package, which may be missing, and its name.
FIELD = re.compile(r"^\s*(?:(\w+)/)?([A-Z]\w*)(?:\[[^\]]*\])?\s+\w+", re.MULTILINE)


def text_of(package: str, name: str) -> str:
    return (pathlib.Path(get_package_share_directory(package)) / "msg" / f"{name}.msg").read_text()


def definition(kind: str) -> str:
    """Of a message package/msg/Name: its text, and those of all messages in it."""
    package, _, name = kind.split("/")
    parts, waiting, known = [], [(package, name)], set()
    while waiting:
        package, name = waiting.pop()
        if (package, name) in known:
            continue
        known.add((package, name))
        text = text_of(package, name)
        parts.append(text if not parts else f"{RULE}\nMSG: {package}/{name}\n{text}")
        waiting += [(inner or package, field) for inner, field in FIELD.findall(text)]
    return "\n".join(parts)


class Recording:
    def __init__(self, file: pathlib.Path):
        self.stream = file.open("wb")
        self.writer = Writer(self.stream, compression=CompressionType.ZSTD)
        self.writer.start(profile="ros2", library="trm_node")
        self.channels: dict[str, int] = {}
        self.last: dict[str, float] = {}

    def take(self, topic: str, kind: str, raw: bytes, time: float, period: float = 0.0) -> None:
        """Writes a message as it came, of those that come within a period only the first."""
        if time - self.last.get(topic, -1e9) < period:
            return
        self.last[topic] = time
        if topic not in self.channels:
            schema = self.writer.register_schema(kind, "ros2msg", definition(kind).encode())
            self.channels[topic] = self.writer.register_channel(topic, "cdr", schema)
        now = round(time * 1e9)
        self.writer.add_message(self.channels[topic], now, raw, now)

    def close(self) -> None:
        self.writer.finish()
        self.stream.close()
