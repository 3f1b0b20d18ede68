"""A batch of windows of one size: one sample a slot, each at its own step."""

import numpy as np
import torch
from torch import Tensor

from .data import CHANNELS, Sample, Source, channels
from .evaluate import maps_of, quick
from .losses import field_loss, q_loss, right_cells
from .model import TRM, shifted

HALTING_WEIGHT = 0.1
"""Share of the halting head's loss in the sum."""


class Slots:
    """Windows with fields of moves, for the convolutional TRM."""

    quick = staticmethod(quick)
    """One line for the training's log, of a model and a config."""

    def __init__(self, model: TRM, source: Source, batch: int, stage: dict, random: np.random.Generator):
        self.model, self.source, self.stage, self.random = model, source, stage, random
        size = source.size
        tokens = size // model.patch
        self.samples: list[Sample | None] = [None] * batch
        with model.y_init.device:
            self.channels = torch.zeros(batch, CHANNELS, size, size)
            self.labels = torch.zeros(batch, size, size, dtype=torch.int32)
            self.arrival = torch.zeros(batch, size, size)
            self.step = torch.zeros(batch)
            self.last = torch.zeros(batch)
            self.warm = torch.zeros(batch, dtype=torch.bool)
        self.y, self.z = model.start(batch, tokens, tokens)
        for slot in range(batch):
            self._cold(slot)
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

    def judge(self, logits: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """Counts a step. -> the loss; and for the log: loss of the field, share of right cells among those asked for, loss
        of q."""
        self.step += 1
        radius = self.radius()
        field = field_loss(logits, self.labels, self.arrival, self.asked(), radius)
        halting = q_loss(q, logits, self.labels, self.arrival)
        near = (self.arrival <= radius[:, None, None]) & torch.isfinite(self.arrival)
        right = right_cells(logits.detach(), self.labels)[near].float().mean()
        return field + HALTING_WEIGHT * halting, torch.stack([field.detach(), right, halting.detach()])

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
