"""A router over several bundles: the parameter `router`, what it chooses, and its files as they change."""

import pathlib
import shutil

import pytest
import yaml

import worlds
from process import NodeProcess
from test_backend import value
from test_parameters import set_parameter

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
RELEASED = worlds.ROOT / "models/bundles/nav_d32"
FEATURES = ["unknown", "free", "narrow", "branching", "distance", "detour"]


def router(bias: float, weight: float = -20.0, **more) -> dict:
    """The second bundle plans where its score, bias + weight · free, is above 0."""
    rows = [[0.0] * len(FEATURES), [weight if name == "free" else 0.0 for name in FEATURES]]
    return {"format": 1, "bundles": ["open", "narrow"], "budget_us": 10000.0, "min_confidence": 0.5,
            "classifier": {"features": FEATURES, "bias": [0.0, bias], "weights": rows}, **more}


@pytest.fixture
def file(tmp_path) -> pathlib.Path:
    """A router.yaml with two bundles beside it: the first one plans where more than half is free."""
    for name in ("open", "narrow"):
        shutil.copytree(RELEASED, tmp_path / name, ignore=shutil.ignore_patterns("eval", "*.png"))
        manifest = tmp_path / name / "manifest.yaml"
        manifest.write_text(manifest.read_text().replace("name: nav_d32", f"name: {name}", 1))
    write(tmp_path / "router.yaml", router(10.0))
    return tmp_path / "router.yaml"


def write(file: pathlib.Path, content: dict) -> None:
    """At once: the node never sees half of it."""
    new = file.with_suffix(".new")
    new.write_text(yaml.safe_dump(content))
    new.replace(file)


def narrow_rooms() -> worlds.Map:
    """Of which most is wall."""
    return worlds.with_block(worlds.room(), slice(None), slice(36, None))


def chosen(peer) -> str:
    return value(peer, "router_bundle")


def test_the_window_decides_which_bundle_plans(start, file):
    _, peer = start({"router": str(file), "planner_frequency": 5.0, "deadline_ms": 150.0, "window_size": 64})
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 2)
    peer.wait(lambda: chosen(peer) == "open", "the bundle for open places")
    assert 0.5 <= float(value(peer, "router_confidence")) <= 1.0
    assert float(value(peer, "router_ms")) >= 0.0 and int(value(peer, "router_plans_open")) >= 1
    assert list(peer.states[-1].bundle_names) == ["open+narrow"]
    assert [len(hashes.split("+")) for hashes in peer.states[-1].bundle_hashes] == [2]
    peer.publish_map(narrow_rooms())
    peer.plan_to(START, (3.2, 1.0, 0.0), 2)
    peer.wait(lambda: chosen(peer) == "narrow", "the bundle for narrow places")
    # Without a router the parameter `bundle` counts.
    assert set_parameter(peer, "router", "").successful
    peer.wait(lambda: list(peer.states[-1].bundle_names) == ["nav_d32"], "the one bundle")
    peer.plan_to(START, GOAL, 2)


def test_changed_files_are_taken_without_missing_a_tick(start, file):
    node, peer = start({"router": str(file), "planner_frequency": 5.0, "deadline_ms": 150.0, "window_size": 64})
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 3)
    peer.wait(lambda: chosen(peer) == "open", "the bundle for open places")
    before, overruns, lost = peer.statuses[-1].plan_id, value(peer, "overruns"), value(peer, "lost")
    write(file, router(30.0))
    peer.wait(lambda: chosen(peer) == "narrow", "the bundle that the changed file chooses")
    manifest = file.parent / "narrow/manifest.yaml"
    manifest.write_text(manifest.read_text().replace("name: narrow", "name: renewed", 1))
    peer.wait(lambda: list(peer.states[-1].bundle_names) == ["open+renewed"], "the changed bundle")
    peer.wait(lambda: chosen(peer) == "renewed", "a plan of the changed bundle")
    later = [s.plan_id for s in peer.statuses if s.plan_id > before]
    assert later == list(range(before + 1, before + 1 + len(later))) and len(later) >= 3
    assert {s.result for s in peer.statuses if s.plan_id > before} == {"SUCCEEDED"}
    assert (value(peer, "overruns"), value(peer, "lost")) == (overruns, lost)
    assert node.is_running


def test_a_bad_file_is_named_and_the_last_good_one_goes_on(start, file):
    node, peer = start({"router": str(file), "planner_frequency": 5.0, "deadline_ms": 150.0, "window_size": 64})
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 2)
    for content, text in [
        (router(30.0) | {"budget_us": -5.0}, "budget_us: -5 is not from 1 to 10000"),
        (router(30.0) | {"bundles": ["open", "nowhere"]}, "bundles[1]: bundle "),
    ]:
        write(file, content)
        peer.wait(lambda text=text: f"the planners stay as they were: router {file}: {text}" in node.log, text)
        plans = len(peer.statuses)
        peer.wait(lambda plans=plans: len(peer.statuses) > plans + 2, "more plans")
        assert peer.statuses[-1].result == "SUCCEEDED" and chosen(peer) == "open"
    write(file, router(30.0))
    peer.wait(lambda: chosen(peer) == "narrow", "the repaired file")
    # Another file that can't be used, by the parameter.
    assert set_parameter(peer, "router", "/nowhere/router.yaml").successful
    peer.wait(lambda: "the planners stay as they were: router /nowhere/router.yaml: file: " in node.log, "the refusal")
    plans = len(peer.statuses)
    peer.wait(lambda: len(peer.statuses) > plans + 2, "more plans")
    assert chosen(peer) == "narrow"


def test_a_bad_file_at_the_start_ends_the_node(context, file, tmp_path):
    write(file, router(0.0) | {"min_confidence": 1.5})
    node = NodeProcess(tmp_path, {"router": str(file)})
    try:
        assert node.wait() == 1, node.log
        assert f"router {file}: min_confidence: 1.5 is not from 0 to 1" in node.log
    finally:
        node.stop()
