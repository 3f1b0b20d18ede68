"""The parts of `make gazebo` that need no Gazebo: frames, the drawn map, the mapper, goals in unseen cells, jerk,
the log."""

import math
import sys

import numpy as np
import pytest
from builtin_interfaces.msg import Time

import places
import raw_map
import worlds
from lidar import RANGE
from world import World

sys.path.append(str(places.ROOT / "tools/gazebo"))
import draw_map  # noqa: E402
from framing import Frames, TransportError, frame  # noqa: E402
from goals import Goals  # noqa: E402
from mapper import BLOCK, Mapper  # noqa: E402
from motion import RATE, Motion  # noqa: E402
from unseen import Unseen  # noqa: E402

HALL = places.ROOT / "worlds/hall.sdf"
ANGLES = np.arange(720) * (math.tau / 720) - math.pi


class Nobody:
    places = np.empty((0, 2))


# --- Frames ---

@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_frames_come_out_as_they_went_in_whatever_the_pieces(size):
    payloads = [b"", b"a", bytes(range(256)) * 20, b"12345678"]
    data = b"".join(frame(payload) for payload in payloads)
    frames = Frames()
    assert [p for at in range(0, len(data), size) for p in frames.feed(data[at:at + size])] == payloads
    assert not frames.rest


@pytest.mark.parametrize("data, what", [(b"HTTP/1.1 400", "HTTP/1.1"), (b"ffffffff", "4294967295")])
def test_what_is_no_frame_is_named(data, what):
    with pytest.raises(TransportError, match=what):
        Frames().feed(data)


# --- The map of the world ---

def test_the_map_is_that_of_the_world():
    grey, origin = draw_map.drawn(draw_map.read(HALL))
    grid = raw_map.load(HALL.with_suffix(".yaml"))
    assert (grid.state == np.where(grey == draw_map.OCCUPIED, raw_map.OCCUPIED, raw_map.FREE)).all()
    assert grid.origin[:2] == origin and grid.resolution == draw_map.RESOLUTION


def test_shapes_are_drawn_where_they_stand():
    turned = draw_map.Shape("box", 1.0, 2.0, math.pi / 2, (2.0, 0.4))
    disc = draw_map.Shape("disc", 1.0, 2.0, 0.0, None, 0.5)
    x, y = np.array([1.0, 1.0, 1.8, 1.45]), np.array([2.9, 3.1, 2.0, 2.0])
    assert turned.covers(x, y).tolist() == [True, False, False, False]
    assert disc.covers(x, y).tolist() == [False, False, False, True]


@pytest.mark.parametrize("text, what", [
    ("<sdf", "hall.sdf: "), ("<sdf/>", "no <world>"), ("<sdf><world name='w'/></sdf>", "nothing to map"),
    ("<sdf><world name='w'><model name='m'><link><collision><geometry><sphere/></geometry></collision></link></model>"
     "</world></sdf>", "model m: its collision is sphere")])
def test_a_world_that_cannot_be_mapped_is_named(tmp_path, text, what):
    file = tmp_path / "hall.sdf"
    file.write_text(text)
    with pytest.raises(draw_map.WorldError, match=what):
        draw_map.read(file)


def test_people_are_on_no_map():
    world = draw_map.read(HALL)
    assert len(world.people) >= 4 and not [s for s in world.shapes if s.model in world.people]


# --- The mapper ---

def scanned(mapper: Mapper, world: World, pose, times: int = 3) -> None:
    scan = world.scan((pose[0], pose[1], pose[2] - math.pi))
    ranges = np.where(scan.hit, (scan.ends + 0.5) * 0.02, np.inf)
    for _ in range(times):
        mapper.take(pose, ANGLES, ranges)


@pytest.fixture
def room() -> World:
    """Of 20 m x 6 m, so that not all is seen from one place."""
    return World(worlds.room(400, 120, (-3.0, -2.0, 0.0)), Nobody(), 0.22)


def state_at(mapper: Mapper, x: float, y: float) -> int:
    col, row = np.floor(mapper.grid.to_cells(np.array([[x, y]]))[0]).astype(int)
    return int(mapper.grid.state[row, col])


def test_walls_and_free_cells_are_mapped_and_the_rest_is_unknown(room):
    mapper = Mapper()
    scanned(mapper, room, (0.0, 1.0, 0.3))
    assert state_at(mapper, 2.0, 1.0) == raw_map.FREE
    assert state_at(mapper, 0.0, -1.975) == raw_map.OCCUPIED
    assert state_at(mapper, 0.0, -2.2) == raw_map.UNKNOWN
    assert state_at(mapper, RANGE + 0.1, 1.0) == raw_map.UNKNOWN
    truth = room.grid
    cells = np.argwhere(mapper.grid.state == raw_map.OCCUPIED)
    places_ = np.array([mapper.grid.to_metres(c + 0.5, r + 0.5) for r, c in cells])
    found = np.floor(truth.to_cells(places_)).astype(int)
    assert len(found) > 50 and (truth.state[found[:, 1], found[:, 0]] == raw_map.OCCUPIED).all()


