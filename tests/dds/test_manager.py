"""What Nav2's lifecycle manager does with its nodes, in the same order and with the same patience.

As in nav2_lifecycle_manager of jazzy: `startup` configures and activates, and asks after each
transition for the state; after the activation it waits for the bond for half of `bond_timeout`. `reset` and `shutdown`
go back; the bond is dropped after the deactivation. A timer looks every 200 ms whether a bond is broken.
"""

import signal
import time

import pytest

import worlds
from managed import (ACTIVATE, ACTIVE, CLEANUP, CONFIGURE, DEACTIVATE, FINALIZED, INACTIVE, SHUTDOWN, UNCONFIGURED,
                     Managed)
from peer import Peer
from process import NodeProcess
from sister import Sister

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
SERVICE_TIMEOUT, BOND_TIMEOUT = 2.0, 4.0
GOALS = {CONFIGURE: INACTIVE, ACTIVATE: ACTIVE, DEACTIVATE: INACTIVE, CLEANUP: UNCONFIGURED,
         SHUTDOWN[UNCONFIGURED]: FINALIZED}


class Manager:
    """Nav2's, for one node."""

    def __init__(self, peer: Peer):
        self.peer, self.managed = peer, Managed(peer).connect()
        self.bond: Sister | None = None

    def change_state(self, id: int) -> bool:
        if not self.managed.change(id, patience=SERVICE_TIMEOUT):
            return False
        if self.managed.state(patience=SERVICE_TIMEOUT) != GOALS[id]:
            return False
        if id == ACTIVATE:
            self.bond = Sister(self.peer.node, "trm_node", heartbeat_timeout=BOND_TIMEOUT)
            self.peer.wait(lambda: self.bond.is_formed, "the bond", BOND_TIMEOUT / 2)
        elif id == DEACTIVATE:
            self.drop_bond()
        return True

    def drop_bond(self) -> None:
        """As the bond's destructor."""
        self.bond.break_bond()
        end = time.monotonic() + 0.1
        while not self.bond.is_broken and time.monotonic() < end:
            self.peer.executor.spin_once(timeout_sec=0.01)
        self.bond.close()
        self.bond = None

    def startup(self) -> bool:
        return self.change_state(CONFIGURE) and self.change_state(ACTIVATE)

    def reset(self, hard: bool = False) -> bool:
        return all([self.change_state(DEACTIVATE) or hard, self.change_state(CLEANUP) or hard])

    def shutdown(self) -> bool:
        return all([self.change_state(id) for id in (DEACTIVATE, CLEANUP, SHUTDOWN[UNCONFIGURED])])

    def pause(self) -> bool:
        return self.change_state(DEACTIVATE)

    def resume(self) -> bool:
        return self.change_state(ACTIVATE)

    def watch(self, seconds: float) -> None:
        """No bond may break meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.peer.spin(0.2)
            assert not self.bond.is_broken, "Have not received a heartbeat"


def test_a_manager_starts_pauses_resets_and_shuts_down_the_node(start):
    node, peer = start({"autostart": False})
    manager = Manager(peer)
    assert manager.startup()
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL)
    manager.watch(5.0)
    assert manager.pause() and manager.resume()
    peer.plans_after(peer.now(), lambda p: p.ends_at(GOAL))
    for _ in range(5):
        assert manager.reset() and manager.startup()
        manager.watch(0.4)
    peer.spin(0.3)
    mark = peer.now()
    peer.spin(0.5)
    assert not [p for p in peer.plans if p.stamp > mark], "a reset forgets the goal"
    peer.plan_to(START, GOAL)
    assert manager.shutdown()
    assert node.is_running and manager.managed.state() == FINALIZED
    assert "bond: the lifecycle manager hasn't been heard" not in node.log


def test_a_node_that_has_started_by_itself_refuses_to_be_configured(start):
    """As a node of Nav2 with `autostart_node`: it needs no manager."""
    _, peer = start()
    manager = Manager(peer)
    assert not manager.startup()
    assert manager.managed.state() == ACTIVE


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda s: s.name)
def test_a_node_that_ends_is_noticed_and_taken_up_again_when_it_comes_back(context, tmp_path, how):
    namespace = f"/respawn_{how.name.lower()}"
    peer = Peer(context, namespace)
    node = NodeProcess(tmp_path, {"autostart": False}, namespace)
    peer.connect(node)
    manager = Manager(peer)
    assert manager.startup()
    begin = time.monotonic()
    node.process.send_signal(how)
    peer.wait(lambda: manager.bond.is_broken, "the end of the bond", BOND_TIMEOUT + 3.0)
    took = time.monotonic() - begin
    assert took < 2.0 or how == signal.SIGKILL
    node.process.wait()
    NodeProcess.alive.remove(node)
    manager.bond.close()
    (tmp_path / "again").mkdir()
    again = NodeProcess(tmp_path / "again", {"autostart": False}, namespace)
    try:
        # Only get_state tells the manager that the node is back.
        peer.wait(lambda: again.is_running and _answers(manager), "the node that was started again", 30.0)
        assert manager.startup()
        manager.watch(1.0)
    finally:
        assert again.stop() == 0
        peer.close()


def _answers(manager: Manager) -> bool:
    try:
        return manager.managed.state(patience=SERVICE_TIMEOUT) == UNCONFIGURED
    except AssertionError:
        return False
