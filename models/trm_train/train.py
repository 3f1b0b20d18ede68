"""Trains one bundle: `python -m trm_train.train configs/<bundle>.yaml`.

Goes on from the run's checkpoint, also through stages that were added to the config since; `--fresh` starts anew. On GPUs
with `--device cuda`; on several, or on several processors, as `torchrun --nproc-per-node 2 -m trm_train.train ...`.

Deep supervision: every step of every sample is supervised, the state between two steps is carried detached, a
sample is replaced when its steps are over. Part of the replacements are warm: the same world, moved or edited, with
the state kept, so that repairing an old answer is trained and not hoped for.
"""

import argparse
import copy
import csv
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
import yaml

from . import curves, parallel, worlds
from .draws import Elsewhere
from .evaluate import HERE
from .maze_slots import MazeSlots
from .networks import NETWORKS, task_of
from .slots import Slots

CHECKPOINT_EVERY = 500
LOG_EVERY = 100
EMA_RATE = 0.005
PARTS = ("model", "ema", "muon", "optimizer")
SLOTS = {"field": Slots, "mazes": MazeSlots}
"""What a config's `task` trains on."""


def learning_rate(stages: list[dict], stage: int, iteration: int) -> float:
    """The stage's rate after a short warm-up; over the last `decay` (a share, default 0) of the stage it falls to 2 %."""
    settings = stages[stage]
    rate = settings["learning_rate"] * min(1.0, (iteration + 1) / 100)
    left, decay = 1 - iteration / settings["iterations"], settings.get("decay", 0.0)
    return rate * max(0.02, min(1.0, left / decay)) if decay > 0 else rate


class Muon(torch.optim.Muon):
    """Muon (Jordan et al. 2024) for matrices, and for convolutions: each is a matrix of its outputs by its inputs. It takes
    matrices alone, so it gets views of the convolutions' weights, which are stored channels last."""

    def __init__(self, kernels: list[torch.Tensor], **settings):
        self.kernels = kernels
        super().__init__([torch.nn.Parameter(self._matrix(k.detach())) for k in kernels], **settings)

    @staticmethod
    def _matrix(kernel: torch.Tensor) -> torch.Tensor:
        return kernel.permute(0, 2, 3, 1).flatten(1) if kernel.dim() == 4 else kernel

    def step(self, closure=None):
        for matrix, kernel in zip(self.param_groups[0]["params"], self.kernels, strict=True):
            assert matrix.data_ptr() == kernel.data_ptr()
            matrix.grad = self._matrix(kernel.grad)
        return super().step(closure)


