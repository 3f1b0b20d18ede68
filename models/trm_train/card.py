"""What `make eval` measured, in a bundle's card: `python -m trm_train.card bundles/<bundle>`.

Needs Python and PyYAML: every figure is in the JSON files that `trm eval` wrote to the bundle's folder `eval`.
"""

import json
import sys
from pathlib import Path

import yaml

BEGIN, END = "<!-- evaluation: written by make eval -->", "<!-- end of evaluation -->"
HEADING = "## Evaluation\n\n"
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Steps that the tables show."""


CARD = """# Bundle `{name}`

| | |
| --- | --- |
| weights | {parameters} |
| hidden values a token, cells along a token's side | {hidden}, {patch} |
| a supervision step | T = {cycles} cycles of n = {latent_updates} latent updates and one answer |
| windows | sides from {min} to {max} cells, multiples of {multiple_of} |
| trained with | {training} |

Exported after every backend of the exporting machine had computed what PyTorch does.
"""


def begin(bundle: Path) -> None:
    """Writes what the manifest says into a card, if there is none yet."""
    card = bundle / "README.md"
    if card.exists():
        return
    manifest = yaml.safe_load((bundle / "manifest.yaml").read_text())
    training = ", ".join(f"{key} {value}" for key, value in manifest["training"].items() if value not in ([], None))
    facts = manifest["architecture"] | manifest["windows"] | {"name": manifest["name"], "training": training}
    card.write_text(CARD.format(**facts))


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def put(card: Path, text: str) -> None:
    """Writes a text between the card's two marks; a card without them gets them at its end, under a heading."""
    old = card.read_text()
    if BEGIN not in old:
        old = f"{old.rstrip()}\n\n{HEADING}{BEGIN}\n{END}\n"
    before, rest = old.split(BEGIN)
    _, after = rest.split(END)
    card.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def interval(row: dict) -> str:
    return f"{number(row['success'], 4)} ({row['ci95'][0]:.4f}–{row['ci95'][1]:.4f})"


def quantiles(row: dict, keys: tuple[str, ...], digits: int) -> str:
    return " / ".join(number(row[key], digits) for key in keys)


def costs(row: dict) -> str:
    return quantiles(row, ("p50", "p95", "p99"), 3)


def steps(row: dict) -> str:
    return quantiles(row, ("p50", "p95", "max"), 0)


def budget(case: dict) -> str:
    ((kind, value),) = case["budget"].items()
    return f"{value} steps" if kind == "steps" else f"{value:g} ms"


def cases_table(cases: dict[str, dict]) -> str:
    head = ["case", "window", "n", "budget", "model only", "with fallback", "cost p50 / p95 / p99", "optimal", "colliding"]
    head += ["steps p50 / p95 / max", "of 1 + cells / 24 at p95", "steps easiest / hardest third"]
    rows = []
    for name, case in cases.items():
        model, both, hard = case["model_only"], case["with_fallback"], case["steps_by_difficulty"]
        rows.append(
            [name, str(case["window"]), str(case["queries"]), budget(case), interval(model), interval(both)]
            + [costs(model["cost_ratio"]), number(model["optimal"]), str(model["colliding"] + both["colliding"])]
            + [steps(case["steps"]), number(case["steps_over_bound"]["p95"], 2)]
            + [f"{number(hard['easiest'], 2)} / {number(hard['hardest'], 2)} (× {number(hard['ratio'], 2)})"]
        )
    return table(head, rows)


def groups_table(cases: dict[str, dict]) -> str:
    head = ["case", "map or kind", "n", "model only", "cost p50 / p95 / p99", "steps p50 / p95 / max"]
    rows = [
        [name, group, str(row["n"]), interval(row), costs(row["cost_ratio"]), steps(row["steps"])]
        for name, case in cases.items()
        if len(case["per_map"]) > 1
        for group, row in case["per_map"].items()
    ]
    return table(head, rows)


def by_step_table(anytime: dict) -> str:
    head = ["step", "solved", "solved by this answer", "right cells", "wrong ones corrected", "right ones broken"]
    keys = ("solved", "solved_now", "right", "corrected", "broken")
    shown = [row for row in anytime["by_step"] if row["step"] in STEPS]
    return table(head, [[str(row["step"]), *(number(row[key]) for key in keys)] for row in shown])


def policies_table(anytime: dict) -> str:
    head = ["stop policy", "solved", "steps", "more than the oracle (p95)", "extra cost (p95)"]
    rows = []
    for name, row in sorted(anytime["stop_policies"].items(), key=lambda item: item[0] != "oracle"):
        more = f"{number(row['extra_steps'], 2)} ({number(row['extra_steps_p95'], 2)})"
        cost = f"{number(row['extra_cost'], 4)} ({number(row['extra_cost_p95'], 4)})"
        rows.append([name, number(row["solved"]), number(row["steps"], 2), more, cost])
    return table(head, rows)


