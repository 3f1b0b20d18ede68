import numpy as np
import pytest
import torch
import yaml

from trm_train import ablate, evaluate, train
from trm_train.data import Source
from trm_train.evaluate import HERE
from trm_train.model import TRM

SETTINGS = yaml.safe_load((HERE / "configs" / "ablations.yaml").read_text())
BASE = yaml.safe_load((HERE / "configs" / f"{SETTINGS['bundle']}.yaml").read_text())
TINY = BASE | {"train_maps": [], "model": BASE["model"] | {"d": 8, "n": 1}}
TINY["stages"] = [BASE["stages"][0] | {"windows": [[16, 3, 1.0]], "reach": 8, "steps": 4}]


def named(part: str) -> dict:
    (found,) = [v for v in SETTINGS["variants"] if part in v["name"]]
    return found


def test_variants_change_what_they_say_and_nothing_else():
    assert len({(v["name"], v.get("seed", 1)) for v in SETTINGS["variants"]}) == len(SETTINGS["variants"])
    known = {"name", "seed", "changes", "model", "stage", "network", "slots", "optimizer"}
    for variant in SETTINGS["variants"]:
        assert set(variant) <= known
        config = ablate.config_of(BASE, variant)
        assert set(variant.get("model", {})) <= set(BASE["model"])
        assert set(variant.get("stage", {})) <= set(BASE["stages"][0])
        assert config["stages"][0]["windows"] == BASE["stages"][0]["windows"]


def weights(variant: dict) -> int:
    return sum(p.numel() for p in TRM(**ablate.config_of(BASE, variant)["model"]).parameters() if p.requires_grad)


def test_the_feed_forward_network_has_as_many_weights():
    assert weights(named("same weights")) == pytest.approx(weights({}), rel=0.01)
    # As many layers as a step of the recursion applies.
    base = BASE["model"]
    assert named("same compute")["model"]["layers"] == base["T"] * (base["n"] + 1) * base["layers"]


def test_the_feed_forward_network_applies_its_layers_once():
    torch.manual_seed(0)
    model = ablate.FeedForward(**BASE["model"] | {"d": 8})
    inputs, (y, z) = torch.rand(2, BASE["model"]["channels"], 16, 16), model.start(2, 8, 8)
    logits, _, *state = model(inputs, y, z)
    x = model.encode(inputs)
    assert torch.equal(logits, model.decode(model.net(x), x)[0])
    assert torch.equal(model(inputs, *state)[0], logits), "a second step changes nothing"


def test_the_loss_can_count_last_steps_alone():
    torch.manual_seed(0)
    stage = TINY["stages"][0]
    slots = ablate.LastStep(TRM(**TINY["model"]), Source(16, 1, [], 0.0), 3, stage, np.random.default_rng(0))
    slots.step[:] = slots.last - torch.tensor([0.0, 1.0, 0.0])
    asked = slots.asked()
    assert not asked[1].any()
    for slot in (0, 2):
        assert torch.equal(asked[slot], slots.channels[slot, 0] < 0.5)


@pytest.mark.parametrize("variant", [{}, {"network": "feed_forward"}, {"slots": "last_step", "optimizer": "adamw"}])
def test_a_variant_trains_until_its_processor_time_is_over(monkeypatch, variant):
    monkeypatch.setattr(torch, "compile", lambda model, dynamic: model)
    seconds = iter(range(0, 1000, 10))
    trained = []
    monkeypatch.setattr(ablate, "train_batch", lambda *args: trained.append(train.train_batch(*args)))
    monkeypatch.setattr(ablate.time, "process_time", lambda: next(seconds))
    config = ablate.config_of(TINY, variant | {"stage": {"warm": 0.5}})
    model, iterations = ablate.train(config, variant, 25)
    assert iterations == len(trained) >= 2 and np.isfinite(trained).all()
    torch.manual_seed(config["seed"])
    start = type(model)(**config["model"])
    assert isinstance(model, ablate.FeedForward) == (variant.get("network") == "feed_forward")
    assert not torch.equal(model.net[0].gate.weight, start.net[0].gate.weight)


def test_tables_show_what_was_measured():
    settings = SETTINGS | {"sets": [["generated", 16, 6], ["real", 16, 4]], "steps": 4}
    settings["changes"] = {"size": 16, "n": 3, "before": 2, "steps": 2}
    judge = ablate.Judge(settings, TINY)
    torch.manual_seed(0)
    variants = []
    for network in (TRM, ablate.FeedForward):
        model = network(**TINY["model"]).eval()
        variants.append({"name": network.__name__, "seed": 1, "weights": 5, "iterations": 7, "sets": judge.cold(model)})
    variants[0]["changes"] = judge.warm(model)
    assert [len(v["sets"]["real 16"]) for v in variants] == [4, 1]
    text = ablate.markdown({"seconds": 1, "changes": settings["changes"], "variants": variants})
    assert "Windows: generated 16, n = 6." in text and "Windows: real 16, n = 4." in text
    for name in ("moved, warm", "moved, cold", "edited, warm", "edited, cold"):
        (line,) = [line for line in text.splitlines() if name in line]
        found = variants[0]["changes"][name]
        assert line.endswith(f"| {found['steps_to_arrive_mean']:.2f} | {found['steps_to_arrive_p95']} |")


def test_a_moved_window_starts_where_its_state_went():
    torch.manual_seed(0)
    model = TRM(**TINY["model"]).eval()
    old, new, shifts = evaluate.changes(evaluate.source(TINY, 16, False), model.patch, True, 5)
    y, _ = evaluate.settled(model, old, shifts, 2)
    for at, shift in enumerate(shifts):
        assert new[at].corner == tuple(c + model.patch * s for c, s in zip(old[at].corner, shift, strict=True))
        before, z = model.start(1, 8, 8)
        with torch.no_grad():
            for _ in range(2):
                _, _, before, z = model(evaluate.inputs_of(old[at : at + 1]), before, z)
        token = tuple(max(0, -s) for s in shift)
        from_ = tuple(t + s for t, s in zip(token, shift, strict=True))
        torch.testing.assert_close(y[at, :, *token], before[0, :, *from_], rtol=1e-4, atol=1e-4)


def test_arrivals_are_counted_from_the_first_step():
    nan = np.nan
    ratios = np.array([[nan, 1.0, nan, nan], [1.0, nan, nan, nan], [1.0, 1.0, 1.2, nan]])
    assert evaluate.first_arrivals(ratios).tolist() == [2, 1, 3, 4]
    rows = evaluate.by_step(np.full((3, 4), 0.5), ratios)
    assert [row["arrived"] for row in rows] == [0.25, 0.25, 0.75]
    assert rows[2]["cost_ratio_mean"] == pytest.approx(3.2 / 3, abs=1e-4) and rows[2]["right_cells"] == 0.5
