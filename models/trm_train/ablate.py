"""What each part of the recipe buys: `python -m trm_train.ablate configs/ablations.yaml`.

Every variant starts from nothing and trains for the same processor time, counted after the first iteration has compiled
the model. Its averaged weights are rolled out on the same windows as everyone's.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor

from .card import table
from .evaluate import HERE, by_step, changes, first_arrivals, roll_outs, settled, source
from .model import TRM
from .slots import Slots
from .train import Run, batches, learning_rate, train_batch

SHOWN = (1, 2, 4, 8)
"""Steps that the tables show."""


class FeedForward(TRM):
    """The layers once, with no state: more steps change nothing."""

    def step(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(x), z


class FeedForwardRun(Run):
    network = FeedForward


class LastStep(Slots):
    """No deep supervision: the loss counts samples at their last step alone."""

    def asked(self) -> Tensor:
        return super().asked() & (self.step >= self.last)[:, None, None]


def config_of(base: dict, variant: dict) -> dict:
    """The bundle's config with what the variant changes: one stage, training from nothing."""
    return base | {
        "seed": variant.get("seed", 1),
        "model": base["model"] | variant.get("model", {}),
        "stages": [base["stages"][0] | variant.get("stage", {})],
    }


def train(config: dict, variant: dict, seconds: float) -> tuple[TRM, int]:
    """-> the averaged model after that much processor time, and its iterations."""
    torch.manual_seed(config["seed"])
    torch.compiler.reset()
    with tempfile.TemporaryDirectory() as nowhere:
        run = (FeedForwardRun if variant.get("network") == "feed_forward" else Run)(config, Path(nowhere))
    if variant.get("optimizer") == "adamw":
        run.muon = torch.optim.AdamW(run.muon.kernels, weight_decay=0.01, betas=(0.9, 0.98))
    slots = LastStep if variant.get("slots") == "last_step" else Slots
    step = torch.compile(run.model, dynamic=False)
    end = np.inf
    for done, batch in enumerate(batches(run, config, 0, config["seed"], slots)):
        if time.process_time() >= end:
            return run.ema.eval(), done
        train_batch(run, step, batch, learning_rate(config["stages"], 0, done))
        if done == 0:
            end = time.process_time() + seconds


class Judge:
    """The windows that every variant is measured on."""

    def __init__(self, settings: dict, base: dict):
        self.steps, self.changes = settings["steps"], settings["changes"]
        kinds = {key: base["stages"][0][key] for key in ("inside", "soft", "closed")}
        self.sets = {}
        for worlds, size, n in settings["sets"]:
            draw = source(base, size, worlds == "real", **kinds)
            self.sets[f"{worlds} {size}"] = [draw.sample() for _ in range(n)]
        draw = source(base, self.changes["size"], False, **kinds)
        self.changed = {
            name: changes(draw, base["model"]["patch"], name == "moved", self.changes["n"]) for name in ("moved", "edited")
        }

    def cold(self, model: TRM) -> dict[str, list[dict]]:
        steps = 1 if isinstance(model, FeedForward) else self.steps
        return {name: by_step(*roll_outs(model, samples, steps, 0)) for name, samples in self.sets.items()}

    def warm(self, model: TRM) -> dict[str, dict]:
        out = {}
        for name, (old, new, shifts) in self.changed.items():
            state = settled(model, old, shifts, self.changes["before"])
            for start, first in (("warm", state), ("cold", None)):
                right, ratios = roll_outs(model, new, self.changes["steps"], 0, first)
                steps = first_arrivals(ratios)
                out[f"{name}, {start}"] = {
                    "by_step": by_step(right, ratios),
                    # Where it never arrives, one more than the last step counts.
                    "steps_to_arrive_mean": round(float(steps.mean()), 3),
                    "steps_to_arrive_p95": int(np.quantile(steps, 0.95, method="higher")),
                }
        return out


def best(rows: list[dict]) -> dict:
    return max(rows, key=lambda row: row["arrived"])


def label(variant: dict) -> str:
    return f"{variant['name']}, seed {variant['seed']}"


