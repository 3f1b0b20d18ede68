"""Writes the record of a node's plans to the file that `trm replay` reads: from the topic ~/plan_log, or out of a log
in MCAP (mcap.dev), as `ros2 bag record -s mcap` and `make gazebo` write it.

    python3 tools/replay/plan_log.py record FILE --topic /trm_node/plan_log    # until SIGINT
    python3 tools/replay/plan_log.py unpack LOG.mcap FILE

Each message is one entry of the record, which stands in the file after its length in four bytes.
"""

import argparse
import contextlib
import pathlib
import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

TOPIC = "/trm_node/plan_log"
KIND = "std_msgs/msg/UInt8MultiArray"


def entry_of(raw: bytes) -> bytes:
    """The data of a UInt8MultiArray without dimensions, in little-endian CDR: the header of four bytes, how many
    dimensions there are, the offset, how many bytes there are, and these."""
    if len(raw) < 16 or raw[1] != 1:
        sys.exit(f"a message of {len(raw)} bytes isn't {KIND} in little-endian CDR")
    dimensions, _, length = struct.unpack_from("<3I", raw, 4)
    if dimensions or 16 + length > len(raw):
        sys.exit(f"a message has {dimensions} dimensions and {length} bytes of data: the node's have none and all")
    return raw[16:16 + length]


def append(entry: bytes, file: BinaryIO) -> None:
    file.write(struct.pack("<I", len(entry)) + entry)


def unpacked(log: pathlib.Path, topic: str | None) -> Iterator[bytes]:
    """The entries of a log, of the one topic of that kind where none is named."""
    try:
        from mcap.reader import make_reader
    except ImportError:
        sys.exit("the Python package mcap is missing: pip install mcap")
    with log.open("rb") as stream:
        reader = make_reader(stream)
        summary = reader.get_summary()
        channels = summary.channels.values() if summary else []
        topics = {channel.topic for channel in channels if channel.topic.endswith("/plan_log")}
        chosen = {topic} if topic else topics
        if len(chosen) != 1 or not chosen <= topics:
            sys.exit(f"{log}: {topic or 'plan_log'} isn't one of its topics; records are on {sorted(topics) or 'none'}")
        for _, _, message in reader.iter_messages(topics=list(chosen), log_time_order=False):
            yield entry_of(message.data)


def record(file: BinaryIO, topic: str) -> None:
    """Writes what comes, until the process is interrupted."""
    import rclpy
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
    from std_msgs.msg import UInt8MultiArray

    rclpy.init()
    node = rclpy.create_node("plan_log")
    # Also what the node has published before.
    profile = QoSProfile(history=HistoryPolicy.KEEP_ALL, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(UInt8MultiArray, topic, lambda raw: append(entry_of(raw), file), profile, raw=True)
    with contextlib.suppress(KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        rclpy.spin(node)
    file.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    live = commands.add_parser("record", help="from the topic, until SIGINT")
    live.add_argument("file", type=pathlib.Path)
    live.add_argument("--topic", default=TOPIC)
    log = commands.add_parser("unpack", help="out of a log in MCAP")
    log.add_argument("log", type=pathlib.Path)
    log.add_argument("file", type=pathlib.Path)
    log.add_argument("--topic")
    arguments = parser.parse_args()
    with arguments.file.open("wb") as file:
        if arguments.command == "record":
            record(file, arguments.topic)
        else:
            for entry in unpacked(arguments.log, arguments.topic):
                append(entry, file)


if __name__ == "__main__":
    main()
