"""What the field is worth, step by step: for the training's log and for `ablate`.

The roll-out is the simplest decoder: the most probable legal move, never into a cell twice. One start a window, so that
the windows, and with them the intervals, are independent. What the node makes of the field is measured in Rust, by
`trm eval`.
"""

import math
from pathlib import Path

import numba as nb
import numpy as np
import torch
from torch import nn

from . import worlds
from .data import Sample, Source, channels
from .model import TRM, shifted
from .networks import NETWORKS, task_of

HERE = Path(__file__).resolve().parents[1]
BATCH = 50


@nb.njit(cache=True)
def rollout(logits, world, weights, exits, start_r, start_c, limit):
    """-> cost in cells including the goal cell's offset; inf when it never gets there."""
    size = world.shape[0]
    seen = np.zeros((size, size), np.bool_)
    r, c = start_r, start_c
    cost = np.float32(0)
    for _ in range(limit):
        seen[r, c] = True
        best, move = np.float32(-1e30), -1
        if np.isfinite(exits[r, c]):
            best, move = logits[8, r, c], 8
            if exits[r, c] == 0 and not (r == 0 or c == 0 or r == size - 1 or c == size - 1):
                return cost
        for k in range(8):
            if worlds.legal(world, r, c, k) and not seen[r + worlds.ROW[k], c + worlds.COL[k]] and logits[k, r, c] > best:
                best, move = logits[k, r, c], k
        if move < 0:
            return np.float32(np.inf)
        if move == 8:
            return cost + exits[r, c]
        cost += worlds.move_cost(weights, r, c, move)
        r, c = r + worlds.ROW[move], c + worlds.COL[move]
    return np.float32(np.inf)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    z, p = 1.96, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def inputs_of(samples: list[Sample]) -> torch.Tensor:
    return torch.from_numpy(np.stack([channels(s) for s in samples]))


@torch.no_grad()
def roll_outs(model: TRM, samples: list[Sample], steps: int, seed: int, state=None) -> tuple[np.ndarray, np.ndarray]:
    """-> [steps, samples] each: the share of cells that are right, and the cost of the roll-out from a start of the seed
    over the optimum, NaN where it doesn't arrive.

    `state` is the first y and z of all samples; without it they start cold.
    """
    random = np.random.default_rng(seed)
    starts = [cells[random.integers(len(cells))] for cells in (np.argwhere(np.isfinite(s.cost)) for s in samples)]
    right, ratios = np.zeros((steps, len(samples))), np.full((steps, len(samples)), np.nan)
    for first in range(0, len(samples), BATCH):
        part = samples[first : first + BATCH]
        tokens = part[0].size // model.patch
        inputs = inputs_of(part).to(model.y_init.device)
        y, z = (s[first : first + BATCH] for s in state) if state else model.start(len(part), tokens, tokens)
        for step in range(steps):
            logits, _, y, z = model(inputs, y, z)
            for at, (sample, field) in enumerate(zip(part, logits.cpu().numpy(), strict=True), first):
                known = np.isfinite(sample.cost)
                right[step, at] = ((sample.labels >> field.argmax(0)) & 1)[known].mean()
                cost = rollout(field, sample.occupied, sample.weights(), sample.exits, *starts[at], sample.size**2)
                if np.isfinite(cost):
                    # Both one longer, for starts at the goal.
                    ratios[step, at] = (cost + 1) / (sample.cost[tuple(starts[at])] + 1)
    return right, ratios


def by_step(right: np.ndarray, ratios: np.ndarray) -> list[dict]:
    """For each step: share of starts that arrive, cost over the optimum of those that do, share of right cells."""
    rows = []
    for step, (cells, costs) in enumerate(zip(right, ratios, strict=True), 1):
        reached = costs[~np.isnan(costs)]
        low, high = wilson(len(reached), len(costs))
        rows.append(
            {
                "step": step,
                "arrived": round(len(reached) / len(costs), 4),
                "ci95": [round(low, 4), round(high, 4)],
                "n": len(costs),
                "cost_ratio_mean": round(float(np.mean(reached)), 4) if len(reached) else None,
                "right_cells": round(float(cells.mean()), 4),
            }
        )
    return rows


def first_arrivals(ratios: np.ndarray) -> np.ndarray:
    """The first step at which each sample's roll-out arrives, counted from 1; one more than the last where none does."""
    arrived = ~np.isnan(ratios)
    return np.where(arrived.any(0), arrived.argmax(0), len(ratios)) + 1


def maps_of(config: dict, which: str) -> list[Path]:
    """The folders of a config's maps: `maps` is the folder that they are in, from the repository's root on."""
    folders = [HERE.parent / config.get("maps", "tests/maps") / name for name in config[which]]
    for folder in folders:
        if len(list(folder.glob("*.yaml"))) != 1:
            raise ValueError(f"{which}: {folder} is not a folder with one map: a YAML file and its image")
    return folders


def source(config: dict, size: int, real: bool, inside: float = 0.5, soft: float = 0.0, closed: float = 0.0) -> Source:
    """Worlds that training never sees: other seeds, other maps."""
    return Source(size, 10**6 + size, maps_of(config, "eval_maps"), float(real), inside, soft, closed)


def changes(draw: Source, patch: int, moved: bool, count: int) -> tuple[list[Sample], list[Sample], list[tuple[int, int]]]:
    """Windows before and after they moved, or after obstacles appeared or went; and the shift of their states in tokens."""
    old, new, shifts = [], [], []
    while len(new) < count:
        sample = draw.sample()
        found = draw.moved(sample, patch) if moved else draw.edited(sample)
        if found is not None:
            after, shift = found if moved else (found, (0, 0))
            old.append(sample), new.append(after), shifts.append(shift)
    return old, new, shifts


@torch.no_grad()
def settled(model: TRM, old: list[Sample], shifts: list[tuple[int, int]], steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The states after `steps` on the old windows, moved by the shifts: where warm starts begin."""
    tokens = old[0].size // model.patch
    y, z = model.start(len(old), tokens, tokens)
    for first in range(0, len(old), BATCH):
        part = slice(first, first + BATCH)
        for _ in range(steps):
            _, _, y[part], z[part] = model(inputs_of(old[part]), y[part], z[part])
    for at, shift in enumerate(shifts):
        y[at], z[at] = shifted(y[at], shift, model.y_init), shifted(z[at], shift, model.z_init)
    return y, z


def quick(model: TRM, config: dict) -> str:
    """One line for the training log."""
    parts = []
    for name, real in (("generated", False), ("real", True)):
        draw = source(config, 64, real)
        rows = by_step(*roll_outs(model, [draw.sample() for _ in range(150)], 4, 0))
        parts.append(f"{name} 64: " + " ".join(f"{r['arrived']:.3f}" for r in rows) + f" cost {rows[-1]['cost_ratio_mean']}")
    return "arrived by step | " + " | ".join(parts)


def load(config: dict, weights: Path) -> nn.Module:
    """The averaged (EMA) model of a checkpoint."""
    model = NETWORKS[task_of(config)](**config["model"])
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["ema"])
    return model.to(memory_format=torch.channels_last).eval()
