import numpy as np
import pytest
import torch

from trm_train import losses, train
from trm_train.data import Source
from trm_train.model import CLASSES, NONE, TRM, shifted

CONFIG = {
    "name": "tiny",
    "seed": 1,
    "threads": 1,
    "model": {"d": 8, "patch": 2, "n": 1, "T": 2, "layers": 1, "channels": 4},
    "train_maps": [],
    "eval_maps": ["nav2_depot"],
    "stages": [
        {"window": 16, "batch": 4, "iterations": 6, "learning_rate": 1e-3, "reach": 8, "steps": 3, "warm": 0.5}
        | {"warm_steps": 2, "real": 0.0, "inside": 0.5}
    ],
}


@pytest.mark.parametrize("shift", [(0, 0), (1, -2), (-3, 1), (4, 4), (-4, 0)])
def test_a_state_moves_with_its_window(shift):
    state = torch.rand(3, 4, 5)
    fresh = torch.tensor([7.0, 8.0, 9.0])[:, None, None]
    moved = shifted(state, shift, fresh)
    for r in range(4):
        for c in range(5):
            old = (r + shift[0], c + shift[1])
            inside = 0 <= old[0] < 4 and 0 <= old[1] < 5
            assert torch.equal(moved[:, r, c], state[:, *old] if inside else fresh[:, 0, 0])


def test_the_rate_warms_up_and_falls_only_where_the_stage_says_so():
    stages = [{"learning_rate": 1.0, "iterations": 1000}, {"learning_rate": 1.0, "iterations": 1000, "decay": 0.4}]
    assert train.learning_rate(stages, 0, 0) == pytest.approx(0.01)
    assert train.learning_rate(stages, 0, 999) == 1.0
    assert train.learning_rate(stages, 1, 599) == 1.0
    assert train.learning_rate(stages, 1, 800) == pytest.approx(0.5)
    assert train.learning_rate(stages, 1, 999) == pytest.approx(0.02)


def field(right: torch.Tensor) -> torch.Tensor:
    """Logits that are sure of one class in each cell, [1, 9, H, W]."""
    return 50.0 * torch.nn.functional.one_hot(right, CLASSES).permute(2, 0, 1)[None].float()


def test_the_known_field_ends_at_the_radius():
    # A corridor of 12 cells; the cell at distance k wants move 2 or 3.
    cost = torch.arange(12.0)[None, None]
    labels = torch.full((1, 1, 12), 0b1100)
    free = torch.ones(1, 1, 12, dtype=torch.bool)
    moves = torch.full((1, 12), 2)

    def loss(right: torch.Tensor, radius: float) -> float:
        return losses.field_loss(field(right), labels, cost, free, torch.tensor([radius])).item()

    assert loss(moves, torch.inf) == pytest.approx(0, abs=1e-6)
    assert loss(torch.full((1, 12), 3), torch.inf) == pytest.approx(0, abs=1e-6), "any optimal move is right"
    assert loss(torch.full((1, 12), 4), torch.inf) > 10
    known = torch.where(cost[0] <= 5, moves, NONE)
    assert loss(known, 5.0) == pytest.approx(0, abs=1e-6)
    # Cells 6 to 9 are in the band where neither answer is asked for.
    assert loss(torch.where(cost[0] <= 9, moves, NONE), 5.0) == pytest.approx(0, abs=1e-6)
    assert loss(torch.where(cost[0] <= 10, moves, NONE), 5.0) > 0.1
    assert loss(torch.where(cost[0] <= 4, moves, NONE), 5.0) > 1


def test_q_is_asked_whether_the_field_is_right():
    cost, labels = torch.arange(12.0)[None, None], torch.full((1, 1, 12), 0b100)
    right, wrong = field(torch.full((1, 12), 2)), field(torch.full((1, 12), 3))
    sure = torch.tensor([20.0])
    assert losses.q_loss(sure, right, labels, cost).item() < 1e-6
    assert losses.q_loss(sure, wrong, labels, cost).item() > 10
    assert losses.q_loss(-sure, wrong, labels, cost).item() < 1e-6


def test_a_slot_starts_cold_or_keeps_its_state():
    torch.manual_seed(0)
    model = TRM(**CONFIG["model"])
    stage = CONFIG["stages"][0] | {"warm": 1.0}
    slots = train.Slots(model, Source(16, 1, [], 0.0), stage, np.random.default_rng(0))
    assert torch.equal(slots.y[0, :, 3, 3], model.y_init[:, 0, 0])
    slots.y[:] = 5.0
    slots.step[:] = stage["steps"]
    slots.replace_finished()
    assert slots.warm.any()
    for slot in range(stage["batch"]):
        kept = (slots.y[slot] == 5.0).float().mean()
        assert kept > 0.2 if slots.warm[slot] else kept == 0
    assert torch.isinf(slots.radius()[slots.warm]).all()


def test_training_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    monkeypatch.setattr(train, "quick", lambda model, config: "")
    torch.manual_seed(0)
    run = train.Run(CONFIG, tmp_path)
    before = run.model.encode.conv.weight.detach().clone()
    half = CONFIG | {"stages": [CONFIG["stages"][0] | {"iterations": 3}]}
    train.train_stage(run, half, 0, 0, run.model)
    assert not torch.equal(before, run.model.encode.conv.weight)
    assert not torch.equal(run.ema.encode.conv.weight, run.model.encode.conv.weight)

    again = train.Run(CONFIG, tmp_path)
    assert (again.stage, again.iteration) == (1, 0), "that config's stages are over"
    assert torch.equal(again.model.encode.conv.weight, run.model.encode.conv.weight)
    assert again.seconds() >= run.seconds() - 1
    more = CONFIG | {"stages": half["stages"] + CONFIG["stages"]}
    train.train_stage(again, more, again.stage, again.iteration, again.model)
    rows = [line.split(",")[:2] for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows == [["stage", "iteration"], *(["0", str(i)] for i in (1, 2, 3)), *(["1", str(i)] for i in range(1, 7))]
