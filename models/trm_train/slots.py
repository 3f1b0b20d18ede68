"""A batch of windows of one size: one sample a slot, each at its own step."""

import numpy as np
import torch
from torch import Tensor

from .data import CHANNELS, Draw, Source
from .draws import Elsewhere
from .evaluate import maps_of, quick
from .losses import field_loss, q_loss, rest_loss, right_cells
from .model import TRM, shifted

HALTING_WEIGHT = 0.1
"""Share of the halting head's loss in the sum."""


class Slots:
    """Windows with fields of moves, for the convolutional TRM."""

    quick = staticmethod(quick)
    """One line for the training's log, of a model and a config."""

    def __init__(self, model: TRM, source: Source | Elsewhere, batch: int, stage: dict, random: np.random.Generator):
        self.model, self.source, self.stage, self.random = model, source, stage, random
        size = source.size
        tokens = size // model.patch
        self.episodes = source.episodes(stage["warm"], model.patch)
        self.ahead: list[list[Draw]] = [[] for _ in range(batch)]
        with model.y_init.device:
            self.channels = torch.zeros(batch, CHANNELS, size, size)
            self.labels = torch.zeros(batch, size, size, dtype=torch.int32)
            self.arrival = torch.zeros(batch, size, size)
            self.step = torch.zeros(batch)
            self.last = torch.zeros(batch)
            self.warm = torch.zeros(batch, dtype=torch.bool)
            # Where the answer before was right, of those whose whole field had been asked for.
            self.was_right = torch.zeros(batch, size, size, dtype=torch.bool)
        self.y, self.z = model.start(batch, tokens, tokens)
        for slot in range(batch):
            self._next(slot)
            self.step[slot] = slot % int(self.last[slot])

    @staticmethod
    def source(config: dict, stage: dict, size: int, seed: int) -> Source:
        """Draws the samples of a stage."""
        maps = maps_of(config, "train_maps")
        return Source(size, seed, maps, stage["real"], stage["inside"], stage["soft"], stage["closed"])

    @property
    def inputs(self) -> Tensor:
        """What the model sees."""
        return self.channels

    def judge(self, logits: Tensor, q: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Counts a step. -> the loss; and for the log: loss of the field, share of right cells among those asked for, loss
        of q, change of the state where the answer was right and is."""
        self.step += 1
        radius = self.radius()
        field = field_loss(logits, self.labels, self.arrival, self.asked(), radius)
        halting = q_loss(q, logits, self.labels, self.arrival)
        near = (self.arrival <= radius[:, None, None]) & torch.isfinite(self.arrival)
        right = right_cells(logits.detach(), self.labels)
        is_right = self.rightly_whole(right, radius)
        rest = rest_loss((self.y, self.z), (y, z), self.was_right & is_right)
        self.was_right = is_right
        loss = field + HALTING_WEIGHT * halting + self.stage.get("rest", 0.0) * rest
        return loss, torch.stack([field.detach(), right[near].float().mean(), halting.detach(), rest.detach()])

    def rightly_whole(self, right: Tensor, radius: Tensor) -> Tensor:
        """The cells of samples whose whole field is asked for, where nothing else is wanted than what is answered."""
        reached = torch.isfinite(self.arrival)
        farthest = torch.where(reached, self.arrival, 0.0).amax((1, 2))
        return (farthest <= radius)[:, None, None] & (right | ~reached)

    def replace_finished(self) -> None:
        for slot in (self.step >= self.last).nonzero()[:, 0].tolist():
            self._next(slot)

    def radius(self) -> torch.Tensor:
        """How far from the goal each slot's answer must be known, in cells."""
        return torch.where(self.warm, torch.inf, self.step * self.stage["reach"])

    def asked(self) -> torch.Tensor:
        """The cells that the loss counts, [batch, size, size]."""
        return self.channels[:, 0] < 0.5

    def _next(self, slot: int) -> None:
        """The next sample of the slot's episode, or the first of another one."""
        if not self.ahead[slot]:
            self.ahead[slot] = next(self.episodes)[::-1]
        draw = self.ahead[slot].pop()
        self.channels[slot] = torch.from_numpy(draw.channels)
        self.labels[slot] = torch.from_numpy(draw.labels)
        self.arrival[slot] = torch.from_numpy(draw.arrival)
        self.step[slot], self.warm[slot], self.was_right[slot] = 0, draw.shift is not None, False
        for state, fresh in ((self.y, self.model.y_init), (self.z, self.model.z_init)):
            state[slot] = fresh if draw.shift is None else shifted(state[slot], draw.shift, fresh)
        if draw.shift is None:
            # Until the whole field is asked for, and on: what is right must stay.
            needed = draw.arrival[np.isfinite(draw.arrival)].max() / self.stage["reach"]
            stay = self.random.integers(1, self.stage.get("stay", 5))
            self.last[slot] = min(self.stage["steps"], int(needed) + 1 + stay)
        else:
            self.last[slot] = self.stage["warm_steps"]