def times_table(anytime: dict) -> str:
    first = next(iter(anytime["times_ms"].values()))
    head = ["", "solved", "ms p50 / p95 / max", "cost p50 / p95 / p99", *(f"{ms:g} ms" for ms, _ in first["within_ms"])]
    rows = [
        [name, number(row["solved"]), quantiles(row, ("p50", "p95", "max"), 2), costs(row["cost_ratio"])]
        + [number(share, 2) for _, share in row["within_ms"]]
        for name, row in anytime["times_ms"].items()
    ]
    return table(head, rows)


def warm_table(anytime: dict) -> str:
    head = ["change", "n", "after ≤ 1 application", "after ≤ 2 steps", "cold, after ≤ 2 steps", "slower than cold"]
    rows = []
    for name, row in anytime["warm"].items():
        one, two = ([*row[f"{key}_ci95"]] for key in ("within_one_application", "within_two_steps"))
        rows.append(
            [name, str(row["n"]), f"{number(row['within_one_application'])} ({one[0]:.3f}–{one[1]:.3f})"]
            + [f"{number(row['within_two_steps'])} ({two[0]:.3f}–{two[1]:.3f})", number(row["cold_within_two_steps"])]
            + [number(row["slower_than_cold"])]
        )
    return table(head, rows)


def calibration_table(anytime: dict) -> str:
    bins = [row for row in anytime["calibration"]["bins"] if row["n"]]
    head = ["q", *(f"{row['low']:.1f}–{row['high']:.1f}" for row in bins)]
    rows = [["answers", *(str(row["n"]) for row in bins)]]
    for key, name in (("q", "mean q"), ("right", "verified and 99 % right"), ("verified", "verified")):
        rows.append([name, *(number(row[key], 2) for row in bins)])
    return table(head, rows)


def anytime_section(name: str, case: dict, plot: bool) -> str:
    anytime = case["anytime"]
    change = anytime["path_change"]
    parts = [
        f"### Step by step: {name}, window {case['window']}, n = {anytime['queries']}",
        by_step_table(anytime),
        f"The best path of cells of {anytime['steps']} steps, not straightened, costs {costs(anytime['cells_ratio'])} of "
        f"the optimum (p50 / p95 / p99); {steps(anytime['expansions_beside'])} cells were expanded beside the first "
        "verified path (p50 / p95 / max).",
        "The decoder's search with the same bound, led by the straight line to the goal in the model's place, solves "
        f"{number(anytime['without_the_model']['solved'])}, at {costs(anytime['without_the_model']['cells_ratio'])} of the "
        "optimum.",
        policies_table(anytime),
        f"Calibration of the q head (expected error {number(anytime['calibration']['expected_error'])}):",
        calibration_table(anytime),
    ]
    if anytime["times_ms"]:
        parts += ["Time to the first path on one core, and share solved within so many milliseconds:", times_table(anytime)]
    parts += [
        "Warm starts: the robot 1 or 2 cells on, or an obstacle of 3 to 6 cells a side on the middle of its path:",
        warm_table(anytime),
        f"Path change from plan to plan while the robot drives on (n = {change['n']}): mean {number(change['mean'])} "
        f"cells, p95 {number(change['p95'])}, max {number(change['max'])}; more than a cell in "
        f"{number(change['over_a_cell'])}.",
    ]
    if plot:
        parts.append(f"![share solved by step and by time](eval/{name}.png)")
    return "\n\n".join(parts)


def order(file: Path) -> tuple:
    """Maps first; smaller sizes before larger ones."""
    name, size = file.stem.rsplit("_", 1)
    return "maps" not in name, name, int(size) if size.isdigit() else 0


def section(folder: Path) -> str:
    """All files of a folder; those with step-by-step figures come after the tables of the others."""
    files = sorted(folder.glob("*.json"), key=order)
    read = {file.stem: json.loads(file.read_text()) for file in files}
    plain = {name: case for name, case in read.items() if "anytime" not in case}
    deep = {name: case for name, case in read.items() if "anytime" in case}
    parts = [
        "Random reachable pairs in worlds that the model sees as a whole, without guidance. Cost is the travel cost of the "
        "published path over that of the best one of eight moves; published paths are straightened, so it may be less than "
        "1. Steps are those to the first verified path. In brackets: 95 % Wilson intervals.",
        cases_table(plain),
        groups_table(plain),
    ]
    parts += [anytime_section(name, case, (folder / f"{name}.png").exists()) for name, case in deep.items()]
    return "\n\n".join(parts)


def main() -> None:
    bundle = Path(sys.argv[1])
    put(bundle / "README.md", section(bundle / "eval"))


if __name__ == "__main__":
    main()
