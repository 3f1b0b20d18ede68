"""Time and memory of a supervision step of the published architectures, with random weights of official size.

    python -m trm_train.official_times --device cuda --rounds 100

Prints a line for each architecture, device and number format: milliseconds of a step from the call to its answer, and the
memory of weights, states and work. On a GPU a step is recorded once and replayed (a CUDA graph), as a planner would.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import torch

from .official import VOCABULARY, Official

ARCHITECTURES = {"TRM-Att": 8, "TRM-MLP": 0}
"""The number of heads; without any, tokens are mixed by a SwiGLU."""
FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def recorded(step: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """The step as a CUDA graph, after it has run three times beside the current stream, as PyTorch asks for."""
    beside = torch.cuda.Stream()
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answer = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return answer

    return replay


@torch.inference_mode()
def measure(
    heads: int, device: str, kind: torch.dtype, rounds: int, batch: int, **widths
) -> tuple[list[float], float]:
    """-> milliseconds of each round, sorted; greatest memory in MiB. `widths` are others than the official ones."""
    torch.manual_seed(0)
    model = Official(heads=heads, **widths).to(device, kind).eval()
    side = model.shape.side
    of = torch.randint(VOCABULARY, (batch, side**2), device=device)
    tokens = torch.nn.functional.one_hot(of, VOCABULARY).to(kind)
    y, z = model.start(batch)

    def step() -> torch.Tensor:
        return model(tokens, y, z)[0].argmax(-1)

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        step = recorded(step)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        step().cpu()
        times.append(1e3 * (time.perf_counter() - began))
    if device == "cuda":
        return sorted(times), torch.cuda.max_memory_reserved() / 2**20
    return sorted(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--formats", choices=FORMATS, nargs="+", default=["float32"])
    arguments = parser.parse_args()
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, PyTorch {torch.__version__}: ms p50, p99, MiB")
    for architecture, heads in ARCHITECTURES.items():
        for kind in arguments.formats:
            for batch in arguments.batch:
                times, memory = measure(heads, arguments.device, FORMATS[kind], arguments.rounds, batch)
                last = times[min(len(times) - 1, int(0.99 * len(times)))]
                print(f"{architecture} {kind} batch {batch}: {statistics.median(times):.2f} {last:.2f} {memory:.0f}")
                if arguments.device == "cuda":
                    torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
