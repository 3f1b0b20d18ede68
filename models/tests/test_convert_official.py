import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trm_train import convert_official
from trm_train.convert_official import Refused, model_of, read, widths
from trm_train.official import Official

ATT = {"d": 32, "side": 6, "heads": 4, "layers": 2, "n": 2, "T": 2, "prefix": 3, "inner": 48}
MLP = ATT | {"heads": 0, "mixer": 40}
# The names and shapes of the public code's Maze-Hard checkpoint: d 512, two layers, 8 heads, prefix 16.
PUBLISHED = {
    "H_init": [512],
    "L_init": [512],
    "embed_tokens.embedding_weight": [6, 512],
    "lm_head.weight": [6, 512],
    "q_head.weight": [2, 512],
    "q_head.bias": [2],
    "puzzle_emb.weights": [1, 512],
} | {
    f"L_level.layers.{layer}.{name}.weight": size
    for layer in (0, 1)
    for name, size in {
        "self_attn.qkv_proj": [1536, 512],
        "self_attn.o_proj": [512, 512],
        "mlp.gate_up_proj": [3072, 512],
        "mlp.down_proj": [512, 1536],
    }.items()
}


def weights(sizes: dict) -> dict[str, Tensor]:
    torch.manual_seed(2)
    return Official(**sizes).state_dict()


def save(path: Path, value: object) -> Path:
    torch.save(value, path)
    return path


def converted(path: Path) -> Official:
    found = read(path)
    return model_of(found, widths(found, 6, 4, 2, 2, 3))


def test_the_published_names_and_shapes_are_those_of_the_model():
    found = {name: torch.zeros(size) for name, size in PUBLISHED.items()}
    sizes = widths(found, 30, 8, 4, 3, 16)
    assert sizes == {"d": 512, "side": 30, "layers": 2, "n": 4, "T": 3, "prefix": 16, "inner": 1536, "heads": 8}
    with torch.device("meta"):
        assert {name: list(value.shape) for name, value in Official(**sizes).state_dict().items()} == PUBLISHED


@pytest.mark.parametrize("prefix", ["", "inner.", "model.inner.", "_orig_mod.model.inner."])
@pytest.mark.parametrize("sizes", [ATT, MLP, ATT | {"positions": "learned"}], ids=["attention", "mlp", "learned"])
def test_a_checkpoint_loads_with_every_wrapper(tmp_path, sizes, prefix):
    expected = weights(sizes)
    model = converted(save(tmp_path / "step_1", {prefix + name: value for name, value in expected.items()}))
    assert model.shape == Official(**sizes).shape
    for name, value in model.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_weights_of_half_the_bits_and_more_puzzles_are_taken(tmp_path):
    saved = weights(ATT)
    saved["puzzle_emb.weights"] = torch.arange(64.0).view(2, 32)
    model = converted(save(tmp_path / "step_1", {name: value.bfloat16() for name, value in saved.items()}))
    assert torch.equal(model.puzzle_emb.weights, torch.arange(32.0)[None])
    assert torch.equal(model.L_init, saved["L_init"].bfloat16().float())


REFUSALS = {
    "missing": (
        lambda w: w.pop("L_level.layers.1.mlp.down_proj.weight"),
        "L_level.layers.1.mlp.down_proj.weight: missing, expected a tensor of shape [32, 48]",
    ),
    "shape": (lambda w: w.update({"q_head.weight": torch.zeros(3, 32)}), "q_head.weight: shape [3, 32], expected [2, 32]"),
    "unknown": (lambda w: w.update({"inner.x": torch.zeros(2)}), "x: a tensor of shape [2], expected none of this name"),
    "vocabulary": (
        lambda w: w.update({"embed_tokens.embedding_weight": torch.zeros(11, 32)}),
        "embed_tokens.embedding_weight: shape [11, 32], expected [6, any]",
    ),
    "nan": (lambda w: w["H_init"].fill_(torch.nan), "H_init: holds NaN or infinity, expected finite numbers"),
    "no tensor": (lambda w: w.update({"epoch": 3}), "epoch: a int, expected a tensor, as in a state dict"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_names_key_and_shape_and_what_was_expected(tmp_path, case):
    spoil, message = REFUSALS[case]
    saved = {name: value.clone() for name, value in weights(ATT).items()}
    spoil(saved)
    with pytest.raises(Refused, match=re.escape(message)):
        converted(save(tmp_path / "step_1", saved))


def test_the_flags_must_fit_the_weights(tmp_path):
    found = read(save(tmp_path / "step_1", weights(MLP)))
    message = "L_level.layers.0.mlp_t.gate_up_proj.weight: shape [80, 39], expected [any, 52]"
    with pytest.raises(Refused, match=re.escape(message)):
        widths(found, 7, 4, 2, 2, 3)
    found = read(save(tmp_path / "step_1", weights(ATT)))
    with pytest.raises(Refused, match="--heads: 5, expected a number whose double divides d, 32"):
        widths(found, 6, 5, 2, 2, 3)


@pytest.mark.parametrize("value", [[1, 2], {}, {"model": {"a": torch.zeros(1)}}, {1: torch.zeros(1)}])
def test_what_is_no_state_dict_says_what_it_is(tmp_path, value):
    with pytest.raises(Refused, match="state dict"):
        read(save(tmp_path / "step_1", value))


def test_files_that_are_no_checkpoint_are_refused_without_advice_to_run_them(tmp_path):
    text = tmp_path / "step_1"
    text.write_text("weights")
    for path in (text, tmp_path / "none"):
        run = [sys.executable, "-m", "trm_train.convert_official", str(path), str(tmp_path / "out")]
        found = subprocess.run(run, capture_output=True, text=True, check=False)
        assert found.returncode == 1 and str(path) in found.stderr and "Traceback" not in found.stderr
        assert "weights_only" not in found.stderr
    assert not (tmp_path / "out").exists()


def test_the_prefixes_are_taken_away_once_from_the_outermost_on():
    assert convert_official.bare("_orig_mod.model.inner.lm_head.weight") == "lm_head.weight"
    assert convert_official.bare("inner.model.x") == "model.x"
