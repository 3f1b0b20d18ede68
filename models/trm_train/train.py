"""Trains one bundle: `python -m trm_train.train configs/<bundle>.yaml`.

Goes on from the run's checkpoint, also through stages that were added to the config since; `--fresh` starts anew.

Deep supervision: every step of every sample is supervised, the state between two steps is carried detached, a
sample is replaced when its steps are over. Part of the replacements are warm: the same world, moved or edited, with
the state kept, so that repairing an old answer is trained and not hoped for.
"""

import argparse
import copy
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import yaml

from . import curves, worlds
from .data import CHANNELS, Sample, Source, channels
from .evaluate import HERE, quick
from .losses import field_loss, q_loss, right_cells
from .model import TRM, shifted

CHECKPOINT_EVERY = 500
LOG_EVERY = 100
EMA_RATE = 0.005
PARTS = ("model", "ema", "muon", "optimizer")
HALTING_WEIGHT = 0.1
"""Share of the halting head's loss in the sum."""


class Slots:
    """A batch of windows of one size: one sample a slot, each at its own step."""

    def __init__(self, model: TRM, source: Source, batch: int, stage: dict, random: np.random.Generator):
        self.model, self.source, self.stage, self.random = model, source, stage, random
        size = source.size
        tokens = size // model.patch
        self.samples: list[Sample | None] = [None] * batch
        self.channels = torch.zeros(batch, CHANNELS, size, size)
        self.labels = torch.zeros(batch, size, size, dtype=torch.int32)
        self.arrival = torch.zeros(batch, size, size)
        self.y, self.z = model.start(batch, tokens, tokens)
        self.step = torch.zeros(batch)
        self.last = torch.zeros(batch)
        self.warm = torch.zeros(batch, dtype=torch.bool)
        for slot in range(batch):
            self._cold(slot)
            self.step[slot] = slot % int(self.last[slot])

    def replace_finished(self) -> None:
        for slot in (self.step >= self.last).nonzero()[:, 0].tolist():
            if self.random.random() >= self.stage["warm"] or not self._warm(slot):
                self._cold(slot)

    def radius(self) -> torch.Tensor:
        """How far from the goal each slot's answer must be known, in cells."""
        return torch.where(self.warm, torch.inf, self.step * self.stage["reach"])

    def asked(self) -> torch.Tensor:
        """The cells that the loss counts, [batch, size, size]."""
        return self.channels[:, 0] < 0.5

    def _put(self, slot: int, sample: Sample, warm: bool) -> None:
        self.samples[slot] = sample
        self.channels[slot] = torch.from_numpy(channels(sample))
        self.labels[slot] = torch.from_numpy(sample.labels.astype(np.int32))
        self.arrival[slot] = torch.from_numpy(sample.arrival)
        self.step[slot], self.warm[slot] = 0, warm
        if warm:
            self.last[slot] = self.stage["warm_steps"]
        else:
            # Until the whole field is asked for, and on: what is right must stay.
            needed = sample.arrival[np.isfinite(sample.arrival)].max() / self.stage["reach"]
            self.last[slot] = min(self.stage["steps"], int(needed) + 1 + self.random.integers(1, 5))

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


def learning_rate(stages: list[dict], stage: int, iteration: int) -> float:
    """The stage's rate after a short warm-up; over the last `decay` (a share, default 0) of the stage it falls to 2 %."""
    settings = stages[stage]
    rate = settings["learning_rate"] * min(1.0, (iteration + 1) / 100)
    left, decay = 1 - iteration / settings["iterations"], settings.get("decay", 0.0)
    return rate * max(0.02, min(1.0, left / decay)) if decay > 0 else rate


class Muon(torch.optim.Muon):
    """Muon (Jordan et al. 2024) for convolutions: each is a matrix of its outputs by its inputs. It takes matrices alone, so
    it gets views of the weights, which are stored channels last."""

    def __init__(self, kernels: list[torch.Tensor], **settings):
        self.kernels = kernels
        super().__init__([torch.nn.Parameter(self._matrix(k.detach())) for k in kernels], **settings)

    @staticmethod
    def _matrix(kernel: torch.Tensor) -> torch.Tensor:
        return kernel.permute(0, 2, 3, 1).flatten(1)

    def step(self, closure=None):
        for matrix, kernel in zip(self.param_groups[0]["params"], self.kernels, strict=True):
            assert matrix.data_ptr() == kernel.data_ptr()
            matrix.grad = self._matrix(kernel.grad)
        return super().step(closure)