class Run:
    """What a checkpoint holds: weights, their running average, the optimizer, and how far training has come."""

    network: type[torch.nn.Module] | None = None
    """Instead of that of the config's task."""

    def __init__(self, config: dict, folder: Path, device: torch.device | str = "cpu"):
        self.checkpoint, self.log = folder / "checkpoint.pt", folder / "log.csv"
        network = self.network or NETWORKS[task_of(config)]
        self.model = network(**config["model"]).to(device, memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.model)
        kernels = self.model.kernels()
        others = [p for p in self.model.parameters() if p.requires_grad and not any(p is k for k in kernels)]
        # Muon's update of a weight is as large as AdamW's at the same rate.
        self.muon = Muon(kernels, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self.optimizer = torch.optim.AdamW(others, weight_decay=0.01, betas=(0.9, 0.98))
        self.stage = self.iteration = 0
        self.before, self.began = 0.0, time.process_time()
        self.rows: list[list] = []
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, map_location=device, weights_only=True)
            for name in PARTS:
                getattr(self, name).load_state_dict(saved[name])
            self.stage, self.iteration = saved["stage"], saved["iteration"]
            self.before += saved["seconds"]

    def seconds(self) -> float:
        """Time of the processors spent on the run: of as many as there are processes, now and before."""
        return self.before + (time.process_time() - self.began) * parallel.processes()

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
        """Writes the checkpoint; then the log's rows, so that a run that was ended in between logs none twice. The first
        process does."""
        if parallel.rank():
            return
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        new = self.checkpoint.with_suffix(".tmp")
        torch.save(parts | {"stage": stage, "iteration": iteration, "seconds": self.seconds()}, new)
        new.replace(self.checkpoint)
        with self.log.open("a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(["stage", "iteration", "seconds", "loss", "right", "q_loss", "rest"])
            writer.writerows(self.rows)
        self.rows.clear()


def batches(
    run: Run, config: dict, number: int, seed: int, slots: type[Slots] | None = None, workers: int = 0
) -> Iterator[Slots]:
    """The batches of a stage, without end: finished samples are replaced, the others have come a step further. Each process
    has its share, of other samples than the others. `workers` processes draw them, for each size of window; with none they
    are drawn here."""
    stage, kind = config["stages"][number], slots or SLOTS[task_of(config)]
    random = np.random.default_rng(seed)
    own, mix = np.random.default_rng([seed, parallel.rank()]), []
    for size, batch, _ in stage["windows"]:
        own_seed, make = seed + size + 10**7 * parallel.rank(), partial(kind.source, config, stage, size)
        source = Elsewhere(make, size, own_seed, workers) if workers else make(own_seed)
        mix.append(kind(run.model, source, parallel.share(batch), stage, own))
    shares = [share for *_, share in stage["windows"]]
    while True:
        # All processes choose the same size.
        chosen = mix[random.choice(len(mix), p=shares)]
        chosen.replace_finished()
        yield chosen


def train_batch(run: Run, step, slots: Slots, rate: float) -> np.ndarray:
    """One iteration: every slot goes a step further and is supervised. `step` is the run's model, compiled.

    -> the figures of `slots.judge`, over all processes.
    """
    logits, q, y, z = step(slots.inputs, slots.y, slots.z)
    loss, figures = slots.judge(logits, q, y, z)
    run.learn(loss, rate)
    slots.y, slots.z = y.detach(), z.detach()
    return parallel.mean(figures).cpu().numpy()


def train_stage(run: Run, config: dict, number: int, start: int, step, workers: int = 0) -> None:
    """One stage from its iteration `start` on. `step` is the run's model, compiled. `workers`: see `batches`."""
    stage = config["stages"][number]
    # A resumed run draws other samples than the run it goes on from, never the same again.
    seed = config["seed"] + 1000 * number + start
    mean = np.zeros(4)
    numbers = range(start + 1, stage["iterations"] + 1)
    for done, slots in zip(numbers, batches(run, config, number, seed, workers=workers), strict=False):
        rate = learning_rate(config["stages"], number, done - 1)
        mean = 0.98 * mean + 0.02 * train_batch(run, step, slots, rate)
        if done % LOG_EVERY == 0:
            row = [round(float(v), 4) for v in mean / (1 - 0.98 ** (done - start))]
            run.rows.append([number, done, round(run.seconds()), *row])
            say(
                f"stage {number} {done}/{stage['iterations']} {run.seconds() / 60:.1f} min "
                f"loss {row[0]} right {row[1]} q {row[2]} rest {row[3]}"
            )
        over = done == stage["iterations"]
        if done % CHECKPOINT_EVERY == 0 or over:
            run.save(number + over, 0 if over else done)
        if done % (4 * CHECKPOINT_EVERY) == 0 or over:
            say("  " + (SLOTS[task_of(config)].quick(run.ema, config) if parallel.rank() == 0 else ""))
            # The evaluation drew its own worlds: go on with other ones than those.
            worlds.seed_numba(seed + done + 10**7 * parallel.rank())


def say(text: str) -> None:
    """Prints it once, however many processes there are."""
    if parallel.rank() == 0:
        print(text, flush=True)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--out", type=Path, default=None, help="run folder (default: runs/<bundle>)")
    args.add_argument("--fresh", action="store_true", help="forget the run's checkpoint and log")
    args.add_argument("--workers", type=int, default=0, help="processes that draw samples, for each size of window (default: none)")
    args.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what the network runs on")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    out = args.out or HERE / "runs" / config["name"]
    torch.set_num_threads(config["threads"])
    device = parallel.begin(args.device)
    if parallel.rank() == 0:
        out.mkdir(parents=True, exist_ok=True)
        for name in ("checkpoint.pt", "log.csv") if args.fresh else ():
            (out / name).unlink(missing_ok=True)
    # The others look for a checkpoint after the first process has taken it away.
    parallel.mean(torch.zeros(1, device=device))
    if args.workers and task_of(config) != "field":
        raise ValueError(f"--workers: the task {task_of(config)} draws its samples itself")
    train(args.config, config, out, device, args.workers)
    parallel.end()


def train(file: Path, config: dict, out: Path, device: torch.device, workers: int) -> None:
    """Trains a config through its stages."""
    torch.manual_seed(config["seed"])
    run = Run(config, out, device)
    stages = len(config["stages"])
    if run.stage >= stages:
        say(f"{run.checkpoint} has been through all {stages} stages: add one to {file}, or start with --fresh")
        return
    trained = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    say(f"{trained} weights; from stage {run.stage}, iteration {run.iteration}")
    # One program for each size of window.
    step = parallel.wrapped(torch.compile(run.model, dynamic=False))
    for number in range(run.stage, stages):
        train_stage(run, config, number, run.iteration if number == run.stage else 0, step, workers)
    if parallel.rank() == 0:
        print(f"wrote {curves.draw(run.log)}")


if __name__ == "__main__":
    main()
