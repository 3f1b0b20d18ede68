"""What the trained field is worth, step by step: `python -m trm_train.evaluate configs/<bundle>.yaml`.

The roll-out is the simplest decoder: the most probable legal move, never into a cell twice. One start a window, so that
the windows, and with them the intervals, are independent. What the node makes of the field (search, smoothing,
fallback, deadline) is measured on the Rust side: `make eval-paths`.
"""

import argparse
import json
import math
from pathlib import Path

import numba as nb
import numpy as np
import torch
import yaml

from . import worlds
from .data import Sample, Source, channels
from .model import TRM, shifted

HERE = Path(__file__).resolve().parents[1]
BATCH = 50
SETS = {32: (600, 8), 64: (600, 12), 128: (300, 16)}
"""Windows and steps for each size of window."""
WARM_STEPS = 6
"""Steps on the old window before a warm start."""


@nb.njit(cache=True)
def rollout(logits, world, exits, start_r, start_c, limit):
    """-> length in cells including the goal cell's offset; inf when it never gets there."""
    size = world.shape[0]
    seen = np.zeros((size, size), np.bool_)
    r, c = start_r, start_c
    length = np.float32(0)
    for _ in range(limit):
        seen[r, c] = True
        best, move = np.float32(-1e30), -1
        if np.isfinite(exits[r, c]):
            best, move = logits[8, r, c], 8
            if exits[r, c] == 0 and not (r == 0 or c == 0 or r == size - 1 or c == size - 1):
                return length
        for k in range(8):
            if worlds.legal(world, r, c, k) and not seen[r + worlds.ROW[k], c + worlds.COL[k]] and logits[k, r, c] > best:
                best, move = logits[k, r, c], k
        if move < 0:
            return np.float32(np.inf)
        if move == 8:
            return length + exits[r, c]
        length += worlds.move_length(move)
        r, c = r + worlds.ROW[move], c + worlds.COL[move]
    return np.float32(np.inf)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    z, p = 1.96, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def inputs_of(samples: list[Sample]) -> torch.Tensor:
    return torch.from_numpy(np.stack([channels(s.occupied, s.exits) for s in samples]))


@torch.no_grad()
def by_step(model: TRM, samples: list[Sample], steps: int, seed: int, state=None) -> list[dict]:
    """For each step: share of right cells, share of starts that arrive, cost over the optimum of those that do.

    `state` is the first y and z of all samples; without it they start cold.
    """
    random = np.random.default_rng(seed)
    starts = [cells[random.integers(len(cells))] for cells in (np.argwhere(np.isfinite(s.cost)) for s in samples)]
    right, ratios = np.zeros((steps, len(samples))), np.full((steps, len(samples)), np.nan)
    for first in range(0, len(samples), BATCH):
        part = samples[first : first + BATCH]
        tokens = part[0].size // model.patch
        inputs = inputs_of(part)
        y, z = (s[first : first + BATCH] for s in state) if state else model.start(len(part), tokens, tokens)
        for step in range(steps):
            logits, _, y, z = model(inputs, y, z)
            for at, (sample, field) in enumerate(zip(part, logits.numpy(), strict=True), first):
                known = np.isfinite(sample.cost)
                right[step, at] = ((sample.labels >> field.argmax(0)) & 1)[known].mean()
                length = rollout(field, sample.occupied, sample.exits, *starts[at], sample.size**2)
                if np.isfinite(length):
                    # Both one longer, for starts at the goal.
                    ratios[step, at] = (length + 1) / (sample.cost[tuple(starts[at])] + 1)
    rows = []
    for step in range(steps):
        reached = ratios[step][~np.isnan(ratios[step])]
        low, high = wilson(len(reached), len(samples))
        rows.append(
            {
                "step": step + 1,
                "arrived": round(len(reached) / len(samples), 4),
                "ci95": [round(low, 4), round(high, 4)],
                "n": len(samples),
                "cost_ratio_mean": round(float(np.mean(reached)), 4) if len(reached) else None,
                "cost_ratio_p95": round(float(np.quantile(reached, 0.95)), 4) if len(reached) else None,
                "right_cells": round(float(right[step].mean()), 4),
            }
        )
    return rows


