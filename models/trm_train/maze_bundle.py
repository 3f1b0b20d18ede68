"""Bundles of TRM-Att and TRM-MLP: the planner's window is their maze, and their path its field of moves."""

from pathlib import Path

import numpy as np
import torch

from . import bundle, worlds
from .bundle import Graph, Reference
from .data import OFFSET_CLIP, OFFSET_SCALE, SEED_VALUE
from .mazes import Source
from .official import FREE, GOAL, START, WALL, Decode, Encode, Net, Official

STEPS = 16
"""Steps of which the numbers are compared: as many as were published."""
CHANNELS = ["occupied", "goal", "goal_offset", "ones", "cost", "start"]


def graphs(model: Official) -> dict[str, Graph]:
    """The three graphs, for windows of the model's one size."""
    shape = model.shape
    state = torch.rand(1, shape.tokens, shape.d)
    cells = torch.zeros(1, len(CHANNELS), shape.side, shape.side)
    return {
        "encode": Graph(Encode(model, OFFSET_SCALE), (cells,), {"channels": {}}, {"x": {}}),
        "net": Graph(Net(model), (state,), {"s": {}}, {"net_s": {}}),
        "decode": Graph(Decode(model), (state, state), {"y": {}, "x": {}}, {"moves": {}, "q": {}}),
    }


def channels(tokens: np.ndarray) -> np.ndarray:
    """A maze of tokens `[S, S]` as the planner's window, `[6, S, S]`."""
    none, ones = np.zeros(tokens.shape), np.ones(tokens.shape)
    goal, start = tokens == GOAL, tokens == START
    return np.stack([tokens == WALL, goal * SEED_VALUE, none, ones, none, start]).astype(np.float32)


def window(side: int) -> np.ndarray:
    """A generated maze to compare numbers on."""
    maze = Source(side, 7, [worlds.NAMES.index("boxes")], side // 2).sample()
    assert (maze.tokens == FREE).any()
    return channels(maze.tokens)


@torch.no_grad()
def write(model: Official, name: str, training: dict, out: Path, steps: int = STEPS) -> str:
    """Writes the bundle. -> what agreed with PyTorch."""
    shape = model.shape
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    manifest = {
        "name": name,
        "architecture": bundle.architecture(shape.d, 1, shape.prefix, shape.n, shape.T, parameters),
        "encoding": {
            "channels": CHANNELS,
            "goal_value": SEED_VALUE,
            "offset_scale": OFFSET_SCALE,
            "offset_clip": OFFSET_CLIP,
        },
        "windows": {"min": shape.side, "max": shape.side, "multiple_of": 1},
        "training": training,
        "evaluation": "none",
    }
    return bundle.write(out, graphs(model), reference(model, window(shape.side)), manifest, steps)


def reference(model: Official, window: np.ndarray) -> Reference:
    decode = Decode(model)
    return Reference(Encode(model, OFFSET_SCALE), model.net, decode, model.n, model.T, model.start(1), window)
