"""A batch of mazes, for TRM-Att and TRM-MLP: deep supervision as the paper has it."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import worlds
from .mazes import Maze, Source
from .official import PATH, VOCABULARY, Official

HALTING_WEIGHT = 0.5
EXPLORATION = 0.1
"""Share of samples that stay for a random number of steps, however sure q is."""


def right_mazes(logits: Tensor, answers: Tensor) -> Tensor:
    """Which mazes `[B]` are answered without one wrong cell: logits `[B, S², VOCABULARY]`, answers `[B, S²]`."""
    return (logits.argmax(-1) == answers).all(-1)


class MazeSlots:
    """Mazes of one size, each at its own step; one is replaced when q says that it is solved, or after its last step."""

    def __init__(self, model: Official, source: Source, batch: int, stage: dict, random: np.random.Generator):
        self.model, self.source, self.stage, self.random = model, source, stage, random
        cells = source.size**2
        with model.H_init.device:
            self.tokens = torch.zeros(batch, cells, dtype=torch.int64)
            self.answers = torch.zeros(batch, cells, dtype=torch.int64)
            self.step = torch.zeros(batch)
            self.least = torch.zeros(batch)
            self.solved = torch.zeros(batch, dtype=torch.bool)
        self.y, self.z = model.start(batch)
        for slot in range(batch):
            self._put(slot, source.sample())

    @staticmethod
    def source(config: dict, stage: dict, size: int, seed: int) -> Source:
        """Draws the samples of a stage."""
        if size != config["model"]["side"]:
            raise ValueError(f"stages.windows: {size} is not model.side, {config['model']['side']}")
        for kind in stage["kinds"]:
            if kind not in worlds.NAMES:
                raise ValueError(f"stages.kinds: {kind!r} is not one of {', '.join(worlds.NAMES)}")
        return Source(size, seed, [worlds.NAMES.index(kind) for kind in stage["kinds"]], stage["apart"])

    @property
    def inputs(self) -> Tensor:
        """What the model sees."""
        return F.one_hot(self.tokens, VOCABULARY).to(self.y.dtype)

    def judge(self, logits: Tensor, q: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        """Counts a step. -> the loss; and for the log: loss of the tokens, share of solved mazes, loss of q; nothing is asked
        of the state."""
        self.step += 1
        loss = F.cross_entropy(logits.flatten(0, 1), self.answers.flatten())
        right = right_mazes(logits, self.answers).to(q.dtype)
        halting = F.binary_cross_entropy_with_logits(q, right)
        self.solved = q.detach() > 0
        return loss + HALTING_WEIGHT * halting, torch.stack([loss.detach(), right.mean(), halting.detach(), halting.new_zeros(())])

    def replace_finished(self) -> None:
        over = (self.step >= self.stage["steps"]) | (self.solved & (self.step >= self.least))
        for slot in over.nonzero()[:, 0].tolist():
            self._put(slot, self.source.sample())
            self.y[slot], self.z[slot] = self.model.H_init, self.model.L_init

    def _put(self, slot: int, maze: Maze) -> None:
        self.tokens[slot] = torch.from_numpy(maze.tokens.ravel())
        self.answers[slot] = torch.from_numpy(maze.answer.ravel())
        self.step[slot], self.solved[slot] = 0, False
        explores = self.random.random() < EXPLORATION
        self.least[slot] = int(self.random.integers(2, self.stage["steps"] + 1)) if explores else 0

    @staticmethod
    @torch.no_grad()
    def quick(model: Official, config: dict) -> str:
        """One line for the training's log: share of solved mazes and of path cells found, after each step."""
        stage = config["stages"][-1]
        draw = MazeSlots.source(config, stage, model.shape.side, 10**6)
        slots = MazeSlots(model, draw, 100, stage, np.random.default_rng(0))
        parts, on = [], slots.answers == PATH
        for _ in range(stage["steps"]):
            logits, _, slots.y, slots.z = model(slots.inputs, slots.y, slots.z)
            found = (logits.argmax(-1) == PATH) & on
            parts.append(f"{right_mazes(logits, slots.answers).float().mean():.3f} ({found.sum() / on.sum():.3f})")
        return "solved (path cells found) by step | " + " ".join(parts)
