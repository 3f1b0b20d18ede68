"""Statistics of the generated worlds: `python -m trm_train.world_statistics` writes tests/golden/worlds.json.

The generators exist twice: in `worlds` for training, and in trm_node/lab/src/worlds for evaluation and benchmark. Their
random numbers differ, so their worlds are compared by kind: the Rust tests compare theirs with the file, and
tests/test_worlds.py compares `worlds` with it. A generator that is changed on one side only fails one of them.
"""

import json
from pathlib import Path

import numba as nb
import numpy as np

from . import worlds
from .worlds import COL, ROW

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "worlds.json"
SEED, WORLDS = 1, 1000
SIDE = 33
"""Odd, so that a lattice has a border all around."""


@nb.njit(cache=True)
def regions(world):
    """Number of regions of free cells that straight moves join."""
    rows, cols = world.shape
    seen = world.copy()
    stack = np.zeros((rows * cols, 2), np.int64)
    count = 0
    for r0 in range(rows):
        for c0 in range(cols):
            if seen[r0, c0]:
                continue
            count += 1
            seen[r0, c0] = True
            stack[0, 0], stack[0, 1] = r0, c0
            size = 1
            while size > 0:
                size -= 1
                r, c = stack[size]
                for k in range(0, 8, 2):
                    rr, cc = r + ROW[k], c + COL[k]
                    if 0 <= rr < rows and 0 <= cc < cols and not seen[rr, cc]:
                        seen[rr, cc] = True
                        stack[size, 0], stack[size, 1] = rr, cc
                        size += 1
    return count


def statistics(world: np.ndarray) -> dict[str, float]:
    """Share of free cells; share of neighbours (in a row or a column) of which one is free and one is blocked; number
    of regions; and the mean length of the shortest paths from the free cell in the middle of all free cells, row by
    row, to the cells that can be reached from it, 0 when there are none."""
    free = np.argwhere(~world)
    edges = [world[1:] != world[:-1], world[:, 1:] != world[:, :-1]]
    path = 0.0
    if len(free):
        cost = worlds.cost_to_go(world, np.ones(world.shape, np.float32), *free[len(free) // 2])
        others = cost[np.isfinite(cost) & (cost > 0)]
        path = float(others.mean(dtype=np.float64)) if len(others) else 0.0
    return {
        "free": len(free) / world.size,
        "edges": float(np.concatenate([edge.ravel() for edge in edges]).mean()),
        "regions": regions(world),
        "path": path,
    }


def of_kind(kind: int) -> dict[str, object]:
    """Mean and standard deviation of each statistic over seeded worlds of one kind."""
    worlds.seed_numba(SEED)
    found = [statistics(worlds.generate(SIDE, SIDE, kind)) for _ in range(WORLDS)]
    columns = {name: np.array([of[name] for of in found], np.float64) for name in found[0]}
    moments = {name: {"mean": float(v.mean()), "std": float(v.std())} for name, v in columns.items()}
    return {"kind": worlds.NAMES[kind], **moments}


def all_kinds() -> dict[str, object]:
    return {"side": SIDE, "worlds": WORLDS, "kinds": [of_kind(kind) for kind in range(worlds.KINDS)]}


def main() -> None:
    GOLDEN.write_text(json.dumps(all_kinds(), indent=1) + "\n")
    print(f"wrote {GOLDEN}")


if __name__ == "__main__":
    main()