class Run:
    """What a checkpoint holds: weights, their running average, the optimizer, and how far training has come."""

    network: type[TRM] = TRM

    def __init__(self, config: dict, folder: Path):
        self.checkpoint, self.log = folder / "checkpoint.pt", folder / "log.csv"
        self.model = self.network(**config["model"]).to(memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.model)
        kernels = [p for p in self.model.net.parameters() if p.dim() == 4]
        others = [p for p in self.model.parameters() if p.requires_grad and not any(p is k for k in kernels)]
        # Muon's update of a weight is as large as AdamW's at the same rate.
        self.muon = Muon(kernels, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self.optimizer = torch.optim.AdamW(others, weight_decay=0.01, betas=(0.9, 0.98))
        self.stage = self.iteration = 0
        self.before = -time.process_time()
        self.rows: list[list] = []
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, weights_only=True)
            for name in PARTS:
                getattr(self, name).load_state_dict(saved[name])
            self.stage, self.iteration = saved["stage"], saved["iteration"]
            self.before += saved["seconds"]

    def seconds(self) -> float:
        """Time of the processor spent on the run, this process's and those before it."""
        return self.before + time.process_time()

    def learn(self, loss: torch.Tensor, rate: float) -> None:
        for optimizer in (self.muon, self.optimizer):
            optimizer.param_groups[0]["lr"] = rate
        self.model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.muon.step()
        self.optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(self.ema.parameters(), self.model.parameters(), strict=True):
                slow.lerp_(fast, EMA_RATE)

    def save(self, stage: int, iteration: int) -> None:
        """Writes the checkpoint; then the log's rows, so that a run that was ended in between logs none twice."""
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        new = self.checkpoint.with_suffix(".tmp")
        torch.save(parts | {"stage": stage, "iteration": iteration, "seconds": self.seconds()}, new)
        new.replace(self.checkpoint)
        with self.log.open("a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(["stage", "iteration", "seconds", "loss", "right", "q_loss"])
            writer.writerows(self.rows)
        self.rows.clear()


def batches(run: Run, config: dict, number: int, seed: int, slots: type[Slots] = Slots) -> Iterator[Slots]:
    """The batches of a stage, without end: finished samples are replaced, the others have come a step further."""
    stage = config["stages"][number]
    maps = [HERE.parent / "tests" / "maps" / m for m in config["train_maps"]]
    random = np.random.default_rng(seed)
    mix = []
    for size, batch, _ in stage["windows"]:
        source = Source(size, seed + size, maps, stage["real"], stage["inside"], stage["soft"], stage["closed"])
        mix.append(slots(run.model, source, batch, stage, random))
    shares = [share for *_, share in stage["windows"]]
    while True:
        chosen = mix[random.choice(len(mix), p=shares)]
        chosen.replace_finished()
        yield chosen


def train_batch(run: Run, step, slots: Slots, rate: float) -> np.ndarray:
    """One iteration: every slot goes a step further and is supervised. `step` is the run's model, compiled.

    -> loss of the field, share of right cells among those asked for, loss of q.
    """
    logits, q, y, z = step(slots.channels, slots.y, slots.z)
    slots.step += 1
    radius = slots.radius()
    field = field_loss(logits, slots.labels, slots.arrival, slots.asked(), radius)
    halting = q_loss(q, logits, slots.labels, slots.arrival)
    run.learn(field + HALTING_WEIGHT * halting, rate)
    slots.y, slots.z = y.detach(), z.detach()
    near = (slots.arrival <= radius[:, None, None]) & torch.isfinite(slots.arrival)
    right = right_cells(logits.detach(), slots.labels)[near].float().mean()
    return np.array([field.item(), right.item(), halting.item()])


def train_stage(run: Run, config: dict, number: int, start: int, step) -> None:
    """One stage from its iteration `start` on. `step` is the run's model, compiled."""
    stage = config["stages"][number]
    # A resumed run draws other samples than the run it goes on from, never the same again.
    seed = config["seed"] + 1000 * number + start
    mean = np.zeros(3)
    numbers = range(start + 1, stage["iterations"] + 1)
    for done, slots in zip(numbers, batches(run, config, number, seed), strict=False):
        rate = learning_rate(config["stages"], number, done - 1)
        mean = 0.98 * mean + 0.02 * train_batch(run, step, slots, rate)
        if done % LOG_EVERY == 0:
            row = [round(float(v), 4) for v in mean / (1 - 0.98 ** (done - start))]
            run.rows.append([number, done, round(run.seconds()), *row])
            print(
                f"stage {number} {done}/{stage['iterations']} {run.seconds() / 60:.1f} min "
                f"loss {row[0]} right {row[1]} q {row[2]}",
                flush=True,
            )
        over = done == stage["iterations"]
        if done % CHECKPOINT_EVERY == 0 or over:
            run.save(number + over, 0 if over else done)
        if done % (4 * CHECKPOINT_EVERY) == 0 or over:
            print("  " + quick(run.ema, config), flush=True)
            # The evaluation drew its own worlds: go on with other ones than those.
            worlds.seed_numba(seed + done)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--out", type=Path, default=None, help="run folder (default: runs/<bundle>)")
    args.add_argument("--fresh", action="store_true", help="forget the run's checkpoint and log")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    out = args.out or HERE / "runs" / config["name"]
    out.mkdir(parents=True, exist_ok=True)
    if args.fresh:
        for name in ("checkpoint.pt", "log.csv"):
            (out / name).unlink(missing_ok=True)
    torch.set_num_threads(config["threads"])
    torch.manual_seed(config["seed"])

    run = Run(config, out)
    stages = len(config["stages"])
    if run.stage >= stages:
        print(f"{run.checkpoint} has been through all {stages} stages: add one to {args.config}, or start with --fresh")
        return
    trained = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    print(f"{trained} weights; from stage {run.stage}, iteration {run.iteration}", flush=True)
    # One program for each size of window.
    step = torch.compile(run.model, dynamic=False)
    for number in range(run.stage, stages):
        train_stage(run, config, number, run.iteration if number == run.stage else 0, step)
    print(f"wrote {curves.draw(run.log)}")


if __name__ == "__main__":
    main()
