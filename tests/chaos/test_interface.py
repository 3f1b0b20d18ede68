"""What the node tells about its map and its threads, so that others need not attack it to know."""

import worlds
from peer import seconds
from watcher import Getter

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
THREADS = ("spin", "world", "guidance", "planner", "publisher", "tasks")


def test_the_status_says_how_old_the_map_is(launch):
    _, peer = launch()
    mark = peer.now()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 5)
    first = peer.statuses[-1]
    assert first.map_messages == 1 and first.map_suspect == "" and first.map_lag_ms >= 0.0
    assert mark <= seconds(first.map_stamp) <= first.stamp
    peer.map_updates.publish(worlds.update_message(70, 50, worlds.VALUES[[[worlds.OCCUPIED]]], peer.stamp()))
    peer.status_after(first.stamp, lambda s: s.map_messages == 2, "a status that counts the update")


def test_the_diagnostics_say_which_thread_is_silent(launch):
    _, peer = launch()
    peer.spin(2.5)
    name = f"{peer.planner}: threads"
    found = [status for _, status in peer.diagnostics if status.name == name]
    assert found, f"no status \"{name}\""
    values = {value.key: value.value for value in found[-1].values}
    for thread in THREADS:
        assert 0.0 <= float(values[f"{thread}_silence_ms"]) < 2000.0, thread


def test_the_new_parameters_have_their_defaults(launch):
    _, peer = launch()
    getter = Getter(peer)
    getter.get("max_map_lag_ms", "suspect_map")
    assert getter.wait() == 0
    lag, suspect = getter.futures[0].result().values
    getter.close()
    assert lag.double_value == 200.0 and suspect.string_value == "stop"
