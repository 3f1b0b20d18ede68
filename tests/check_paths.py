#!/usr/bin/env python3
"""Asks `trm plan` for paths between random reachable points of real maps, and checks every answer with raw_map.py.

Needs numpy, pillow and pyyaml. Exit code 1 when any answer breaks a rule, or when fewer queries have a path than
--least-success asks for.

    python3 tests/check_paths.py --maps tests/maps --queries 200 --trm target/debug/trm
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import yaml
from PIL import Image

from raw_map import Checker, Graph, Map, Query, inflate, load, random_queries


def ask(arguments, grid: Map, queries: list[Query], *flags: str) -> list[dict]:
    """One process, one JSON line for each query."""
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as file:
        for query in queries:
            print(*query.start, *query.goal, file=file)
        file.flush()
        answers = run_trm(arguments, grid, "--queries", file.name, *flags)
    if len(answers) != len(queries):
        sys.exit(f"{grid.path}: {len(queries)} queries, {len(answers)} answers")
    return answers


def run_trm(arguments, grid: Map, *flags: str) -> list[dict]:
    command = [arguments.trm, "plan", str(grid.path), "--json", "--robot-radius", str(arguments.robot_radius),
               "--deadline-ms", str(arguments.deadline_ms), *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 2):
        sys.exit(f"{' '.join(command)}\nexit code {result.returncode}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def counts(values) -> str:
    counter = collections.Counter(values)
    return ", ".join(f"{key} {counter[key]}" for key in sorted(counter, key=lambda k: (isinstance(k, str), k))) or "-"


def quantiles(values: list[float], digits: int) -> str:
    if not values:
        return "-"
    return " ".join(f"{name} {np.quantile(values, q):.{digits}f}" for name, q in (("p50", 0.5), ("p95", 0.95), ("max", 1)))


def check_map(arguments, path: pathlib.Path, name: str, count: int, rng) -> int:
    """Runs the queries on one map, prints the figures, and gives the number of answers that break a rule."""
    grid = load(path)
    graph = Graph(inflate(grid, arguments.robot_radius))
    queries = random_queries(grid, graph, arguments.robot_radius, count, arguments.min_distance, rng)
    height, width = grid.state.shape
    print(f"{name}: {width} x {height} cells, n = {len(queries)}", flush=True)
    if not queries:
        print("  no reachable pairs")
        return 0
    optimum = np.concatenate([graph.shortest([q.cells for q in queries[i:i + 20]]) for i in range(0, len(queries), 20)])
    checker = Checker(grid, arguments.robot_radius)
    bad = 0

    def check(query: Query, answer: dict, what: str, goal_yaw: float | None = None) -> bool:
        """Whether there is a path; counts it when it breaks a rule."""
        nonlocal bad
        if answer["status"] != "SUCCEEDED":
            return False
        faults = checker.faults(query, answer["poses"], goal_yaw)
        if what == "model only" and answer["source"] != "model":
            faults.append(f"source is {answer['source']} without fallback")
        if faults:
            bad += 1
            print(f"  VIOLATION ({what}) {query.start} to {query.goal}: " + "; ".join(faults))
        return True

    model = ask(arguments, grid, queries, "--no-fallback")
    whole = ask(arguments, grid, queries)
    model_paths = sum(check(q, a, "model only") for q, a in zip(queries, model))
    paths = sum(check(q, a, "with fallback") for q, a in zip(queries, whole))
    # One query as a person gives it, with a yaw.
    first = queries[0]
    flags = ["--start", *map(repr, first.start), "--goal", *map(repr, first.goal), "1.25"]
    check(first, run_trm(arguments, grid, *flags)[0], "single", 1.25)

    solved = [(a, best) for a, best in zip(whole, optimum) if a["status"] == "SUCCEEDED"]
    ratios = [a["length_m"] / (best * grid.resolution) for a, best in solved if best > 0]
    n = len(queries)
    if paths < arguments.least_success * n:
        bad += 1
        print(f"  VIOLATION: {paths} of {n} queries have a path, at least {arguments.least_success:.0%} must")
    print(f"  success: model only {model_paths / n:.3f} ({model_paths}), with fallback {paths / n:.3f} ({paths})")
    print(f"  sources: {counts(a['source'] for a in whole)}; guidance: {counts(a['guidance'] for a in whole)}")
    print(f"  stops: {counts(a['stop'] for a in whole)}; steps: {counts(a['steps'] for a in whole)}")
    print(f"  no path: {counts(a['status'] for a in whole if a['status'] != 'SUCCEEDED')}; "
          f"model only: {counts(a['status'] for a in model if a['status'] != 'SUCCEEDED')}")
    print(f"  length / shortest: {quantiles(ratios, 3)}; total ms: "
          f"{quantiles([a['stage_us']['total'] / 1e3 for a in whole], 1)}; "
          f"late: {sum((a['margin_ms'] or 0) < 0 for a in whole)}")
    print(f"  violations: {bad}", flush=True)
    return bad


def variants(path: pathlib.Path, folder: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """The same map with a turned origin, as PNG with transparent unknown cells, and negated."""
    info = yaml.safe_load(path.read_text())
    image = Image.open(path.parent / info["image"]).convert("L")
    shades = np.asarray(image)
    dark = 1.0 - shades / 255.0
    if int(info["negate"]):
        dark = 1.0 - dark
    unknown = (dark > info["free_thresh"]) & (dark < info["occupied_thresh"])
    alpha = np.where(unknown, 0, 255).astype(np.uint8)
    made = []
    for name, picture, change in (
        ("yaw", image, {"origin": [3.5, -7.25, 0.7]}),
        ("png", Image.merge("LA", [image, Image.fromarray(alpha)]), {"origin": [-2.0, 11.0, -2.1]}),
        ("negated", Image.fromarray(255 - shades), {"negate": 1 - int(info["negate"])}),
    ):
        stem = f"{path.parent.name}_{path.stem}_{name}"
        file = folder / f"{stem}.{'pgm' if name == 'yaw' else 'png'}"
        picture.save(file)
        made.append((f"{path.parent.name} {name}", folder / f"{stem}.yaml"))
        made[-1][1].write_text(yaml.safe_dump(info | {"image": file.name} | change))
    return made


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=pathlib.Path, default=root / "tests/maps", help="searched for YAML files")
    parser.add_argument("--queries", type=int, default=50, help="for each map")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trm", default=str(root / "target/debug/trm"))
    parser.add_argument("--robot-radius", type=float, default=0.2, help="metres")
    parser.add_argument("--deadline-ms", type=float, default=20.0)
    parser.add_argument("--min-distance", type=float, default=1.0, help="metres between start and goal")
    parser.add_argument("--least-success", type=float, default=0.0, help="share of queries that must have a path")
    parser.add_argument("--generated-yaw", action="store_true",
                        help="also up to 20 queries on copies: turned origin, PNG with transparency, negated")
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.maps.rglob("*.yaml") if "image" in (yaml.safe_load(p.read_text()) or {}))
    if not paths:
        sys.exit(f"--maps {arguments.maps}: no map files (*.yaml with a field image)")
    rng = np.random.default_rng(arguments.seed)
    bad = sum(check_map(arguments, path, path.parent.name, arguments.queries, rng) for path in paths)
    if arguments.generated_yaw:
        with tempfile.TemporaryDirectory() as folder:
            made = [m for path in paths for m in variants(path, pathlib.Path(folder))]
            bad += sum(check_map(arguments, path, name, min(arguments.queries, 20), rng) for name, path in made)
    print(f"violations in all: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
