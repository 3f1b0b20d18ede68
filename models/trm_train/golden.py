"""Golden files for the Rust tests: `python -m trm_train.golden configs/<bundle>.yaml` writes tests/golden/<bundle>_*.

What PyTorch computes with the weights that the bundle was exported from: the embedding, the state after every net
application of the first step, the answer of every step, a step after the window moved; and what `data.channels` makes
of windows of a real map. Each file names the net's hash in the manifest, so that it can't outlive its bundle.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.numpy import save_file

from . import realmaps, worlds
from .data import Soft, Solved, Source, channels, solve
from .evaluate import HERE, load
from .model import TRM, shifted

GOLDEN = HERE.parent / "tests" / "golden"
STEPS = 3
MOVED = (1, -2)
"""Tokens (rows, columns) that the window moves by after the last step."""
# Windows of one generated world (kind, seed), so that the field has something to find.
WORLD = (2, 7)


def window(size: int, corner: tuple[int, int]) -> np.ndarray:
    """Channels of a window with the goal outside: its offsets aren't all 0."""
    worlds.seed_numba(WORLD[1])
    world = worlds.generate(2 * size, 2 * size, WORLD[0])
    goal = tuple(int(v) for v in np.argwhere(~world)[0])
    sample = Source(size, 0, [], 0.0).window(solve(world, Soft(2.0, 2.0, 5), goal), corner)
    assert np.isfinite(sample.exits).sum() > 1, "the window has no way to the goal"
    return channels(sample)


@torch.no_grad()
def recursion(model: TRM, size: int, applications: bool, moved: bool) -> dict[str, np.ndarray]:
    corner = (size // 2, size // 2)
    inputs = torch.from_numpy(window(size, corner))[None]
    tokens = size // model.patch
    x = model.encode(inputs)
    y, z = model.start(1, tokens, tokens)
    out = {"input": inputs[0], "x": x[0]}
    for step in range(1, STEPS + 1):
        for cycle in range(model.T):
            for update in range(model.n + 1):
                latent = update < model.n
                new = model.net(x + y + z if latent else y + z)
                y, z = (y, new) if latent else (new, z)
                if applications and step == 1:
                    out[f"application_{cycle * (model.n + 1) + update + 1}"] = new[0]
        logits, q = model.decode(y, x)
        out |= {f"step_{step}.y": y[0], f"step_{step}.z": z[0], f"step_{step}.logits": logits[0], f"step_{step}.q": q}
    # The loop above must be what is trained.
    y, z = model.start(1, tokens, tokens)
    for step in range(1, STEPS + 1):
        logits, _, y, z = model(inputs, y, z)
        assert torch.allclose(logits[0], out[f"step_{step}.logits"], atol=1e-4)
    if moved:
        inputs = torch.from_numpy(window(size, tuple(c + model.patch * m for c, m in zip(corner, MOVED, strict=True))))[None]
        y, z = shifted(y[0], MOVED, model.y_init)[None], shifted(z[0], MOVED, model.z_init)[None]
        logits, q, y, _ = model(inputs, y, z)
        out |= {"moved.input": inputs[0], "moved.logits": logits[0], "moved.q": q}
    return {name: np.ascontiguousarray(value.numpy()) for name, value in out.items()}


def encoding(patch: int) -> dict[str, np.ndarray]:
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
    return out


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--weights", type=Path, default=None, help="checkpoint (default: the run's own)")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    name = config["name"]
    torch.set_num_threads(config["threads"])
    model = load(config, args.weights or HERE / "runs" / name / "checkpoint.pt").to(memory_format=torch.contiguous_format)
    manifest = yaml.safe_load((HERE / "bundles" / name / "manifest.yaml").read_text())
    about = {"net": manifest["files"]["net.onnx"], "torch": str(torch.__version__)}
    GOLDEN.mkdir(exist_ok=True)
    for part, tensors in (
        ("32", recursion(model, 32, applications=True, moved=True)),
        ("48", recursion(model, 48, applications=False, moved=False)),
        ("encoding", encoding(model.patch)),
    ):
        path = GOLDEN / f"{name}_{part}.safetensors"
        save_file(tensors, path, about)
        print(f"{path.relative_to(HERE.parent)}: {path.stat().st_size // 1024} KiB, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
