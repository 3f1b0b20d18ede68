"""Writes a bundle: `python -m trm_train.export configs/<bundle>.yaml`.

Three ONNX graphs (encode, net, decode) with free height and width, and the manifest that names what they are. The
sums of the recursion aren't in the graphs: they are in `trm_net`, so that a deadline check sits between two
applications of the net.
"""

import argparse
import hashlib
from pathlib import Path

import torch
import yaml
from torch import nn

from .data import OFFSET_CLIP, OFFSET_SCALE, SEED_VALUE
from .evaluate import HERE, load
from .model import CLASSES, TRM, Encode

OPSET = 17
TOKENS = {2: "rows", 3: "cols"}
CELLS = {2: "cell_rows", 3: "cell_cols"}


def strided(encode: Encode) -> nn.Conv2d:
    """The same function as one convolution of kernel 3p and stride p: ONNX's unshuffle would fix the window's size."""
    p, conv = encode.patch, encode.conv
    d, channels = conv.out_channels, conv.in_channels // p**2
    out = nn.Conv2d(channels, d, 3 * p, stride=p, padding=p)
    kernel = conv.weight.detach().reshape(d, channels, p, p, 3, 3).permute(0, 1, 4, 2, 5, 3)
    out.weight = nn.Parameter(kernel.reshape(d, channels, 3 * p, 3 * p))
    out.bias = conv.bias
    return out


def graphs(model: TRM, out: Path) -> list[str]:
    """Exports the three graphs; -> their file names."""
    tokens = 16
    state = torch.rand(1, model.d, tokens, tokens)
    cells = torch.rand(1, model.encode.conv.in_channels // model.patch**2, tokens * model.patch, tokens * model.patch)
    parts = [
        ("encode", strided(model.encode), (cells,), {"channels": CELLS}, {"x": TOKENS}),
        ("net", model.net, (state,), {"s": TOKENS}, {"net_s": TOKENS}),
        ("decode", model.decode, (state, state), {"y": TOKENS, "x": TOKENS}, {"moves": CELLS, "q": {}}),
    ]
    for name, module, args, inputs, outputs in parts:
        torch.onnx.export(
            module,
            args,
            out / f"{name}.onnx",
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={k: v for k, v in (inputs | outputs).items() if v},
            opset_version=OPSET,
            # The new exporter needs onnxscript and names its tensors after itself.
            dynamo=False,
        )
    return [f"{name}.onnx" for name, *_ in parts]


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
    out.mkdir(parents=True, exist_ok=True)
    saved = torch.load(weights, weights_only=True)
    model = load(config, weights).to(memory_format=torch.contiguous_format)
    files = graphs(model, out)
    manifest = {
        "format": 1,
        "name": config["name"],
        "architecture": {
            "hidden": model.d,
            "patch": model.patch,
            "latent_updates": model.n,
            "cycles": model.T,
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        },
        "encoding": {
            "channels": ["occupied", "goal", "goal_offset", "ones", "cost"],
            "goal_value": SEED_VALUE,
            "offset_scale": OFFSET_SCALE,
            "offset_clip": OFFSET_CLIP,
        },
        "outputs": {"moves": CLASSES, "q": 1},
        "windows": {"min": 16, "max": 512, "multiple_of": model.patch},
        "start": {
            "y": [float(v) for v in model.y_init.flatten()],
            "z": [float(v) for v in model.z_init.flatten()],
        },
        "training": {
            "config": f"models/configs/{args.config.name}",
            "seed": config["seed"],
            "core_hours": round(saved["seconds"] / 3600 * config["threads"], 2),
            "maps": config["train_maps"],
            "eval_maps": config["eval_maps"],
            "torch": str(torch.__version__),
        },
        "evaluation": f"models/bundles/{config['name']}/eval/*.json",
        "files": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in files},
    }
    # Lists of numbers on one line each.
    text = yaml.safe_dump(manifest, sort_keys=False, width=120, default_flow_style=None)
    (out / "manifest.yaml").write_text(text)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
