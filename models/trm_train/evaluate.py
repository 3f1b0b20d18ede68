"""What the trained field is worth, step by step: `python -m trm_train.evaluate configs/<bundle>.yaml`.

The roll-out is the node's own simplest decoder: the most probable legal move, never into a cell twice. Real figures
of the released node (search, smoothing, fallback, deadline) come from the Rust side.
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
from .model import TRM

HERE = Path(__file__).resolve().parents[1]


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


@torch.no_grad()
def by_step(model: TRM, samples: list[Sample], steps: int, starts: int, seed: int) -> list[dict]:
    """For each step: share of right cells, share of starts that arrive, mean cost over the optimum."""
    random = np.random.default_rng(seed)
    inputs = torch.from_numpy(np.stack([channels(s.occupied, s.exits) for s in samples]))
    tokens = samples[0].size // model.patch
    y, z = model.start(len(samples), tokens, tokens)
    queries = []
    for sample in samples:
        cells = np.argwhere(np.isfinite(sample.cost))
        queries.append(cells[random.integers(0, len(cells), starts)])
    rows = []
    for step in range(steps):
        logits, _, y, z = model(inputs, y, z)
        logits_np = logits.numpy()
        right, arrived, ratios = [], 0, []
        for sample, field, cells in zip(samples, logits_np, queries, strict=True):
            known = np.isfinite(sample.cost)
            right.append(((sample.labels >> field.argmax(0)) & 1)[known].mean())
            for r, c in cells:
                length = rollout(field, sample.occupied, sample.exits, r, c, 4 * sample.size * 4)
                if np.isfinite(length):
                    arrived += 1
                    ratios.append((length + 1) / (sample.cost[r, c] + 1))
        n = starts * len(samples)
        low, high = wilson(arrived, n)
        rows.append(
            {
                "step": step + 1,
                "right_cells": round(float(np.mean(right)), 4),
                "arrived": round(arrived / n, 4),
                "ci95": [round(low, 4), round(high, 4)],
                "n": n,
                "cost_ratio_mean": round(float(np.mean(ratios)), 4) if ratios else None,
                "cost_ratio_p95": round(float(np.quantile(ratios, 0.95)), 4) if ratios else None,
            }
        )
    return rows


def sets(config: dict, windows: list[int], count: int) -> dict[str, list[Sample]]:
    """Generated worlds, and windows of maps that training never sees."""
    maps = [HERE.parent / "tests" / "maps" / m for m in config["eval_maps"]]
    out = {}
    for size in windows:
        for name, real in (("generated", 0.0), ("real", 1.0)):
            source = Source(size, 10**6 + size, maps, real)
            out[f"{name} {size}"] = [source.sample() for _ in range(count)]
    return out


def quick(model: TRM, config: dict) -> str:
    """One line for the training log."""
    parts = []
    for name, samples in sets(config, [64], 24).items():
        rows = by_step(model, samples, 4, 10, 0)
        parts.append(f"{name}: " + " ".join(f"{r['arrived']:.3f}" for r in rows) + f" cost {rows[-1]['cost_ratio_mean']}")
    return "arrived by step | " + " | ".join(parts)


def load(config: dict, weights: Path) -> TRM:
    """The averaged (EMA) model of a checkpoint."""
    model = TRM(**config["model"])
    model.load_state_dict(torch.load(weights, weights_only=True)["ema"])
    return model.to(memory_format=torch.channels_last).eval()


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--count", type=int, default=60, help="windows in each set")
    args.add_argument("--steps", type=int, default=8)
    args.add_argument("--json", type=Path, default=None)
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    torch.set_num_threads(config["threads"])
    model = load(config, HERE / "runs" / config["name"] / "checkpoint.pt")
    result = {
        name: by_step(model, samples, args.steps, 10, 0) for name, samples in sets(config, [32, 64, 128], args.count).items()
    }
    for name, rows in result.items():
        print(name)
        for row in rows:
            print("  ", json.dumps(row))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
