"""Makes a bundle of a published checkpoint: `python -m trm_train.convert_official CKPT OUT`.

CKPT is a state dict of TRM-Att or TRM-MLP for mazes of tokens (Maze-Hard), as the public code saves it
(github.com/SamsungSAILMontreal/TinyRecursiveModels). What it doesn't hold is told by flags, whose defaults are those of the
published Maze-Hard run. The bundle is written only if it computes what PyTorch does.
"""

import argparse
import pickle
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from . import card, maze_bundle
from .bundle import Differs
from .official import VOCABULARY, Official

PREFIXES = ("_orig_mod.", "model.", "inner.")
"""What the public code's wrappers put before a name, from the outermost on."""
LAYER = re.compile(r"L_level\.layers\.(\d+)\.")


class Refused(Exception):
    """A checkpoint that isn't one of these models."""


def read(path: Path) -> dict[str, Tensor]:
    """The state dict of a file, with the names of `Official`."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    # What else torch.load says of other files advises to run their code.
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise Refused(
            f"{path}: not a checkpoint, expected a state dict of tensors alone, as torch.save writes it"
        ) from error
    if not isinstance(saved, Mapping) or not saved:
        raise Refused(f"{path}: a {type(saved).__name__}, expected a state dict: names and tensors")
    for name, value in saved.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise Refused(f"{path}: {name}: a {type(value).__name__}, expected a tensor, as in a state dict")
    return {bare(name): value for name, value in saved.items()}


def bare(name: str) -> str:
    """A name without the wrappers' prefixes."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def shape(weights: Mapping[str, Tensor], name: str, *expected: int | None) -> tuple[int, ...]:
    """The shape of a tensor, of which some sizes are expected."""
    wanted = "[" + ", ".join("any" if size is None else str(size) for size in expected) + "]"
    if name not in weights:
        raise Refused(f"{name}: missing, expected a tensor of shape {wanted}")
    found = tuple(weights[name].shape)
    if len(found) != len(expected) or any(e not in (None, f) for e, f in zip(expected, found, strict=True)):
        raise Refused(f"{name}: shape {list(found)}, expected {wanted}")
    return found


def widths(weights: Mapping[str, Tensor], side: int, heads: int, n: int, T: int, prefix: int) -> dict:
    """The arguments of `Official` that a state dict and the flags make."""
    _, d = shape(weights, "embed_tokens.embedding_weight", VOCABULARY, None)
    layers = 1 + max((int(found[1]) for found in map(LAYER.match, weights) if found), default=0)
    double, _ = shape(weights, "L_level.layers.0.mlp.gate_up_proj.weight", None, d)
    sizes = {"d": d, "side": side, "layers": layers, "n": n, "T": T, "prefix": prefix, "inner": double // 2}
    if "L_level.layers.0.mlp_t.gate_up_proj.weight" in weights:
        double, _ = shape(weights, "L_level.layers.0.mlp_t.gate_up_proj.weight", None, prefix + side**2)
        sizes |= {"heads": 0, "mixer": double // 2}
    elif heads < 1 or d % (2 * heads):
        raise Refused(f"--heads: {heads}, expected a number whose double divides d, {d}")
    else:
        sizes["heads"] = heads
    if "embed_pos.embedding_weight" in weights:
        sizes["positions"] = "learned"
    return sizes


def model_of(weights: Mapping[str, Tensor], sizes: dict) -> Official:
    """The model with these weights, all of which must be its own."""
    shape(weights, "puzzle_emb.weights", None, sizes["d"])
    # Mazes are all of the first puzzle identifier.
    weights = dict(weights) | {"puzzle_emb.weights": weights["puzzle_emb.weights"][:1]}
    model = Official(**sizes)
    wanted = model.state_dict()
    for name, value in wanted.items():
        shape(weights, name, *value.shape)
    for name, value in weights.items():
        if name not in wanted:
            raise Refused(f"{name}: a tensor of shape {list(value.shape)}, expected none of this name")
        if not value.isfinite().all():
            raise Refused(f"{name}: holds NaN or infinity, expected finite numbers")
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    return model.eval()


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkpoint", type=Path, metavar="CKPT")
    args.add_argument("out", type=Path, metavar="OUT", help="the bundle's folder; its name is the bundle's")
    args.add_argument("--side", type=int, default=30, help="cells along a maze's side (default: 30)")
    args.add_argument("--heads", type=int, default=8, help="heads of attention (num_heads, default: 8)")
    args.add_argument("--latent-updates", type=int, default=4, help="n (L_cycles, default: 4)")
    args.add_argument("--cycles", type=int, default=3, help="T (H_cycles, default: 3)")
    args.add_argument("--prefix", type=int, default=16, help="tokens before the maze's (puzzle_emb_len, default: 16)")
    args.add_argument("--steps", type=int, default=maze_bundle.STEPS, help="steps whose numbers are compared (default: 16)")
    args = args.parse_args()
    try:
        weights = read(args.checkpoint)
        sizes = widths(weights, args.side, args.heads, args.latent_updates, args.cycles, args.prefix)
        training = {"checkpoint": args.checkpoint.name, "torch": str(torch.__version__)}
        print(maze_bundle.write(model_of(weights, sizes), args.out.name, training, args.out, args.steps))
    except (Refused, Differs, FileNotFoundError) as error:
        sys.exit(f"convert_official: {error}")
    card.begin(args.out)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