def markdown(result: dict) -> str:
    """The figures as tables: variants, one table for each set, warm starts."""
    variants = result["variants"]
    parts = [
        f"Every variant: {result['seconds']} s of processor time on windows of 32 cells, from nothing. Arrived: share of "
        "windows whose roll-out reaches the goal (or leaves the window where it should), in brackets the 95 % Wilson "
        "interval; cost: mean over the optimum of those that arrive; right cells: share of cells whose most probable move "
        "is optimal; all three after the number of steps with which most arrive. Columns of steps: arrived after that many. "
        "A feed-forward network has one.",
        table(
            ["variant", "weights", "iterations"],
            [[label(v), f"{v['weights']}", f"{v['iterations']}"] for v in variants],
        ),
    ]
    for name in variants[0]["sets"]:
        rows = []
        for variant in variants:
            steps = variant["sets"][name]
            top = best(steps)
            rows.append(
                [
                    label(variant),
                    f"{top['arrived']:.3f} ({top['ci95'][0]:.3f}–{top['ci95'][1]:.3f})",
                    f"{top['step']}",
                    *(f"{steps[k - 1]['arrived']:.3f}" if k <= len(steps) else "" for k in SHOWN),
                    f"{top['cost_ratio_mean']:.3f}" if top["cost_ratio_mean"] else "–",
                    f"{top['right_cells']:.3f}",
                ]
            )
        head = ["variant", "arrived", "at step", *(f"step {k}" for k in SHOWN), "cost", "right cells"]
        parts += [f"Windows: {name}, n = {variants[0]['sets'][name][0]['n']}.", table(head, rows)]
    warm = [
        [label(v), name, *(f"{row['arrived']:.3f}" for row in found["by_step"])]
        + [f"{found['steps_to_arrive_mean']:.2f}", f"{found['steps_to_arrive_p95']}"]
        for v in variants
        for name, found in v.get("changes", {}).items()
    ]
    if warm:
        how = result["changes"]
        head = ["variant", "change, start", *(f"step {k}" for k in range(1, how["steps"] + 1)), "steps mean", "steps p95"]
        parts += [
            f"Generated windows of {how['size']} cells that moved by up to three tokens, or in which obstacles appeared or "
            f"went, n = {how['n']} each: going on from the state after {how['before']} steps on the old window (warm) and "
            "from nothing (cold). Steps: until the roll-out arrives; where it doesn't, one more than the last.",
            table(head, warm),
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--seconds", type=float, default=None, help="processor time of a variant (default: the config's)")
    args.add_argument("--out", type=Path, default=None, help="folder of ablations.json and .md (default: the bundle's)")
    args = args.parse_args()
    settings = yaml.safe_load(args.config.read_text())
    base = yaml.safe_load((args.config.parent / f"{settings['bundle']}.yaml").read_text())
    out = args.out or HERE / "bundles" / settings["bundle"]
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(base["threads"])
    seconds = args.seconds or settings["seconds"]
    judge = Judge(settings, base)
    result = {"seconds": seconds, "stage": base["stages"][0], "changes": settings["changes"], "variants": []}
    for variant in settings["variants"]:
        config = config_of(base, variant)
        model, iterations = train(config, variant, seconds)
        found = {
            "name": variant["name"],
            "seed": config["seed"],
            "weights": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "iterations": iterations,
            "model": config["model"],
            "changed_settings": {k: v for k, v in variant.items() if k not in ("name", "seed", "changes")},
            "sets": judge.cold(model),
        }
        if variant.get("changes"):
            found["changes"] = judge.warm(model)
        result["variants"].append(found)
        tops = " | ".join(f"{name} {best(rows)['arrived']:.3f}" for name, rows in found["sets"].items())
        print(f"{label(found)}: {iterations} iterations | {tops} | {time.process_time():.0f} s", flush=True)
        # After each, so that a run that is ended keeps what it measured.
        (out / "ablations.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
        (out / "ablations.md").write_text(markdown(result))


if __name__ == "__main__":
    main()
