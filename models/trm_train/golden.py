"""Golden files for the Rust tests: `python -m trm_train.golden configs/<bundle>.yaml` writes tests/golden/<bundle>_*.

What PyTorch computes with the weights that the bundle was exported from: the embedding, the state after every net
application of the first step, the answer of every step, a step after the window moved; and what `data.channels` makes
of windows of a real map. Of TRM-Att and TRM-MLP, a maze and the first and the last of 16 steps. Each file names the net's
hash in the manifest, so that it can't outlive its bundle.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import yaml

from . import maze_bundle, realmaps, worlds
from .bundle import Numbers, numbers, save_numbers
from .data import Soft, Solved, Source, channels
from .evaluate import HERE, load
from .export import reference, window
from .model import TRM, shifted
from .official import Official

GOLDEN = HERE.parent / "tests" / "golden"
STEPS = 3
MOVED = (1, -2)
"""Tokens (rows, columns) that the window moves by after the last step."""


@torch.no_grad()
def recursion(model: TRM, size: int, applications: bool, moved: bool) -> Numbers:
    corner = (size // 2, size // 2)
    tokens = size // model.patch
    found = numbers(reference(model, window(size, corner)), STEPS)
    out = {name: value for name, value in found.tensors.items() if not name.endswith(".first")}
    # What is compared with must be what is trained.
    y, z = model.start(1, tokens, tokens)
    for step in range(1, STEPS + 1):
        logits, _, y, z = model(torch.from_numpy(out["input"])[None], y, z)
        assert torch.allclose(logits[0], torch.from_numpy(out[f"step_{step}.logits"]), atol=1e-4)
    if not applications:
        out = {name: value for name, value in out.items() if not name.startswith("application_")}
    if moved:
        inputs = torch.from_numpy(window(size, tuple(c + model.patch * m for c, m in zip(corner, MOVED, strict=True))))[None]
        y, z = shifted(y[0], MOVED, model.y_init)[None], shifted(z[0], MOVED, model.z_init)[None]
        logits, q, y, _ = model(inputs, y, z)
        out |= {"moved.input": inputs[0].numpy(), "moved.logits": logits[0].numpy(), "moved.q": q.numpy()}
    return Numbers({name: np.ascontiguousarray(value) for name, value in out.items()}, found.steady)


def encoding(patch: int) -> Numbers:
    """A part of a real map with soft costs as Nav2 publishes them, a goal, and the channels of two windows: with the goal
    inside and outside. The multiplier of the costs is 2."""
    size = 32
    world = np.ascontiguousarray(realmaps.world(GOLDEN.parent / "maps" / "pal_hospital", 2, 0.25)[301:373, 87:167])
    goal = (11, 55)
    assert not world[goal]
    costs = np.where(world, 100, np.round(98 * (Soft(1.0, 2.0, 5).weights(world) - 1))).astype(np.uint8)
    weights = np.where(world, 1, 1 + 2 * costs.astype(np.float32) / 98).astype(np.float32)
    solved = Solved(world, None, weights, worlds.cost_to_go(world, weights, *goal), goal)
    out = {"costs": costs, "goal": np.array(goal, np.int32)}
    for name, corner in (("inside", (2, 34)), ("outside", (30, 20))):
        assert not any(c % patch for c in corner)
        sample = Source(size, 0, [], 0.0).window(solved, corner)
        assert np.isfinite(sample.exits).sum() > (name == "outside")
        out |= {f"{name}.corner": np.array(corner, np.int32), f"{name}.input": channels(sample)}
    return Numbers(out, 0)


def maze(model: Official) -> Numbers:
    """All 16 steps would be large: the first and the last."""
    found = numbers(maze_bundle.reference(model, maze_bundle.window(model.shape.side)), maze_bundle.STEPS)
    kept = [f"step_{step}.{part}" for step in (1, maze_bundle.STEPS) for part in ("y", "z", "logits", "q")]
    names = ("input", "x", "application_1", "step_2.first", *kept)
    return Numbers({name: found.tensors[name] for name in names}, found.steady)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--weights", type=Path, default=None, help="checkpoint (default: the run's own)")
    args.add_argument("--bundle", type=Path, default=None, help="the bundle's folder (default: bundles/<name>)")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    name = config["name"]
    torch.set_num_threads(config["threads"])
    model = load(config, args.weights or HERE / "runs" / name / "checkpoint.pt").to(memory_format=torch.contiguous_format)
    folder = args.bundle or HERE / "bundles" / name
    net = yaml.safe_load((folder / "manifest.yaml").read_text())["files"]["net.onnx"]
    GOLDEN.mkdir(exist_ok=True)
    if isinstance(model, Official):
        files = {name: maze(model)}
    else:
        files = {
            f"{name}_32": recursion(model, 32, applications=True, moved=True),
            f"{name}_48": recursion(model, 48, applications=False, moved=False),
            f"{name}_encoding": encoding(model.patch),
        }
    for part, found in files.items():
        path = GOLDEN / f"{part}.safetensors"
        save_numbers(found, path, net)
        size = path.stat().st_size // 1024
        print(f"{path.relative_to(HERE.parent)}: {size} KiB, {len(found.tensors)} tensors, {found.steady} steady steps")


if __name__ == "__main__":
    main()
