"""Namespaces, remaps, names, and simulated time."""

import signal

from rclpy.time import Time
from rosgraph_msgs.msg import Clock

import worlds
from action_client import SUCCEEDED, PathClient, seconds, to_pose

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)


def test_a_namespace_a_name_and_remaps(start):
    remaps = {"plan": "path", "goal_pose": "user/goal", "map": "floor"}
    _, peer = start(namespace="/fleet/r7", name="router", remaps=remaps)
    peer.publish_map(worlds.room())
    plan = peer.plan_to(START, GOAL)[0]
    assert plan.msg.header.frame_id == "map"
    topics = dict(peer.node.get_topic_names_and_types())
    for topic in ("path", "user/goal", "floor", "router/status"):
        assert f"/fleet/r7/{topic}" in topics, topic
    peer.wait(lambda: any(s.has_path for s in peer.statuses), "a status of the plan")
    assert ("router", "/fleet/r7") in peer.node.get_node_names_and_namespaces()
    peer.wait(lambda: any(s.name == "/fleet/r7/router: planner" for _, s in peer.diagnostics), "diagnostics")


def test_other_frames(start):
    _, peer = start({"map_frame": "world", "robot_base_frame": "base"})
    grid = worlds.room()
    peer.map.publish(worlds.grid_message(grid, peer.stamp(), "world"))
    timer = peer.node.create_timer(0.02, lambda: peer.publish_tf("world", "base", START))
    peer.send_goal(GOAL, frame="world")
    plan = peer.plans_after(0.0, lambda p: p.ends_at(GOAL) and p.starts_near(START))[0]
    assert plan.msg.header.frame_id == "world"
    peer.node.destroy_timer(timer)


def test_simulated_time_is_on_the_stamps_and_in_the_age_of_transforms(start):
    """The clock starts at 1000 s and runs; then it stops, and a transform stays fresh."""
    _, peer = start({"use_sim_time": True})
    clock = peer.node.create_publisher(Clock, "/clock", 10)
    state = {"time": 1000.0, "runs": True}

    def tick():
        state["time"] += 0.02 * state["runs"]
        clock.publish(Clock(clock=Time(nanoseconds=round(state["time"] * 1e9)).to_msg()))
    timer = peer.node.create_timer(0.02, tick)
    # The peer's own stamps are simulated, too.
    peer.stamp = lambda age=0.0: Time(nanoseconds=round((state["time"] - age) * 1e9)).to_msg()
    peer.now = lambda: state["time"]
    peer.publish_map(worlds.room())
    plan = peer.plan_to(START, GOAL)[0]
    assert 1000.0 <= plan.stamp <= state["time"] + 1e-6
    # Old by this clock, too, which is in order.
    peer.pose_age = 5.0
    mark = peer.now()
    assert "/clock" not in peer.result("TF_ERROR", mark).message
    peer.pose_age = 0.0
    peer.plans_after(peer.now(), lambda p: p.starts_near(START))
    # Time stands still. Plans go on: deadlines are real time.
    state["runs"] = False
    count = len(peer.statuses)
    peer.wait(lambda: len(peer.statuses) >= count + 10, "plans while simulated time stands still")
    assert peer.statuses[-1].stamp <= state["time"] + 1e-6
    peer.node.destroy_timer(timer)


def test_a_bag_that_starts_over_keeps_topic_and_actions_answered(start):
    """The clock jumps back by a minute, again and again, as with `ros2 bag play --loop`: also while an action is asked."""
    _, peer = start({"use_sim_time": True})
    clock = peer.node.create_publisher(Clock, "/clock", 10)
    state = {"time": 1000.0}

    def tick():
        state["time"] += 0.02
        clock.publish(Clock(clock=Time(nanoseconds=round(state["time"] * 1e9)).to_msg()))
    timer = peer.node.create_timer(0.02, tick)
    peer.stamp = lambda age=0.0: Time(nanoseconds=round((state["time"] - age) * 1e9)).to_msg()
    peer.now = lambda: state["time"]
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)
    client = PathClient(peer)
    for _ in range(3):
        assert client.ask(to_pose(GOAL, START))[0] == SUCCEEDED
        state["time"] += 60.0
        peer.wait(lambda: peer.plans[-1].stamp >= state["time"] - 1.0, "a plan at the end of the bag")
        waiting = client.send(to_pose(GOAL, START))
        state["time"] = 1000.0
        status, result = client.result_of(waiting)
        assert status == SUCCEEDED and len(result.path.poses) > 2
        # Ticks and actions go on in the time that has begun again.
        peer.wait(lambda: 1000.0 <= peer.plans[-1].stamp <= state["time"], "a plan at the beginning of the bag")
        status, result = peer.wait(lambda: (lambda r: r if r[0] == SUCCEEDED else None)(client.ask(to_pose(GOAL))),
                                   "a path from where the robot is")
        assert 1000.0 <= seconds(result.path.header.stamp) <= state["time"] + 1e-6
    client.close()
    peer.node.destroy_timer(timer)


def test_a_clock_that_never_comes_does_not_keep_the_node_from_stopping(start):
    node, peer = start({"use_sim_time": True})
    peer.publish_map(worlds.room())
    peer.ask(START, GOAL)
    said = "use_sim_time is true, and no time has come on /clock"
    status = peer.wait(lambda: next((s for s in peer.statuses if said in s.message), None), said)
    assert status.result == "TF_ERROR"
    assert node.stop(signal.SIGTERM) == 0