def test_the_map_grows_to_all_sides_and_keeps_what_it_knows(room):
    mapper = Mapper()
    scanned(mapper, room, (5.0, 1.0, 0.0))
    before, origin = mapper.grid, mapper.origin
    scanned(mapper, room, (-1.0, 1.0, 0.0))
    assert mapper.origin[0] < origin[0] and mapper.odds.shape[1] > before.state.shape[1]
    assert all(n % BLOCK == 0 for n in mapper.odds.shape)
    scanned(mapper, room, (11.0, 1.0, 0.0))
    assert state_at(mapper, -2.0, 1.0) == state_at(mapper, 8.0, 1.0) == state_at(mapper, 15.0, 1.0) == raw_map.FREE


def test_who_has_gone_is_free_again(room):
    mapper, place = Mapper(), (0.0, 1.0, 0.0)
    room.crowd = type("Somebody", (), {"places": np.array([(2.0, 1.0)])})()
    scanned(mapper, room, place, times=10)
    assert state_at(mapper, 1.77, 1.0) == raw_map.OCCUPIED
    room.crowd = Nobody()
    scanned(mapper, room, place, times=10)
    assert state_at(mapper, 1.77, 1.0) == raw_map.FREE


def test_goals_are_set_where_nobody_has_looked():
    truth = raw_map.load(HALL.with_suffix(".yaml"))
    world, mapper = World(truth, Nobody(), 0.22), Mapper()
    robot = (1.0, 1.0, 0.0)
    scanned(mapper, world, robot)
    unseen = Unseen(Goals(truth, 0.3, 0.5, np.random.default_rng(1)), np.random.default_rng(2))
    message = worlds.grid_message(mapper.grid, Time())
    goal = unseen.next(np.array(robot[:2]), message)
    assert state_at(mapper, *goal.pose[:2]) == raw_map.UNKNOWN
    assert 0.0 < unseen.explored() < 1.0
    everywhere = worlds.grid_message(truth, message.header.stamp)
    assert unseen.next(np.array(robot[:2]), everywhere) is None and unseen.explored() == 1.0


# --- Motion ---

def driven(place_at, seconds: float = 6.0) -> Motion:
    motion = Motion()
    for time in np.arange(0.0, seconds, 1.0 / 60.0):
        motion.take(float(time), (*place_at(time), 0.0))
    return motion


def test_the_jerk_of_a_sine_is_its_third_derivative():
    swing, rate = 0.5, 1.5
    motion = driven(lambda t: (swing * math.sin(rate * t), 1.0))
    _, jerk = motion.derivatives()
    at = np.arange(len(jerk)) / RATE + (6.0 - len(jerk) / RATE) / 2
    assert np.abs(jerk[:, 0] - -swing * rate**3 * np.cos(rate * at)).max() < 0.12 * swing * rate**3
    # Where the robot is slow, it doesn't count.
    assert motion.figures()["rms_m_s3"] == pytest.approx(swing * rate**3 / math.sqrt(2), rel=0.12)


def test_a_robot_that_drives_straight_has_no_jerk_and_one_that_stands_no_figures():
    assert driven(lambda t: (0.5 * t, 0.2 * t)).figures()["rms_m_s3"] < 1e-3
    assert driven(lambda t: (1.0, 1.0)).figures() == {"n": 0}
    assert driven(lambda t: (0.5 * t, 0.0), 0.3).figures() == {"n": 0}


# --- The log ---

def test_a_log_has_all_definitions_in_it_and_is_read_back(tmp_path):
    if str(places.ROOT / ".gazebo/python") not in sys.path:
        sys.path.append(str(places.ROOT / ".gazebo/python"))
    reader = pytest.importorskip("mcap.reader")
    from geometry_msgs.msg import PoseStamped
    from rclpy.serialization import deserialize_message, serialize_message
    from recording import Recording
    recording, message = Recording(tmp_path / "log.mcap"), PoseStamped()
    message.pose.position.x = 1.5
    for time in (1.0, 1.1, 1.5):
        recording.take("/goal_pose", "geometry_msgs/msg/PoseStamped", serialize_message(message), time, period=0.3)
    recording.close()
    with (tmp_path / "log.mcap").open("rb") as stream:
        found = list(reader.make_reader(stream).iter_messages())
    assert [m.log_time for _, _, m in found] == [1_000_000_000, 1_500_000_000]
    schema, channel, last = found[-1]
    assert (schema.name, channel.topic) == ("geometry_msgs/msg/PoseStamped", "/goal_pose")
    for part in ("MSG: std_msgs/Header", "MSG: builtin_interfaces/Time", "MSG: geometry_msgs/Quaternion"):
        assert part in schema.data.decode()
    assert deserialize_message(last.data, PoseStamped).pose.position.x == 1.5
