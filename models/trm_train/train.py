"""Trains one bundle: `python -m trm_train.train configs/<bundle>.yaml`. Resumes from its last checkpoint.

Deep supervision: every step of every sample is supervised, the state between two steps is carried detached, a
sample is replaced when its steps are over. Part of the replacements are warm: the same world, moved or edited, with
the state kept, so that repairing an old answer is trained and not hoped for.
"""

import argparse
import copy
import csv
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import load_file

from . import worlds
from .data import CHANNELS, Sample, Source, channels
from .evaluate import quick
from .losses import field_loss, q_loss, right_cells
from .model import TRM

HERE = Path(__file__).resolve().parents[1]
CHECKPOINT_EVERY = 500
LOG_EVERY = 100


class Slots:
    """The batch: one sample a slot, each at its own step."""

    def __init__(self, model: TRM, source: Source, stage: dict, random: np.random.Generator):
        self.model, self.source, self.stage, self.random = model, source, stage, random
        batch, size = stage["batch"], stage["window"]
        tokens = size // model.patch
        self.samples: list[Sample | None] = [None] * batch
        self.channels = torch.zeros(batch, CHANNELS, size, size)
        self.labels = torch.zeros(batch, size, size, dtype=torch.int64)
        self.cost = torch.zeros(batch, size, size)
        self.y, self.z = model.start(batch, tokens, tokens)
        self.step = torch.zeros(batch)
        self.warm = torch.zeros(batch, dtype=torch.bool)
        for slot in range(batch):
            self._cold(slot)
            self.step[slot] = slot % stage["steps"]

    def replace_finished(self) -> None:
        last = torch.where(self.warm, self.stage["warm_steps"], self.stage["steps"])
        for slot in (self.step >= last).nonzero()[:, 0].tolist():
            if self.random.random() >= self.stage["warm"] or not self._warm(slot):
                self._cold(slot)

    def radius(self) -> torch.Tensor:
        """How far from the goal each slot's answer must be known, in cells."""
        return torch.where(self.warm, torch.inf, self.step * self.stage["reach"])

    def _put(self, slot: int, sample: Sample, warm: bool) -> None:
        self.samples[slot] = sample
        self.channels[slot] = torch.from_numpy(channels(sample.occupied, sample.exits))
        self.labels[slot] = torch.from_numpy(sample.labels.astype(np.int64))
        self.cost[slot] = torch.from_numpy(sample.cost)
        self.step[slot], self.warm[slot] = 0, warm

    def _cold(self, slot: int) -> None:
        self._put(slot, self.source.sample(), warm=False)
        self.y[slot], self.z[slot] = self.model.y_init, self.model.z_init

    def _warm(self, slot: int) -> bool:
        old = self.samples[slot]
        if self.random.random() < 0.5:
            moved = self.source.moved(old, self.model.patch)
            if moved is None:
                return False
            sample, shift = moved
            for state, fresh in ((self.y, self.model.y_init), (self.z, self.model.z_init)):
                state[slot] = shifted(state[slot], shift, fresh)
        else:
            sample = self.source.edited(old)
            if sample is None:
                return False
        self._put(slot, sample, warm=True)
        return True


def shifted(state: torch.Tensor, shift: tuple[int, int], fresh: torch.Tensor) -> torch.Tensor:
    """The state [d, h, w] of a window that moved by `shift` tokens; new tokens get `fresh` [d, 1, 1]."""
    d, h, w = state.shape
    out = fresh.expand(d, h, w).clone()
    r, c = shift
    out[:, max(0, -r) : h - max(0, r), max(0, -c) : w - max(0, c)] = state[
        :, max(0, r) : h - max(0, -r), max(0, c) : w - max(0, -c)
    ]
    return out


def learning_rate(stages: list[dict], stage: int, iteration: int) -> float:
    """The stage's rate after a short warm-up; the last 30 % of the last stage fall to 2 %."""
    settings = stages[stage]
    rate = settings["learning_rate"] * min(1.0, (iteration + 1) / 100)
    left = 1 - iteration / settings["iterations"]
    return rate * max(0.02, min(1.0, left / 0.3)) if stage == len(stages) - 1 else rate


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--out", type=Path, default=None, help="run folder (default: runs/<bundle>)")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    out = args.out or HERE / "runs" / config["name"]
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config["threads"])
    torch.manual_seed(config["seed"])

    model = TRM(**config["model"]).to(memory_format=torch.channels_last)
    if config.get("init"):
        model.load_state_dict(load_file(HERE / config["init"]))
    ema = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], weight_decay=0.01, betas=(0.9, 0.98)
    )
    checkpoint = out / "checkpoint.pt"
    first_stage = first_iteration = 0
    seconds = 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        first_stage, first_iteration, seconds = saved["stage"], saved["iteration"], saved["seconds"]
        print(f"resumed at stage {first_stage}, iteration {first_iteration}", flush=True)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)

    step = torch.compile(model)
    maps = [HERE.parent / "tests" / "maps" / m for m in config["train_maps"]]
    log = (out / "log.csv").open("a", newline="")
    writer = csv.writer(log)
    if log.tell() == 0:
        writer.writerow(["stage", "iteration", "seconds", "loss", "right", "q_loss"])
    began = time.monotonic() - seconds

    for number in range(first_stage, len(config["stages"])):
        stage = config["stages"][number]
        start = first_iteration if number == first_stage else 0
        # A resumed run draws other samples than the run it goes on from, never the same again.
        seed = config["seed"] + 1000 * number + start
        source = Source(stage["window"], seed, maps, stage["real"], stage["inside"])
        slots = Slots(model, source, stage, np.random.default_rng(seed))
        mean = np.zeros(3)
        for iteration in range(start, stage["iterations"]):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config["stages"], number, iteration)
            slots.replace_finished()
            logits, q, y, z = step(slots.channels, slots.y, slots.z)
            slots.step += 1
            radius = slots.radius()
            free = slots.channels[:, 0] < 0.5
            field = field_loss(logits, slots.labels, slots.cost, free, radius)
            halting = q_loss(q, logits, slots.labels, slots.cost)
            optimizer.zero_grad()
            (field + 0.1 * halting).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            slots.y, slots.z = y.detach(), z.detach()
            with torch.no_grad():
                for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
                    slow.lerp_(fast, 0.005)
                near = (slots.cost <= radius[:, None, None]) & torch.isfinite(slots.cost)
                right = right_cells(logits, slots.labels)[near].float().mean()
            mean = 0.98 * mean + 0.02 * np.array([field.item(), right.item(), halting.item()])
            done = iteration + 1
            if done % LOG_EVERY == 0:
                elapsed = time.monotonic() - began
                scale = 1 - 0.98 ** (done - start)
                row = [number, done, round(elapsed), *(round(float(v), 4) for v in mean / scale)]
                writer.writerow(row)
                log.flush()
                print(
                    f"stage {number} {done}/{stage['iterations']} {elapsed / 60:.1f} min "
                    f"loss {row[3]} right {row[4]} q {row[5]}",
                    flush=True,
                )
            if done % CHECKPOINT_EVERY == 0 or done == stage["iterations"]:
                over = done == stage["iterations"]
                state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
                state |= {"stage": number + over, "iteration": 0 if over else done, "seconds": time.monotonic() - began}
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").replace(checkpoint)
            if done % (4 * CHECKPOINT_EVERY) == 0:
                print("  " + quick(ema, config), flush=True)
                # The evaluation drew its own worlds: go on with other ones than those.
                worlds.seed_numba(seed + done)
    print("  " + quick(ema, config), flush=True)


if __name__ == "__main__":
    main()
