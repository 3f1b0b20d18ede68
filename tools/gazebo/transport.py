"""Gazebo Classic's own transport: topics of protobuf messages over TCP, announced to each other by a master.

Spoken directly, in Python, rather than by a C++ program against libgazebo: that needs twice the disk (2.7 GB for 1.3)
for headers and a compiler, and a process and a framing of our own besides. What is spoken here are two frames and
five kinds of packets, which don't change any more: Gazebo 11 was the last of its line. PyPI's pygazebo (2014) carries
code that was generated for a protobuf of its time; here the message types come from Gazebo's .proto files, as a
descriptor set that protoc made, so any protobuf will do.

To and from the master, and first on each new connection, frames are a `Packet` of a type and a message; then they are
messages of the topic (Master, ConnectionManager and TopicManager of Gazebo 11).
"""

import pathlib
import selectors
import socket
import threading
import time
from collections.abc import Callable

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from framing import Frames, TransportError, frame

PACKAGE = "gazebo.msgs"


def message_types(descriptors: pathlib.Path) -> dict[str, type]:
    """The message classes of a descriptor set, by their names without the package."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    return {name.removeprefix(f"{PACKAGE}."): kind
            for name, kind in message_factory.GetMessageClassesForFiles(_added(pool, files), pool).items()}


def _added(pool: descriptor_pool.DescriptorPool, files: descriptor_pb2.FileDescriptorSet) -> list[str]:
    for file in files.file:  # in the order of their imports
        pool.Add(file)
    return [file.name for file in files.file]


class Publisher:
    """Sends messages to whoever has subscribed."""

    def __init__(self, kind: type):
        self.kind = kind
        self.ends: list[socket.socket] = []

    @property
    def has_subscribers(self) -> bool:
        return bool(self.ends)

    def publish(self, message) -> None:
        data = frame(message.SerializeToString())
        for end in list(self.ends):
            try:
                end.sendall(data)
            except OSError:
                self.ends.remove(end)


class Transport:
    """One end of the transport. Callbacks run in its thread, one at a time."""

    def __init__(self, descriptors: pathlib.Path, port: int, patience: float = 30.0,
                 died: Callable[[], str | None] = lambda: None):
        """Connects to the master at a local port; raises `TransportError`, also when Gazebo `died` meanwhile."""
        self.types = message_types(descriptors)
        self.address, self.died = ("127.0.0.1", port), died
        self.selector = selectors.DefaultSelector()
        self.publishers: dict[str, Publisher] = {}
        self.subscriptions: dict[str, tuple[str, Callable]] = {}
        self.world = ""
        self.lost = threading.Event()  # the master is gone, and Gazebo with it
        self.error: Exception | None = None  # of a callback, or of what came
        self._stop = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.master = self._connect_master(patience)
        self._watch(self.server, self._accept)
        self._watch(self.master, self._reader(self._from_master))
        self.thread = threading.Thread(target=self._run, name="gazebo", daemon=True)
        self.thread.start()
        end = time.monotonic() + patience
        while not self.world:
            if self.lost.is_set() or time.monotonic() > end or died():
                self.close()
                raise TransportError(died() or f"Gazebo at port {port} tells of no world: is there one in the file?")
            time.sleep(0.02)

    def _connect_master(self, patience: float) -> socket.socket:
        end = time.monotonic() + patience
        while True:
            try:
                return socket.create_connection(self.address, timeout=5.0)
            except OSError as error:
                if time.monotonic() > end or self.died():
                    self.server.close()
                    said = f"no Gazebo at port {self.address[1]} within {patience:.0f} s ({error}): its log says why"
                    raise TransportError(self.died() or said) from None
                time.sleep(0.1)

    # --- What a user calls ---

    def message(self, kind: str):
        return self.types[kind]()

    def name(self, topic: str) -> str:
        """The full name of a topic, whose first letter may stand for the world."""
        return topic.replace("~", f"/gazebo/{self.world}", 1)

    def advertise(self, topic: str, kind: str) -> Publisher:
        publisher = self.publishers[self.name(topic)] = Publisher(self.types[kind])
        self._tell("advertise", self.types["Publish"](topic=self.name(topic), msg_type=f"{PACKAGE}.{kind}",
                                                      **self._own_address()))
        return publisher

    def subscribe(self, topic: str, kind: str, callback: Callable) -> None:
        self.subscriptions[self.name(topic)] = kind, callback
        self._tell("subscribe", self._subscription(topic))

    def close(self) -> None:
        self._stop.set()
        self.thread.join(2.0)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    # --- The transport ---

    def _own_address(self) -> dict:
        host, port = self.server.getsockname()
        return {"host": host, "port": port}

    def _subscription(self, topic: str):
        name = self.name(topic)
        return self.types["Subscribe"](topic=name, msg_type=f"{PACKAGE}.{self.subscriptions[name][0]}", latching=False,
                                       **self._own_address())

    def _packet(self, kind: str, message) -> bytes:
        packet = self.types["Packet"](type=kind, serialized_data=message.SerializeToString())
        packet.stamp.sec, packet.stamp.nsec = divmod(time.time_ns(), 10**9)
        return frame(packet.SerializeToString())

    def _tell(self, kind: str, message) -> None:
        try:
            self.master.sendall(self._packet(kind, message))
        except OSError as error:
            self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        self.error = self.error or error
        self.lost.set()

    def _watch(self, end: socket.socket, ready: Callable[[socket.socket], None]) -> None:
        self.selector.register(end, selectors.EVENT_READ, ready)

    def _run(self) -> None:
        while not self._stop.is_set() and not self.lost.is_set():
            for key, _ in self.selector.select(timeout=0.1):
                try:
                    key.data(key.fileobj)
                except Exception as error:  # whoever owns the transport ends with it
                    self._lose(error)

    def _reader(self, take: Callable[[bytes], None]) -> Callable[[socket.socket], None]:
        frames = Frames()

        def ready(end: socket.socket) -> None:
            try:
                data = end.recv(1 << 20)
            except ConnectionError:
                data = b""
            if not data:
                self.selector.unregister(end)
                end.close()
                if end is self.master:
                    self._lose(None)
                return
            for payload in frames.feed(data):
                take(payload)
        return ready

    def _from_master(self, payload: bytes) -> None:
        packet = self.types["Packet"].FromString(payload)
        if packet.type in ("topic_namepaces_init", "topic_namespace_add"):  # as Gazebo spells it
            many = packet.type == "topic_namepaces_init"
            names = self.types["GzString_V" if many else "GzString"].FromString(packet.serialized_data).data
            names = list(names) if many else [names]
            self.world = self.world or (names[0] if names else "")
        elif packet.type in ("publisher_subscribe", "publisher_advertise"):
            self._connect(self.types["Publish"].FromString(packet.serialized_data))

    def _connect(self, publisher) -> None:
        """To one that has a topic which was subscribed to."""
        if publisher.topic not in self.subscriptions or publisher.port == self.server.getsockname()[1]:
            return
        kind, callback = self.subscriptions[publisher.topic]
        end = socket.create_connection((publisher.host, publisher.port), timeout=5.0)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.sendall(self._packet("sub", self._subscription(publisher.topic)))
        parse = self.types[kind].FromString
        self._watch(end, self._reader(lambda payload: callback(parse(payload)) if payload else None))

    def _accept(self, server: socket.socket) -> None:
        end, _ = server.accept()
        end.settimeout(5.0)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch(end, self._reader(lambda payload: self._subscribed(end, payload)))

    def _subscribed(self, end: socket.socket, payload: bytes) -> None:
        packet = self.types["Packet"].FromString(payload)
        if packet.type == "sub":
            publisher = self.publishers.get(self.types["Subscribe"].FromString(packet.serialized_data).topic)
            if publisher and end not in publisher.ends:
                publisher.ends.append(end)
