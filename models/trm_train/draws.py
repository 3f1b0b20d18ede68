"""Samples that are drawn in processes of their own: a GPU is faster than one process that draws."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .data import Draw, Source

CHUNK = 64
"""Draws that cross from process to process at once, at least."""


class Chunks(IterableDataset):
    """Episodes one after the other, as tensors of some dozen draws: channels, labels, arrival; and for each draw whether it is
    the first of an episode, and its shift."""

    def __init__(self, make: Callable[[int], Source], seed: int, warm: float, patch: int):
        self.make, self.seed, self.warm, self.patch = make, seed, warm, patch

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        info = get_worker_info()
        torch.set_num_threads(1)
        episodes = self.make(self.seed + 10**8 * (info.id + 1)).episodes(self.warm, self.patch)
        while True:
            draws: list[Draw] = []
            while len(draws) < CHUNK:
                draws += next(episodes)
            starts = [(draw.shift is None, *(draw.shift or (0, 0))) for draw in draws]
            parts = ([draw.channels for draw in draws], [draw.labels for draw in draws], [draw.arrival for draw in draws])
            yield *(torch.from_numpy(np.stack(part)) for part in parts), torch.tensor(starts)


class Elsewhere:
    """In the place of a `Source`: draws in so many processes, each from a source of its own seed."""

    def __init__(self, make: Callable[[int], Source], size: int, seed: int, workers: int):
        self.make, self.size, self.seed, self.workers = make, size, seed, workers

    def episodes(self, warm: float, patch: int) -> Iterator[list[Draw]]:
        chunks = Chunks(self.make, self.seed, warm, patch)
        # Threads of the network's would be forked with their locks held.
        loader = DataLoader(chunks, batch_size=None, num_workers=self.workers, prefetch_factor=4, multiprocessing_context="spawn")
        for *parts, starts in loader:
            shifts = [None if first else (row, col) for first, row, col in starts.tolist()]
            draws = [Draw(*values, shift) for *values, shift in zip(*(part.numpy() for part in parts), shifts, strict=True)]
            firsts = [at for at, shift in enumerate(shifts) if shift is None]
            yield from (draws[first:end] for first, end in itertools.pairwise([*firsts, len(draws)]))
