from functools import partial

import numpy as np
import pytest
import torch

from trm_train import losses, train
from trm_train.data import CHANNELS, Source
from trm_train.draws import Elsewhere
from trm_train.model import CLASSES, NONE, TRM, shifted

CONFIG = {
    "name": "tiny",
    "seed": 1,
    "threads": 1,
    "model": {"d": 8, "patch": 2, "n": 1, "T": 2, "layers": 1, "channels": CHANNELS},
    "train_maps": [],
    "eval_maps": ["nav2_depot"],
    "stages": [
        {"windows": [[16, 4, 0.5], [24, 2, 0.5]], "iterations": 6, "learning_rate": 1e-3, "reach": 8, "steps": 6}
        | {"warm": 0.5, "warm_steps": 2, "real": 0.0, "inside": 0.5, "soft": 0.5, "closed": 0.5}
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


STAGE = CONFIG["stages"][0] | {"warm": 0.6}


@pytest.fixture
def slots() -> train.Slots:
    torch.manual_seed(0)
    return train.Slots(TRM(**CONFIG["model"]), Source(16, 1, [], 0.0), 4, STAGE, np.random.default_rng(0))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_episode_begins_anew_and_goes_on_from_what_was_there(workers):
    make = partial(Source, 16, maps=[], real=0.0)
    episodes = (Elsewhere(make, 16, 1, workers) if workers else make(1)).episodes(0.6, 2)
    drawn = [next(episodes) for _ in range(200)]
    lengths = np.array([len(episode) for episode in drawn])
    assert {1, 2, 3} <= set(lengths.tolist()) and 1.5 < lengths.mean() < 2.6
    for first, *later in drawn:
        assert first.shift is None and all(draw.shift is not None for draw in later)
        for before, draw in zip([first, *later], later):
            assert draw.channels.shape == (CHANNELS, 16, 16)
            rows, cols = 2 * draw.shift[0], 2 * draw.shift[1]
            if rows or cols:
                # The window moved: what both see is the same.
                seen = lambda a, r, c: a[max(0, r) : 16 + min(0, r), max(0, c) : 16 + min(0, c)]  # noqa: E731
                np.testing.assert_array_equal(seen(before.channels[0], rows, cols), seen(draw.channels[0], -rows, -cols))
    assert len({draw.channels.tobytes() for episode in drawn for draw in episode}) > 0.7 * lengths.sum()


def test_slots_start_cold_each_at_its_own_step(slots):
    expected = Source(16, 1, [], 0.0).episodes(0.6, 2)
    for slot in range(4):
        draw = next(expected)[0]
        assert torch.equal(slots.channels[slot], torch.from_numpy(draw.channels))
        assert torch.equal(slots.arrival[slot], torch.from_numpy(draw.arrival))
        np.testing.assert_array_equal(slots.labels[slot], draw.labels)
        assert torch.equal(slots.y[slot, :, 3, 3], slots.model.y_init[:, 0, 0])
        assert torch.equal(slots.asked()[slot], torch.from_numpy(draw.channels[0] < 0.5))
        assert slots.step[slot] == slot % slots.last[slot]
    assert not slots.warm.any()
    slots.step[:] = torch.tensor([1.0, 2, 3, 4])
    slots.warm[3] = True
    assert slots.radius().tolist() == [8, 16, 24, torch.inf]


@pytest.mark.parametrize(("stay", "most"), [(None, 5), (9, 9)])
def test_a_sample_stays_until_its_whole_field_was_asked_for_and_some_steps_more(slots, stay, most):
    slots.stage = STAGE | ({"stay": stay} if stay else {})
    for _ in range(20):
        slots.ahead[0].clear()
        slots._next(0)
        farthest = slots.arrival[0][torch.isfinite(slots.arrival[0])].max().item()
        assert slots.last[0] <= STAGE["steps"]
        if slots.last[0] < STAGE["steps"]:
            assert farthest + 8 < slots.last[0] * 8 <= farthest + most * 8


def test_a_replaced_slot_goes_on_in_its_episode_and_keeps_its_state_or_starts_cold(slots):
    kept_one = started_one = False
    for _ in range(20):
        slots.y[:] = 5.0
        slots.step[:] = slots.last
        slots.step[1] -= 1
        before, ahead = slots.channels.clone(), [len(draws) for draws in slots.ahead]
        slots.replace_finished()
        assert torch.equal(slots.channels[1], before[1]) and (slots.y[1] == 5.0).all()
        for slot in (0, 2, 3):
            assert slots.step[slot] == 0 and slots.warm[slot] == (ahead[slot] > 0)
            kept = (slots.y[slot] == 5.0).float().mean()
            if slots.warm[slot]:
                assert kept > 0.1 and slots.last[slot] == 2
                kept_one = True
            else:
                assert kept == 0
                started_one = True
    assert kept_one and started_one


def test_only_what_was_right_and_is_is_asked_to_rest(slots):
    slots.step[:] = 100
    slots.labels[:], slots.arrival[:] = 1, 1.0
    slots.arrival[3] = 10**6
    right = field(torch.zeros(16, 16, dtype=torch.int64)).expand(4, -1, -1, -1).clone()
    right[1, :, 5, 7] = field(torch.ones(1, 1, dtype=torch.int64))[0, :, 0, 0]
    y, z = slots.y + 1.0, slots.z.clone()
    rest = [slots.judge(right, torch.zeros(4), y, z)[1][3].item() for _ in range(2)]
    assert rest[0] == 0, "nobody knows yet whether what was answered before was right"
    assert rest[1] == pytest.approx(1.0), "y moved by 1, z by nothing"
    # The last sample's field hasn't been asked for as a whole, and one cell of another is wrong.
    moved = torch.zeros_like(y)
    moved[3], moved[1, :, 2, 3] = 9.0, 9.0
    assert slots.judge(right, torch.zeros(4), slots.y + moved, z)[1][3].item() == 0
    moved[1, :, 2, 4] = 1.0
    expected = 1.0 / (3 * 64 - 1)
    assert slots.judge(right, torch.zeros(4), slots.y + moved, z)[1][3].item() == pytest.approx(expected)
    loss = [train.Slots.judge(slots, right, torch.zeros(4), slots.y + moved, z)[0].item() for slots.stage in (STAGE, STAGE | {"rest": 2.0})]
    assert loss[1] - loss[0] == pytest.approx(2.0 * expected, rel=1e-3)


def kernels() -> list[torch.nn.Parameter]:
    torch.manual_seed(3)
    shapes = [(8, 4, 3, 3), (4, 8, 1, 1)]
    return [torch.nn.Parameter(torch.randn(shape).to(memory_format=torch.channels_last)) for shape in shapes]


def test_muon_moves_the_kernels_as_matrices():
    """The views share the kernels' storage, and do to them what torch's Muon does to their matrices."""
    settings = {"lr": 0.02, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    ours = kernels()
    flat = [torch.nn.Parameter(k.detach().permute(0, 2, 3, 1).reshape(len(k), -1).clone()) for k in ours]
    muon, expected = train.Muon(ours, **settings), torch.optim.Muon(flat, **settings)
    for matrix, kernel in zip(muon.param_groups[0]["params"], ours, strict=True):
        assert matrix.data_ptr() == kernel.data_ptr() and matrix.numel() == kernel.numel()
    for _ in range(3):
        for kernel, matrix in zip(ours, flat, strict=True):
            kernel.grad = torch.randn(kernel.shape)
            matrix.grad = kernel.grad.permute(0, 2, 3, 1).reshape(matrix.shape)
        muon.step()
        expected.step()
    for kernel, matrix, start in zip(ours, flat, kernels(), strict=True):
        assert not torch.equal(kernel, start)
        assert torch.equal(kernel.detach().permute(0, 2, 3, 1).reshape(matrix.shape), matrix)


def test_every_trained_weight_has_one_optimizer_and_learns(tmp_path):
    torch.manual_seed(0)
    run = train.Run(CONFIG, tmp_path)
    matrices = {m.data_ptr() for m in run.muon.param_groups[0]["params"]}
    others = {p.data_ptr() for p in run.optimizer.param_groups[0]["params"]}
    weights = {name: p for name, p in run.model.named_parameters() if p.requires_grad}
    assert not matrices & others
    assert matrices | others == {p.data_ptr() for p in weights.values()}
    assert {name for name, p in weights.items() if p.data_ptr() in matrices} == {"net.0.gate.weight", "net.0.out.weight"}
    before = {name: p.detach().clone() for name, p in weights.items()}
    batches = train.batches(run, CONFIG, 0, 1)
    for _ in range(2):
        slots = next(batches)
        step, y = slots.step.clone(), slots.y
        found = train.train_batch(run, run.model, slots, 1e-3)
        assert np.isfinite(found).all() and 0 <= found[1] <= 1
        assert torch.equal(slots.step, step + 1)
        assert not torch.equal(slots.y, y) and not slots.y.requires_grad
    assert [name for name, p in weights.items() if torch.equal(p, before[name])] == []


def test_a_stage_mixes_its_sizes_of_window(tmp_path):
    run = train.Run(CONFIG, tmp_path)
    batches = train.batches(run, CONFIG, 0, 1)
    drawn = [next(batches) for _ in range(40)]
    assert {(s.labels.shape[1], len(s.labels)) for s in drawn} == {(16, 4), (24, 2)}
    assert len({id(s) for s in drawn}) == 2, "one set of slots a size goes on through the stage"


def test_training_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    monkeypatch.setattr(train.Slots, "quick", staticmethod(lambda model, config: ""))
    torch.manual_seed(0)
    run = train.Run(CONFIG, tmp_path)
    before = run.model.encode.conv.weight.detach().clone()
    half = CONFIG | {"stages": [CONFIG["stages"][0] | {"iterations": 3}]}
    train.train_stage(run, half, 0, 0, run.model)
    assert not torch.equal(before, run.model.encode.conv.weight)
    assert not torch.equal(run.ema.encode.conv.weight, run.model.encode.conv.weight)

    # A run that starts elsewhere ends up with what was saved.
    torch.manual_seed(1)
    again = train.Run(CONFIG, tmp_path)
    assert (again.stage, again.iteration) == (1, 0), "that config's stages are over"
    for name in train.PARTS:
        saved, loaded = (getattr(r, name).state_dict() for r in (run, again))
        # Of the optimizers, their moments: the settings aren't numbers.
        torch.testing.assert_close(loaded.get("state", loaded), saved.get("state", saved), rtol=0, atol=0)
    assert again.seconds() >= run.seconds() - 1
    more = CONFIG | {"stages": half["stages"] + CONFIG["stages"]}
    train.train_stage(again, more, again.stage, again.iteration, again.model)
    rows = [line.split(",")[:2] for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows == [["stage", "iteration"], *(["0", str(i)] for i in (1, 2, 3)), *(["1", str(i)] for i in range(1, 7))]
