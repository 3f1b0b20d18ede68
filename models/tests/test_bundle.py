import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from trm_train import evaluate, export, worlds
from trm_train.data import CHANNELS, Source
from trm_train.model import CLASSES, TRM


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
    assert export.graphs(model, tmp_path) == ["encode.onnx", "net.onnx", "decode.onnx"]
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
