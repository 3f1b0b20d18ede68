"""Writes a bundle: `python -m trm_train.export configs/<bundle>.yaml`.

Three ONNX graphs (encode, net, decode), of the convolutional TRM with free height and width, and the manifest that says
what they are. The sums of the recursion aren't in the graphs: they are in `trm_net`, so that a deadline check sits between
two applications of the net. A bundle that doesn't compute what PyTorch does is not written (`bundle`).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn

from . import bundle, card, maze_bundle, worlds
from .bundle import Differs, Graph, Reference
from .data import OFFSET_CLIP, OFFSET_SCALE, SEED_VALUE, Soft, Source, channels, solve
from .evaluate import HERE, load
from .model import TRM, Encode
from .official import Official

STEPS = 3
"""Steps of which the numbers are compared."""
TOKENS = {2: "rows", 3: "cols"}
CELLS = {2: "cell_rows", 3: "cell_cols"}
SCALES = {"goal_value": SEED_VALUE, "offset_scale": OFFSET_SCALE, "offset_clip": OFFSET_CLIP}
# A generated world (kind, seed), so that the field has something to find.
WORLD = (2, 7)


def strided(encode: Encode) -> nn.Conv2d:
    """The same function as one convolution of kernel 3p and stride p: ONNX's unshuffle would fix the window's size."""
    p, conv = encode.patch, encode.conv
    d, channels = conv.out_channels, conv.in_channels // p**2
    out = nn.Conv2d(channels, d, 3 * p, stride=p, padding=p)
    kernel = conv.weight.detach().reshape(d, channels, p, p, 3, 3).permute(0, 1, 4, 2, 5, 3)
    out.weight = nn.Parameter(kernel.reshape(d, channels, 3 * p, 3 * p))
    out.bias = conv.bias
    return out


def graphs(model: TRM) -> dict[str, Graph]:
    """The three graphs of the convolutional TRM."""
    tokens = 16
    state = torch.rand(1, model.d, tokens, tokens)
    cells = torch.rand(1, model.encode.conv.in_channels // model.patch**2, tokens * model.patch, tokens * model.patch)
    return {
        "encode": Graph(strided(model.encode), (cells,), {"channels": CELLS}, {"x": TOKENS}),
        "net": Graph(model.net, (state,), {"s": TOKENS}, {"net_s": TOKENS}),
        "decode": Graph(model.decode, (state, state), {"y": TOKENS, "x": TOKENS}, {"moves": CELLS, "q": {}}),
    }


def window(size: int, corner: tuple[int, int]) -> np.ndarray:
    """Channels of a window with the goal outside: its offsets aren't all 0."""
    worlds.seed_numba(WORLD[1])
    world = worlds.generate(2 * size, 2 * size, WORLD[0])
    goal = tuple(int(v) for v in np.argwhere(~world)[0])
    sample = Source(size, 0, [], 0.0).window(solve(world, Soft(2.0, 2.0, 5), goal), corner)
    assert np.isfinite(sample.exits).sum() > 1, "the window has no way to the goal"
    return channels(sample)


def fields(model: TRM, config: dict, training: dict, out: Path) -> str:
    """Writes the bundle of a convolutional TRM. -> what agreed with PyTorch."""
    manifest = {
        "name": config["name"],
        "architecture": bundle.architecture(model.d, model.patch, 0, model.n, model.T, trained(model)),
        "encoding": {"channels": ["occupied", "goal", "goal_offset", "ones", "cost"]} | SCALES,
        "windows": {"min": 16, "max": 512, "multiple_of": model.patch},
        "training": training,
        "evaluation": f"models/bundles/{config['name']}/eval/*.json",
    }
    side = 16 * model.patch
    return bundle.write(out, graphs(model), reference(model, window(side, (side // 2, side // 2))), manifest, STEPS)


def reference(model: TRM, window: np.ndarray) -> Reference:
    tokens = window.shape[1] // model.patch
    start = model.start(1, tokens, tokens)
    return Reference(model.encode, model.net, model.decode, model.n, model.T, start, window)


def trained(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("config", type=Path)
    args.add_argument("--weights", type=Path, default=None, help="checkpoint (default: the run's own)")
    args.add_argument("--out", type=Path, default=None, help="bundle folder (default: bundles/<name>)")
    args = args.parse_args()
    config = yaml.safe_load(args.config.read_text())
    torch.set_num_threads(config["threads"])
    weights = args.weights or HERE / "runs" / config["name"] / "checkpoint.pt"
    out = args.out or HERE / "bundles" / config["name"]
    model = load(config, weights).to(memory_format=torch.contiguous_format)
    seconds = torch.load(weights, weights_only=True, map_location="cpu")["seconds"]
    training = {
        "config": f"models/configs/{args.config.name}",
        "seed": config["seed"],
        "core_hours": round(seconds / 3600 * config["threads"], 2),
        "maps": config.get("train_maps", []),
        "eval_maps": config.get("eval_maps", []),
        "torch": str(torch.__version__),
    }
    try:
        agreed = (
            maze_bundle.write(model, config["name"], training, out)
            if isinstance(model, Official)
            else fields(model, config, training, out)
        )
    except Differs as error:
        sys.exit(str(error))
    print(agreed)
    card.begin(out)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
