"""Writes a bundle's folder: three ONNX graphs, the manifest, and a card to begin with.

What is written agrees with PyTorch: the graphs and PyTorch's numbers (`numbers`) go to a folder beside the bundle's. The
program `trm agree` compares them on tract, on the fused kernel and on a GPU as far as these run here. Only then the files go
to the bundle's folder.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import yaml
from safetensors.numpy import save_file
from torch import Tensor, nn

from .evaluate import HERE
from .model import CLASSES

OPSET = 17
TOLERANCE = 1e-3
"""The largest difference between PyTorch's numbers and a backend's."""
ROUNDING = 1e-6
"""About what another order of sums does to a state."""


class Differs(Exception):
    """A bundle that isn't what PyTorch computes. It was not written."""


@dataclass
class Graph:
    """A module to export, on which inputs, and which of their and its outputs' axes are free."""

    module: nn.Module
    args: tuple[Tensor, ...]
    inputs: dict[str, dict[int, str]]
    outputs: dict[str, dict[int, str]]


def export(graphs: dict[str, Graph], out: Path) -> list[str]:
    """Writes the graphs; -> their file names."""
    for name, graph in graphs.items():
        torch.onnx.export(
            graph.module,
            graph.args,
            out / f"{name}.onnx",
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={k: v for k, v in (graph.inputs | graph.outputs).items() if v},
            opset_version=OPSET,
            # The new exporter needs onnxscript and names its tensors after itself.
            dynamo=False,
        )
        with_all_inputs(out / f"{name}.onnx", graph)
    return [f"{name}.onnx" for name in graphs]


def with_all_inputs(path: Path, graph: Graph) -> None:
    """Adds the inputs that a module doesn't use, which the exporter leaves out: each graph has all that it is given."""
    model = onnx.load(path)
    found = {value.name: value for value in model.graph.input}
    if list(found) == list(graph.inputs):
        return
    del model.graph.input[:]
    for (name, free), value in zip(graph.inputs.items(), graph.args, strict=True):
        shape = [free.get(axis, size) for axis, size in enumerate(value.shape)]
        model.graph.input.append(found.get(name) or onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    onnx.save(model, path)


@dataclass
class Reference:
    """What the graphs are compared with: PyTorch's modules, n and T, the first y and z, and a window `[channels, H, W]`."""

    encode: Callable[[Tensor], Tensor]
    net: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    n: int
    T: int
    start: tuple[Tensor, Tensor]
    window: np.ndarray


def step_of(reference: Reference, x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
    """The states that the applications of a step update, in their order: z n times, then y, and so on."""
    states = []
    for _ in range(reference.T):
        for _ in range(reference.n):
            z = reference.net(x + y + z)
            states.append(z)
        y = reference.net(y + z)
        states.append(y)
    return states


@dataclass
class Numbers:
    """What PyTorch computes: the embedding, the states after each application of the first step, and of each step the state
    after its first application, both states at its end, the logits and q.

    Weights that blow up the errors of rounding are chaotic, and no two programs agree on them for long. Only the first
    `steady` steps can be compared one after the other; the others each from PyTorch's own states.
    """

    tensors: dict[str, np.ndarray]
    steady: int


@torch.no_grad()
def numbers(reference: Reference, steps: int) -> Numbers:
    """The numbers of so many steps. `steady` ends where a twin, whose first states differ by about `ROUNDING`, goes another
    way."""
    (y, z), noise = reference.start, torch.Generator().manual_seed(1)
    twin = [state + ROUNDING * torch.randn(state.shape, generator=noise) for state in (y, z)]
    x = reference.encode(torch.from_numpy(reference.window)[None])
    out, steady = {"input": torch.from_numpy(reference.window), "x": x[0]}, 0
    for step in range(1, steps + 1):
        states = step_of(reference, x, y, z)
        *_, z, y = states
        if steady == step - 1:
            *_, twin_z, twin_y = step_of(reference, x, *twin)
            twin = [twin_y, twin_z]
            apart = max((a - b).abs().max().item() for a, b in zip(twin, (y, z), strict=True))
            steady += apart < TOLERANCE / 10
        if step == 1:
            out |= {f"application_{number}": state[0] for number, state in enumerate(states, 1)}
        logits, q = reference.decode(y, x)
        out |= {f"step_{step}.first": states[0][0], f"step_{step}.y": y[0], f"step_{step}.z": z[0]}
        out |= {f"step_{step}.logits": logits[0], f"step_{step}.q": q}
    return Numbers({name: np.ascontiguousarray(value.numpy()) for name, value in out.items()}, steady)


def save_numbers(found: Numbers, path: Path, net_hash: str) -> None:
    """A golden file: it names the net's hash, so that it can't outlive its bundle."""
    save_file(found.tensors, path, {"net": net_hash, "torch": str(torch.__version__), "steady": str(found.steady)})


def program() -> Path:
    """The program `trm`: the variable `TRM`, or what `cargo build` makes."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    found = Path(os.environ.get("TRM", target / "debug" / "trm"))
    if not found.is_file():
        raise FileNotFoundError(f"{found}: there is no trm to check the bundle with; `cargo build --bin trm` makes it")
    return found


def check(folder: Path, golden: Path, trm: Path) -> str:
    """Compares a folder's graphs with PyTorch's numbers on every backend. -> what agreed, a line each."""
    command = [str(trm), "agree", str(folder), str(golden), "--tolerance", str(TOLERANCE)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise Differs(f"{folder.name} was not written:\n{found.stdout}{found.stderr}".rstrip())
    return found.stdout.rstrip()


def architecture(hidden: int, patch: int, prefix: int, n: int, T: int, parameters: int) -> dict:
    """The manifest's section."""
    sizes = {"hidden": hidden, "patch": patch} | ({"prefix": prefix} if prefix else {})
    return sizes | {"latent_updates": n, "cycles": T, "parameters": parameters}


def write(out: Path, graphs: dict[str, Graph], reference: Reference, manifest: dict, steps: int) -> str:
    """Writes the bundle `out`, whose manifest lacks only format, outputs, start and files. -> what agreed.

    Raises `Differs` when a backend computes other numbers than PyTorch; a bundle that was there before stays.
    """
    trm = program()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
        folder = Path(beside) / out.name
        folder.mkdir()
        files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in export(graphs, folder)}
        first = {name: [float(v) for v in state] for name, state in zip("yz", first_tokens(reference.start), strict=True)}
        rest = {"outputs": {"moves": CLASSES, "q": 1}, "start": first, "files": files}
        whole = {"format": 1} | manifest | rest
        order = (
            "format",
            "name",
            "architecture",
            "encoding",
            "outputs",
            "windows",
            "start",
            "training",
            "evaluation",
            "files",
        )
        # Lists of numbers on one line each.
        text = yaml.safe_dump({key: whole[key] for key in order}, sort_keys=False, width=120, default_flow_style=None)
        (folder / "manifest.yaml").write_text(text)
        golden = Path(beside) / "golden.safetensors"
        found = numbers(reference, steps)
        save_numbers(found, golden, files["net.onnx"])
        agreed = f"{check(folder, golden, trm)}\n{steps} steps, of which {found.steady} one after the other"
        out.mkdir(exist_ok=True)
        for name in (*files, "manifest.yaml"):
            shutil.move(folder / name, out / name)
    return agreed


def first_tokens(start: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Of first states `[1, d, h, w]` or `[1, L, d]`, which are the same everywhere, one token's values `[d]`."""
    return [state[0, :, 0, 0] if state.dim() == 4 else state[0, 0] for state in start]
