import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from trm_train import bundle, evaluate, export, maze_bundle, worlds
from trm_train.data import CHANNELS, Source
from trm_train.model import CLASSES, TRM
from trm_train.official import Official


def perfect(labels: np.ndarray) -> np.ndarray:
    """Logits of a model that is right everywhere."""
    return np.stack([(labels >> k) & 1 for k in range(CLASSES)]).astype(np.float32)


@pytest.mark.parametrize("soft", [0.0, 1.0])
def test_the_right_field_leads_every_start_to_its_goal_at_the_least_cost(soft):
    source = Source(16, 2, [], real=0.0, soft=soft)
    for _ in range(30):
        sample = source.sample()
        for r, c in np.argwhere(np.isfinite(sample.cost)):
            cost = evaluate.rollout(perfect(sample.labels), sample.occupied, sample.weights(), sample.exits, r, c, 256)
            # With soft costs each move may cost a hundredth of a cell more than the best.
            assert cost == pytest.approx(sample.cost[r, c], abs=0.01 + soft * 0.5)


def test_a_field_that_knows_nothing_does_not_arrive():
    world, weights = np.zeros((8, 8), np.bool_), np.ones((8, 8), np.float32)
    dist = worlds.cost_to_go(world, weights, 4, 4)
    _, exits, _, _ = worlds.window_labels(world, weights, dist, 0, 0, 8, np.float32(1e-3))
    north = np.zeros((CLASSES, 8, 8), np.float32)
    north[0] = 1
    assert np.isinf(evaluate.rollout(north, world, weights, exits, 0, 0, 3))


def test_wilson_is_wilsons():
    # 95 of 100: from the formula by hand, Newcombe 1998.
    assert evaluate.wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    low, high = evaluate.wilson(600, 600)
    assert low == pytest.approx(1 - 3.8416 / 603.8416, abs=1e-6) and high == pytest.approx(1)


def test_the_graphs_compute_what_the_model_does_on_any_window(tmp_path):
    torch.manual_seed(0)
    model = TRM(d=8, channels=CHANNELS).eval()
    assert bundle.export(export.graphs(model), tmp_path) == ["encode.onnx", "net.onnx", "decode.onnx"]
    graphs = {name: onnx.load(tmp_path / f"{name}.onnx") for name in ("encode", "net", "decode")}
    run = {name: ReferenceEvaluator(graph).run for name, graph in graphs.items()}
    for size in (16, 24):
        channels, state = torch.rand(1, CHANNELS, size, size), torch.rand(1, 8, size // 2, size // 2)
        with torch.no_grad():
            x, s, (moves, q) = model.encode(channels), model.net(state), model.decode(state, state * 2)
        close = lambda found, expected: np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
        close(run["encode"](None, {graphs["encode"].graph.input[0].name: channels.numpy()})[0], x)
        close(run["net"](None, {graphs["net"].graph.input[0].name: state.numpy()})[0], s)
        found = run["decode"](None, {"y": state.numpy(), "x": (state * 2).numpy()})
        close(found[0], moves)
        close(found[1], q)


@pytest.mark.parametrize("heads", [4, 0])
def test_the_graphs_compute_what_the_published_models_do(tmp_path, heads):
    torch.manual_seed(0)
    model = Official(d=16, side=6, heads=heads, layers=1, n=2, T=2, prefix=3, inner=16, mixer=24).eval()
    parts, reference = maze_bundle.graphs(model), maze_bundle.reference(model, maze_bundle.window(6))
    bundle.export(parts, tmp_path)
    run = {name: ReferenceEvaluator(onnx.load(tmp_path / f"{name}.onnx")) for name in parts}
    assert run["decode"].input_names == ["y", "x"], "inputs that aren't used are there, too"
    numbers = bundle.numbers(reference, 2).tensors
    x = run["encode"].run(None, {"channels": numbers["input"][None]})[0]
    np.testing.assert_allclose(x[0], numbers["x"], atol=1e-4)
    y, z = (state.numpy() for state in reference.start)
    for step in (1, 2):
        for application in range(1, 7):
            latent = application % 3
            new = run["net"].run(None, {"s": x + y + z if latent else y + z})[0]
            y, z = (y, new) if latent else (new, z)
        moves, q = run["decode"].run(None, {"y": y, "x": x})
        np.testing.assert_allclose(moves[0], numbers[f"step_{step}.logits"], atol=1e-3)
        np.testing.assert_allclose(q, numbers[f"step_{step}.q"], atol=1e-3)


FAKE = """#!/bin/sh
echo "tract: differs by more than 1e-3 in 1 tensors"
echo "  step_2.q[0]: PyTorch says 1, found 2; largest difference 1e0"
exit {code}
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_bundle_that_differs_is_not_written_and_the_old_one_stays(tmp_path, monkeypatch, code):
    trm = tmp_path / "trm"
    trm.write_text(FAKE.format(code=code))
    trm.chmod(0o755)
    monkeypatch.setenv("TRM", str(trm))
    model = Official(d=16, side=6, heads=2, layers=1, n=1, T=1, prefix=2, inner=16).eval()
    out = tmp_path / "bundles" / "mine"
    out.mkdir(parents=True)
    (out / "manifest.yaml").write_text("old")
    if code:
        with pytest.raises(bundle.Differs, match=r"mine was not written(.|\n)*step_2.q\[0\]: PyTorch says 1, found 2"):
            maze_bundle.write(model, "mine", {}, out, 1)
        assert [file.name for file in out.iterdir()] == ["manifest.yaml"] and (out / "manifest.yaml").read_text() == "old"
    else:
        maze_bundle.write(model, "mine", {}, out, 1)
        assert {file.name for file in out.iterdir()} == {"manifest.yaml", "encode.onnx", "net.onnx", "decode.onnx"}
    assert [folder.name for folder in out.parent.iterdir()] == ["mine"], "nothing is left beside it"


def test_without_trm_nothing_is_written_and_the_message_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TRM", str(tmp_path / "none"))
    model = Official(d=16, side=6, heads=2, layers=1, n=1, T=1, prefix=2, inner=16).eval()
    with pytest.raises(FileNotFoundError, match="cargo build --bin trm"):
        maze_bundle.write(model, "mine", {}, tmp_path / "mine", 1)
    assert list(tmp_path.iterdir()) == []