def eval_maps(config: dict) -> list[Path]:
    return [HERE.parent / "tests" / "maps" / m for m in config["eval_maps"]]


def source(config: dict, size: int, real: bool, kinds: tuple[int, ...] = tuple(range(worlds.KINDS))) -> Source:
    """Worlds that training never sees: other seeds, other maps."""
    return Source(size, 10**6 + size, eval_maps(config), float(real), kinds=kinds)


def cold(model: TRM, config: dict, scale: float) -> dict[str, list[dict]]:
    """Figures by step of generated worlds and of windows of the evaluation maps."""
    out = {}
    for size, (count, steps) in SETS.items():
        for name, real in (("generated", False), ("real", True)):
            draw = source(config, size, real)
            samples = [draw.sample() for _ in range(max(1, round(count * scale)))]
            out[f"{name} {size}"] = by_step(model, samples, steps, 0)
    return out


def by_kind(model: TRM, config: dict, scale: float) -> dict[str, dict]:
    """Figures after the last step for each kind of generated world, windows of 64."""
    _, steps = SETS[64]
    out = {}
    for kind, name in enumerate(worlds.NAMES):
        draw = source(config, 64, False, (kind,))
        samples = [draw.sample() for _ in range(max(1, round(300 * scale)))]
        out[name] = by_step(model, samples, steps, 0)[-1]
    return out


@torch.no_grad()
def warm(model: TRM, config: dict, scale: float, size: int = 32) -> dict[str, list[dict]]:
    """Real windows that moved, or in which obstacles appeared: warm against cold, by step."""
    draw = source(config, size, True)
    out = {}
    for change in ("moved", "edited"):
        old, new, shifts = [], [], []
        while len(new) < max(1, round(600 * scale)):
            sample = draw.sample()
            found = draw.moved(sample, model.patch) if change == "moved" else draw.edited(sample)
            if found is None:
                continue
            after, shift = found if change == "moved" else (found, (0, 0))
            old.append(sample), new.append(after), shifts.append(shift)
        y, z = model.start(len(old), size // model.patch, size // model.patch)
        for first in range(0, len(old), BATCH):
            part = slice(first, first + BATCH)
            for _ in range(WARM_STEPS):
                _, _, y[part], z[part] = model(inputs_of(old[part]), y[part], z[part])
        for at, shift in enumerate(shifts):
            y[at], z[at] = shifted(y[at], shift, model.y_init), shifted(z[at], shift, model.z_init)
        out[f"{change}, warm"] = by_step(model, new, 3, 0, (y, z))
        out[f"{change}, cold"] = by_step(model, new, 3, 0)
    return out


def evaluate(model: TRM, config: dict, scale: float = 1.0) -> dict:
    """All figures of a bundle's card; `scale` takes a part of the windows."""
    return {
        "cold": cold(model, config, scale),
        "kinds": by_kind(model, config, scale),
        "warm": warm(model, config, scale),
    }


def quick(model: TRM, config: dict) -> str:
    """One line for the training log."""
    parts = []
    for name, real in (("generated", False), ("real", True)):
        draw = source(config, 64, real)
        rows = by_step(model, [draw.sample() for _ in range(150)], 4, 0)
        parts.append(f"{name} 64: " + " ".join(f"{r['arrived']:.3f}" for r in rows) + f" cost {rows[-1]['cost_ratio_mean']}")
    return "arrived by step | " + " | ".join(parts)


def load(config: dict, weights: Path) -> TRM:
    """The averaged (EMA) model of a checkpoint."""
    model = TRM(**config["model"])
    model.load_state_dict(torch.load(weights, weights_only=True)["ema"])
    return model.to(memory_format=torch.channels_last).eval()


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--weights", type=Path, default=None, help="checkpoint (default: the run's own)")
    args.add_argument("--scale", type=float, default=1.0, help="share of the windows")
    args.add_argument("--json", type=Path, default=None)
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    torch.set_num_threads(config["threads"])
    model = load(config, args.weights or HERE / "runs" / config["name"] / "checkpoint.pt")
    result = evaluate(model, config, args.scale)
    from .card import tables

    print(tables(result))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
